//! Servers that run models on a device or in the local network: no name tells them, so ports, known paths
//! and the Server header must.
//!
//! A port alone is never more than weak: anything can listen there. A path names the endpoint and only
//! sometimes the product, since many products serve each other's paths.

use std::sync::{Arc, LazyLock};

use jiff::civil::Date;
use serde::Deserialize;

use super::{data, service::Strength};
use crate::words::words;

const DATA: &str = include_str!("../../data/local.toml");

words! {
    /// What a local endpoint speaks. All that is kept of a path.
    pub enum EndpointClass, "endpoint class" {
        /// Ollama's own paths.
        OllamaApi = "ollama-api",
        /// The paths of OpenAI's interface, which nearly every server has.
        OpenaiCompatible = "openai-compatible",
        /// llama.cpp's own paths.
        LlamaCpp = "llama-cpp",
        /// Other servers of text models.
        TextGeneration = "text-generation",
        /// Pictures.
        ImageApi = "image-api",
        /// Speech to text and back.
        Whisper = "whisper",
        /// A relay that passes questions on to other servers, local or not.
        Gateway = "gateway",
        /// A page that people type into.
        Webui = "webui",
    }
}

/// The service of an endpoint whose product is unknown: several serve the same paths.
pub const UNKNOWN_SERVICE: &str = "local-model";

/// All known local servers.
#[derive(Debug, Clone)]
pub struct LocalServers {
    servers: Vec<LocalServer>,
}

/// One product, or one interface that many products serve.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalServer {
    /// Its name; `None` for an interface of many.
    pub product: Option<String>,
    /// Its id in the catalogue; [`UNKNOWN_SERVICE`] for an interface of many.
    pub service: String,
    /// Its default ports.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Its ports are used for little else, so contact with them alone says a little.
    #[serde(default)]
    pub lone_port: bool,
    /// How its Server header begins, where that is its own.
    pub banner: Option<String>,
    /// How the body of an answer begins, where it says the product's name there.
    pub greeting: Option<String>,
    /// What it speaks, where a path does not say otherwise.
    pub class: EndpointClass,
    /// Where this was read.
    pub source: String,
    /// When it was judged.
    #[serde(deserialize_with = "data::date")]
    pub date: Date,
    /// A trap or a limit.
    pub note: Option<String>,
    /// The paths that tell it.
    #[serde(default)]
    pub paths: Vec<LocalPath>,
}

/// One path and what it is worth.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalPath {
    /// The path itself and all below it.
    pub prefix: String,
    /// How sure it is on a default port.
    pub strength: Strength,
    /// How sure it is on any other port; `None` when it says nothing there.
    pub elsewhere: Option<Strength>,
    /// What it speaks, where that is not the server's own class.
    pub class: Option<EndpointClass>,
}

/// The answer to "is this a local model server?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalHit<'a> {
    /// The product; `None` where several fit equally well.
    pub product: Option<&'a str>,
    /// The product's id in the catalogue; [`UNKNOWN_SERVICE`] where several fit equally well.
    pub service: &'a str,
    /// The known path at the head of the one asked for, which decided; `None` where none did.
    pub path: Option<&'a str>,
    /// How sure it is that this is a model server of that class.
    pub strength: Strength,
    /// What it speaks.
    pub class: EndpointClass,
}

/// A hit and what decides between equals: a default port, then the longer path.
#[derive(Clone, Copy)]
struct Guess<'a> {
    hit: LocalHit<'a>,
    on_port: bool,
    path: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    server: Vec<LocalServer>,
}

impl LocalServers {
    /// The servers that are compiled in.
    pub fn builtin() -> Arc<LocalServers> {
        #[expect(clippy::expect_used, reason = "a constant of this build; a test parses these very bytes")]
        static BUILTIN: LazyLock<Arc<LocalServers>> =
            LazyLock::new(|| Arc::new(LocalServers::parse(DATA).expect("the built-in local servers parse")));
        BUILTIN.clone()
    }

    fn parse(text: &str) -> Result<LocalServers, toml::de::Error> {
        Ok(LocalServers { servers: toml::from_str::<File>(text)?.server })
    }

    /// All of them, in the order of the file.
    pub fn servers(&self) -> &[LocalServer] {
        &self.servers
    }

    /// What listens on a port, as far as the request's path and the response's Server header tell.
    pub fn classify(&self, port: u16, path: Option<&str>, server_header: Option<&str>) -> Option<LocalHit<'_>> {
        let guesses = self.servers.iter().filter_map(|server| server.guess(port, path, server_header));
        guesses.reduce(better).map(|guess| guess.hit)
    }

    /// Whose answer begins with this body.
    pub fn greeted(&self, body: &[u8]) -> Option<LocalHit<'_>> {
        let says = |server: &&LocalServer| server.greeting.as_ref().is_some_and(|g| body.starts_with(g.as_bytes()));
        self.servers.iter().find(says).map(|server| server.hit(Strength::Definite, server.class, None))
    }
}

/// The stronger guess. Of equals neither product is named.
fn better<'a>(one: Guess<'a>, other: Guess<'a>) -> Guess<'a> {
    let rank = |guess: &Guess<'_>| (std::cmp::Reverse(guess.hit.strength), guess.on_port, guess.path);
    match rank(&one).cmp(&rank(&other)) {
        std::cmp::Ordering::Less => other,
        std::cmp::Ordering::Greater => one,
        std::cmp::Ordering::Equal => {
            Guess { hit: LocalHit { product: None, service: UNKNOWN_SERVICE, ..one.hit }, ..one }
        }
    }
}

impl LocalServer {
    fn guess(&self, port: u16, path: Option<&str>, header: Option<&str>) -> Option<Guess<'_>> {
        let on_port = self.ports.contains(&port);
        let path = path.and_then(|path| self.path(path));
        let class = path.and_then(|path| path.class).unwrap_or(self.class);
        let by_path = path.and_then(|path| if on_port { Some(path.strength) } else { path.elsewhere });
        let by_port = (on_port && self.lone_port).then_some(Strength::Weak);
        let by_banner = self.greets(header).then_some(Strength::Definite);
        // The strongest of what there is: the words stand from definite to weak.
        let strength = [by_banner, by_path, by_port].into_iter().flatten().min()?;
        let known = path.filter(|_| by_path.is_some()).map(|path| path.prefix.as_str());
        let hit = self.hit(strength, class, known);
        Some(Guess { hit, on_port, path: path.map_or(0, |path| path.prefix.len()) })
    }

    fn hit<'a>(&'a self, strength: Strength, class: EndpointClass, path: Option<&'a str>) -> LocalHit<'a> {
        LocalHit { product: self.product.as_deref(), service: &self.service, path, strength, class }
    }

    /// The longest known path at the head of this one, cut at a slash or a query.
    fn path(&self, path: &str) -> Option<&LocalPath> {
        let heads = |known: &&LocalPath| {
            path.strip_prefix(known.prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        };
        self.paths.iter().filter(heads).max_by_key(|known| known.prefix.len())
    }

    fn greets(&self, header: Option<&str>) -> bool {
        let (Some(banner), Some(header)) = (&self.banner, header) else { return false };
        header.trim_start().get(..banner.len()).is_some_and(|head| head.eq_ignore_ascii_case(banner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Access, Catalogue};

    fn told(port: u16, path: Option<&str>, header: Option<&str>) -> Option<(String, &'static str, &'static str)> {
        let servers = LocalServers::builtin();
        let hit = servers.classify(port, path, header)?;
        Some((hit.product.unwrap_or("?").to_owned(), hit.strength.as_str(), hit.class.as_str()))
    }

    fn is(
        product: &str,
        strength: &'static str,
        class: &'static str,
    ) -> Option<(String, &'static str, &'static str)> {
        Some((product.to_owned(), strength, class))
    }

    #[test]
    fn a_port_alone_is_never_more_than_weak() {
        let servers = LocalServers::builtin();
        for port in 0..=u16::MAX {
            let hit = servers.classify(port, None, None);
            assert!(hit.is_none_or(|hit| hit.strength == Strength::Weak), "{port}");
        }
        assert_eq!(told(11434, None, None), is("Ollama", "weak", "ollama-api"));
        for shared in [80, 443, 3000, 5000, 7860, 8000, 8080, 9090] {
            assert_eq!(told(shared, None, None), None, "{shared}");
        }
    }

    #[test]
    fn a_path_on_its_port_names_the_product() {
        assert_eq!(told(11434, Some("/api/chat"), None), is("Ollama", "definite", "ollama-api"));
        assert_eq!(told(11434, Some("/v1/chat/completions"), None), is("Ollama", "likely", "openai-compatible"));
        assert_eq!(told(1234, Some("/v1/models"), None), is("LM Studio", "likely", "openai-compatible"));
        assert_eq!(
            told(7860, Some("/sdapi/v1/txt2img"), None),
            is("Stable Diffusion WebUI", "definite", "image-api")
        );
        assert_eq!(told(8080, Some("/inference"), None), is("whisper.cpp", "likely", "whisper"));
    }

    #[test]
    fn a_path_elsewhere_names_the_endpoint_at_most() {
        assert_eq!(told(9999, Some("/v1/chat/completions"), None), is("?", "likely", "openai-compatible"));
        assert_eq!(told(9999, Some("/v1/models?x=1"), None), is("?", "weak", "openai-compatible"));
        assert_eq!(told(9999, Some("/api/chat"), None), is("Ollama", "weak", "ollama-api"));
        assert_eq!(told(9999, Some("/v1/chat/completionsx"), None), None);
        assert_eq!(told(9999, Some("/"), None), None);
    }

    #[test]
    fn two_products_on_one_port_are_not_told_apart() {
        assert_eq!(told(1337, Some("/v1/chat/completions"), None), is("?", "likely", "openai-compatible"));
        // KoboldCpp speaks Ollama's and Stable Diffusion WebUI's paths; on its own port it is the better guess.
        assert_eq!(told(5001, Some("/api/chat"), None), is("KoboldCpp", "likely", "ollama-api"));
        assert_eq!(told(5001, Some("/sdapi/v1/txt2img"), None), is("KoboldCpp", "likely", "image-api"));
    }

    #[test]
    fn a_banner_is_sure_on_any_port() {
        assert_eq!(told(4711, None, Some("llama.cpp")), is("llama.cpp", "definite", "llama-cpp"));
        assert_eq!(
            told(8080, Some("/v1/chat/completions"), Some("llama.cpp/b1")),
            is("llama.cpp", "definite", "llama-cpp")
        );
        assert_eq!(
            told(5001, None, Some("ConcedoLlamaForKoboldServer")),
            is("KoboldCpp", "definite", "text-generation")
        );
        assert_eq!(told(8000, None, Some("uvicorn")), None);
    }

    #[test]
    fn an_answer_may_say_the_products_name() {
        let servers = LocalServers::builtin();
        assert_eq!(servers.greeted(b"Ollama is running").and_then(|hit| hit.product), Some("Ollama"));
        assert_eq!(servers.greeted(b"<html>Ollama is running"), None);
    }

    /// Words of everyday programs on the intranet.
    #[test]
    fn common_paths_are_never_likely_on_a_strange_port() {
        let servers = LocalServers::builtin();
        for path in ["/api/chat", "/api/generate", "/v1/messages", "/v1/responses", "/queue", "/history", "/state"]
        {
            let hit = servers.classify(8081, Some(path), None);
            assert!(hit.is_none_or(|hit| hit.strength == Strength::Weak), "{path}");
        }
        for path in ["/health", "/slots", "/v1/health", "/metrics", "/api/v1/status", "/login", "/v1/audio/7"] {
            let hit = servers.classify(8080, Some(path), None);
            assert!(hit.is_none_or(|hit| hit.strength == Strength::Weak), "{path}");
        }
    }

    #[test]
    fn every_server_is_a_service_of_the_catalogue() {
        let catalogue = Catalogue::builtin();
        for server in LocalServers::builtin().servers() {
            let service = catalogue.service(&server.service);
            let local = service.is_some_and(|service| service.access.contains(&Access::Local));
            assert!(local || server.class == EndpointClass::Gateway, "{}", server.service);
            assert_eq!(service.map(|service| service.id.as_str()), Some(server.service.as_str()));
        }
    }

    #[test]
    fn the_data_is_in_order() {
        for server in LocalServers::builtin().servers() {
            assert!(server.paths.is_sorted_by(|a, b| a.prefix < b.prefix), "{:?}", server.product);
            assert!(server.paths.iter().all(|path| path.prefix.starts_with('/') && !path.prefix.ends_with('/')));
            assert_eq!(server.product.is_none(), server.ports.is_empty(), "{:?}", server.product);
        }
    }
}
