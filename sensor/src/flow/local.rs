//! Looks at cleartext HTTP between two local addresses until a request or an answer says that a model server is there.
//!
//! A connection that is kept open may begin with a harmless request (`GET /health`), so several heads are looked at. Of
//! a path only the class of the endpoint is kept; the path itself is forgotten when it has been compared.

use rules::catalogue::Strength;
use rules::catalogue::local::{EndpointClass, LocalHit, LocalServers};

use crate::decode::Packet;
use crate::dissect::http;

/// Requests of one connection that are looked at: a program asks for health, version and models before it works.
const MAX_REQUESTS: u8 = 8;

/// A model server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelServer {
    /// Id of the product in the catalogue.
    pub service: String,
    /// How sure it is.
    pub strength: Strength,
    /// What it speaks.
    pub class: EndpointClass,
}

/// What a look brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// A model server.
    Server(ModelServer),
    /// Nothing yet.
    More,
    /// Nothing will come.
    GiveUp,
}

/// The last request: what it takes to count it once the server is known.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The packet that held its head, without payload.
    pub packet: Packet<'static>,
    /// Payload bytes of the client from it on.
    pub bytes: u64,
}

/// The state of a connection that may lead to a model server.
#[derive(Debug)]
pub struct Listening {
    port: u16,
    /// What the Host field of the first request said.
    pub host: Option<String>,
    /// The last request.
    pub asked: Asked,
    requests: u8,
    /// The server has sent something since the last request, so that the next payload begins another one.
    answered: bool,
    /// An endpoint that several products serve: the answer may name the one.
    nameless: Option<ModelServer>,
    /// The service and the last of the known paths that are weak alone: our own list's words.
    weak: Option<(String, String)>,
}

impl Listening {
    /// Begins with the first request of a connection to `port`; `bytes` is what the client has sent so far.
    pub fn new(port: u16, host: Option<String>, packet: &Packet<'_>, bytes: u64) -> Self {
        Self {
            port,
            host,
            asked: Asked { packet: bare(packet), bytes },
            requests: 0,
            answered: false,
            nameless: None,
            weak: None,
        }
    }

    /// Reads the head of a request.
    pub fn request(&mut self, stream: &[u8], servers: &LocalServers) -> Look {
        self.requests += 1;
        let hit = http::path(stream).and_then(|path| servers.classify(self.port, Some(path), None));
        match hit {
            Some(hit) if hit.strength == Strength::Weak => self.weak(&hit),
            Some(hit) if hit.product.is_some() => Look::Server(server(&hit)),
            Some(hit) => {
                self.nameless = Some(server(&hit));
                Look::More
            }
            None => self.next(),
        }
    }

    /// Reads a packet of the client after the first request; `advance` is how many new bytes it brought.
    pub fn up(&mut self, packet: &Packet<'_>, advance: u64, servers: &LocalServers) -> Look {
        if advance == 0 || !std::mem::take(&mut self.answered) {
            self.asked.bytes += advance;
            return Look::More;
        }
        self.asked = Asked { packet: bare(packet), bytes: advance };
        self.request(packet.payload, servers)
    }

    /// Reads a packet of the server.
    pub fn down(&mut self, payload: &[u8], servers: &LocalServers) -> Look {
        if payload.is_empty() || std::mem::replace(&mut self.answered, true) {
            return Look::More;
        }
        let answer = http::answer(payload);
        let banner = answer.and_then(|answer| servers.classify(self.port, None, answer.server));
        let named = banner.filter(|hit| hit.strength != Strength::Weak);
        let named = named.or_else(|| answer.and_then(|answer| servers.greeted(answer.body)));
        match (named, self.nameless.take()) {
            (Some(hit), None) => Look::Server(server(&hit)),
            // The path says better what was asked for, the answer who is there.
            (Some(hit), Some(path)) => Look::Server(ModelServer { class: path.class, ..server(&hit) }),
            (None, Some(path)) => Look::Server(path),
            (None, None) => self.next(),
        }
    }

    /// What is known at the end of the connection.
    pub fn end(&mut self) -> Option<ModelServer> {
        self.nameless.take()
    }

    /// Two known paths of one product are likely together, though each is weak alone.
    fn weak(&mut self, hit: &LocalHit<'_>) -> Look {
        let Some(path) = hit.path else { return self.next() };
        let before = self.weak.replace((hit.service.to_owned(), path.to_owned()));
        match before {
            Some((service, other)) if service == hit.service && other != path && hit.product.is_some() => {
                Look::Server(ModelServer { strength: Strength::Likely, ..server(hit) })
            }
            _ => self.next(),
        }
    }

    fn next(&self) -> Look {
        if self.requests >= MAX_REQUESTS { Look::GiveUp } else { Look::More }
    }
}

fn server(hit: &LocalHit<'_>) -> ModelServer {
    ModelServer { service: hit.service.to_owned(), strength: hit.strength, class: hit.class }
}

fn bare(packet: &Packet<'_>) -> Packet<'static> {
    Packet { payload: &[], ..*packet }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::decode::{L4, Link, TcpFlags};

    fn packet(payload: &[u8]) -> Packet<'_> {
        let ip = |last| IpAddr::from([10, 0, 0, last]);
        Packet {
            time: 0,
            src: (ip(1), 40_000),
            dst: (ip(2), 80),
            l4: L4::Tcp { seq: 0, flags: TcpFlags(0x18) },
            payload,
            payload_len: payload.len() as u32,
            frame_len: 0,
            ip_len: 0,
            link: Link::default(),
        }
    }

    /// What a connection to `port` tells: a request line and an answer, again and again.
    fn heard(port: u16, exchanges: &[(&str, &str)]) -> Option<(String, &'static str, &'static str)> {
        let servers = LocalServers::builtin();
        let mut listening = Listening::new(port, None, &packet(b""), 0);
        for (at, (line, answer)) in exchanges.iter().enumerate() {
            let request = format!("{line} HTTP/1.1\r\nHost: 10.0.0.2\r\n\r\n{{}}");
            let asked = match at {
                0 => listening.request(request.as_bytes(), &servers),
                _ => listening.up(&packet(request.as_bytes()), request.len() as u64, &servers),
            };
            let answer = format!("HTTP/1.1 200 OK\r\n{answer}");
            let look = if asked == Look::More { listening.down(answer.as_bytes(), &servers) } else { asked };
            match look {
                Look::Server(server) => {
                    return Some((server.service, server.strength.as_str(), server.class.as_str()));
                }
                Look::More => {}
                Look::GiveUp => return None,
            }
        }
        listening.end().map(|server| (server.service, server.strength.as_str(), server.class.as_str()))
    }

    const PLAIN: &str = "Server: nginx\r\n\r\n";

    #[test]
    fn each_product_by_what_it_is_asked_for_or_how_it_answers() {
        for (port, line, answer, service, strength, class) in [
            (11434, "POST /api/chat", "\r\n", "ollama", "definite", "ollama-api"),
            (11434, "POST /v1/chat/completions", "\r\n", "ollama", "likely", "openai-compatible"),
            (8081, "GET /", "\r\nOllama is running", "ollama", "definite", "ollama-api"),
            (1234, "GET /api/v0/models", "\r\n", "lm-studio", "likely", "openai-compatible"),
            (9999, "GET /health", "Server: llama.cpp\r\n\r\n", "llama-cpp", "definite", "llama-cpp"),
            (
                8080,
                "POST /v1/chat/completions",
                "Server: llama.cpp\r\n\r\n",
                "llama-cpp",
                "definite",
                "openai-compatible",
            ),
            (8000, "POST /v1/completions", "server: uvicorn\r\n\r\n", "vllm", "likely", "openai-compatible"),
            (8080, "POST /models/apply", PLAIN, "localai", "likely", "openai-compatible"),
            (3000, "GET /ollama/api/tags", PLAIN, "open-webui", "likely", "webui"),
            (8188, "GET /object_info", PLAIN, "comfy", "definite", "image-api"),
            (8188, "POST /prompt", PLAIN, "comfy", "likely", "image-api"),
            (8080, "POST /inference", "Server: whisper.cpp\r\n\r\n", "whisper-cpp", "likely", "whisper"),
            (8178, "POST /inference", "Server: whisper.cpp\r\n\r\n", "whisper-cpp", "definite", "whisper"),
            (8000, "POST /v1/audio/transcriptions", PLAIN, "speaches", "likely", "whisper"),
            (9000, "POST /asr?task=transcribe", PLAIN, "whisper-asr-webservice", "likely", "whisper"),
            (7777, "POST /v1/chat/completions", PLAIN, "local-model", "likely", "openai-compatible"),
        ] {
            let found = heard(port, &[(line, answer)]);
            assert_eq!(found, Some((service.to_owned(), strength, class)), "{port} {line}");
        }
    }

    #[test]
    fn a_later_request_decides_and_weak_paths_add_up() {
        let late = [("GET /health", PLAIN), ("GET /login", PLAIN), ("POST /v1/embeddings", PLAIN)];
        assert_eq!(heard(7777, &late), Some(("local-model".to_owned(), "likely", "openai-compatible")));
        let two = [("GET /api/tags", "\r\n"), ("POST /api/chat", "\r\n")];
        assert_eq!(heard(8081, &two), Some(("ollama".to_owned(), "likely", "ollama-api")));
        let same = [("POST /api/chat", "\r\n"), ("POST /api/chat", "\r\n")];
        assert_eq!(heard(8081, &same), None);
        let webui = [("GET /api/v1/auths/", PLAIN), ("GET /api/v1/chats/", PLAIN)];
        assert_eq!(heard(80, &webui), Some(("open-webui".to_owned(), "likely", "webui")));
    }

    #[test]
    fn the_intranet_is_no_model_server() {
        for (port, line) in [
            (80, "GET /"),
            (8080, "GET /slots"),
            (8080, "GET /v1/health"),
            (3000, "GET /api/v1/status"),
            (8123, "POST /api/chat"),
            (9090, "GET /api/v1/query"),
            (8000, "POST /v1/messages"),
            (5000, "GET /v2/_catalog"),
            (11434, "GET /"),
            (10300, "GET /"),
        ] {
            assert_eq!(heard(port, &[(line, PLAIN); 9]), None, "{port} {line}");
        }
    }

    #[test]
    fn a_body_that_looks_like_a_request_is_none() {
        let servers = LocalServers::builtin();
        let mut listening = Listening::new(7777, None, &packet(b""), 0);
        assert_eq!(listening.request(b"PUT /log HTTP/1.1\r\n", &servers), Look::More);
        let body = b"POST /v1/completions HTTP/1.1\r\n";
        assert_eq!(listening.up(&packet(body), body.len() as u64, &servers), Look::More);
        assert_eq!(listening.asked.bytes, body.len() as u64);
    }
}
