//! Sound over UDP as a WebRTC media server has it: STUN, DTLS-like and RTP-like datagrams, nothing of it encrypted
//! for real. Whoever sends sound is sent sound, fifty packets a second, until he falls silent.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::UdpSocket;
use tokio::time::{Instant, interval};

use crate::site;
use crate::socket::SOUND;
use crate::truth::{self, Ends, Log, Media};

/// Who has sent nothing for so long is not spoken to, and after so long is forgotten.
const SILENCE: Duration = Duration::from_millis(200);
const GONE: Duration = Duration::from_secs(2);

struct Peer {
    line: Media,
    heard: Instant,
    speaks: bool,
    sent: u16,
    state: u32,
}

pub async fn serve(address: SocketAddr, name: String, log: Arc<Log>) -> Result<()> {
    let socket = UdpSocket::bind(address).await.with_context(|| format!("media on {address}"))?;
    tokio::spawn(async move {
        let mut peers: HashMap<SocketAddr, Peer> = HashMap::new();
        let (mut buffer, mut tick) = ([0; 1500], interval(SOUND));
        loop {
            tokio::select! {
                Ok((size, client)) = socket.recv_from(&mut buffer) => {
                    let peer = peers.entry(client).or_insert_with(|| Peer::new(client, address, &name));
                    if let Some(reply) = peer.hear(&buffer[..size], client) {
                        peer.send(&socket, client, &reply).await;
                    }
                }
                _ = tick.tick() => {
                    for (client, peer) in peers.iter_mut().filter(|(_, peer)| peer.speaks && peer.heard.elapsed() < SILENCE) {
                        let packet = peer.packet();
                        peer.send(&socket, *client, &packet).await;
                    }
                    for (_, peer) in peers.extract_if(|_, peer| peer.heard.elapsed() > GONE) {
                        log.media(&peer.line);
                    }
                }
            }
        }
    });
    Ok(())
}

impl Peer {
    fn new(client: SocketAddr, server: SocketAddr, name: &str) -> Self {
        let mut ends = Ends::new(client, server, "media");
        ends.sni = Some(name.to_owned());
        let state = u32::from(client.port());
        Self { line: Media::new(ends), heard: Instant::now(), speaks: false, sent: 0, state }
    }

    /// Counts a datagram and says what answers it at once. First bytes as in RFC 7983: STUN, DTLS, RTP.
    fn hear(&mut self, data: &[u8], client: SocketAddr) -> Option<Vec<u8>> {
        self.heard = Instant::now();
        self.line.end = truth::now();
        self.line.up += data.len() as u64;
        self.line.packets_up += 1;
        match data.first()? {
            0..=3 => stun_response(data, client),
            // A flight as long as the client's, with the same record header and random content.
            20..=63 => Some(
                data.iter().take(13).copied().chain(site::noise(data.len().saturating_sub(13), self.state)).collect(),
            ),
            _ => {
                self.speaks = true;
                None
            }
        }
    }

    /// One RTP-like packet of 80 to 160 bytes.
    fn packet(&mut self) -> Vec<u8> {
        self.sent = self.sent.wrapping_add(1);
        let mut packet = vec![0x80, 111];
        packet.extend(self.sent.to_be_bytes());
        packet.extend((u32::from(self.sent) * 960).to_be_bytes());
        packet.extend([0x5a; 4]);
        packet.extend(&site::sound(&mut self.state)[12..]);
        packet
    }

    async fn send(&mut self, socket: &UdpSocket, client: SocketAddr, data: &[u8]) {
        if socket.send_to(data, client).await.is_ok() {
            self.line.down += data.len() as u64;
            self.line.packets_down += 1;
        }
    }
}

/// Binding success with XOR-MAPPED-ADDRESS (RFC 8489), for IPv4.
fn stun_response(request: &[u8], client: SocketAddr) -> Option<Vec<u8>> {
    const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    let SocketAddr::V4(client) = client else { return None };
    let transaction = request.get(4..20)?;
    let mut response = vec![1, 1, 0, 12];
    response.extend(transaction);
    response.extend([0, 0x20, 0, 8, 0, 1]);
    response.extend(client.port().to_be_bytes().iter().zip(COOKIE).map(|(a, b)| a ^ b));
    response.extend(client.ip().octets().iter().zip(COOKIE).map(|(a, b)| a ^ b));
    Some(response)
}
