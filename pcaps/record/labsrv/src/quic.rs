//! HTTP/3 over QUIC.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::{Buf, Bytes};
use h3::server::RequestResolver;
use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};

use crate::certs::Authority;
use crate::hosts::Hosts;
use crate::site;
use crate::truth::{Conn, Ends, Exchange, Log};

/// Longer than any pause of a drive script, short enough that a closed browser is soon forgotten.
const IDLE: Duration = Duration::from_secs(20);

pub fn serve(address: SocketAddr, authority: Arc<Authority>, hosts: Arc<Hosts>, log: Arc<Log>) -> Result<()> {
    let crypto = QuicServerConfig::try_from(authority.server_config(&["h3"]))?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(transport(None)?);
    let endpoint = quinn::Endpoint::server(config.clone(), address)?;
    tokio::spawn(async move {
        while let Some(incoming) = endpoint.accept().await {
            let log = log.clone();
            let mut config = config.clone();
            if let Some(ping) = incoming.local_ip().and_then(|ip| hosts.ping_at(ip)) {
                match transport(Some(ping)) {
                    Ok(transport) => _ = config.transport_config(transport),
                    Err(e) => eprintln!("quic: {e}"),
                }
            }
            let server_port = address.port();
            tokio::spawn(async move {
                let client = incoming.remote_address();
                if let Err(e) = speak(incoming, config, server_port, log).await {
                    eprintln!("quic {client}: {e}");
                }
            });
        }
    });
    Ok(())
}

fn transport(ping: Option<Duration>) -> Result<Arc<quinn::TransportConfig>> {
    let mut transport = quinn::TransportConfig::default();
    transport.max_idle_timeout(Some(IDLE.try_into()?)).keep_alive_interval(ping);
    Ok(Arc::new(transport))
}

async fn speak(incoming: quinn::Incoming, config: quinn::ServerConfig, server_port: u16, log: Arc<Log>) -> Result<()> {
    let client = incoming.remote_address();
    let server_ip = incoming.local_ip().unwrap_or(client.ip());
    let mut ends = Ends::new(client, SocketAddr::new(server_ip, server_port), "quic");
    let quic = incoming.accept_with(Arc::new(config))?.await?;
    ends.alpn = Some("h3".to_owned());
    ends.sni =
        quic.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok()).and_then(|data| data.server_name);
    let conn = Conn::open(log, ends);
    let mut h3 = h3::server::Connection::<_, Bytes>::new(h3_quinn::Connection::new(quic)).await?;
    // The loop ends with the client's close or with the idle timeout.
    while let Ok(Some(resolver)) = h3.accept().await {
        let conn = conn.clone();
        tokio::spawn(async move {
            if let Err(e) = respond(resolver, conn).await {
                eprintln!("h3 request: {e}");
            }
        });
    }
    Ok(())
}

async fn respond(resolver: RequestResolver<h3_quinn::Connection, Bytes>, conn: Arc<Conn>) -> Result<()> {
    let (request, mut stream) = resolver.resolve_request().await?;
    let (head, ()) = request.into_parts();
    let mut exchange = Exchange::begin(&conn, "h3", &head);
    let mut received = site::Received::default();
    while let Some(mut data) = stream.recv_data().await? {
        received.take(&data.copy_to_bytes(data.remaining()));
    }
    let reply = site::reply(&mut exchange, &received);
    stream.send_response(reply.head()).await?;
    for (pause, data) in reply.parts {
        tokio::time::sleep(pause).await;
        exchange.down += data.len() as u64;
        stream.send_data(data).await?;
    }
    stream.finish().await?;
    exchange.finish();
    Ok(())
}
