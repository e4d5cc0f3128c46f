//! TLS: the right CA, the client's certificate, and each way to be wrong.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ingest::store::Store;
use ingest::store::clickhouse::{ClickHouseStore, ClickHouseTarget, Keep, TargetError};
use ingest::tls::{TlsError, TlsFiles};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::facts::{embedded, facts};
use crate::sample::berlin;
use crate::server::{answers, engine, store};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// A TLS end in front of the server that asks each client for a certificate; gives its address.
fn tls_end(upstream: SocketAddr) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("ca.pem")).unwrap()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from_pem_file(file("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let config = Arc::new(config.with_client_cert_verifier(clients).with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let config = config.clone();
            thread::spawn(move || relay(client, upstream, config));
        }
    });
    address
}

/// Carries bytes both ways, looking at each side in turn, until one of them ends.
fn relay(client: TcpStream, upstream: SocketAddr, config: Arc<ServerConfig>) {
    let mut server = TcpStream::connect(upstream).unwrap();
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    }
    let mut client = StreamOwned::new(ServerConnection::new(config).unwrap(), client);
    let mut buffer = [0; 16_384];
    loop {
        match client.read(&mut buffer) {
            Ok(read @ 1..) => server.write_all(&buffer[..read]).unwrap(),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => return,
        }
        match server.read(&mut buffer) {
            Ok(read @ 1..) => client.write_all(&buffer[..read]).unwrap(),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => return,
        }
    }
}

fn target(host: &str, port: u16, ca: Option<&str>, client: bool) -> ClickHouseTarget {
    let mut target = ClickHouseTarget::parse(&format!("clickhouse://{host}:{port}/test?secure=1")).unwrap();
    target.tls = TlsFiles { ca: ca.map(file), client: client.then(|| (file("client.pem"), file("client.key"))) };
    target.timeout = Duration::from_secs(20);
    target
}

#[test]
fn facts_go_over_tls_to_whom_the_ca_names_and_nowhere_else() {
    let Some(engine) = engine() else { return };
    let port = tls_end(engine.address).port();
    let records = facts();
    let (_dir, sqlite) = embedded(&records);
    let mut good = store(target("localhost", port, Some("ca.pem"), true));
    assert_eq!(good.insert("all", &records).unwrap().new, records.len() as u64);
    assert_eq!(answers(&good), answers(&sqlite));
    for (wrong, what) in [
        (target("localhost", port, Some("stranger.pem"), true), "certificate"),
        (target("localhost", port, None, true), "certificate"),
        (target("127.0.0.1", port, Some("ca.pem"), true), "certificate"),
        (target("localhost", port, Some("ca.pem"), false), "network error"),
        (target("localhost", engine.address.port(), Some("ca.pem"), true), "network error"),
    ] {
        let error = store(wrong).insert("wrong", &records).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    assert_eq!(engine.server().sql("SELECT count() FROM batch"), "1");
}

#[test]
fn a_file_that_is_no_certificate_is_named_before_anything_is_sent() {
    let keep = Keep::default();
    for (ca, client) in [
        (Some(file("make.sh")), None),
        (Some(file("nowhere.pem")), None),
        (None, Some((file("client.pem"), file("make.sh")))),
        (None, Some((file("client.key"), file("client.key")))),
        (None, Some((file("client.pem"), file("server.key")))),
    ] {
        let mut target = target("localhost", 1, None, false);
        target.tls = TlsFiles { ca, client };
        let error = ClickHouseStore::new(target, keep, berlin()).unwrap_err();
        assert!(
            matches!(error, TargetError::Tls(TlsError::File { .. })) && error.to_string().contains("tests/tls"),
            "{error}"
        );
    }
}
