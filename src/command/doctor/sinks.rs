//! Can each receiver of findings be reached? Nothing is sent: a connection is made, with TLS where it is spoken, and
//! closed again. Whether tokens and formats are taken, `siem test` tells.

use std::fs;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::siem::{SinkTarget, SyslogTransport, To};
use ingest::tls::{self, TlsFiles};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use super::check::{Check, Id};
use super::system::quoted;
use crate::config::Setup;

pub(super) const SINK: Id = Id("sink");

/// As sinks have it themselves: what a receiver may take to answer, and to shake hands.
const CONNECT: Duration = Duration::from_secs(2);
const HANDSHAKE: Duration = Duration::from_secs(5);

/// One check for each receiver; the ClickHouse server has its own.
pub(super) fn checks(setup: &Setup, config: Option<&Path>) -> Vec<Check> {
    let receivers: Vec<_> = setup.sinks.iter().filter(|sink| !matches!(sink.to, To::Store(_))).collect();
    if receivers.is_empty() {
        return vec![SINK.ok("none is configured: findings are told to nobody")];
    }
    receivers.into_iter().map(|sink| check(sink, config)).collect()
}

/// Where a receiver is.
enum Way<'a> {
    Tcp(String),
    Tls(String, &'a TlsFiles, Option<&'a str>),
    Udp(&'a str),
    File(&'a Path),
}

fn check(sink: &SinkTarget, config: Option<&Path>) -> Check {
    let way = match &sink.to {
        To::Syslog(to) => match &to.transport {
            SyslogTransport::Udp => Way::Udp(&to.address),
            SyslogTransport::Tcp => Way::Tcp(to.address.clone()),
            SyslogTransport::Tls { files, server_name } => {
                Way::Tls(to.address.clone(), files, server_name.as_deref())
            }
        },
        To::Hec(to) => of_url(&to.url, &to.tls),
        To::Elastic(to) => of_url(&to.url, &to.tls),
        To::Sentinel(to) => of_url(&to.endpoint, &to.tls),
        To::Webhook(to) => of_url(&to.url, &to.tls),
        To::File(to) => Way::File(&to.path),
        To::Store(_) => return SINK.unknown("see `store`"),
    };
    let result = match way {
        Way::Tcp(address) => {
            connect(&address).map(|took| took.1).map(|took| format!("{address} answers in {took} ms"))
        }
        Way::Tls(address, files, name) => secure(&address, files, name),
        Way::File(path) => writable(path),
        Way::Udp(address) => match address.to_socket_addrs() {
            Ok(_) => return SINK.unknown("UDP: nobody answers").with(test(sink, config)).about(&sink.name),
            Err(e) => Err(e),
        },
    };
    let check = match result {
        Ok(seen) => SINK.ok(seen),
        Err(error) => SINK.fail(error.to_string(), test(sink, config)),
    };
    check.about(&sink.name)
}

/// The command that sends an event and has all the words for what goes wrong.
fn test(sink: &SinkTarget, config: Option<&Path>) -> String {
    let config = config.map_or_else(String::new, |path| format!(" --config {}", quoted(path.display())));
    format!("shadowtap siem test {}{config}", quoted(&sink.name))
}

/// The server of a URL that the configuration has checked.
fn of_url<'a>(url: &str, files: &'a TlsFiles) -> Way<'a> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = if scheme == "http" { 80 } else { 443 };
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let address = if has_port { host.to_owned() } else { format!("{host}:{port}") };
    if scheme == "http" { Way::Tcp(address) } else { Way::Tls(address, files, None) }
}

/// The connection and the milliseconds that it took.
fn connect(address: &str) -> io::Result<(TcpStream, u128)> {
    let begun = Instant::now();
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("{address} has no address"));
    for peer in address.to_socket_addrs()?.take(4) {
        match TcpStream::connect_timeout(&peer, CONNECT) {
            Ok(stream) => return Ok((stream, begun.elapsed().as_millis())),
            Err(e) => last = io::Error::new(e.kind(), format!("{peer}: {e}")),
        }
    }
    Err(last)
}

/// A whole handshake, the receiver's certificate checked.
fn secure(address: &str, files: &TlsFiles, name: Option<&str>) -> io::Result<String> {
    let config = tls::config(files).map_err(io::Error::other)?;
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(name.unwrap_or(host).to_owned()).map_err(io::Error::other)?;
    let (mut stream, took) = connect(address)?;
    stream.set_read_timeout(Some(HANDSHAKE))?;
    stream.set_write_timeout(Some(HANDSHAKE))?;
    let mut session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while session.is_handshaking() {
        session.complete_io(&mut stream).map_err(|e| io::Error::new(e.kind(), format!("{address}: TLS: {e}")))?;
    }
    session.send_close_notify();
    // The receiver may be gone by now: the handshake is what was asked for.
    let _ = session.write_tls(&mut stream);
    Ok(format!("{address} answers in {took} ms, its certificate is in order"))
}

/// A file of lines that is there, or can be made.
fn writable(path: &Path) -> io::Result<String> {
    let (place, rights, what) = match fs::metadata(path) {
        Ok(_) => (path, Access::WRITE_OK, "can be written"),
        Err(_) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            (folder, Access::WRITE_OK | Access::EXEC_OK, "can be made")
        }
    };
    accessat(CWD, place, rights, AtFlags::EACCESS).map_err(|e| {
        io::Error::new(io::Error::from(e).kind(), format!("{}: {}", place.display(), io::Error::from(e)))
    })?;
    Ok(format!("{} {what}", path.display()))
}
