//! What the configuration says of a sink.

use std::path::PathBuf;

use super::Format;
use crate::judge::Listener;
use crate::secret::Secret;
use crate::store::clickhouse::{ClickHouseTarget, Keep};
use crate::tls::TlsFiles;

/// The name of the sink that brings findings to the store; no other may have it.
pub const STORE_SINK: &str = "store";

/// One sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkTarget {
    /// Its name: under which events wait for it, and what messages call it. Unique.
    pub name: String,
    /// How events are written.
    pub format: Format,
    /// True: a record of each flow to an AI service as well, not only findings.
    pub activity: bool,
    /// Where to.
    pub to: To,
}

impl SinkTarget {
    /// The sink as the judge knows it.
    pub fn listener(&self) -> Listener {
        Listener { name: self.name.clone(), activity: self.activity }
    }

    /// The ClickHouse server that keeps the facts gets the findings as well.
    pub fn store(server: ClickHouseTarget, keep: Keep) -> Self {
        let to = To::Store(Box::new(StoreTarget { server, keep }));
        Self { name: STORE_SINK.to_owned(), format: Format::Ecs, activity: false, to }
    }

    /// A syslog receiver over TCP that gets ECS, under its address.
    pub fn syslog(address: &str) -> Self {
        let to = SyslogTarget { address: address.to_owned(), transport: SyslogTransport::Tcp };
        Self { name: address.to_owned(), format: Format::Ecs, activity: false, to: To::Syslog(to) }
    }
}

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// Syslog, RFC 5424.
    Syslog(SyslogTarget),
    /// Splunk's HTTP Event Collector.
    Hec(HecTarget),
    /// Elasticsearch or OpenSearch, `_bulk`.
    Elastic(ElasticTarget),
    /// Microsoft Sentinel, Logs Ingestion API.
    Sentinel(SentinelTarget),
    /// Any HTTP server that takes a signed request.
    Webhook(WebhookTarget),
    /// A file of lines.
    File(FileTarget),
    /// The ClickHouse server that keeps the facts.
    Store(Box<StoreTarget>),
}

/// A syslog receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogTarget {
    /// `host:port`.
    pub address: String,
    /// What carries the messages.
    pub transport: SyslogTransport,
}

/// What carries syslog messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyslogTransport {
    /// RFC 5426: may be lost or cut, nobody notices.
    Udp,
    /// RFC 6587, octet counting.
    Tcp,
    /// RFC 5425: TLS with the receiver's name checked.
    Tls {
        /// Certificates.
        files: TlsFiles,
        /// The name that the receiver's certificate must bear; the host of the address when absent.
        server_name: Option<String>,
    },
}

/// Splunk's HTTP Event Collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HecTarget {
    /// `https://host:8088`, without path.
    pub url: String,
    /// The collector's token.
    pub token: Secret,
    /// Index; the token's default when absent.
    pub index: Option<String>,
    /// Files for TLS.
    pub tls: TlsFiles,
}

/// Elasticsearch or OpenSearch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElasticTarget {
    /// `https://host:9200`, with the path of a proxy if there is one.
    pub url: String,
    /// Data stream: `logs-shadowtap.finding-default`.
    pub data_stream: String,
    /// How to get in.
    pub access: ElasticAccess,
    /// Files for TLS.
    pub tls: TlsFiles,
}

/// How to get into Elasticsearch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElasticAccess {
    /// Nothing is asked for.
    Open,
    /// An API key as Elasticsearch gives it out (`encoded`).
    ApiKey(Secret),
    /// User and password.
    Basic {
        /// User.
        user: String,
        /// Password.
        password: Secret,
    },
}

/// Microsoft Sentinel: a data collection rule of Azure Monitor's Logs Ingestion API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentinelTarget {
    /// Data collection endpoint, `https://NAME.REGION.ingest.monitor.azure.com`.
    pub endpoint: String,
    /// Immutable id of the data collection rule, `dcr-...`.
    pub rule: String,
    /// Stream of the rule, `Custom-Shadowtap_CL`.
    pub stream: String,
    /// Directory (tenant) id.
    pub tenant: String,
    /// Application (client) id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: Secret,
    /// Where tokens come from: `https://login.microsoftonline.com`, or that of a national cloud.
    pub login: String,
    /// What the token is for: `https://monitor.azure.com`, or that of a national cloud.
    pub audience: String,
    /// Files for TLS.
    pub tls: TlsFiles,
}

/// Any HTTP server that takes a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// The whole URL.
    pub url: String,
    /// Key of the HMAC.
    pub secret: Secret,
    /// Files for TLS.
    pub tls: TlsFiles,
}

/// The ClickHouse server that keeps the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreTarget {
    /// Where it is.
    pub server: ClickHouseTarget,
    /// How long it keeps rows.
    pub keep: Keep,
}

/// A file of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTarget {
    /// The file; made when it is missing, opened anew for each chunk, so that it can be rotated by renaming.
    pub path: PathBuf,
}
