//! The lab's stand-in for the Internet: every host name of the hosts file, over HTTP/1.1, HTTP/2,
//! HTTP/3, WebSocket and plain HTTP, plus the DNS that points there and sound over UDP.
//!
//! It answers like a web page, a chat endpoint or an upload endpoint, and writes one JSON line for
//! each connection, request and DNS question: the truth that a capture of the same minute is
//! compared with.
//!
//! `labsrv HOSTS.json OUT_DIR DNS_ADDRESS...` writes `OUT_DIR/ca.pem` and `OUT_DIR/truth.jsonl`.

mod answers;
mod certs;
mod dns;
mod hosts;
mod media;
mod quic;
mod site;
mod socket;
mod tcp;
mod truth;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};

/// The unspecified IPv6 address takes IPv4 as well, so one socket per port is enough.
fn any(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))
}

// One thread: the last piece of an answer and its end then leave in one write, as SDKs expect that
// are to keep their connection.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: labsrv HOSTS.json OUT_DIR DNS_ADDRESS...";
    let hosts_file = PathBuf::from(args.next().context(usage)?);
    let out = PathBuf::from(args.next().context(usage)?);
    let resolvers: Vec<IpAddr> =
        args.map(|a| a.parse().with_context(|| format!("not an address: {a}"))).collect::<Result<_>>()?;

    let hosts = Arc::new(hosts::Hosts::read(&hosts_file)?);
    let log = Arc::new(truth::Log::create(&out.join("truth.jsonl"))?);
    let authority = Arc::new(certs::Authority::new()?);
    std::fs::write(out.join("ca.pem"), authority.root_pem())?;

    for address in resolvers {
        dns::serve(address, hosts.clone(), log.clone()).await?;
    }
    for (name, address) in hosts.media() {
        media::serve(address, name, log.clone()).await?;
    }
    quic::serve(any(443), authority.clone(), hosts.clone(), log.clone())?;
    tcp::serve_plain(any(80), log.clone()).await?;
    tcp::serve_tls(any(443), authority, hosts, log).await?;

    std::fs::write(out.join("ready"), "")?;
    std::future::pending().await
}
