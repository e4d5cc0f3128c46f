//! HTTPS: the right authority, the client's certificate, and each way to be wrong.

use std::io::BufReader;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ingest::deliver::Deliverer;
use ingest::secret::Secret;
use ingest::siem::{Format, OpenError, Sink, To, WebhookTarget};
use ingest::tls::{TlsError, TlsFiles};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::server::Server;
use super::{Receiver, deliverer, one, sink, webhook};

/// The certificates of the ClickHouse store's tests: a server called localhost, and a client.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clickhouse/tests/tls").join(name)
}

fn server(hook: &Arc<Mutex<webhook::Hook>>) -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file("ca.pem")).unwrap()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let chain = vec![CertificateDer::from_pem_file(file("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let config = Arc::new(config.with_client_cert_verifier(clients).with_single_cert(chain, key).unwrap());
    let hook = hook.clone();
    Server::over(
        move |request| hook.lock().unwrap().answer(request),
        move |stream, serve| {
            let tls = ServerConnection::new(config.clone()).unwrap();
            serve(&mut BufReader::new(StreamOwned::new(tls, stream)));
        },
    )
}

fn to(url: String, ca: Option<&str>, client: Option<(&str, &str)>) -> To {
    let tls = TlsFiles { ca: ca.map(file), client: client.map(|(chain, key)| (file(chain), file(key))) };
    To::Webhook(WebhookTarget { url, secret: Secret::new("correct horse battery staple"), tls })
}

fn run(to: To) -> (tempfile::TempDir, Deliverer) {
    let dir = tempfile::tempdir().unwrap();
    let deliverer = deliverer(dir.path(), sink(Format::Ecs, to), &one());
    (dir, deliverer)
}

#[test]
fn a_finding_goes_to_whom_the_authority_names_and_nowhere_else() {
    let hook = Arc::new(Mutex::new(webhook::Hook::default()));
    let server = server(&hook);
    let url = |host: &str| format!("https://{host}:{}/hooks/soc?team=1", server.port);
    let me = Some(("client.pem", "client.key"));
    for (wrong, what) in [
        (to(url("localhost"), Some("stranger.pem"), me), "does not come from the CA in `ca`"),
        (to(url("localhost"), None, me), "name the CA's certificate in `ca`"),
        (to(url("127.0.0.1"), Some("ca.pem"), me), "certificate is for localhost, not for 127.0.0.1"),
        (to(url("localhost"), Some("ca.pem"), None), "name one in client_cert"),
        (to(format!("http://localhost:{}/hooks/soc?team=1", server.port), None, None), "cannot send"),
    ] {
        let (_dir, mut deliverer) = run(wrong);
        let report = deliverer.drain(None).unwrap().siem.remove(0);
        let error = report.error.unwrap();
        assert!(report.sent == 0 && error.contains(what), "{what} in {error}");
    }
    assert!(hook.lock().unwrap().keys().is_empty(), "nothing arrived");
    let (_dir, mut deliverer) = run(to(url("localhost"), Some("ca.pem"), me));
    assert_eq!(deliverer.drain(None).unwrap().siem[0].sent, 1);
    assert_eq!(hook.lock().unwrap().keys().len(), 1);
}

#[test]
fn a_server_that_speaks_no_tls_is_told_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let (_dir, mut deliverer) = run(to(format!("https://localhost:{port}/"), Some("ca.pem"), None));
    let error = deliverer.drain(None).unwrap().siem.remove(0).error.unwrap();
    assert!(error.contains("TLS: ") && error.contains("does it speak TLS on this port?"), "{error}");
}

#[test]
fn a_file_that_is_no_certificate_is_named_at_the_start() {
    let url = || "https://localhost:1/".to_owned();
    for wrong in [
        to(url(), Some("make.sh"), None),
        to(url(), Some("nowhere.pem"), None),
        to(url(), None, Some(("client.pem", "server.key"))),
    ] {
        let error = Sink::open(&sink(Format::Ecs, wrong)).err().unwrap();
        assert!(matches!(error, OpenError::Tls { source: TlsError::File { .. }, .. }), "{error}");
    }
}
