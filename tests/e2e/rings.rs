//! The kernel deals out flows among several rings: both directions of a flow are one ring's, and each frame comes once.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use sensor::capture::live::{LiveCapture, LiveConfig, Next};
use sensor::decode::{Decoded, decode};
use sensor::flow::key::FlowKey;

use crate::live::Namespace;
use crate::support::skip;

/// Tells the copy of this test binary that runs inside the namespace.
const INSIDE: &str = "SHADOWTAP_TEST_RINGS";
const FLOWS: u16 = 64;
const RINGS: usize = 4;

#[test]
fn both_directions_of_a_flow_are_one_rings() {
    let Some(namespace) = Namespace::new() else {
        skip("no network namespace can be made here (needs root and iproute2)");
        return;
    };
    let mut inside = namespace.command(std::env::current_exe().unwrap().to_str().unwrap());
    inside.args(["--exact", "rings::inside_the_namespace", "--nocapture"]).env(INSIDE, "1");
    let output = inside.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Not a test of its own: does nothing unless the test above starts it.
#[test]
fn inside_the_namespace() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let mut rings = LiveCapture::open_group(&LiveConfig::new("mirror0"), RINGS).unwrap();
    let mut link = pcap::Capture::from_device("wire0").unwrap().open().unwrap();
    let frames = frames();
    for part in frames.chunks(64) {
        part.iter().for_each(|frame| link.sendpacket(frame.as_slice()).unwrap());
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(300));
    let (mut of, mut came) = (HashMap::<FlowKey, HashSet<usize>>::new(), [0_usize; RINGS]);
    for (number, ring) in rings.iter_mut().enumerate() {
        while let Next::Frame(frame) = ring.next_frame().unwrap() {
            let Decoded::Packet(packet) = decode(&frame) else { panic!("a frame that is not ours") };
            came[number] += 1;
            of.entry(FlowKey::of(&packet).0).or_default().insert(number);
        }
        assert_eq!(ring.lost().ring, 0);
    }
    assert_eq!(came.iter().sum::<usize>(), frames.len(), "each frame once: {came:?}");

    let (whole, split): (Vec<_>, Vec<_>) = of.iter().partition(|(_, rings)| rings.len() == 1);
    assert!(split.is_empty(), "{} flows are in one ring, {} in several: {split:?}", whole.len(), split.len());
    assert!(came.iter().all(|&n| n > frames.len() / RINGS / 2), "dealt evenly: {came:?}");
}

/// Both directions of flows over TCP and UDP, IPv4 and IPv6, without a tag, with one and with two.
fn frames() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for (kind, tags) in [&[][..], &[(0x8100, 7)], &[(0x8100, 9), (0x8100, 7)]].into_iter().enumerate() {
        for (protocol, v6) in [(6, false), (6, true), (17, false), (17, true)] {
            for flow in 0..FLOWS {
                let port = 20_000 + kind as u16 * 1_000 + flow;
                for up in [true, false, true, false] {
                    frames.push(frame(tags, protocol, v6, port, up));
                }
            }
        }
    }
    frames
}

fn frame(tags: &[(u16, u16)], protocol: u8, v6: bool, port: u16, up: bool) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    for (kind, id) in tags {
        bytes.extend(kind.to_be_bytes());
        bytes.extend(id.to_be_bytes());
    }
    let ports = if up { [port, 443] } else { [443, port] };
    let length: u16 = if protocol == 6 { 20 } else { 8 };
    if v6 {
        bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        bytes.extend(length.to_be_bytes());
        bytes.extend([protocol, 64]);
        let client: Ipv6Addr = "fd00::5".parse().unwrap();
        let server: Ipv6Addr = "2001:db8::9".parse().unwrap();
        let ends = if up { [client, server] } else { [server, client] };
        ends.iter().for_each(|ip| bytes.extend(ip.octets()));
    } else {
        bytes.extend([0x08, 0x00, 0x45, 0]);
        bytes.extend((20 + length).to_be_bytes());
        bytes.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        let (client, server) = (Ipv4Addr::new(10, 0, 0, 5), Ipv4Addr::new(192, 0, 2, 9));
        let ends = if up { [client, server] } else { [server, client] };
        ends.iter().for_each(|ip| bytes.extend(ip.octets()));
    }
    ports.iter().for_each(|port| bytes.extend(port.to_be_bytes()));
    match protocol {
        6 => bytes.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]),
        _ => bytes.extend([0, 8, 0, 0]),
    }
    bytes
}
