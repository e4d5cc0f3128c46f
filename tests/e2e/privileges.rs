//! The two halves of `run`: what neither may do, and that each survives the other's end and its interface's.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::live::{Namespace, replay};
use crate::support::{Store, own, rows, skip};

/// A wait that is longer than this is a failure.
const LIMIT: Duration = Duration::from_secs(60);

fn namespace() -> Option<Namespace> {
    let namespace = Namespace::new();
    if namespace.is_none() {
        skip("no network namespace can be made here (needs root and iproute2)");
    }
    namespace
}

/// What each attempt gave inside the jail of a half.
fn probe(namespace: &Namespace, half: &[&str], dir: &Path) -> BTreeMap<String, String> {
    let mut command = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
    let output = command.args(half).arg("--probe-jail").arg("--data-dir").arg(dir).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split_once(": ").unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

const SOCKETS: [&str; 8] =
    ["udp", "tcp listen", "tcp connect", "unix", "netlink", "packet", "packet datagram", "raw ip"];
const PROGRAMS: [&str; 2] = ["exec", "start"];
const FOREIGN: [&str; 7] = [
    "read /etc/passwd",
    "read /proc/self/maps",
    "list /",
    "read the store",
    "write the data directory",
    "write /tmp",
    "cut the store",
];
const OWN: [&str; 5] = ["write the spool", "link in the spool", "sync the spool", "clean the spool", "thread"];

/// Everything is tried from inside, first without the jail where that shows that the attempt itself is right.
#[test]
fn sense_has_no_socket_no_program_and_no_file_but_the_spool() {
    let Some(namespace) = namespace() else { return };
    let up = namespace.command("ip").args(["link", "set", "lo", "up"]).status().unwrap();
    assert!(up.success());
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("shadowtap.db"), "facts").unwrap();
    let sense = probe(&namespace, &["sense", "-i", "mirror0"], dir.path());
    for mechanism in ["capabilities", "files (landlock)", "system calls (seccomp)"] {
        assert_eq!(sense[mechanism], "restricted", "{mechanism}: the kernel of the tests has all of them");
    }
    for attempt in SOCKETS.iter().chain(&PROGRAMS).chain(&["socket in a thread"]) {
        assert_eq!(sense[*attempt], "Operation not permitted (os error 1)", "{attempt}");
    }
    for attempt in FOREIGN {
        assert_eq!(sense[attempt], "Permission denied (os error 13)", "{attempt}");
    }
    for attempt in OWN {
        assert_eq!(sense[attempt], "done", "{attempt}");
    }
    assert_eq!(fs::read_to_string(dir.path().join("shadowtap.db")).unwrap(), "facts");
    // Root has no rights in `deliver` either, but files and sockets of its own. An attempt that succeeds here was not
    // refused above for a reason of its own.
    let deliver = probe(&namespace, &["deliver"], dir.path());
    for attempt in ["packet", "packet datagram", "raw ip"].iter().chain(&PROGRAMS) {
        assert_eq!(deliver[*attempt], "Operation not permitted (os error 1)", "{attempt}");
    }
    let others = SOCKETS.iter().take(5).chain(&FOREIGN).chain(&OWN).chain(&["socket in a thread"]);
    for attempt in others {
        assert_eq!(deliver[*attempt], "done", "{attempt}");
    }
    let _ = fs::remove_file(std::env::temp_dir().join("shadowtap-probe"));
}

/// `run` on `mirror0`.
struct Office<'a> {
    namespace: &'a Namespace,
    run: Child,
    said: std::io::Lines<BufReader<ChildStderr>>,
    dir: TempDir,
}

impl<'a> Office<'a> {
    fn open(namespace: &'a Namespace) -> Self {
        let dir = TempDir::new().unwrap();
        let mut command = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
        command.args(["run", "-i", "mirror0", "--data-dir"]).arg(dir.path());
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(run.stderr.take().unwrap()).lines();
        let mut office = Self { namespace, run, said, dir };
        office.hears("listening on mirror0");
        wait("both halves", || office.pids().len() == 2);
        office
    }

    /// Process numbers of both halves, as far as they run.
    fn pids(&self) -> BTreeMap<String, u32> {
        let of = format!("/proc/{0}/task/{0}/children", self.run.id());
        let children = fs::read_to_string(of).unwrap_or_default();
        let half = |pid: &str| {
            let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
            Some((words.split('\0').nth(1)?.to_owned(), pid.parse().unwrap()))
        };
        children.split_whitespace().filter_map(half).collect()
    }

    fn pid(&self, half: &str) -> u32 {
        wait(half, || self.pids().contains_key(half));
        self.pids()[half]
    }

    /// Reads what is said up to a line with this in it.
    fn hears(&mut self, wanted: &str) -> String {
        self.said
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.contains(wanted))
            .unwrap_or_else(|| panic!("{wanted}"))
    }

    fn ip(&self, args: &[&str]) {
        assert!(self.namespace.command("ip").args(args).status().unwrap().success(), "{args:?}");
    }

    /// SIGTERM; everything is delivered and the exit code is 0.
    fn close(mut self) -> TempDir {
        signal(self.run.id(), "-TERM");
        let rest: Vec<_> = self.said.by_ref().map(Result::unwrap).collect();
        assert!(self.run.wait().unwrap().success(), "{rest:?}");
        self.dir
    }

    fn flows(&self) -> usize {
        flows(self.dir.path())
    }
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

fn wait(what: &str, mut come: impl FnMut() -> bool) {
    let since = Instant::now();
    while !come() {
        assert!(since.elapsed() < LIMIT, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Flows in the store, those without an end included.
fn flows(dir: &Path) -> usize {
    rows(dir, "SELECT DISTINCT flow_id FROM flow").len()
}

#[test]
fn the_halves_that_run_have_no_rights() {
    let Some(namespace) = namespace() else { return };
    let office = Office::open(&namespace);
    for half in ["sense", "deliver"] {
        let status = format!("/proc/{}/status", office.pid(half));
        wait("a jail", || fs::read_to_string(&status).unwrap().contains("Seccomp:\t2"));
        let text = fs::read_to_string(&status).unwrap();
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim().to_owned();
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
            assert_eq!(value(set), "0000000000000000", "{half} {set}");
        }
        assert_eq!(value("NoNewPrivs:"), "1", "{half}");
    }
    // Every thread of both, those included that were started after the jail.
    for pid in office.pids().values() {
        for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
            assert!(status.contains("Seccomp:\t2") && status.contains("CapEff:\t0000000000000000"), "{status}");
        }
    }
    let sockets = |pid: u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|fd| fs::read_link(fd.unwrap().path()));
        open.filter_map(Result::ok).filter(|to| to.to_string_lossy().starts_with("socket:")).count()
    };
    // The capture, and standard input twice.
    assert_eq!(sockets(office.pid("sense")), 3);
    office.close();
}

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
