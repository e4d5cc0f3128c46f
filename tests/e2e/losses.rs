//! What a mirror loses: the totals, the report and a finding say how much of TCP, and that of UDP it is not known.

use std::fs;
use std::path::Path;

use sensor::capture::file::CaptureFile;
use sensor::capture::{Frame, LinkType};
use sensor::decode::{Decoded, L4, decode};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Store, json, own, run, shadowtap};

/// A capture without one in so many of its frames with TCP data.
fn lossy(capture: &str, one_in: usize, path: &Path) {
    let mut file = CaptureFile::open(&own(capture)).unwrap();
    let mut bytes =
        [&0xa1b2_c3d4_u32.to_le_bytes()[..], &[2, 0, 4, 0], &[0; 8], &[0, 0, 4, 0, 1, 0, 0, 0]].concat();
    let mut data = 0;
    while let Some(frame) = file.next_frame().unwrap() {
        let has_data = |frame: &Frame<'_>| {
            matches!(decode(frame), Decoded::Packet(packet)
                if matches!(packet.l4, L4::Tcp { .. }) && packet.payload_len > 0)
        };
        assert_eq!(frame.link, LinkType::Ethernet);
        data += usize::from(has_data(&frame));
        if has_data(&frame) && data.is_multiple_of(one_in) {
            continue;
        }
        let (seconds, micros) = (frame.time / 1_000_000, frame.time % 1_000_000);
        for number in [seconds as u32, micros as u32, frame.data.len() as u32, frame.wire_len] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(frame.data);
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn totals_and_report_tell_what_the_mirror_lost() {
    let dir = TempDir::new().unwrap();
    let capture = dir.path().join("lossy.pcap");
    lossy("shapes-tcp.pcap", 10, &capture);
    let out = dir.path().join("report");
    let store = Store::read(&capture, &["--report", out.to_str().unwrap()]);
    let loss = store.summary["tcp"]["loss"].as_f64().unwrap();
    assert!((0.08..0.12).contains(&loss), "{loss}");
    assert_eq!(store.summary["udp"]["loss"], Value::Null);
    let coverage = json(&out.join("report.json"))["coverage"].take();
    let (bytes, missing) = (&store.summary["tcp"]["bytes"], &store.summary["tcp"]["missing"]);
    assert_eq!((&coverage["tcp_missing"]["of"], &coverage["tcp_missing"]["part"]), (bytes, missing));
    assert_eq!(coverage["udp_missing"], Value::Null);
    assert_eq!(store.rows("SELECT sum(tcp_missing) FROM minute"), [[missing.to_string()]]);
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("TCP data not captured, estimated") && page.contains("of UDP this cannot be known"));
}

#[test]
fn inspect_gives_the_totals_that_read_gives() {
    let dir = TempDir::new().unwrap();
    let (capture, summary) = (dir.path().join("lossy.pcap"), dir.path().join("s.json"));
    lossy("browser-tcp.pcap", 10, &capture);
    run(shadowtap().arg("inspect").arg(&capture).arg("--summary").arg(&summary)).ok();
    let (mut inspected, mut read) = (json(&summary), Store::read(&capture, &[]).summary);
    assert!(read["records"].take().as_u64() > Some(0));
    assert_eq!(inspected["records"].take(), 0, "it writes none");
    assert_eq!(inspected, read);
}

#[test]
fn the_terminal_says_it_where_there_is_loss_and_only_there() {
    let dir = TempDir::new().unwrap();
    let capture = dir.path().join("lossy.pcap");
    lossy("shapes-tcp.pcap", 100, &capture);
    let said = |capture: &Path, data: &str| {
        let ran = run(shadowtap().arg("read").arg(capture).arg("--data-dir").arg(dir.path().join(data))).ok();
        ran.stdout.lines().find(|line| line.contains("TCP data")).map(str::to_owned)
    };
    let line = said(&capture, "a").unwrap();
    assert!(line.ends_with("% of TCP data was not captured; of UDP this cannot be known"), "{line}");
    assert_eq!(said(&own("shapes-tcp.pcap"), "b"), None);
}
