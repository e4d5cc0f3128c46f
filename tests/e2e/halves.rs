//! Each half of `run` survives the other's end, its own and its interface's; what was sealed is delivered once.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::live::{Namespace, replay};
use crate::office::{Office, flows, namespace, signal, wait};
use crate::support::{Store, json, own, rows};

/// Each half is killed in the middle; what was sealed before is in the store exactly once, and so is what came after.
#[test]
fn a_half_that_is_killed_starts_again_alone() {
    let Some(namespace) = namespace() else { return };
    let file = Store::read(&own("browser-tcp.pcap"), &[]);
    let all = flows(file.dir.path());
    let mut office = Office::open(&namespace);
    let (sense, deliver) = (office.pid("sense"), office.pid("deliver"));

    replay(&namespace, &own("browser-tcp.pcap"));
    wait("the first flows", || office.flows() >= all);
    signal(deliver, "-KILL");
    office.hears("deliver ended (signal 9)");
    replay(&namespace, &own("browser-quic.pcap"));
    wait("deliver", || office.pids().get("deliver").is_some_and(|pid| *pid != deliver));
    assert_eq!(office.pid("sense"), sense, "it was not touched");
    let both = all + flows(Store::read(&own("browser-quic.pcap"), &[]).dir.path());
    wait("the flows of both", || office.flows() >= both);

    let deliver = office.pid("deliver");
    signal(sense, "-KILL");
    office.hears("sense ended (signal 9)");
    office.hears("listening on mirror0");
    assert_eq!(office.pid("deliver"), deliver, "it was not touched");
    assert_eq!(office.flows(), both, "what was sealed is there");
    replay(&namespace, &own("clients-vlan-v6.pcapng"));
    let more = flows(Store::read(&own("clients-vlan-v6.pcapng"), &[]).dir.path());
    let dir = office.close();
    assert_eq!(flows(dir.path()), both + more);
    let twice = "SELECT flow_id, seq, count(*) FROM flow GROUP BY flow_id, seq HAVING count(*) > 1";
    assert!(rows(dir.path(), twice).is_empty(), "each record once");
    for queue in ["open", "store", "judge"] {
        assert_eq!(fs::read_dir(dir.path().join("spool").join(queue)).unwrap().count(), 0, "{queue}");
    }
}

/// Every frame that was sent is in a minute or counted as lost: those of the minute that a killed `sense` had not written,
/// and those that passed before the next one listened. It is killed again before it has written that.
#[test]
fn what_passes_unseen_is_counted() {
    let Some(namespace) = namespace() else { return };
    let mut office = Office::open(&namespace);
    let sent = || office_sent(&namespace);
    let before = sent();
    replay(&namespace, &own("browser-tcp.pcap"));
    let told = office.dir.path().join("spool/status/sense.json");
    wait("the status", || {
        told.exists() && json(&told)["totals"]["packets"].as_u64().is_some_and(|seen| seen >= sent() - before)
    });
    signal(office.pid("sense"), "-KILL");
    replay(&namespace, &own("browser-quic.pcap"));
    office.hears("passed since the sensor was killed");
    office.hears("listening on mirror0");
    wait("the status of the next", || json(&told)["account"]["owed"].as_u64().is_some_and(|owed| owed > 0));
    signal(office.pid("sense"), "-KILL");
    office.hears("passed since the sensor was killed");
    office.hears("listening on mirror0");
    replay(&namespace, &own("browser-tcp.pcap"));
    thread::sleep(Duration::from_millis(500));
    let sent = sent() - before;
    let dir = office.close();
    let count = |sql: &str| rows(dir.path(), sql)[0][0].parse::<u64>().unwrap();
    let seen = count("SELECT sum(frames) FROM minute");
    let lost = count("SELECT sum(packets) FROM minute_drop WHERE word = 'restart'");
    assert!(lost > 0 && seen < sent, "{seen} seen, {lost} lost of {sent}");
    // What comes while the next one opens its rings may be in both.
    assert!((sent..sent + sent / 20).contains(&(seen + lost)), "{seen} seen, {lost} lost of {sent}");
}

fn office_sent(namespace: &Namespace) -> u64 {
    let sent = namespace.command("cat").arg("/sys/class/net/wire0/statistics/tx_packets").output().unwrap();
    String::from_utf8(sent.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn children_end_with_a_run_that_was_killed() {
    let Some(namespace) = namespace() else { return };
    let mut office = Office::open(&namespace);
    let pids = office.pids();
    signal(office.run.id(), "-KILL");
    office.run.wait().unwrap();
    // Their ends of standard error close when both are gone.
    assert!(office.said.by_ref().all(|line| line.is_ok()));
    assert_eq!(pids.len(), 2);
    let next = namespace
        .command(env!("CARGO_BIN_EXE_shadowtap"))
        .args(["deliver", "--probe-jail", "--data-dir"])
        .arg(office.dir.path())
        .status();
    assert!(next.unwrap().success());
}

/// Down and up again is survived by the same process, gone and made again by the next one.
#[test]
fn an_interface_goes_down_and_away_and_comes_back() {
    let Some(namespace) = namespace() else { return };
    let all = |capture: &str| flows(Store::read(&own(capture), &[]).dir.path());
    let mut office = Office::open(&namespace);
    let sense = office.pid("sense");
    office.ip(&["link", "set", "mirror0", "down"]);
    office.hears("mirror0 is down");
    office.ip(&["link", "set", "mirror0", "up"]);
    office.hears("mirror0 is up again");
    replay(&namespace, &own("browser-tcp.pcap"));
    let first = all("browser-tcp.pcap");
    wait("flows after the interface was down", || office.flows() >= first);
    assert_eq!(office.pid("sense"), sense);

    office.ip(&["link", "del", "mirror0"]);
    office.hears("interface mirror0");
    office.hears("sense ended (exit code 1): it starts again in 1 s");
    office.hears("No such device");
    assert_eq!(office.flows(), first, "what came before is in the store");
    office.ip(&["link", "add", "wire0", "type", "veth", "peer", "name", "mirror0"]);
    for link in ["wire0", "mirror0"] {
        office.ip(&["link", "set", link, "mtu", "9000", "arp", "off", "up"]);
    }
    office.hears("listening on mirror0");
    replay(&namespace, &own("browser-quic.pcap"));
    let dir = office.close();
    assert_eq!(flows(dir.path()), first + all("browser-quic.pcap"));
    // A NIC's earlier misses must not come up as billions of lost packets.
    let lost = rows(dir.path(), "SELECT * FROM minute_drop");
    assert!(lost.is_empty(), "{lost:?}");
}

/// Both halves run once, and nobody who does both runs beside them.
#[test]
fn one_data_directory_has_one_sense_and_one_deliver() {
    let Some(namespace) = namespace() else { return };
    let office = Office::open(&namespace);
    let refused = |args: &[&str]| {
        let mut command = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
        let output = command.args(args).arg("--data-dir").arg(office.dir.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let capture = own("browser-tcp.pcap");
    for args in [
        &["sense", "-i", "mirror0"][..],
        &["deliver"],
        &["run", "-i", "mirror0"],
        &["read", capture.to_str().unwrap()],
    ] {
        let (code, said) = refused(args);
        assert!(code == Some(1) && said.contains("is in use by another shadowtap"), "{args:?}: {said}");
    }
    office.close();
}

/// As two services: first one, then the other, each until its own SIGTERM.
#[test]
fn each_half_works_alone() {
    let Some(namespace) = namespace() else { return };
    let dir = TempDir::new().unwrap();
    let alone = |half: &[&str], ready: &str, work: &dyn Fn()| {
        let mut command = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
        command.args(half).arg("--data-dir").arg(dir.path()).stdin(Stdio::null()).stdout(Stdio::null());
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(said.next().unwrap().starts_with(ready));
        work();
        signal(process.id(), "-TERM");
        assert!(process.wait().unwrap().success(), "{:?}", said.collect::<Vec<_>>());
    };
    alone(&["sense", "-i", "mirror0"], "listening on mirror0", &|| replay(&namespace, &own("browser-tcp.pcap")));
    assert!(!dir.path().join("shadowtap.db").exists(), "the store is not for this half");
    assert!(fs::read_dir(dir.path().join("spool/store")).unwrap().count() > 0);
    alone(&["deliver"], "delivering", &|| ());
    assert_eq!(flows(dir.path()), flows(Store::read(&own("browser-tcp.pcap"), &[]).dir.path()));
    assert_eq!(fs::read_dir(dir.path().join("spool/store")).unwrap().count(), 0);
}

/// systemd signals every process of a service: the halves leave that to `run`, so that `sense` ends first.
#[test]
fn a_signal_to_all_ends_sense_before_deliver() {
    let Some(namespace) = namespace() else { return };
    let office = Office::open(&namespace);
    replay(&namespace, &own("browser-tcp.pcap"));
    for pid in office.pids().into_values().collect::<Vec<_>>() {
        signal(pid, "-TERM");
        signal(pid, "-INT");
    }
    let dir = office.close();
    assert_eq!(flows(dir.path()), flows(Store::read(&own("browser-tcp.pcap"), &[]).dir.path()));
    assert_eq!(fs::read_dir(dir.path().join("spool/store")).unwrap().count(), 0);
}

/// A half that hangs cannot keep `run` from ending at the second signal, nor can the other outlive it.
#[test]
fn a_second_signal_ends_all_at_once() {
    let Some(namespace) = namespace() else { return };
    let mut office = Office::open(&namespace);
    signal(office.pid("sense"), "-STOP");
    signal(office.run.id(), "-TERM");
    // The two must not be taken for one.
    thread::sleep(Duration::from_millis(500));
    assert!(office.run.try_wait().unwrap().is_none(), "it waits for what `sense` has to write");
    signal(office.run.id(), "-TERM");
    assert_eq!(office.run.wait().unwrap().code(), Some(1));
    assert!(office.said.by_ref().all(|line| line.is_ok()), "up to the end of both halves");
}

/// A pager that shows its first page, a terminal that is held: the pipe is full and stays so.
#[test]
fn nobody_has_to_read_what_is_said() {
    let Some(namespace) = namespace() else { return };
    let dir = TempDir::new().unwrap();
    let (mut unread, mut full) = std::io::pipe().unwrap();
    // A pipe holds 64 KiB, unless its user has too many of them. What is there already leaves no room for a word.
    full.write_all(&[b'x'; 65_536]).unwrap();
    let mut command = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
    command.args(["run", "-i", "mirror0", "--data-dir"]).arg(dir.path());
    let mut run = command.stdout(Stdio::null()).stderr(full.try_clone().unwrap()).spawn().unwrap();
    let told = dir.path().join("spool/status/sense.json");
    wait("sense", || told.exists());
    replay(&namespace, &own("browser-tcp.pcap"));
    wait("flows", || flows(dir.path()) > 0);
    drop(full);
    let children = || fs::read_to_string(format!("/proc/{0}/task/{0}/children", run.id())).unwrap();
    // It was started first.
    let sense = || children().split_whitespace().next().unwrap().parse::<u32>().unwrap();
    let (first, deliver) = (sense(), children().split_whitespace().nth(1).unwrap().to_owned());
    signal(first, "-KILL");
    wait("sense again", || children().split_whitespace().count() == 2 && !children().contains(&first.to_string()));
    // From here on somebody reads again, and hears that something is missing.
    unread.read_exact(&mut [0; 65_536]).unwrap();
    signal(deliver.parse().unwrap(), "-KILL");
    let mut said = BufReader::new(unread).lines().map(Result::unwrap);
    assert!(said.any(|line| line.contains("nobody read ") && line.contains("they are lost")));
    wait("deliver again", || children().split_whitespace().count() == 2);
    signal(run.id(), "-TERM");
    assert!(run.wait().unwrap().success());
}

/// A half that cannot even start is not tried again: its exit code is that of `run`, and it has said why.
#[test]
fn a_half_that_was_never_ready_ends_run() {
    let Some(namespace) = namespace() else { return };
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("config.toml");
    let ended = |text: &str| {
        fs::write(&config, text).unwrap();
        let mut command = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
        command
            .args(["run", "-i", "mirror0", "--config"])
            .arg(&config)
            .arg("--data-dir")
            .arg(dir.path().join("data"));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = ended("nonsense = 1\n");
    assert!(code == Some(2) && said.contains("config.toml:1") && said.lines().count() == 1, "{said}");
    // The store is `deliver`'s alone: `sense` is at work by then, and ends as well.
    fs::create_dir_all(dir.path().join("data/shadowtap.db")).unwrap();
    let (code, said) = ended("");
    assert!(code == Some(1) && said.contains("shadowtap.db") && !said.contains("starts again"), "{said}");
}
