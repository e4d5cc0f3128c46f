//! Every event arrives once, whole, in order, with its header: each receiver, each transport, each format.

use ingest::siem::Format;

use crate::events::{event, events, expected, send};
use crate::receiver::{Program, Receiver, Way, free_port, pem};

fn every_event_arrives(program: Program, way: Way) {
    for format in Format::ALL {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let Some(receiver) = Receiver::start(program, way, dir.path(), port) else { return };
        let events = events();
        let report = send(&way.target(format, port), &events);
        assert_eq!((report.sent, report.waiting, &report.error), (20, 0, &None), "{program:?} {way:?} {format:?}");
        let lines = receiver.lines(20);
        for (line, expected) in lines.iter().zip(expected(format, &events)) {
            assert_eq!(*line, expected, "{program:?} {way:?} {format:?}");
        }
        assert_eq!(lines.len(), 20, "{program:?} {way:?} {format:?}");
    }
}

#[test]
fn rsyslog_has_every_event_over_udp() {
    every_event_arrives(Program::Rsyslog, Way::Udp);
}

#[test]
fn rsyslog_has_every_event_over_tcp() {
    every_event_arrives(Program::Rsyslog, Way::Tcp);
}

#[test]
fn rsyslog_has_every_event_over_tls() {
    every_event_arrives(Program::Rsyslog, Way::Tls("server"));
}

#[test]
fn rsyslog_has_every_event_over_tls_with_a_client_certificate() {
    every_event_arrives(Program::Rsyslog, Way::Both("server"));
}

#[test]
fn syslog_ng_has_every_event_over_udp() {
    every_event_arrives(Program::SyslogNg, Way::Udp);
}

#[test]
fn syslog_ng_has_every_event_over_tcp() {
    every_event_arrives(Program::SyslogNg, Way::Tcp);
}

#[test]
fn syslog_ng_has_every_event_over_tls() {
    every_event_arrives(Program::SyslogNg, Way::Tls("server"));
}

#[test]
fn syslog_ng_has_every_event_over_tls_with_a_client_certificate() {
    every_event_arrives(Program::SyslogNg, Way::Both("server"));
}

/// The configurations of the documentation, with our ports, files and certificates, take what is sent: each its ways.
#[test]
fn the_documented_configurations_receive() {
    let page = include_str!("../../../docs/siem.md");
    let (plain, tls) = ([Way::Tcp, Way::Udp].as_slice(), [Way::Both("server")].as_slice());
    for (title, program, ways) in [
        ("rsyslog: TCP and UDP", Program::Rsyslog, plain),
        ("rsyslog: TLS", Program::Rsyslog, tls),
        ("syslog-ng: TCP and UDP", Program::SyslogNg, plain),
        ("syslog-ng: TLS", Program::SyslogNg, tls),
    ] {
        let (_, rest) = page.split_once(&format!("```\n# {title}\n")).unwrap();
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let config = rest.split_once("```").unwrap().0;
        let config = config.replace("\"6514\"", &format!("\"{port}\"")).replace("\"601\"", &format!("\"{port}\""));
        let config = config.replace("(6514)", &format!("({port})")).replace("(601)", &format!("({port})"));
        let config = config.replace("/etc/shadowtap", pem("").to_str().unwrap().trim_end_matches('/'));
        let config = config.replace("/var/log/shadowtap.ndjson", dir.path().join("out.log").to_str().unwrap());
        let Some(receiver) = Receiver::configured(program, ways[0], dir.path(), port, &config) else { continue };
        let events = events();
        for (round, way) in ways.iter().enumerate() {
            let report = send(&way.target(Format::Ecs, port), &events);
            assert_eq!((report.sent, &report.error), (20, &None), "{title}");
            receiver.lines(20 * (round + 1));
        }
        let expected: Vec<String> = ways.iter().flat_map(|_| events.iter().map(|e| Format::Ecs.line(e))).collect();
        assert_eq!(receiver.text().lines().collect::<Vec<_>>(), expected, "{title}");
    }
}

/// More than two chunks, so several connections, and over UDP more than any socket buffer holds.
#[test]
fn a_thousand_events_in_a_row_arrive_in_order() {
    let events: Vec<_> = (0..1200).map(event).collect();
    for program in [Program::Rsyslog, Program::SyslogNg] {
        for way in [Way::Udp, Way::Tcp, Way::Both("server")] {
            let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
            let Some(receiver) = Receiver::start(program, way, dir.path(), port) else { continue };
            let report = send(&way.target(Format::Ecs, port), &events);
            assert_eq!((report.sent, &report.error), (1200, &None), "{program:?} {way:?}");
            assert!(receiver.lines(1200) == expected(Format::Ecs, &events), "{program:?} {way:?}");
        }
    }
}
