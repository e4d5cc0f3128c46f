//! HTTP/1.1 and HTTP/2 over TLS, and plain HTTP/1.1.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;

use crate::certs::Authority;
use crate::hosts::Hosts;
use crate::truth::{self, Conn, Ends, Exchange, Log};
use crate::{site, socket};

pub async fn serve_plain(address: SocketAddr, log: Arc<Log>) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    tokio::spawn(async move {
        while let Ok((stream, client)) = listener.accept().await {
            let Ok(server) = stream.local_addr() else { continue };
            let conn = Conn::open(log.clone(), Ends::new(client, server, "http"));
            tokio::spawn(speak_http(stream, conn, None));
        }
    });
    Ok(())
}

pub async fn serve_tls(address: SocketAddr, authority: Arc<Authority>, hosts: Arc<Hosts>, log: Arc<Log>) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    let config = Arc::new(authority.server_config(&["h2", "http/1.1"]));
    tokio::spawn(async move {
        while let Ok((stream, client)) = listener.accept().await {
            let (config, hosts, log) = (config.clone(), hosts.clone(), log.clone());
            tokio::spawn(async move {
                if let Err(e) = speak_tls(stream, client, config, &hosts, log).await {
                    eprintln!("tls {client}: {e}");
                }
            });
        }
    });
    Ok(())
}

/// Reads the ClientHello before anything else: browsers drop connections in the middle of the
/// handshake, and the name that was on the wire belongs into the truth all the same.
async fn speak_tls(
    stream: TcpStream,
    client: SocketAddr,
    config: Arc<ServerConfig>,
    hosts: &Hosts,
    log: Arc<Log>,
) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut ends = Ends::new(client, stream.local_addr()?, "tls");
    let hello = match LazyConfigAcceptor::new(Acceptor::default(), stream).await {
        Ok(hello) => hello,
        Err(e) => {
            drop(Conn::open(log, ends));
            return Err(e.into());
        }
    };
    ends.sni = hello.client_hello().server_name().map(str::to_owned);
    let ping = ends.sni.as_deref().and_then(|name| hosts.ping(name));
    let start = truth::now();
    match hello.into_stream(config).await {
        Ok(stream) => {
            let alpn = stream.get_ref().1.alpn_protocol();
            ends.alpn = alpn.map(|p| String::from_utf8_lossy(p).into_owned());
            speak_http(stream, Conn::open_since(log, ends, start), ping).await;
            Ok(())
        }
        Err(e) => {
            drop(Conn::open_since(log, ends, start));
            Err(e.into())
        }
    }
}

async fn speak_http<S>(stream: S, conn: Arc<Conn>, ping: Option<Duration>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| respond(request, conn.clone()));
    // A client that goes away in the middle is everyday life, not an error of the lab.
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http2().timer(TokioTimer::new()).keep_alive_interval(ping);
    let _ended = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, conn: Arc<Conn>) -> Result<Response<Channel<Bytes>>, Infallible> {
    let (head, mut body) = request.into_parts();
    if socket::is_wanted(&head) {
        let request = Request::from_parts(head, body);
        return Ok(socket::accept(request, &conn).map(|()| Channel::new(1).1));
    }
    let version = if head.version == http::Version::HTTP_2 { "h2" } else { "http/1.1" };
    let mut exchange = Exchange::begin(&conn, version, &head);
    let mut received = site::Received::default();
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref() {
            received.take(data);
        }
    }
    let reply = site::reply(&mut exchange, &received);
    let response = reply.head();
    let (mut sender, channel) = Channel::new(4);
    tokio::spawn(async move {
        for (pause, data) in reply.parts {
            tokio::time::sleep(pause).await;
            exchange.down += data.len() as u64;
            if sender.send_data(data).await.is_err() {
                break;
            }
        }
        exchange.finish();
    });
    Ok(response.map(|()| channel))
}
