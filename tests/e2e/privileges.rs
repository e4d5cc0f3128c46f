//! The two halves of `run`: what neither may do, and that each survives the other's end and its interface's.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use tempfile::TempDir;

use crate::live::{Namespace, replay};
use crate::support::{Store, own, rows, run, shadowtap, skip};

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
    "open the store for writing",
];
const OWN: [&str; 5] = ["write the spool", "link in the spool", "sync the spool", "clean the spool", "thread"];

/// Everything is tried from inside.
#[test]
fn sense_has_no_socket_no_program_and_no_file_but_the_spool() {
    let Some(namespace) = namespace() else { return };
    let up = namespace.command("ip").args(["link", "set", "lo", "up"]).status().unwrap();
    assert!(up.success());
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("shadowtap.db"), "facts").unwrap();
    let sense = probe(&namespace, &["sense", "-i", "mirror0"], dir.path());
    if sense["files (landlock)"].starts_with("not restricted") {
        skip("this kernel has no landlock");
        return;
    }
    for mechanism in ["capabilities", "files (landlock)", "system calls (seccomp)"] {
        assert_eq!(sense[mechanism], "restricted", "{mechanism}");
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
    assert_eq!(fs::read_to_string(dir.path().join("shadowtap.db")).unwrap(), "facts", "a probe changes nothing");
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
        Self::with(namespace, TempDir::new().unwrap(), &[])
    }

    fn with(namespace: &'a Namespace, dir: TempDir, more: &[&str]) -> Self {
        let mut command = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
        command.args(["run", "-i", "mirror0", "--data-dir"]).arg(dir.path()).args(more);
        Self::start(namespace, dir, &mut command)
    }

    fn start(namespace: &'a Namespace, dir: TempDir, command: &mut Command) -> Self {
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

/// Flows in the store, those without an end included; 0 while there is none yet.
fn flows(dir: &Path) -> usize {
    let read_only = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store = rusqlite::Connection::open_with_flags(dir.join("shadowtap.db"), read_only);
    let count = |store: rusqlite::Connection| {
        store.query_row("SELECT count(DISTINCT flow_id) FROM flow", [], |row| row.get::<_, u32>(0))
    };
    store.and_then(count).unwrap_or(0) as usize
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

/// Receivers' secrets are for the half that talks to receivers. The other one's memory is searched for them.
#[test]
fn sense_knows_no_secret() {
    let Some(namespace) = namespace() else { return };
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (stored, given) = ("secret-that-lies-in-a-file", "secret-of-the-environment");
    fs::write(path("token"), stored).unwrap();
    fs::set_permissions(path("token"), fs::Permissions::from_mode(0o600)).unwrap();
    let sink = |name: &str, key: &str, value: &str| {
        format!(
            "[[siem]]\ntype = \"webhook\"\nname = \"{name}\"\nurl = \"https://127.0.0.1:9/\"\n{key} = \"{value}\"\n"
        )
    };
    let blocks =
        sink("one", "secret_file", path("token").to_str().unwrap()) + &sink("two", "secret_env", "TAP_TOKEN");
    fs::write(path("config.toml"), blocks).unwrap();
    let mut command = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
    command.args(["run", "-i", "mirror0", "--data-dir"]).arg(path("data")).arg("--config").arg(path("config.toml"));
    command.env("TAP_TOKEN", given);
    let office = Office::start(&namespace, dir, &mut command);
    for secret in [stored, given] {
        wait("the search finds it where it is", || holds(office.pid("deliver"), secret));
        assert!(!holds(office.pid("sense"), secret), "{secret}");
    }
    office.close();
}

/// Whether a text stands anywhere in the memory of a process.
fn holds(pid: u32, text: &str) -> bool {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let writable = maps.lines().filter(|line| line.contains(" rw-p "));
    writable.filter_map(|line| line.split(' ').next()?.split_once('-')).any(|(from, to)| {
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        let mut bytes = vec![0; (number(to) - number(from)) as usize];
        let read = memory.read_at(&mut bytes, number(from)).unwrap_or(0);
        bytes[..read].windows(text.len()).any(|window| window == text.as_bytes())
    })
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

/// Root on somebody else's data directory leaves nothing there that its owner could not read and remove.
#[test]
fn root_works_as_the_owner_of_the_data_directory() {
    const OWNER: u32 = 65_534;
    let Some(namespace) = namespace() else { return };
    let dir = TempDir::new().unwrap();
    std::os::unix::fs::chown(dir.path(), Some(OWNER), Some(OWNER)).unwrap();
    let office = Office::with(&namespace, dir, &[]);
    for pid in office.pids().values() {
        let status = format!("/proc/{pid}/status");
        wait("a jail", || fs::read_to_string(&status).unwrap().contains("Seccomp:\t2"));
        let text = fs::read_to_string(&status).unwrap();
        assert!(text.contains("Uid:\t65534\t65534\t65534\t65534") && text.contains("Groups:\t65534"), "{text}");
        assert!(text.contains("CapBnd:\t0000000000000000"), "{text}");
    }
    replay(&namespace, &own("browser-tcp.pcap"));
    let dir = office.close();
    assert!(flows(dir.path()) > 0);
    let mut folders = vec![dir.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            assert_eq!(entry.metadata().unwrap().uid(), OWNER, "{}", entry.path().display());
            folders.extend(entry.file_type().unwrap().is_dir().then(|| entry.path()));
        }
    }
}

/// A new bundle takes the old one's name, and is another file to landlock.
#[test]
fn a_new_bundle_is_read_inside_the_jail() {
    let Some(namespace) = namespace() else { return };
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let catalog = |args: &[&str]| run(shadowtap().arg("catalog").args(args)).ok();
    catalog(&["keygen", &path("key")]);
    fs::create_dir(path("rules")).unwrap();
    let seal = |serial: &str| {
        let service = format!(
            "[[service]]\nid = \"house\"\nname = \"House\"\nvendor = \"House\"\ncategory = \"api\"\naccess = [\"api\"]\n\
             modality = [\"text\"]\nhosts = [{{ exact = \"s{serial}.intranet.example\", role = \"api\", \
             strength = \"definite\", source = \"our own\", date = 2026-11-21 }}]\n"
        );
        fs::write(path("rules/house.toml"), service).unwrap();
        catalog(&["seal", &path("rules"), "--key", &path("key.key"), "--serial", serial, "--out", &path("next")]);
        fs::rename(path("next"), path("bundle")).unwrap();
    };
    seal("1");
    let config = path("config.toml");
    let text = format!("[bundle]\nfile = \"{}\"\npublic_key = \"{}\"\n", path("bundle"), path("key.pub"));
    fs::write(&config, text).unwrap();
    let mut office = Office::with(&namespace, TempDir::new().unwrap(), &["--config", &config]);
    let mut in_force = || {
        signal(office.run.id(), "-HUP");
        office.hears("catalogue ")
    };
    let first = in_force();
    seal("2");
    assert_ne!(first, in_force());
    office.close();
}

/// Names the arguments to the copy of this test binary that takes mechanisms away and then becomes the sensor.
const BARE: &str = "SHADOWTAP_TEST_BARE";

/// A kernel or container without any of the mechanisms: each is warned of, and the sensor works.
#[test]
fn what_the_kernel_lacks_is_told() {
    let Some(namespace) = namespace() else { return };
    let dir = TempDir::new().unwrap();
    let mut command = namespace.command(std::env::current_exe().unwrap().to_str().unwrap());
    command.args(["--exact", "privileges::a_kernel_without_mechanisms", "--nocapture"]).env(BARE, dir.path());
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    let first: Vec<_> = said.by_ref().take_while(|line| !line.starts_with("listening on mirror0")).collect();
    let warned = |lines: &[String], half: &str, what: &str| {
        let text =
            format!("shadowtap: warning: {half} runs with more rights than it needs: {what} not restricted: ");
        lines.iter().any(|line| line.starts_with(&text))
    };
    for what in ["capabilities", "files (landlock)", "system calls (seccomp)"] {
        assert!(warned(&first, "sense", what), "{what}: {first:?}");
    }
    replay(&namespace, &own("browser-tcp.pcap"));
    wait("flows", || flows(dir.path()) > 0);
    signal(run.id(), "-TERM");
    let rest: Vec<_> = said.collect();
    for what in ["capabilities", "system calls (seccomp)"] {
        assert!(warned(&rest, "deliver", what), "{what}: {rest:?}");
    }
    assert!(run.wait().unwrap().success());
}

/// Not a test of its own: does nothing unless the test above starts it.
#[test]
fn a_kernel_without_mechanisms() {
    let Some(dir) = std::env::var_os(BARE) else { return };
    let calls = [libc::SYS_landlock_create_ruleset, libc::SYS_seccomp, libc::SYS_capset];
    let rules = calls.map(|call| (call, Vec::new())).into_iter().collect();
    let missing = SeccompAction::Errno(libc::ENOSYS as u32);
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, missing, arch).unwrap();
    seccompiler::apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_shadowtap"));
    let error = command.args(["run", "-i", "mirror0", "--data-dir"]).arg(dir).exec();
    panic!("{error}");
}
