//! Looks at cleartext HTTP between two local addresses until a request and its answer say that a model server is there.
//!
//! A request says what somebody asks for, not who is there: it counts when the answer is a success, so that a scanner
//! makes no model server of a web server that says `404 Not Found`.
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
    /// What the last request would tell, until it is answered.
    held: Option<Held>,
    /// The service and the last of the known paths that are weak alone: our own list's words.
    weak: Option<(String, String)>,
}

/// A request to a known path that is not yet answered.
#[derive(Debug)]
struct Held {
    server: ModelServer,
    /// The known path: our own list's word.
    path: Option<String>,
    /// The path tells one product.
    named: bool,
    /// The request brings a body.
    posts: bool,
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
            held: None,
            weak: None,
        }
    }

    /// Reads the head of a request. Its answer decides.
    pub fn request(&mut self, stream: &[u8], servers: &LocalServers) -> Look {
        self.requests += 1;
        let hit = http::path(stream).and_then(|path| servers.classify(self.port, Some(path), None));
        self.held = hit.map(|hit| Held {
            server: server(&hit),
            path: hit.path.map(str::to_owned),
            named: hit.product.is_some(),
            posts: http::posts(stream),
        });
        Look::More
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
        if payload.is_empty() || self.answered {
            return Look::More;
        }
        let answer = http::answer(payload);
        if answer.is_some_and(|answer| answer.is_interim()) {
            return Look::More;
        }
        self.answered = true;
        let held = self.held.take();
        let Some(answer) = answer else { return self.next() };
        let banner = servers.classify(self.port, None, answer.server);
        let named = banner.filter(|hit| hit.strength != Strength::Weak);
        let named = named.or_else(|| servers.greeted(answer.body));
        match (named, held) {
            // The path says better what was asked for, the answer who is there.
            (Some(hit), Some(held)) if held.server.strength != Strength::Weak => {
                Look::Server(ModelServer { class: held.server.class, ..server(&hit) })
            }
            (Some(hit), _) => Look::Server(server(&hit)),
            (None, Some(held)) if answer.is_success() => self.confirmed(held),
            (None, _) => self.next(),
        }
    }

    /// What is known at the end of a connection of which the server's side was not seen: without an answer, nothing but
    /// a question to a path that is one product's own says enough.
    pub fn unanswered(&mut self) -> Option<ModelServer> {
        let held = self.held.take()?;
        (held.posts && held.server.strength == Strength::Definite).then_some(held.server)
    }

    /// The server did what it was asked. Two known paths of one product are likely together, though each is weak alone.
    fn confirmed(&mut self, held: Held) -> Look {
        if held.server.strength != Strength::Weak {
            return Look::Server(held.server);
        }
        let Some(path) = held.path else { return self.next() };
        let before = self.weak.replace((held.server.service.clone(), path.clone()));
        match before {
            Some((service, other)) if service == held.server.service && other != path && held.named => {
                Look::Server(ModelServer { strength: Strength::Likely, ..held.server })
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
    Packet { header: &[], payload: &[], ..*packet }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::decode::{L4, TcpFlags};

    fn packet(payload: &[u8]) -> Packet<'_> {
        let ip = |last| IpAddr::from([10, 0, 0, last]);
        let l4 = L4::Tcp { seq: 0, flags: TcpFlags(0x18) };
        Packet { l4, ..Packet::udp((ip(1), 40_000), (ip(2), 80), payload) }
    }

    type Told = Option<(String, &'static str, &'static str)>;

    /// What a connection to `port` tells: a request line and an answer, again and again.
    fn heard(port: u16, exchanges: &[(&str, &str)]) -> Told {
        let ok: Vec<_> = exchanges.iter().map(|&(line, answer)| (line, format!("200 OK\r\n{answer}"))).collect();
        answered(port, &ok.iter().map(|(line, answer)| (*line, answer.as_str())).collect::<Vec<_>>())
    }

    /// The same with answers from the status on.
    fn answered(port: u16, exchanges: &[(&str, &str)]) -> Told {
        let servers = LocalServers::builtin();
        let mut listening = Listening::new(port, None, &packet(b""), 0);
        for (at, (line, answer)) in exchanges.iter().enumerate() {
            let request = format!("{line} HTTP/1.1\r\nHost: 10.0.0.2\r\nContent-Length: 2\r\n\r\n{{}}");
            let asked = match at {
                0 => listening.request(request.as_bytes(), &servers),
                _ => listening.up(&packet(request.as_bytes()), request.len() as u64, &servers),
            };
            assert_eq!(asked, Look::More, "a request alone decides nothing");
            match listening.down(format!("HTTP/1.1 {answer}").as_bytes(), &servers) {
                Look::Server(server) => return Some(told(server)),
                Look::More => {}
                Look::GiveUp => return None,
            }
        }
        None
    }

    fn told(server: ModelServer) -> (String, &'static str, &'static str) {
        (server.service, server.strength.as_str(), server.class.as_str())
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
            (8080, "POST /inference", "Server: whisper.cpp\r\n\r\n", "whisper-cpp", "definite", "whisper"),
            (8080, "POST /inference", PLAIN, "whisper-cpp", "likely", "whisper"),
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
    fn a_probe_that_is_refused_makes_no_model_server() {
        for status in ["404 Not Found", "301 Moved", "401 Unauthorized", "403 Forbidden", "405 No", "500 No", "x"] {
            let refused = format!("{status}\r\nServer: nginx\r\n\r\n<html>");
            for (port, line) in [
                (11434, "POST /api/chat"),
                (11434, "GET /api/tags"),
                (1234, "GET /api/v0/models"),
                (80, "POST /v1/chat/completions"),
                (8188, "GET /object_info"),
            ] {
                assert_eq!(answered(port, &[(line, refused.as_str()); 9]), None, "{port} {line} {status}");
            }
            let scan =
                [("GET /api/tags", refused.as_str()), ("POST /api/chat", &refused), ("GET /v1/models", &refused)];
            assert_eq!(answered(8081, &scan), None, "{status}");
        }
    }

    #[test]
    fn a_refusal_with_a_banner_and_a_later_success_count() {
        let asked = "POST /v1/chat/completions";
        let llama = Some(("llama-cpp".to_owned(), "definite", "openai-compatible"));
        assert_eq!(answered(8080, &[(asked, "401 Unauthorized\r\nServer: llama.cpp\r\n\r\n")]), llama);
        let later = [("GET /api/v0/models", "404 Not Found\r\n\r\n"), (asked, "200 OK\r\n\r\n")];
        assert_eq!(answered(7777, &later), Some(("local-model".to_owned(), "likely", "openai-compatible")));
        let interim = [(asked, "100 Continue\r\n\r\n")];
        assert_eq!(answered(7777, &interim), None);
        let both = [(asked, "100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")];
        assert!(answered(7777, &both).is_some());
    }

    #[test]
    fn without_an_answer_a_question_to_a_definite_path_alone_counts() {
        let servers = LocalServers::builtin();
        let end = |port: u16, request: &str| {
            let mut listening = Listening::new(port, None, &packet(b""), 0);
            assert_eq!(listening.request(request.as_bytes(), &servers), Look::More);
            listening.unanswered().map(told)
        };
        let body = "HTTP/1.1\r\nContent-Length: 9\r\n\r\n";
        let ollama = Some(("ollama".to_owned(), "definite", "ollama-api"));
        assert_eq!(end(11434, &format!("POST /api/chat {body}")), ollama);
        assert_eq!(end(11434, "POST /api/chat HTTP/1.1\r\n\r\n"), None);
        assert_eq!(end(11434, "GET /api/tags HTTP/1.1\r\n\r\n"), None);
        assert_eq!(end(7777, &format!("POST /v1/chat/completions {body}")), None);
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
