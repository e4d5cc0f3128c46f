//! `doctor`: each check on what it is about, with the real binary. Mirrors are captures, and frames on a veth pair in a
//! namespace of the test's own.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sensor::capture::file::CaptureFile;
use sensor::capture::{Frame, LinkType};
use sensor::decode::{Decoded, decode};
use serde_json::Value;
use tempfile::TempDir;

use crate::live::Namespace;
use crate::support::{Ran, Store, own, run, shadowtap, skip};

/// A frame as it was taken.
#[derive(Clone)]
struct Taken {
    time: i64,
    data: Vec<u8>,
    wire_len: u32,
}

/// What the doctor said.
struct Verdict {
    code: i32,
    checks: Vec<Value>,
}

impl Verdict {
    fn of(ran: &Ran) -> Self {
        let checks: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
        for check in &checks {
            let bad = matches!(check["state"].as_str(), Some("warn" | "fail"));
            assert!(!bad || check["mend"].is_string(), "no mend: {check}");
            assert!(!check["seen"].as_str().unwrap().is_empty(), "{check}");
        }
        Self { code: ran.code, checks }
    }

    fn all(&self, id: &str) -> Vec<&Value> {
        self.checks.iter().filter(|check| check["check"] == id).collect()
    }

    fn state(&self, id: &str) -> &str {
        let [check] = self.all(id)[..] else { panic!("{id} once: {:#?}", self.checks) };
        check["state"].as_str().unwrap()
    }

    fn text(&self, id: &str, field: &str) -> &str {
        self.all(id)[0][field].as_str().unwrap_or_default()
    }

    /// Asserts checks by id and state.
    fn expect(&self, states: &[(&str, &str)]) {
        let told: Vec<_> = states.iter().map(|(id, _)| (*id, self.state(id))).collect();
        let lines = self.checks.iter().map(Value::to_string).collect::<Vec<_>>();
        assert_eq!(told, states, "{}", lines.join("\n"));
    }
}

fn doctor(args: &[&str]) -> Verdict {
    Verdict::of(&run(shadowtap().args(["doctor", "--format", "json"]).args(args)))
}

fn frames(capture: &Path) -> Vec<Taken> {
    let mut file = CaptureFile::open(capture).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = file.next_frame().unwrap() {
        // What a snaplen cut off is put back as zeros.
        let mut data = frame.data.to_vec();
        data.resize(frame.wire_len as usize, 0);
        frames.push(Taken { time: frame.time, data, wire_len: frame.wire_len });
    }
    frames
}

fn written(frames: &[Taken]) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mirror.pcap");
    let mut pcap = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1].map(u32::to_le_bytes).concat();
    for frame in frames {
        let (seconds, micros) = ((frame.time / 1_000_000) as u32, (frame.time % 1_000_000) as u32);
        let header = [seconds, micros, frame.data.len() as u32, frame.wire_len].map(u32::to_le_bytes);
        pcap.extend(header.as_flattened());
        pcap.extend(&frame.data);
    }
    fs::write(&path, pcap).unwrap();
    (dir, path)
}

/// The verdict on frames as a capture file.
fn of_file(frames: &[Taken], args: &[&str]) -> Verdict {
    let (_dir, path) = written(frames);
    doctor(&[&[path.to_str().unwrap()], args].concat())
}

fn tcp() -> Vec<Taken> {
    frames(&own("browser-tcp.pcap"))
}

fn doubled(frames: &[Taken]) -> Vec<Taken> {
    frames.iter().flat_map(|frame| [frame.clone(), frame.clone()]).collect()
}

/// Only what clients send: their addresses are private, the servers' are not.
fn one_way(frames: &[Taken]) -> Vec<Taken> {
    let from_client = |taken: &&Taken| {
        let link = LinkType::Ethernet;
        let frame = Frame { time: taken.time, data: &taken.data, wire_len: taken.wire_len, link };
        matches!(decode(&frame), Decoded::Packet(p) if p.src.1 > p.dst.1)
    };
    frames.iter().filter(from_client).cloned().collect()
}

/// ARP requests, mDNS and NetBIOS: what any port of a switch gets.
fn broadcast() -> Vec<Taken> {
    let ethernet = |to: [u8; 6], kind: [u8; 2]| [&to[..], &[2, 0x20, 1, 0, 0, 7], &kind].concat();
    let arp = [&[0, 1, 8, 0, 6, 4, 0, 1, 2, 0x20, 1, 0, 0, 7, 10, 20, 1, 7][..], &[0; 6], &[10, 20, 1, 1]].concat();
    let udp = |to: [u8; 4], port: u16| {
        let payload = [0_u8; 24];
        let [high, low] = port.to_be_bytes();
        let ip = [&[0x45, 0, 0, 52, 0, 0, 0, 0, 64, 17, 0, 0, 10, 20, 1, 7][..], &to].concat();
        [&ip[..], &[high, low, high, low, 0, 32, 0, 0], &payload].concat()
    };
    let all = [0xff; 6];
    let kinds = [
        [ethernet(all, [8, 6]), arp].concat(),
        [ethernet([1, 0, 0x5e, 0, 0, 251], [8, 0]), udp([224, 0, 0, 251], 5353)].concat(),
        [ethernet(all, [8, 0]), udp([10, 20, 1, 255], 137)].concat(),
        [ethernet(all, [8, 0]), udp([255, 255, 255, 255], 17500)].concat(),
    ];
    let one = |at: usize| {
        let mut data = kinds[at % kinds.len()].clone();
        data.resize(data.len().max(60), 0);
        let wire_len = data.len() as u32;
        Taken { time: 1_795_000_000_000_000 + at as i64 * 50_000, data, wire_len }
    };
    (0..40).map(one).collect()
}

/// The frames inside of VXLAN.
fn vxlan(frames: &[Taken]) -> Vec<Taken> {
    let wrap = |taken: &Taken| {
        let udp = 16 + taken.data.len() as u16;
        let (ip, udp) = ((udp + 20).to_be_bytes(), udp.to_be_bytes());
        let outer = [
            &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..],
            &[0x45, 0, ip[0], ip[1], 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2],
            &[0xc0, 0, 0x12, 0xb5, udp[0], udp[1], 0, 0, 8, 0, 0, 0, 0, 0, 7, 0],
        ];
        let data = [&outer.concat()[..], &taken.data].concat();
        Taken { time: taken.time, wire_len: data.len() as u32, data }
    };
    frames.iter().map(wrap).collect()
}

#[test]
fn a_good_mirror_in_a_capture() {
    let verdict = of_file(&tcp(), &[]);
    verdict.expect(&[
        ("config", "ok"),
        ("setup", "ok"),
        ("mirror-traffic", "ok"),
        ("mirror-unicast", "ok"),
        ("mirror-one-way", "ok"),
        ("mirror-duplicates", "ok"),
        ("mirror-loss", "ok"),
        ("mirror-local-nets", "ok"),
        ("mirror-vlan", "ok"),
        ("mirror-encapsulated", "ok"),
        ("mirror-cut", "ok"),
        ("mirror-long-frames", "ok"),
        ("mirror-drops", "unknown"),
        ("mirror-names", "ok"),
    ]);
    assert_eq!((verdict.code, verdict.checks.len()), (0, 14));
    let tags = doctor(&[own("clients-vlan-v6.pcapng").to_str().unwrap()]);
    assert!(tags.text("mirror-vlan", "seen").contains("VLAN"), "{:#?}", tags.checks);
}

#[test]
fn bad_mirrors_in_captures() {
    let verdict = of_file(&[], &[]);
    verdict.expect(&[("mirror-traffic", "fail"), ("mirror-unicast", "unknown"), ("mirror-names", "unknown")]);
    assert_eq!(verdict.code, 1);
    let verdict = of_file(&broadcast(), &[]);
    verdict.expect(&[("mirror-traffic", "ok"), ("mirror-unicast", "fail"), ("mirror-one-way", "unknown")]);
    assert!(verdict.text("mirror-unicast", "seen").contains("arp 10"), "{:#?}", verdict.checks);
    let verdict = of_file(&tcp()[..8], &[]);
    verdict.expect(&[
        ("mirror-one-way", "unknown"),
        ("mirror-duplicates", "unknown"),
        ("mirror-local-nets", "unknown"),
    ]);
    let verdict = of_file(&one_way(&tcp()), &[]);
    verdict.expect(&[("mirror-one-way", "fail"), ("mirror-duplicates", "ok"), ("mirror-names", "ok")]);
    let verdict = of_file(&doubled(&tcp()), &[]);
    verdict.expect(&[("mirror-one-way", "ok"), ("mirror-duplicates", "warn"), ("mirror-loss", "ok")]);
    assert_eq!(verdict.code, 0, "warnings do not fail");
    let verdict = of_file(&doubled(&tcp()), &["--fail-on", "warn"]);
    assert_eq!(verdict.code, 3);
    let verdict = of_file(&vxlan(&tcp()), &[]);
    verdict.expect(&[("mirror-encapsulated", "ok"), ("mirror-one-way", "ok"), ("mirror-names", "ok")]);
    assert!(verdict.text("mirror-encapsulated", "seen").contains("inside of a tunnel"), "{:#?}", verdict.checks);
}

#[test]
fn frames_that_are_lost_cut_or_joined() {
    let full = |frame: &Taken| frame.wire_len > 1_000;
    let mut nth = 0;
    let lossy: Vec<_> = tcp()
        .into_iter()
        .filter(|frame| {
            nth += usize::from(full(frame));
            !full(frame) || nth % 10 != 0
        })
        .collect();
    of_file(&lossy, &[]).expect(&[("mirror-loss", "warn"), ("mirror-one-way", "ok"), ("mirror-duplicates", "ok")]);
    let mut nth = 0;
    let half: Vec<_> = tcp()
        .into_iter()
        .filter(|frame| {
            nth += usize::from(full(frame));
            !full(frame) || nth % 2 != 0
        })
        .collect();
    of_file(&half, &[]).expect(&[("mirror-loss", "fail")]);
    let cut: Vec<_> = tcp()
        .into_iter()
        .map(|frame| Taken { data: frame.data.iter().copied().take(96).collect(), ..frame })
        .collect();
    of_file(&cut, &[]).expect(&[("mirror-cut", "warn"), ("mirror-long-frames", "ok"), ("mirror-loss", "ok")]);
    let mut joined = tcp();
    joined[5].data.resize(20_000, 0);
    joined[5].wire_len = 20_000;
    of_file(&joined, &[]).expect(&[("mirror-long-frames", "warn"), ("mirror-cut", "ok")]);
}

#[test]
fn networks_that_are_not_the_offices() {
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("shadowtap.toml");
    fs::write(&config, "[sensor]\nlocal_nets = [\"203.0.113.0/24\"]\n").unwrap();
    let verdict = of_file(&tcp(), &["--config", config.to_str().unwrap()]);
    verdict.expect(&[("config", "ok"), ("mirror-local-nets", "fail")]);
    let mend = verdict.text("mirror-local-nets", "mend");
    let proposed = mend.rsplit("local_nets = ").next().unwrap();
    fs::write(&config, format!("[sensor]\nlocal_nets = {proposed}\n")).unwrap();
    let verdict = of_file(&tcp(), &["--config", config.to_str().unwrap()]);
    verdict.expect(&[("mirror-local-nets", "ok")]);
}

#[test]
fn a_capture_that_is_none_is_an_error() {
    let ran = run(shadowtap().args(["doctor", "no-such.pcap"]));
    assert!(ran.code == 1 && ran.stderr.contains("no-such.pcap"), "{}", ran.stderr);
    let both = run(shadowtap().args(["doctor", "-i", "eth1", "a.pcap"]));
    assert_eq!(both.code, 2, "{}", both.stderr);
}

/// Runs the doctor with a configuration and a data directory.
fn with_config(dir: &Path, text: &str) -> Verdict {
    let config = dir.join("shadowtap.toml");
    fs::write(&config, format!("data_dir = \"data\"\n{text}")).unwrap();
    doctor(&["--config", config.to_str().unwrap(), "--seconds", "0"])
}

#[test]
fn configuration_and_secrets() {
    let dir = TempDir::new().unwrap();
    let verdict = with_config(dir.path(), "nonsense = 1\n");
    verdict.expect(&[
        ("config", "fail"),
        ("setup", "fail"),
        ("data-dir", "unknown"),
        ("memory", "unknown"),
        ("disk", "unknown"),
        ("spool", "unknown"),
        ("store", "unknown"),
        ("findings", "unknown"),
        ("sink", "unknown"),
    ]);
    assert!(verdict.code == 1 && verdict.text("config", "seen").contains("shadowtap.toml:2"));
    let verdict = with_config(dir.path(), "policy = \"no-such.toml\"\n");
    verdict.expect(&[("config", "ok"), ("setup", "fail")]);
    assert!(verdict.text("setup", "seen").contains("no-such.toml"));
    let secret = dir.path().join("token");
    fs::write(&secret, "geheim\n").unwrap();
    let hook = "[[siem]]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\nsecret_file = \"token\"\n";
    fs::set_permissions(&secret, Permissions::from_mode(0o644)).unwrap();
    let verdict = with_config(dir.path(), hook);
    verdict.expect(&[("setup", "ok"), ("secrets", "fail")]);
    // The mend is run as it is printed, but for sudo.
    let mend = verdict.text("secrets", "mend").strip_prefix("sudo ").unwrap().to_owned();
    assert!(Command::new("sh").args(["-c", &mend]).status().unwrap().success());
    with_config(dir.path(), hook).expect(&[("setup", "ok"), ("secrets", "ok")]);
    let config = dir.path().join("shadowtap.toml");
    fs::set_permissions(&config, Permissions::from_mode(0o666)).unwrap();
    with_config(dir.path(), hook).expect(&[("config", "warn")]);
}

#[test]
fn the_data_directory_and_what_is_in_it() {
    let dir = TempDir::new().unwrap();
    let verdict = with_config(dir.path(), "");
    verdict.expect(&[
        ("data-dir", "warn"),
        ("disk", "ok"),
        ("spool", "ok"),
        ("store", "ok"),
        ("findings", "ok"),
        ("interface", "unknown"),
    ]);
    assert!(!dir.path().join("data").exists(), "nothing is made");
    let mend = verdict.text("data-dir", "mend").strip_prefix("sudo ").unwrap().to_owned();
    assert!(Command::new("sh").args(["-c", &mend]).status().unwrap().success());
    with_config(dir.path(), "").expect(&[("data-dir", "ok")]);
    let data = dir.path().join("data");
    fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
    with_config(dir.path(), "").expect(&[("data-dir", "warn")]);
    fs::create_dir_all(data.join("spool/rejects")).unwrap();
    fs::write(data.join("spool/rejects/1.batch"), "x").unwrap();
    fs::write(data.join("shadowtap.db"), "this is no database, whatever its name says".repeat(99)).unwrap();
    let verdict = with_config(dir.path(), "");
    verdict.expect(&[("spool", "warn"), ("store", "fail"), ("findings", "ok")]);
    fs::create_dir_all(data.join("spool/store")).unwrap();
    fs::write(data.join("spool/store/1.ndjson"), vec![b' '; 3 << 20]).unwrap();
    let verdict = with_config(dir.path(), "[spool]\nmax_mb = 8\n");
    verdict.expect(&[("spool", "warn")]);
    assert!(verdict.text("spool", "seen").starts_with("3.1 MB in 1 file wait, 1 file aside"));
    with_config(dir.path(), "[spool]\nmin_free_mb = 4000000000\n").expect(&[("disk", "fail")]);
    with_config(dir.path(), "[spool]\nmax_mb = 4000000000\n").expect(&[("disk", "warn")]);
    with_config(dir.path(), "[sensor]\nmax_flows = 10000000\nmax_reassembly_mb = 65535\n")
        .expect(&[("memory", "warn")]);
}

/// A store that a run has filled opens, and is the same file afterwards.
#[test]
fn a_filled_store_is_read_and_not_written() {
    let store = Store::read(&own("browser-tcp.pcap"), &[]);
    let file = store.dir.path().join("shadowtap.db");
    let before = fs::read(&file).unwrap();
    let verdict = doctor(&["--data-dir", store.dir.path().to_str().unwrap()]);
    verdict.expect(&[("store", "ok"), ("findings", "ok"), ("spool", "ok")]);
    assert!(verdict.text("store", "seen").contains("schema"), "{:#?}", verdict.checks);
    assert_eq!(fs::read(&file).unwrap(), before);
}

/// A connection and nothing in it.
#[test]
fn receivers_are_reached_and_get_nothing() {
    let dir = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let heard = thread::spawn(move || {
        let mut all = Vec::new();
        for _ in 0..2 {
            listener.accept().unwrap().0.read_to_end(&mut all).unwrap();
        }
        all
    });
    fs::write(dir.path().join("token"), "t").unwrap();
    let text = format!(
        "[[siem]]\nname = \"tcp\"\ntype = \"syslog\"\naddress = \"{open}\"\n\
         [[siem]]\nname = \"http\"\ntype = \"webhook\"\nurl = \"http://{open}/hook?x=1\"\nsecret_file = \"token\"\n\
         [[siem]]\nname = \"closed\"\ntype = \"syslog\"\naddress = \"{closed}\"\n\
         [[siem]]\nname = \"udp\"\ntype = \"syslog\"\naddress = \"{}\"\ntransport = \"udp\"\n\
         [[siem]]\nname = \"file\"\ntype = \"file\"\npath = \"events.ndjson\"\n\
         [[siem]]\nname = \"nowhere\"\ntype = \"file\"\npath = \"no/such/events.ndjson\"\n",
        udp.local_addr().unwrap()
    );
    let verdict = with_config(dir.path(), &text);
    let told: BTreeMap<_, _> = verdict
        .all("sink")
        .iter()
        .map(|check| (check["seen"].as_str().unwrap().split(':').next().unwrap(), check["state"].as_str().unwrap()))
        .collect();
    let expected = [
        ("tcp", "ok"),
        ("http", "ok"),
        ("closed", "fail"),
        ("udp", "unknown"),
        ("file", "ok"),
        ("nowhere", "fail"),
    ];
    assert_eq!(told, BTreeMap::from(expected), "{:#?}", verdict.checks);
    assert_eq!(heard.join().unwrap(), b"", "nothing was sent");
    udp.set_nonblocking(true).unwrap();
    assert!(udp.recv(&mut [0; 16]).is_err(), "nothing was sent");
    assert!(!dir.path().join("events.ndjson").exists(), "nothing was made");
}

/// TLS is spoken to the end of the handshake; a ClickHouse server that is not there is told.
#[test]
fn a_receiver_without_tls_and_a_server_that_is_away() {
    let dir = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let plain = listener.local_addr().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    thread::spawn(move || {
        use std::io::Write;
        listener.accept().unwrap().0.write_all(b"<14>1 this is syslog without TLS\n").unwrap();
    });
    let text = format!(
        "[store]\nurl = \"clickhouse://writer@{closed}/shadowtap\"\n\
         [[siem]]\ntype = \"syslog\"\naddress = \"{plain}\"\ntransport = \"tls\"\n"
    );
    let verdict = with_config(dir.path(), &text);
    verdict.expect(&[("store", "fail"), ("sink", "fail")]);
    assert!(verdict.text("sink", "seen").contains("TLS"), "{:#?}", verdict.checks);
}

/// A TLS receiver that takes one connection and reads it to its end; gives its port, and what it read.
fn tls_receiver(certificate: &str) -> (u16, thread::JoinHandle<Vec<u8>>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from_pem_file(tls_file(&format!("{certificate}.pem"))).unwrap()];
    let key = PrivateKeyDer::from_pem_file(tls_file(&format!("{certificate}.key"))).unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let reads = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        let mut read = Vec::new();
        // A client that does not like the certificate breaks off.
        let _ = StreamOwned::new(ServerConnection::new(config).unwrap(), stream).read_to_end(&mut read);
        read
    });
    (port, reads)
}

fn tls_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ingest/tests/siem/tls").join(name)
}

#[test]
fn the_certificate_of_a_receiver_is_looked_at() {
    for (certificate, ca, state) in
        [("server", "ca.pem", "ok"), ("server", "stranger.pem", "fail"), ("expired", "ca.pem", "fail")]
    {
        let dir = TempDir::new().unwrap();
        let (port, reads) = tls_receiver(certificate);
        let ca = tls_file(ca);
        let sink = format!(
            "[[siem]]\ntype = \"syslog\"\naddress = \"localhost:{port}\"\ntransport = \"tls\"\nca = \"{}\"\n",
            ca.display()
        );
        let verdict = with_config(dir.path(), &sink);
        verdict.expect(&[("setup", "ok"), ("sink", state)]);
        let words = if state == "ok" { "its certificate is in order" } else { "TLS: invalid peer certificate" };
        assert!(verdict.text("sink", "seen").contains(words), "{}", verdict.text("sink", "seen"));
        assert_eq!(reads.join().unwrap(), b"", "nothing was sent");
    }
}

#[test]
fn lines_for_people() {
    let ran = run(shadowtap().args(["doctor", "pcaps/browser-tcp.pcap"])).ok();
    let first = ran.stdout.lines().next().unwrap();
    assert_eq!(first, "ok       config               none is named: every key has its default");
    assert!(ran.stdout.lines().last().unwrap().starts_with("14 checks: "), "{}", ran.stdout);
    let none = doctor(&["-i", "no-such-if0"]);
    none.expect(&[("interface", "fail")]);
    // What the kernel and the machine have differs; that they were asked does not.
    for id in ["landlock", "seccomp", "time-sync", "memory"] {
        assert!(["ok", "warn", "unknown"].contains(&none.state(id)), "{:#?}", none.checks);
    }
    assert_eq!(none.code, 1);
}

/// Listens to `mirror0` while `send` is replayed on `wire0`.
fn listened(namespace: &Namespace, send: &[Taken], args: &[&str]) -> Verdict {
    let dir = TempDir::new().unwrap();
    let mut doctor = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
    doctor.args(["doctor", "-i", "mirror0", "--seconds", "600", "--format", "json", "--data-dir"]);
    let mut doctor =
        doctor.arg(dir.path()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(doctor.stderr.take().unwrap()).lines().map(Result::unwrap);
    let first = said.next().unwrap();
    assert!(first.starts_with("listening on mirror0 for 600 s"), "{first}");
    if !send.is_empty() {
        let (_dir, path) = written(send);
        let mut sender = namespace.command(std::env::current_exe().unwrap().to_str().unwrap());
        sender.args(["--exact", "live::replay_inside_the_namespace", "--nocapture"]);
        assert!(sender.env("SHADOWTAP_TEST_REPLAY", path).stdout(Stdio::null()).status().unwrap().success());
    }
    thread::sleep(Duration::from_millis(500));
    assert!(Command::new("kill").args(["-INT", &doctor.id().to_string()]).status().unwrap().success());
    let output = doctor.wait_with_output().unwrap();
    let ran = Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: said.collect(),
    };
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    Verdict::of(&ran)
}

/// Runs a program of the machine in the namespace.
fn set(namespace: &Namespace, line: &str) {
    let mut words = line.split(' ');
    let status = namespace.command(words.next().unwrap()).args(words).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{line}");
}

fn namespace() -> Option<Namespace> {
    let ethtool = Command::new("ethtool").arg("--version").stdout(Stdio::null()).status();
    let namespace = Namespace::new().filter(|_| ethtool.is_ok_and(|status| status.success()));
    if namespace.is_none() {
        skip("no network namespace can be made here (needs root, iproute2 and ethtool)");
    }
    namespace
}

#[test]
fn mirrors_on_a_live_port() {
    let Some(namespace) = namespace() else { return };
    set(&namespace, "ethtool -K mirror0 gro off rxvlan off");
    let silent = listened(&namespace, &[], &[]);
    silent.expect(&[
        ("interface", "ok"),
        ("carrier", "ok"),
        ("promiscuous", "ok"),
        ("mtu", "ok"),
        ("offloads", "ok"),
        ("address", "ok"),
        ("mirror-traffic", "fail"),
        ("mirror-unicast", "unknown"),
        ("mirror-drops", "unknown"),
    ]);
    assert_eq!(silent.code, 1);
    let noise = listened(&namespace, &broadcast(), &[]);
    noise.expect(&[("mirror-traffic", "ok"), ("mirror-unicast", "fail"), ("mirror-one-way", "unknown")]);
    let good = listened(&namespace, &tcp(), &[]);
    good.expect(&[
        ("mirror-traffic", "ok"),
        ("mirror-unicast", "ok"),
        ("mirror-one-way", "ok"),
        ("mirror-duplicates", "ok"),
        ("mirror-loss", "ok"),
        ("mirror-local-nets", "ok"),
        ("mirror-cut", "ok"),
        ("mirror-long-frames", "ok"),
        ("mirror-drops", "ok"),
        ("mirror-names", "ok"),
    ]);
    let half = listened(&namespace, &one_way(&tcp()), &[]);
    half.expect(&[("mirror-one-way", "fail"), ("mirror-unicast", "ok")]);
    let twice = listened(&namespace, &doubled(&tcp()), &[]);
    twice.expect(&[("mirror-duplicates", "warn"), ("mirror-one-way", "ok")]);
}

/// What the machine's tools say of the port; each mend is run as it is printed, but for sudo.
#[test]
fn a_port_that_is_not_set_up_and_its_mends() {
    let Some(namespace) = namespace() else { return };
    set(&namespace, "ethtool -K mirror0 gro on rxvlan off");
    set(&namespace, "ip addr add 192.0.2.7/24 dev mirror0");
    set(&namespace, "ip link set mirror0 mtu 1400");
    let look = || {
        let mut doctor = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
        Verdict::of(&run(doctor.args(["doctor", "-i", "mirror0", "--seconds", "0", "--format", "json"])))
    };
    let ill = look();
    ill.expect(&[
        ("offloads", "warn"),
        ("address", "warn"),
        ("mtu", "warn"),
        ("promiscuous", "unknown"),
        ("rx-ring", "unknown"),
        ("drops", "ok"),
        ("speed", "ok"),
        ("ring", "warn"),
        ("mirror-traffic", "unknown"),
    ]);
    for id in ["offloads", "address", "mtu"] {
        set(&namespace, ill.text(id, "mend").strip_prefix("sudo ").unwrap());
    }
    look().expect(&[("offloads", "ok"), ("address", "ok"), ("mtu", "ok")]);
    set(&namespace, "ip link set mirror0 down");
    let down = look();
    down.expect(&[("interface", "fail"), ("carrier", "unknown")]);
    set(&namespace, down.text("interface", "mend").strip_prefix("sudo ").unwrap());
    set(&namespace, "ip link set wire0 down");
    look().expect(&[("interface", "ok"), ("carrier", "fail")]);
}

/// The clock of the machine that tests run on is as it is: programs in front of the real ones say what is asked for.
#[test]
fn clocks_that_are_set_and_clocks_that_are_not() {
    let dir = TempDir::new().unwrap();
    let program = |name: &str, script: &str| {
        let path = dir.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    };
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let state = || {
        let mut doctor = shadowtap();
        let verdict = Verdict::of(&run(doctor.args(["doctor", "--format", "json"]).env("PATH", &path)));
        verdict.state("time-sync").to_owned()
    };
    let chrony = |leap: &str| {
        format!("echo 'System time     : 0.000012 seconds slow of NTP time'\necho 'Leap status     : {leap}'")
    };
    program("timedatectl", "echo yes");
    assert_eq!(state(), "ok");
    program("timedatectl", "echo no");
    assert_eq!(state(), "warn");
    program("timedatectl", "echo 'Failed to connect to bus' >&2; exit 1");
    program("chronyc", &chrony("Normal"));
    assert_eq!(state(), "ok");
    program("chronyc", &chrony("Not synchronised"));
    assert_eq!(state(), "warn");
    program("chronyc", "exit 1");
    assert_eq!(state(), "unknown");
    // A program that hangs is left after three seconds.
    program("timedatectl", "exec sleep 60");
    assert_eq!(state(), "unknown");
}

/// Root without the right to capture: a container takes it away.
#[test]
fn a_user_who_may_not_capture() {
    let mut doctor = Command::new("setpriv");
    doctor.args(["--bounding-set", "-net_raw", "--inh-caps", "-net_raw", env!("CARGO_BIN_EXE_shadowtap")]);
    doctor.args(["doctor", "-i", "lo", "--seconds", "600", "--format", "json"]);
    let Ok(output) = doctor.output() else {
        skip("setpriv of util-linux is missing");
        return;
    };
    let Ok(checks) = serde_json::from_slice::<Vec<Value>>(&output.stdout) else {
        skip("rights cannot be taken away here (needs root)");
        return;
    };
    let verdict = Verdict { code: output.status.code().unwrap(), checks };
    verdict.expect(&[("capture-right", "fail"), ("mirror-traffic", "unknown"), ("promiscuous", "unknown")]);
    assert!(verdict.text("capture-right", "mend").starts_with("sudo setcap cap_net_raw=eip /"));
    assert!(verdict.text("mirror-traffic", "seen").contains("cannot open interface lo"), "{:#?}", verdict.checks);
    assert_eq!(verdict.code, 1);
}

/// A tunnel around full frames needs a larger MTU, and frames that the driver joined are longer than it.
#[test]
fn frames_that_a_port_is_too_small_for() {
    let Some(namespace) = namespace() else { return };
    set(&namespace, "ethtool -K mirror0 gro off rxvlan off");
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("shadowtap.toml");
    fs::write(&config, "[sensor]\ninterface = \"mirror0\"\n").unwrap();
    let short: Vec<_> = vxlan(&tcp()).into_iter().filter(|frame| frame.wire_len < 1_500).collect();
    set(&namespace, "ip link set mirror0 mtu 1500");
    let tunnel = listened(&namespace, &short, &["--config", config.to_str().unwrap()]);
    tunnel.expect(&[("mirror-encapsulated", "warn"), ("mirror-traffic", "ok")]);
    set(&namespace, tunnel.text("mirror-encapsulated", "mend").strip_prefix("sudo ").unwrap());
    listened(&namespace, &short, &[]).expect(&[("mirror-encapsulated", "ok")]);
}
