//! TLS with something wrong: nothing counts as sent, the error names the mend, and the receiver wrote nothing.

use ingest::siem::{Format, SyslogTransport};
use ingest::tls::TlsFiles;

use crate::events::{event, send};
use crate::receiver::{Line, Program, Receiver, Way, free_port, pem, target, tls};

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
    let words =
        ["siem: TLS: its certificate comes from nobody whom this system trusts: name the CA's certificate in `ca`"];
    check(Way::Tls("server"), "localhost", tls(None, None), &words);
}

#[test]
fn a_receiver_of_another_name_says_which_names_it_has() {
    let words = [
        "its certificate is for logs.example, not for localhost: write a name of the certificate into server_name",
    ];
    check(Way::Tls("elsewhere"), "localhost", tls(Some("ca"), None), &words);
    let words = ["its certificate is for logs.example, not for 127.0.0.1: write"];
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

#[test]
fn a_receiver_with_tls_takes_nothing_in_clear() {
    // Its alert says so, unless it is lost in the reset behind it.
    let words = ["siem: cannot send: "];
    check(Way::Tls("server"), "localhost", SyslogTransport::Tcp, &words);
}
