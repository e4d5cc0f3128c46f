//! The keys of a `[[siem]]` block, and which of them belong together.

use std::path::PathBuf;

use ingest::secret::Secret;
use ingest::siem::{
    ElasticAccess, ElasticTarget, FileTarget, HecTarget, Reach, SentinelTarget, SyslogTarget, SyslogTransport, To,
    WebhookTarget,
};
use ingest::tls::TlsFiles;
use serde::Deserialize;

const DATA_STREAM: &str = "logs-shadowtap.finding-default";
const LOGIN: &str = "https://login.microsoftonline.com";
const AUDIENCE: &str = "https://monitor.azure.com";
/// The longest name of a sink: it is part of a file's name.
const NAME_MAX: usize = 100;

/// One block as it stands in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) r#type: Option<Kind>,
    pub(super) name: Option<String>,
    pub(super) format: Option<FormatWord>,
    pub(super) activity: bool,
    address: Option<String>,
    transport: Option<TransportWord>,
    server_name: Option<String>,
    pub(super) url: Option<String>,
    user: Option<String>,
    pub(super) secret_file: Option<PathBuf>,
    pub(super) secret_env: Option<String>,
    index: Option<String>,
    data_stream: Option<String>,
    rule: Option<String>,
    stream: Option<String>,
    tenant: Option<String>,
    client_id: Option<String>,
    pub(super) login: Option<String>,
    audience: Option<String>,
    pub(super) path: Option<PathBuf>,
    pub(super) ca: Option<PathBuf>,
    pub(super) client_cert: Option<PathBuf>,
    pub(super) client_key: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Syslog,
    Splunk,
    Elastic,
    Sentinel,
    Webhook,
    File,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FormatWord {
    Ecs,
    Ocsf,
    Cef,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TransportWord {
    Udp,
    Tcp,
    Tls,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Syslog => "syslog",
            Self::Splunk => "splunk",
            Self::Elastic => "elastic",
            Self::Sentinel => "sentinel",
            Self::Webhook => "webhook",
            Self::File => "file",
        }
    }

    /// What a sink of this type must say, and what it may say beside.
    fn keys(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Syslog => (&["address"], &["transport", "server_name", "ca", "client_cert", "client_key"]),
            Self::Splunk => (&["url", "secret"], &["index", "ca", "client_cert", "client_key"]),
            Self::Elastic => (&["url"], &["data_stream", "user", "secret", "ca", "client_cert", "client_key"]),
            Self::Sentinel => (
                &["url", "rule", "stream", "tenant", "client_id", "secret"],
                &["login", "audience", "ca", "client_cert", "client_key"],
            ),
            Self::Webhook => (&["url", "secret"], &["ca", "client_cert", "client_key"]),
            Self::File => (&["path"], &[]),
        }
    }
}

impl Keys {
    /// Every key that is set and belongs to some types alone.
    fn set(&self) -> Vec<&'static str> {
        let keys = [
            ("address", self.address.is_some()),
            ("transport", self.transport.is_some()),
            ("server_name", self.server_name.is_some()),
            ("url", self.url.is_some()),
            ("user", self.user.is_some()),
            ("secret", self.secret_file.is_some() || self.secret_env.is_some()),
            ("index", self.index.is_some()),
            ("data_stream", self.data_stream.is_some()),
            ("rule", self.rule.is_some()),
            ("stream", self.stream.is_some()),
            ("tenant", self.tenant.is_some()),
            ("client_id", self.client_id.is_some()),
            ("login", self.login.is_some()),
            ("audience", self.audience.is_some()),
            ("path", self.path.is_some()),
            ("ca", self.ca.is_some()),
            ("client_cert", self.client_cert.is_some()),
            ("client_key", self.client_key.is_some()),
        ];
        keys.into_iter().filter(|(_, set)| *set).map(|(key, _)| key).collect()
    }

    /// What is wrong with the block, with its mend.
    pub(super) fn check(&self, kind: Kind) -> Result<(), String> {
        let (must, may) = kind.keys();
        let (set, kind_word) = (self.set(), kind.as_str());
        let spelled = |key: &str| if key == "secret" { "secret_file or secret_env" } else { key }.to_owned();
        if let Some(key) = set.iter().find(|key| !must.contains(key) && !may.contains(key)) {
            return Err(format!("{} is no key of a sink of type {kind_word}", spelled(key)));
        }
        if let Some(key) = must.iter().find(|key| !set.contains(key)) {
            return Err(format!("a sink of type {kind_word} needs {}", spelled(key)));
        }
        if set.contains(&"client_cert") != set.contains(&"client_key") {
            return Err("client_cert and client_key belong together".to_owned());
        }
        if self.secret_file.is_some() && self.secret_env.is_some() {
            return Err("secret_file and secret_env are two places for one secret: name one".to_owned());
        }
        if self.user.is_some() && !set.contains(&"secret") {
            return Err("user needs a password in secret_file or secret_env".to_owned());
        }
        if matches!(self.format, Some(FormatWord::Cef)) && matches!(kind, Kind::Elastic | Kind::Sentinel) {
            return Err(format!("{kind_word} takes JSON: format = \"ecs\" or \"ocsf\""));
        }
        self.check_texts(kind)
    }

    fn check_texts(&self, kind: Kind) -> Result<(), String> {
        if let Some(address) = &self.address {
            host_and_port(address)?;
        }
        if self.path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            return Err("path: it names no file: write for example \"events.ndjson\"".to_owned());
        }
        if self.transport != Some(TransportWord::Tls)
            && kind == Kind::Syslog
            && (self.server_name.is_some() || self.ca.is_some() || self.client_cert.is_some())
        {
            return Err("server_name and certificates need transport = \"tls\"".to_owned());
        }
        for (key, url) in self.urls() {
            let reach = ingest::siem::reach(url).map_err(|why| format!("{key}: {why}"))?;
            if reach != Reach::Sealed && (self.ca.is_some() || self.client_cert.is_some()) {
                return Err(format!("{key}: certificates need https, and this is http"));
            }
        }
        match &self.name {
            Some(name) if !is_name(name) => Err(format!(
                "name: {name:?} has to be 1 to {NAME_MAX} characters, printable ASCII without blanks and slashes"
            )),
            _ => Ok(()),
        }
    }

    /// The URLs with their keys.
    pub(super) fn urls(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let urls = [("url", self.url.as_deref()), ("login", self.login.as_deref())];
        urls.into_iter().filter_map(|(key, url)| Some((key, url?)))
    }

    /// The name that is given, or what the sink is best known by.
    pub(super) fn called(&self, kind: Kind) -> String {
        let host = |url: &String| {
            let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            format!("{}:{}", kind.as_str(), rest.split(['/', '?', '#']).next().unwrap_or_default())
        };
        let file = |path: &PathBuf| format!("file:{}", path.file_name().unwrap_or_default().to_string_lossy());
        let name = self.name.clone().or_else(|| self.address.clone());
        name.or_else(|| self.url.as_ref().map(host)).or_else(|| self.path.as_ref().map(file)).unwrap_or_default()
    }
}

impl Keys {
    /// The keys were checked: what must be there is there.
    pub(super) fn to(self, kind: Kind, secret: Option<Secret>) -> To {
        let tls = TlsFiles { ca: self.ca, client: self.client_cert.zip(self.client_key) };
        let url = self.url.unwrap_or_default().trim_end_matches('/').to_owned();
        let required = || secret.clone().unwrap_or_else(|| Secret::new(""));
        match kind {
            Kind::Syslog => To::Syslog(SyslogTarget {
                address: self.address.unwrap_or_default(),
                transport: match self.transport {
                    Some(TransportWord::Udp) => SyslogTransport::Udp,
                    Some(TransportWord::Tls) => SyslogTransport::Tls { files: tls, server_name: self.server_name },
                    Some(TransportWord::Tcp) | None => SyslogTransport::Tcp,
                },
            }),
            Kind::Splunk => To::Hec(HecTarget { url, token: required(), index: self.index, tls }),
            Kind::Elastic => To::Elastic(ElasticTarget {
                url,
                data_stream: self.data_stream.unwrap_or_else(|| DATA_STREAM.to_owned()),
                access: match (self.user, secret) {
                    (Some(user), password) => {
                        ElasticAccess::Basic { user, password: password.unwrap_or_else(|| Secret::new("")) }
                    }
                    (None, Some(key)) => ElasticAccess::ApiKey(key),
                    (None, None) => ElasticAccess::Open,
                },
                tls,
            }),
            Kind::Sentinel => To::Sentinel(SentinelTarget {
                endpoint: url,
                rule: self.rule.unwrap_or_default(),
                stream: self.stream.unwrap_or_default(),
                tenant: self.tenant.unwrap_or_default(),
                client_id: self.client_id.unwrap_or_default(),
                client_secret: required(),
                login: self.login.unwrap_or_else(|| LOGIN.to_owned()).trim_end_matches('/').to_owned(),
                audience: self.audience.unwrap_or_else(|| AUDIENCE.to_owned()),
                tls,
            }),
            Kind::Webhook => To::Webhook(WebhookTarget { url, secret: required(), tls }),
            Kind::File => To::File(FileTarget { path: self.path.unwrap_or_default() }),
        }
    }
}

/// True for a name that can stand in a message and in the name of a file.
pub(super) fn is_name(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len()) && name.chars().all(|c| c.is_ascii_graphic() && c != '/')
}

fn host_and_port(text: &str) -> Result<(), String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, p)| p.parse::<u16>().ok());
    match port {
        Some(1..) => Ok(()),
        _ => Err(format!("address: {text:?} is no HOST:PORT: write for example \"siem.example:601\"")),
    }
}
