//! Receivers that hang, break off or are not there: nothing counts as sent, and each try ends.

use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ingest::siem::{Format, Sink, SyslogTransport};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ALL_VERSIONS, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use serde_json::json;

use crate::events::{event, outbox, send};
use crate::receiver::{pem, target, tls};
use crate::wait_for;

/// A listener whose connections nobody accepts: the system does, and lets them hang.
fn hung() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    (listener, address)
}

#[test]
fn a_receiver_that_never_reads_has_nothing() {
    let (_listener, address) = hung();
    let begun = Instant::now();
    let report = send(&target(SyslogTransport::Tcp, Format::Ecs, &address), &[event(1)]);
    assert_eq!((report.sent, report.waiting), (0, 1), "{report:?}");
    assert!(report.error.unwrap().contains("does not close the connection behind the last event"));
    assert!(begun.elapsed() < Duration::from_secs(60), "a try ends");
}

#[test]
fn a_receiver_that_never_reads_a_long_queue_takes_nothing() {
    let (_listener, address) = hung();
    let mut events: Vec<_> = (0..400).map(event).collect();
    events.iter_mut().for_each(|event| event["message"] = json!("x".repeat(50_000)));
    let report = send(&target(SyslogTransport::Tcp, Format::Ecs, &address), &events);
    assert_eq!((report.sent, report.waiting), (0, 400), "{report:?}");
    assert_eq!(report.error.unwrap(), "siem: cannot send: it takes nothing");
}

#[test]
fn a_receiver_that_never_shakes_hands_is_asked_whether_it_speaks_tls() {
    let (_listener, address) = hung();
    let report = send(&target(tls(Some("ca"), None), Format::Ecs, &address), &[event(1)]);
    assert_eq!((report.sent, report.waiting), (0, 1), "{report:?}");
    assert!(report.error.unwrap().contains("it does not answer the handshake: does it speak TLS on this port?"));
}

#[test]
fn a_receiver_that_closes_at_once_has_nothing() {
    for transport in [SyslogTransport::Tcp, tls(Some("ca"), None)] {
        let (listener, address) = hung();
        let peer = thread::spawn(move || drop(listener.accept().unwrap()));
        let report = send(&target(transport.clone(), Format::Ecs, &address), &[event(1), event(2)]);
        assert_eq!((report.sent, report.waiting), (0, 2), "{transport:?}: {report:?}");
        peer.join().unwrap();
    }
}

/// The receiver's close crosses our events on the wire: it looks like an answer, and only the reset behind it tells.
#[test]
fn a_close_that_is_no_answer_counts_nothing_as_sent() {
    for wait in 0..60 {
        let (listener, address) = hung();
        let peer = thread::spawn(move || {
            let connection = listener.accept().unwrap().0;
            thread::sleep(Duration::from_micros(wait * 20));
            drop(connection);
        });
        let report = send(&target(SyslogTransport::Tcp, Format::Ecs, &address), &[event(1)]);
        assert_eq!((report.sent, report.waiting), (0, 1), "{wait}: {report:?}");
        peer.join().unwrap();
    }
}

/// A TLS server of our own, which does with its one connection what the test says.
fn tls_server<T: Send + 'static>(
    then: fn(StreamOwned<ServerConnection, TcpStream>) -> T,
    versions: &[&'static SupportedProtocolVersion],
) -> (thread::JoinHandle<T>, String) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let chain = vec![CertificateDer::from_pem_file(pem("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(pem("server.key")).unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let (listener, address) = hung();
    let peer = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        then(StreamOwned::new(ServerConnection::new(config).unwrap(), stream))
    });
    (peer, address)
}

#[test]
fn a_tls_receiver_that_falls_silent_behind_the_handshake_has_nothing() {
    let (peer, address) = tls_server(
        |mut stream| {
            stream.conn.complete_io(&mut stream.sock).unwrap();
            thread::sleep(Duration::from_secs(8));
        },
        ALL_VERSIONS,
    );
    let report = send(&target(tls(Some("ca"), None), Format::Ecs, &address), &[event(1)]);
    assert_eq!((report.sent, report.waiting), (0, 1), "{report:?}");
    assert!(report.error.unwrap().contains("does not close the connection"));
    peer.join().unwrap();
}

#[test]
fn a_receiver_of_each_version_of_tls_has_everything() {
    for version in ALL_VERSIONS {
        let read = |mut stream: StreamOwned<ServerConnection, TcpStream>| {
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text.matches("shadowtap - finding - {").count()
        };
        let (peer, address) = tls_server(read, &[*version]);
        let events: Vec<_> = (0..30).map(event).collect();
        let report = send(&target(tls(Some("ca"), None), Format::Ecs, &address), &events);
        assert_eq!((report.sent, report.error), (30, None), "{version:?}");
        assert_eq!(peer.join().unwrap(), 30, "{version:?}");
    }
}

#[test]
fn a_receiver_with_tls_takes_nothing_in_clear() {
    let (peer, address) = tls_server(
        |mut stream| {
            assert!(stream.conn.complete_io(&mut stream.sock).is_err());
            // It reads on, so that its alert is not lost in a reset; what ends that is our reset.
            let _ = std::io::copy(&mut stream.sock, &mut std::io::sink());
        },
        ALL_VERSIONS,
    );
    let report = send(&target(SyslogTransport::Tcp, Format::Ecs, &address), &[event(1)]);
    assert_eq!((report.sent, report.waiting), (0, 1), "{report:?}");
    assert_eq!(report.error.unwrap(), "siem: cannot send: it speaks TLS on this port: transport = \"tls\"");
    peer.join().unwrap();
}

#[test]
fn a_tls_receiver_that_breaks_off_behind_the_first_event_has_nothing() {
    let (peer, address) = tls_server(
        |mut stream| {
            let mut some = [0; 100];
            stream.read_exact(&mut some).unwrap();
        },
        ALL_VERSIONS,
    );
    let events: Vec<_> = (0..200).map(event).collect();
    let report = send(&target(tls(Some("ca"), None), Format::Ecs, &address), &events);
    assert_eq!((report.sent, report.waiting), (0, 200), "{report:?}");
    peer.join().unwrap();
}

/// It takes eight seconds for what is sent at once, which is longer than it may.
#[test]
fn a_receiver_that_is_slow_gets_fewer_events_at_a_time_until_it_has_all() {
    let (listener, address) = hung();
    let (read, texts) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let read = read.clone();
            thread::spawn(move || read.send(slowly(stream)));
        }
    });
    let mut events: Vec<_> = (0..10).map(event).collect();
    events.iter_mut().for_each(|event| event["message"] = json!("x".repeat(50_000)));
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox(dir.path(), &events);
    let mut sink = Sink::open(&target(SyslogTransport::Tcp, Format::Ecs, &address)).unwrap();
    let first = sink.drain(&mut outbox, 0).unwrap();
    assert!(first.error.is_some() && first.sent == 0, "{first:?}");
    wait_for("the rest", || (sink.drain(&mut outbox, 0).unwrap().waiting == 0).then_some(()));
    // The first connection ends with an error on our side and is read to its end all the same.
    let texts: Vec<String> = (0..3).map(|_| texts.recv().unwrap()).collect();
    let numbers = |text: &String| -> Vec<usize> {
        (0..10).filter(|n| text.contains(&format!("\"id\":\"{n:016x}\""))).collect()
    };
    let mut seen: Vec<Vec<usize>> = texts.iter().map(numbers).collect();
    seen.sort();
    assert_eq!(seen, [(0..5).collect(), (0..10).collect(), (5..10).collect::<Vec<_>>()]);
}

fn slowly(mut stream: TcpStream) -> String {
    let (mut text, mut part) = (Vec::new(), [0; 8192]);
    while let Ok(read @ 1..) = stream.read(&mut part) {
        text.extend_from_slice(&part[..read]);
        thread::sleep(Duration::from_millis(128));
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn a_port_where_no_datagram_is_listened_for_is_noticed() {
    for address in ["127.0.0.1", "[::1]"] {
        let Ok(socket) = UdpSocket::bind(format!("{address}:0")) else { continue };
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let to = target(SyslogTransport::Udp, Format::Ecs, &format!("{address}:{port}"));
        for events in [vec![event(1)], (0..50).map(event).collect()] {
            let report = send(&to, &events);
            assert_eq!((report.sent, report.waiting), (0, events.len() as u64), "{report:?}");
            assert_eq!(report.error.unwrap(), format!("siem: cannot send: nobody listens on UDP port {port}"));
        }
    }
}

#[test]
fn datagrams_go_to_the_address_of_a_name_that_listens() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(socket) = UdpSocket::bind(address) else { continue };
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let port = socket.local_addr().unwrap().port();
        let report = send(&target(SyslogTransport::Udp, Format::Ecs, &format!("localhost:{port}")), &[event(1)]);
        if address.starts_with('[') && report.error.is_some() {
            continue; // This machine's localhost has no IPv6 address.
        }
        assert_eq!((report.sent, report.error), (1, None));
        let mut datagram = [0; 65_536];
        let length = socket.recv(&mut datagram).unwrap();
        assert!(datagram[..length].starts_with(b"<133>1 ") && datagram[..length].ends_with(b"}"));
    }
}

#[test]
fn an_event_that_no_datagram_holds_is_refused_and_the_rest_goes_on() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let mut events: Vec<_> = (0..3).map(event).collect();
    events[1]["message"] = json!("x".repeat(70_000));
    let to = target(SyslogTransport::Udp, Format::Ecs, &format!("127.0.0.1:{port}"));
    let report = send(&to, &events);
    assert_eq!((report.sent, report.refused, report.waiting, &report.error), (2, 1, 0, &None));
    let why = report.refused_why.unwrap();
    assert!(why.contains("bytes do not fit into a datagram, which holds 65507"), "{why}");
    let mut datagram = vec![0; 65_536];
    for id in ["0000000000000000", "0000000000000002"] {
        let length = socket.recv(&mut datagram).unwrap();
        assert!(String::from_utf8_lossy(&datagram[..length]).contains(id));
    }
}

#[test]
fn the_largest_datagram_goes_whole() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = target(SyslogTransport::Udp, Format::Ecs, &socket.local_addr().unwrap().to_string());
    let mut datagram = vec![0; 65_536];
    let mut large = event(1);
    large["message"] = json!("");
    send(&to, &[large.clone()]);
    let without = socket.recv(&mut datagram).unwrap();
    large["message"] = json!("x".repeat(65_507 - without));
    assert_eq!(send(&to, &[large.clone()]).sent, 1);
    assert_eq!(socket.recv(&mut datagram).unwrap(), 65_507);
    large["message"] = json!("x".repeat(65_508 - without));
    assert_eq!(send(&to, &[large]).refused, 1);
}
