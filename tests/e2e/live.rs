//! A live capture gives what the file gives: a capture replayed onto a veth pair in a namespace of the test's own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use sensor::capture::file::CaptureFile;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Store, json, own, rows, skip};

/// Names the capture to the copy of this test binary that runs inside the namespace.
const REPLAY: &str = "SHADOWTAP_TEST_REPLAY";
/// Frames sent before the receiver may catch its breath.
const BURST: usize = 64;

/// A network namespace with a veth pair `wire0` - `mirror0`, gone when dropped.
pub(crate) struct Namespace(String);

impl Namespace {
    pub(crate) fn new() -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("st{}x{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let ip =
            |args: &[&str]| Command::new("ip").args(args).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
        if !ip(&["netns", "add", &name]) {
            return None;
        }
        let namespace = Self(name);
        let inside = |args: &[&str]| ip(&[&["-n", &namespace.0], args].concat());
        let quiet = ["netns", "exec", &namespace.0, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"];
        let made = ip(&quiet)
            && inside(&["link", "set", "lo", "up"])
            && inside(&["link", "add", "wire0", "type", "veth", "peer", "name", "mirror0"])
            && ["wire0", "mirror0"]
                .iter()
                .all(|link| inside(&["link", "set", link, "mtu", "9000", "arp", "off", "up"]));
        made.then_some(namespace)
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, program]);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

#[test]
fn a_replayed_capture_gives_what_the_file_gives() {
    let Some(namespace) = Namespace::new() else {
        skip("no network namespace can be made here (needs root and iproute2)");
        return;
    };
    let captures = ["browser-tcp.pcap", "browser-quic.pcap", "clients-vlan-v6.pcapng"];
    for capture in captures {
        same(&namespace, &own(capture), &["--workers", "1"]);
        same(&namespace, &own(capture), &["--workers", "3"]);
    }
}

/// Of a mirror in a tunnel the kernel sees one flow: one ring gives it to all workers, as a reader of files does.
#[test]
fn a_replayed_mirror_in_a_tunnel_gives_what_the_file_gives() {
    let Some(namespace) = Namespace::new() else {
        skip("no network namespace can be made here (needs root and iproute2)");
        return;
    };
    let dir = TempDir::new().unwrap();
    let capture = dir.path().join("vxlan.pcap");
    fs::write(&capture, in_vxlan(&own("browser-tcp.pcap"))).unwrap();
    same(&namespace, &capture, &["--workers", "3", "--mirror", "vxlan"]);
}

/// A capture of Ethernet as a mirror in VXLAN (RFC 7348) gives it.
fn in_vxlan(capture: &Path) -> Vec<u8> {
    let mut file = CaptureFile::open(capture).unwrap();
    let mut bytes = Vec::new();
    let head = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1];
    head.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    while let Some(frame) = file.next_frame().unwrap() {
        let mut inner = frame.data.to_vec();
        inner.resize(frame.wire_len as usize, 0);
        let length = |before: usize| ((inner.len() + before) as u16).to_be_bytes();
        let link = [2, 0, 0, 0, 0, 8, 2, 0, 0, 0, 0, 9, 8, 0];
        let ip = [&[0x45, 0], &length(36)[..], &[0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 8, 192, 0, 2, 9]].concat();
        let udp = [&50_000_u16.to_be_bytes(), &4_789_u16.to_be_bytes(), &length(16)[..], &[0, 0]].concat();
        let whole = [&link[..], &ip, &udp, &[8, 0, 0, 0, 0, 0, 7, 0], &inner].concat();
        let (time, size) = (frame.time, whole.len() as u32);
        let record = [(time / 1_000_000) as u32, (time % 1_000_000) as u32, size, size];
        record.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        bytes.extend(whole);
    }
    bytes
}

/// Asserts that the sensor with these options tells of a capture that is replayed what the file tells.
fn same(namespace: &Namespace, capture: &Path, options: &[&str]) {
    let what = format!("{} {options:?}", capture.display());
    let dir = TempDir::new().unwrap();
    let mut live = watch(namespace, capture, options, dir.path());
    let mut file = Store::read(capture, &[]);
    // Whether two devices contest an address depends on the order in which several workers hear of it.
    for summary in [&mut live, &mut file.summary].into_iter().filter(|_| options != ["--workers", "1"]) {
        summary["malformed"].as_object_mut().unwrap().remove("device-contested");
    }
    for key in ["packets", "bytes", "flows", "names", "ai_flows", "malformed", "losses"] {
        assert_eq!(live[key], file.summary[key], "{what}: {key}");
    }
    let sql = "SELECT client_ip, client_port, client_mac, vlan, server_ip, server_port, protocol, host, evidence,
                      service, ja4, sum(bytes_up), sum(bytes_down), sum(upload_bytes), sum(packets_up), sum(packets_down)
               FROM flow GROUP BY flow_id ORDER BY 1, 2, 3, 12";
    assert_eq!(rows(dir.path(), sql), file.rows(sql), "{what}");
    assert!(!file.rows(sql).is_empty(), "{what}");
}

/// Runs the sensor on `mirror0` while the capture is sent on `wire0`; gives its totals.
fn watch(namespace: &Namespace, capture: &Path, options: &[&str], dir: &Path) -> Value {
    let summary = dir.join("summary.json");
    let mut sensor = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
    sensor.args(["run", "-i", "mirror0"]).args(options).arg("--data-dir").arg(dir).arg("--summary").arg(&summary);
    let mut sensor = sensor.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(sensor.stderr.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    assert!(first.starts_with("listening on mirror0"), "{first}");
    replay(namespace, capture);
    thread::sleep(Duration::from_millis(500));
    let stopped = Command::new("kill").args(["-TERM", &sensor.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert!(sensor.wait().unwrap().success(), "{:?}", said.collect::<Vec<_>>());
    json(&summary)
}

/// Sends a capture on `wire0`.
pub(crate) fn replay(namespace: &Namespace, capture: &Path) {
    let mut sender = namespace.command(std::env::current_exe().unwrap().to_str().unwrap());
    sender.args(["--exact", "live::replay_inside_the_namespace", "--nocapture"]).env(REPLAY, capture);
    assert!(sender.stdout(Stdio::null()).status().unwrap().success());
}

/// Not a test of its own: does nothing unless [`replay`] starts it.
#[test]
fn replay_inside_the_namespace() {
    let Some(capture) = std::env::var_os(REPLAY) else { return };
    let mut link = pcap::Capture::from_device("wire0").unwrap().open().unwrap();
    let mut file = CaptureFile::open(Path::new(&capture)).unwrap();
    let mut sent = 0;
    while let Some(frame) = file.next_frame().unwrap() {
        // What a snaplen cut off is sent as zeros: the length on the wire is what counts.
        let mut whole = frame.data.to_vec();
        whole.resize(frame.wire_len as usize, 0);
        link.sendpacket(whole).unwrap();
        sent += 1;
        if sent % BURST == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// SIGHUP puts a changed catalogue and a changed policy in force; a broken one is refused and the old one stays.
#[test]
fn catalogue_and_policy_are_read_again_on_sighup() {
    let Some(namespace) = Namespace::new() else {
        skip("no network namespace can be made here (needs root and iproute2)");
        return;
    };
    let dir = TempDir::new().unwrap();
    let own = dir.path().join("own");
    fs::create_dir(&own).unwrap();
    let file = own.join("house.toml");
    let service = |id: &str| {
        format!(
            "[[service]]\nid = \"{id}\"\nname = \"House\"\nvendor = \"House\"\ncategory = \"api\"\naccess = [\"api\"]\n\
             modality = [\"text\"]\nhosts = [{{ exact = \"{id}.intranet.example\", role = \"api\", \
             strength = \"definite\", source = \"our own\", date = 2026-11-21 }}]\n"
        )
    };
    fs::write(&file, service("first")).unwrap();
    let mut sensor = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
    sensor.args(["run", "-i", "mirror0", "--data-dir"]).arg(dir.path().join("data")).arg("--catalogue").arg(&own);
    let policy = dir.path().join("policy.toml");
    fs::write(&policy, "[policy]\nname = \"one\"\n").unwrap();
    sensor.arg("--policy").arg(&policy);
    let mut sensor = sensor.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(sensor.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.next().unwrap().starts_with("listening on mirror0"));
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &sensor.id().to_string()]).status().unwrap().success());
    };
    // Both halves read their files again and say what they found, in whatever order: lines up to the one wanted last.
    let mut until = |wanted: [&str; 2]| {
        let mut lines = Vec::new();
        while !wanted.iter().all(|start| lines.iter().any(|line: &String| line.starts_with(start))) {
            lines.push(said.next().unwrap());
        }
        lines
    };
    let in_force = |lines: &[String]| lines.iter().find(|line| line.starts_with("catalogue ")).unwrap().clone();
    signal("-HUP");
    let first = in_force(&until(["catalogue ", "policy one "]));
    fs::write(&policy, "[policy]\nname = \"two\"\n").unwrap();
    fs::write(&file, service("first") + &service("second")).unwrap();
    signal("-HUP");
    let second = in_force(&until(["catalogue ", "policy two "]));
    assert_ne!(first, second);
    fs::write(&file, "broken").unwrap();
    signal("-HUP");
    let lines = until(["catalogue ", "policy two "]);
    let refused: Vec<_> = lines.iter().filter(|line| line.contains("house.toml:1")).collect();
    assert!(refused.len() == 2 && refused.iter().all(|line| line.contains("stays")), "{lines:?}");
    assert_eq!(in_force(&lines), second);
    fs::write(&policy, "nonsense").unwrap();
    signal("-HUP");
    let lines = until(["catalogue ", "shadowtap: warning: the policy in force stays"]);
    assert_eq!(in_force(&lines), second);
    assert!(lines.iter().any(|line| line.contains("policy.toml:1")), "{lines:?}");
    signal("-TERM");
    assert!(sensor.wait().unwrap().success());
}

#[test]
fn interfaces_that_cannot_be_watched_are_explained() {
    let dir = TempDir::new().unwrap();
    let run = |interface: &str| {
        let mut command = crate::support::shadowtap();
        crate::support::run(command.args(["run", "-i", interface, "--data-dir"]).arg(dir.path()))
    };
    let any = run("any");
    assert!(any.code == 1 && any.stderr.contains("`any` is refused"), "{}", any.stderr);
    let none = run("no-such-if0");
    assert!(none.code == 1 && none.stderr.contains("no-such-if0"), "{}", none.stderr);
    let mut made: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    made.sort();
    assert_eq!(made, ["lock", "sense.lock"], "nothing is made before the interface is open");
}
