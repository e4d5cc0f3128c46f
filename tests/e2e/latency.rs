//! From the packet that completed it to the receiver: how long a first finding takes on a live port.
//!
//! `sudo -E cargo test --release --locked --test e2e -- --ignored --nocapture latency`, two minutes.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::live::Namespace;
use crate::support::skip;

/// Names the file of results to the copy of this test binary that runs inside the namespace.
const TOOK: &str = "SHADOWTAP_TEST_TOOK";
/// The receiver, inside the namespace.
const RECEIVER: &str = "127.0.0.1:5514";
/// Services, each used once by a device of its own.
const SERVICES: u32 = 300;
/// Between two uses, milliseconds: no multiple of the second that segments and rounds take.
const EVERY: u64 = 373;

/// One side of a TCP connection in hand-made frames.
struct Side {
    mac: [u8; 6],
    ip: Ipv4Addr,
    port: u16,
    seq: u32,
}

/// An Ethernet frame with a TCP segment; checksums are left to the card, as on a machine that offloads them.
fn segment(from: &mut Side, to: &Side, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = [&to.mac[..], &from.mac, &[8, 0]].concat();
    let length = 40 + payload.len() as u16;
    frame.extend([&[0x45, 0][..], &length.to_be_bytes(), &[0, 1, 0x40, 0, 64, 6, 0, 0]].concat());
    frame.extend([from.ip.octets(), to.ip.octets()].concat());
    frame.extend([from.port.to_be_bytes(), to.port.to_be_bytes()].concat());
    frame.extend([from.seq.to_be_bytes(), to.seq.to_be_bytes()].concat());
    frame.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend(payload);
    from.seq += payload.len() as u32 + u32::from(flags & 2 != 0);
    frame
}

/// A ClientHello with a server name (RFC 8446 section 4.1.2, RFC 6066 section 3).
fn hello(name: &str) -> Vec<u8> {
    let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let server_name = sized(&[&[0][..], &sized(name.as_bytes())].concat());
    let extensions = [&[0, 0][..], &sized(&server_name)].concat();
    let body = [&[3, 3][..], &[7; 32], &[0], &sized(&[0x13, 0x01]), &[1, 0], &sized(&extensions)].concat();
    let message = [&[1, 0][..], &(body.len() as u16).to_be_bytes(), &body].concat();
    [&[22, 3, 1][..], &sized(&message)].concat()
}

/// The frames of a program's call of `api.s<number>.house.example`; the last one completes the exchange.
fn call(number: u32) -> Vec<Vec<u8>> {
    let [_, _, high, low] = number.to_be_bytes();
    let mut client = Side { mac: [2, 0, 0, 1, high, low], ip: [10, 20, high, low].into(), port: 40_000, seq: 100 };
    let mut server = Side { mac: [2, 0, 0, 2, 0, 1], ip: [198, 51, 100, 7].into(), port: 443, seq: 900 };
    let data = |length: usize| [&[23, 3, 3][..], &(length as u16).to_be_bytes(), &vec![5; length]].concat();
    vec![
        segment(&mut client, &server, 0x02, &[]),
        segment(&mut server, &client, 0x12, &[]),
        segment(&mut client, &server, 0x18, &hello(&format!("api.s{number}.house.example"))),
        segment(&mut server, &client, 0x18, &data(1200)),
        segment(&mut client, &server, 0x18, &data(80)),
        segment(&mut client, &server, 0x18, &data(900)),
        segment(&mut server, &client, 0x18, &data(1100)),
    ]
}

/// Not a test of its own: listens as a syslog receiver, sends the calls and writes down how long each took, µs.
#[test]
fn calls_inside_the_namespace() {
    let Some(path) = std::env::var_os(TOOK) else { return };
    let seen = receive(TcpListener::bind(RECEIVER).unwrap());
    // The sensor starts meanwhile.
    thread::sleep(Duration::from_secs(3));
    let mut link = pcap::Capture::from_device("wire0").unwrap().open().unwrap();
    let mut sent = Vec::new();
    for number in 0..SERVICES {
        call(number).into_iter().for_each(|frame| link.sendpacket(frame).unwrap());
        sent.push(Instant::now());
        thread::sleep(Duration::from_millis(EVERY));
    }
    thread::sleep(Duration::from_secs(8));
    let seen = seen.lock().unwrap();
    let took = (0..SERVICES).zip(sent).map(|(number, sent)| {
        let first = seen.iter().filter(|(service, _)| *service == number).map(|(_, at)| *at).min();
        first.map_or_else(|| "never\n".to_owned(), |at| format!("{}\n", (at - sent).as_micros()))
    });
    fs::write(path, took.collect::<String>()).unwrap();
}

/// Which services events tell of, and when they came.
fn receive(listener: TcpListener) -> Arc<Mutex<Vec<(u32, Instant)>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut text = String::new();
            let _ = stream.read_to_string(&mut text);
            let at = Instant::now();
            let services = text.split("\"service\":{\"id\":\"house-").skip(1);
            let numbers = services.filter_map(|rest| rest.split('"').next()?.parse().ok());
            noted.lock().unwrap().extend(numbers.map(|number| (number, at)));
        }
    });
    seen
}

#[test]
#[ignore = "measures, two minutes"]
fn latency() {
    let Some(namespace) = Namespace::new() else {
        skip("no network namespace can be made here (needs root and iproute2)");
        return;
    };
    assert!(namespace.command("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path("catalogue")).unwrap();
    let service = |number: u32| {
        format!(
            "[[service]]\nid = \"house-{number}\"\nname = \"House {number}\"\nvendor = \"House\"\ncategory = \"api\"\n\
             access = [\"api\"]\nmodality = [\"text\"]\nhosts = [{{ exact = \"api.s{number}.house.example\", role = \"api\", \
             strength = \"definite\", source = \"the test\", date = 2026-11-21 }}]\n"
        )
    };
    fs::write(path("catalogue").join("house.toml"), (0..SERVICES).map(service).collect::<String>()).unwrap();
    fs::write(path("policy.toml"), "[budget]\nnever_hold_from = 0\n").unwrap();
    fs::write(path("config.toml"), format!("[[siem]]\ntype = \"syslog\"\naddress = \"{RECEIVER}\"\n")).unwrap();
    let mut office = namespace.command(std::env::current_exe().unwrap().to_str().unwrap());
    office.args(["--exact", "latency::calls_inside_the_namespace", "--nocapture"]).env(TOOK, path("took"));
    let mut office = office.stdout(Stdio::null()).spawn().unwrap();
    let mut sensor = namespace.command(env!("CARGO_BIN_EXE_shadowtap"));
    sensor.args(["run", "-i", "mirror0", "--data-dir"]).arg(path("data")).arg("--catalogue").arg(path("catalogue"));
    sensor.arg("--policy").arg(path("policy.toml")).arg("--config").arg(path("config.toml"));
    let mut sensor = sensor.stdout(Stdio::null()).spawn().unwrap();
    let sent = office.wait().unwrap();
    assert!(Command::new("kill").args(["-TERM", &sensor.id().to_string()]).status().unwrap().success());
    assert!(sent.success() && sensor.wait().unwrap().success());
    let took = fs::read_to_string(path("took")).unwrap();
    assert!(!took.contains("never"), "some were never told: {took}");
    let mut took: Vec<f64> = took.lines().map(|us| us.parse::<f64>().unwrap() / 1e6).collect();
    took.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    eprintln!(
        "{SERVICES} first findings, from their last packet to the receiver: median {:.2} s, p90 {:.2} s, p99 {:.2} s, \
         longest {:.2} s",
        at(50),
        at(90),
        at(99),
        at(100)
    );
}
