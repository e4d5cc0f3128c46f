//! A small authoritative DNS server over UDP and TCP: A, AAAA, CNAME chains, HTTPS, NXDOMAIN.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::hosts::{Host, Hosts};
use crate::truth::{self, Log, Question};

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const HTTPS: u16 = 65;
const HEADER: usize = 12;
const TTL: u32 = 60;

pub async fn serve(address: IpAddr, hosts: Arc<Hosts>, log: Arc<Log>) -> Result<()> {
    let (h, l) = (hosts.clone(), log.clone());
    let udp = UdpSocket::bind((address, 53)).await.with_context(|| format!("dns on {address}"))?;
    let tcp = TcpListener::bind((address, 53)).await?;
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((size, client)) = udp.recv_from(&mut buffer).await {
            if let Some(message) = answer(&buffer[..size], client, "udp", &h, &l) {
                let _sent = udp.send_to(&message, client).await;
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((stream, client)) = tcp.accept().await {
            let (hosts, log) = (hosts.clone(), log.clone());
            tokio::spawn(async move {
                // The read past the last question is how a client ends the connection.
                let _closed = speak_tcp(stream, client, &hosts, &log).await;
            });
        }
    });
    Ok(())
}

async fn speak_tcp(mut stream: TcpStream, client: SocketAddr, hosts: &Hosts, log: &Log) -> Result<()> {
    loop {
        let mut question = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut question).await?;
        let message = answer(&question, client, "tcp", hosts, log).context("malformed question")?;
        let mut framed = u16::try_from(message.len())?.to_be_bytes().to_vec();
        framed.extend_from_slice(&message);
        stream.write_all(&framed).await?;
    }
}

/// The response to `query`, or nothing when it does not hold one plain question.
fn answer(query: &[u8], client: SocketAddr, transport: &'static str, hosts: &Hosts, log: &Log) -> Option<Vec<u8>> {
    let (name, after) = read_name(query, HEADER)?;
    let qtype = u16::from_be_bytes(query.get(after..after + 2)?.try_into().ok()?);
    let question = query.get(HEADER..after + 4)?;
    let host = hosts.find(&name);
    let records = host.map(|h| records(h, qtype)).unwrap_or_default();
    let count = u16::try_from(records.len()).ok()?;
    let (code, rcode) = if host.is_some() { (0x80, "NOERROR") } else { (0x83, "NXDOMAIN") };

    let mut message = query.get(..2)?.to_vec();
    message.extend_from_slice(&[0x80 | (query[2] & 0x01), code, 0, 1]);
    message.extend_from_slice(&count.to_be_bytes());
    message.extend_from_slice(&[0; 4]);
    message.extend_from_slice(question);
    message.extend(records.concat());
    log.dns(&Question {
        t: "dns",
        ts: truth::now(),
        client: client.ip().to_canonical().to_string(),
        client_port: client.port(),
        transport,
        name: &name,
        qtype: type_name(qtype),
        rcode,
        answers: count,
    });
    Some(message)
}

fn type_name(qtype: u16) -> String {
    match qtype {
        A => "A".to_owned(),
        AAAA => "AAAA".to_owned(),
        HTTPS => "HTTPS".to_owned(),
        other => format!("TYPE{other}"),
    }
}

/// An uncompressed name in lower case, and the position after it.
fn read_name(message: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    loop {
        let size = usize::from(*message.get(at)?);
        at += 1;
        if size == 0 {
            return Some((labels.join("."), at));
        }
        if size > 63 {
            return None;
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + size)?).to_ascii_lowercase());
        at += size;
    }
}

fn write_name(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out
}

fn records(host: &Host, qtype: u16) -> Vec<Vec<u8>> {
    // A pointer to the question's own name.
    let mut owner = vec![0xc0, HEADER as u8];
    let mut records = Vec::new();
    for alias in &host.cname {
        let target = write_name(alias);
        records.push(record(&owner, CNAME, &target));
        owner = target;
    }
    match qtype {
        A => records.extend(host.a.iter().map(|a| record(&owner, A, &a.octets()))),
        AAAA => records.extend(host.aaaa.iter().map(|a| record(&owner, AAAA, &a.octets()))),
        HTTPS if !host.alpn.is_empty() => records.push(record(&owner, HTTPS, &https_data(host))),
        _ => {}
    }
    records
}

fn record(owner: &[u8], rtype: u16, data: &[u8]) -> Vec<u8> {
    let mut out = owner.to_vec();
    out.extend_from_slice(&rtype.to_be_bytes());
    out.extend_from_slice(&[0, 1]);
    out.extend_from_slice(&TTL.to_be_bytes());
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
    out
}

/// Priority 1, target ".", and the parameters alpn (1) and ipv4hint (4) of RFC 9460.
fn https_data(host: &Host) -> Vec<u8> {
    let alpn: Vec<u8> = host.alpn.iter().flat_map(|id| [&[id.len() as u8], id.as_bytes()].concat()).collect();
    let hint: Vec<u8> = host.a.iter().flat_map(|a| a.octets()).collect();
    let mut out = vec![0, 1, 0];
    for (key, value) in [(1_u16, alpn), (4, hint)] {
        if !value.is_empty() {
            out.extend_from_slice(&key.to_be_bytes());
            out.extend_from_slice(&(value.len() as u16).to_be_bytes());
            out.extend_from_slice(&value);
        }
    }
    out
}
