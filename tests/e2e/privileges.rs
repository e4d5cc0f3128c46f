//! What neither half of `run` may do: tried from inside, and seen from outside.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use tempfile::TempDir;

use crate::live::{Namespace, replay};
use crate::office::{Office, flows, namespace, signal, wait};
use crate::support::{own, run, shadowtap, skip};

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
    for attempt in SOCKETS.iter().chain(&PROGRAMS).chain(&["socket in a thread", "more of a descriptor"]) {
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
    let others =
        SOCKETS.iter().take(5).chain(&FOREIGN).chain(&OWN).chain(&["socket in a thread", "more of a descriptor"]);
    for attempt in others {
        assert_eq!(deliver[*attempt], "done", "{attempt}");
    }
    assert_eq!(fs::read_to_string(dir.path().join("shadowtap.db")).unwrap(), "facts", "a probe changes nothing");
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
    // A ring for each core, and standard input twice.
    let rings = std::thread::available_parallelism().unwrap().get().min(8);
    assert_eq!(sockets(office.pid("sense")), rings + 2);
    office.close();
}

/// Both have one user, to whom the kernel shows the memory of all that is theirs, unless they say no.
#[test]
fn neither_half_shows_its_memory_to_its_own_user() {
    let Some(namespace) = namespace() else { return };
    let office = Office::open(&namespace);
    // Root without rights, as the halves are. What a process was started with lies in its memory.
    let bare = |args: &[&str]| {
        let mut command = namespace.command("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all"]).args(args);
        command
    };
    let shows = |pid: u32| bare(&["cat", &format!("/proc/{pid}/environ")]).output().unwrap().status.success();
    let mut other = bare(&["sleep", "60"]).spawn().unwrap();
    wait("another process shows its own", || shows(other.id()));
    for half in ["sense", "deliver"] {
        assert!(!shows(office.pid(half)), "{half}");
    }
    other.kill().unwrap();
    other.wait().unwrap();
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

/// Bytes of memory that are looked at in one go.
const PIECE: usize = 1 << 20;

/// Whether a text stands anywhere in the memory of a process.
fn holds(pid: u32, text: &str) -> bool {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let writable = maps.lines().filter(|line| line.contains(" rw-p "));
    let (mut bytes, empty) = (vec![0; PIECE], vec![0; PIECE]);
    writable.filter_map(|line| line.split(' ').next()?.split_once('-')).any(|(from, to)| {
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        let step = PIECE - text.len();
        (number(from)..number(to)).step_by(step).any(|at| {
            let length = PIECE.min((number(to) - at) as usize);
            let read = memory.read_at(&mut bytes[..length], at).unwrap_or(0);
            // Most of what an allocator reserves was never touched.
            bytes[..read] != empty[..read]
                && bytes[..read].windows(text.len()).any(|window| window == text.as_bytes())
        })
    })
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

/// A data directory of somebody else's is not an empty one.
#[test]
fn who_may_not_look_is_told_so() {
    let dir = TempDir::new().unwrap();
    if std::os::unix::fs::chown(dir.path(), Some(65_534), Some(65_534)).is_err() {
        skip("a folder cannot be given away (needs root)");
        return;
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    for command in [&["findings", "list"][..], &["policy", "draft"], &["report"]] {
        // Root without rights is a user like any other.
        let mut bare = Command::new("setpriv");
        bare.args(["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_shadowtap")]).args(command);
        let refused = run(bare.arg("--data-dir").arg(dir.path()));
        assert_eq!(refused.code, 1, "{command:?}");
        let text = refused.stderr;
        assert!(text.contains("cannot look into") && text.contains("sudo"), "{command:?}: {text}");
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
