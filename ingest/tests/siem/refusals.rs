//! TLS with something wrong: nothing counts as sent, the error names the mend, and the receiver wrote nothing.

use std::path::Path;

use ingest::siem::{Format, SyslogTransport};
use ingest::tls::TlsFiles;

use crate::events::{event, expected, send};
use crate::receiver::{Line, Program, Receiver, Way, free_port, pem, rsyslog_config, target, tls};

const PROGRAMS: [Program; 2] = [Program::Rsyslog, Program::SyslogNg];

/// What sending three events to a receiver ends in; checks that they still wait and that none came through.
fn error(program: Program, way: Way, host: &str, client: SyslogTransport) -> Option<String> {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let receiver = Receiver::start(program, way, dir.path(), port)?;
    let report = send(&target(client, Format::Ecs, &format!("{host}:{port}")), &[event(1), event(2), event(3)]);
    assert_eq!((report.sent, report.waiting), (0, 3), "{program:?}: {report:?}");
    // A last event over a connection that is right: what came before it would be in the file by now.
    let right = target(tls(Some("ca"), Some("client")), Format::Ecs, &format!("{host}:{port}"));
    if way == Way::Tls("server") || way == Way::Both("server") {
        assert_eq!(send(&right, &[event(4)]).error, None);
        let ours = |line: &Line| line.app == "shadowtap";
        let lines: Vec<Line> = receiver.lines(1).into_iter().filter(ours).collect();
        assert!(lines.len() == 1 && lines[0].text.contains("0000000000000004"), "{program:?}: {lines:?}");
    }
    report.error
}

fn check(way: Way, host: &str, client: SyslogTransport, words: &[&str]) {
    for program in PROGRAMS {
        let Some(error) = error(program, way, host, client.clone()) else { continue };
        assert!(words.iter().any(|words| error.contains(words)), "{program:?}: {error}");
    }
}

#[test]
fn a_receiver_of_another_ca_names_the_key_ca() {
    let words = ["siem: TLS: its certificate does not come from the CA in `ca`"];
    check(Way::Tls("server"), "localhost", tls(Some("stranger"), None), &words);
    // Without a CA of our own those of the system count, where it has any.
    if !Path::new("/etc/ssl/certs").join("ca-certificates.crt").exists() {
        return;
    }
    let words =
        ["siem: TLS: its certificate comes from nobody whom this system trusts: name the CA's certificate in `ca`"];
    check(Way::Tls("server"), "localhost", tls(None, None), &words);
}

#[test]
fn a_receiver_of_another_name_says_which_names_it_has() {
    let words = [
        "its certificate is for logs.example, not for localhost: use a name of the certificate (for syslog in server_name",
    ];
    check(Way::Tls("elsewhere"), "localhost", tls(Some("ca"), None), &words);
    let words = ["its certificate is for logs.example, not for 127.0.0.1: use a name"];
    check(Way::Tls("elsewhere"), "127.0.0.1", tls(Some("ca"), None), &words);
}

#[test]
fn the_name_that_the_certificate_must_bear_can_be_given() {
    for program in PROGRAMS {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let Some(receiver) = Receiver::start(program, Way::Tls("elsewhere"), dir.path(), port) else { continue };
        let files = TlsFiles { ca: Some(pem("ca.pem")), client: None };
        let named = SyslogTransport::Tls { files, server_name: Some("logs.example".to_owned()) };
        let report = send(&target(named, Format::Ecs, &format!("localhost:{port}")), &[event(1)]);
        assert_eq!((report.sent, report.error), (1, None), "{program:?}");
        receiver.lines(1);
    }
}

#[test]
fn a_certificate_that_has_expired_is_told_with_its_day() {
    let words = ["siem: TLS: its certificate has expired"];
    check(Way::Tls("expired"), "localhost", tls(Some("ca"), None), &words);
}

/// In TLS 1.3 the client hears of it only behind its handshake, when events are on their way.
#[test]
fn a_client_certificate_that_is_missing_names_client_cert() {
    let words = [
        "client certificate (CertificateRequired): name one in client_cert",
        "if it asks for a client certificate, name one in client_cert",
    ];
    check(Way::Both("server"), "localhost", tls(Some("ca"), None), &words);
}

#[test]
fn a_client_certificate_of_another_ca_counts_nothing_as_sent() {
    let words = ["it refuses the certificate in client_cert (", "the receiver closed the connection"];
    check(Way::Both("server"), "localhost", tls(Some("ca"), Some("strange-client")), &words);
}

#[test]
fn a_receiver_without_tls_is_asked_whether_it_speaks_tls() {
    check(Way::Tcp, "localhost", tls(Some("ca"), None), &["does it speak TLS on this port?"]);
}

/// rsyslog looks at the client's name behind the handshake and closes without an alert. Its OpenSSL driver (8.2302) lets
/// some connections through unchecked: what it wrote and what counts as sent must be the same all the same.
#[test]
fn what_a_receiver_with_second_thoughts_did_not_write_is_not_counted() {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let way = Way::Both("server");
    let config = rsyslog_config(way, dir.path(), port);
    let config = config.replace("\"x509/certvalid\"", "\"x509/name\" PermittedPeer=[\"another\"]");
    let Some(receiver) = Receiver::configured(Program::Rsyslog, way, dir.path(), port, &config) else { return };
    let mut counted = Vec::new();
    for count in 0..40 {
        let events: Vec<_> = (100 * count..=100 * count + count % 5).map(event).collect();
        let report = send(&way.target(Format::Ecs, port), &events);
        assert!(report.sent == 0 || report.waiting == 0, "{report:?}");
        counted.extend(events.into_iter().take(report.sent as usize));
    }
    assert_eq!(receiver.lines(counted.len()), expected(Format::Ecs, &counted));
    assert!(counted.len() < 120, "it refused none");
}

#[test]
fn a_client_certificate_of_another_ca_never_slips_through() {
    for program in PROGRAMS {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let Some(receiver) = Receiver::start(program, Way::Both("server"), dir.path(), port) else { continue };
        let strange = target(tls(Some("ca"), Some("strange-client")), Format::Ecs, &format!("localhost:{port}"));
        for _ in 0..20 {
            let report = send(&strange, &[event(1), event(2)]);
            assert_eq!((report.sent, report.waiting), (0, 2), "{program:?}: {report:?}");
        }
        assert!(receiver.so_far().iter().all(|line| line.app != "shadowtap"), "{program:?}");
    }
}
