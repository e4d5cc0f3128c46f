//! WebSockets: a chat whose answers come as many small messages, sound both ways, or a page that only listens.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, interval, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

use crate::answers;
use crate::site::{self, Received};
use crate::truth::{Conn, Exchange};

/// The server's ping, as gateways send it to keep a quiet socket.
const PING: Duration = Duration::from_secs(20);
/// Sound goes in packets of 20 ms.
pub const SOUND: Duration = Duration::from_millis(20);

pub fn is_wanted(head: &Parts) -> bool {
    head.headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// The answer to the handshake; the socket itself is served as soon as that answer is out.
pub fn accept(mut request: Request<Incoming>, conn: &Arc<Conn>) -> Response<()> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let mut exchange = Exchange::begin(conn, "http/1.1", &head);
    tokio::spawn(async move {
        if let Err(e) = serve(upgrade, &mut exchange).await {
            eprintln!("socket {}: {e}", exchange.host);
        }
        exchange.finish();
    });
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let key = head.headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accepted) = HeaderValue::from_str(&derive_accept_key(key)) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
    }
    response
}

/// A text message is a prompt, a binary one is sound; whoever sends sound is sent sound.
async fn serve(upgrade: OnUpgrade, exchange: &mut Exchange) -> anyhow::Result<()> {
    let stream = TokioIo::new(upgrade.await?);
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    let mut answer: VecDeque<(Instant, Bytes)> = VecDeque::new();
    let (mut ping, mut sound) = (interval(PING), interval(SOUND));
    ping.reset();
    let (mut speaks, mut state) = (false, 1);
    loop {
        let next = answer.front().map(|(at, _)| *at);
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    exchange.up += text.len() as u64;
                    exchange.kind = site::asker(&exchange.host);
                    exchange.prompts += 1;
                    let mut received = Received::default();
                    received.take(text.as_bytes());
                    answer = timed(answers::messages(&received));
                }
                Some(Ok(Message::Binary(data))) => {
                    exchange.up += data.len() as u64;
                    exchange.kind = "voice";
                    speaks = true;
                }
                Some(Ok(_)) => {} // a close is answered with the next read, which then ends
                Some(Err(_)) | None => return Ok(()),
            },
            _ = ping.tick() => socket.send(Message::Ping(Bytes::from_static(b"keep-alive"))).await?,
            _ = sound.tick(), if speaks => {
                let data = site::sound(&mut state);
                exchange.down += data.len() as u64;
                socket.send(Message::Binary(data.into())).await?;
            }
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                if let Some((_, data)) = answer.pop_front() {
                    exchange.down += data.len() as u64;
                    socket.send(Message::Text(data.try_into()?)).await?;
                }
            }
        }
    }
}

fn timed(parts: Vec<(Duration, Bytes)>) -> VecDeque<(Instant, Bytes)> {
    let mut at = Instant::now();
    let times = parts.into_iter().map(|(pause, data)| {
        at += pause;
        (at, data)
    });
    times.collect()
}
