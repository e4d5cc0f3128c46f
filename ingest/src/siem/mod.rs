//! Findings on their way to a SIEM.
//!
//! | file | noun |
//! |---|---|
//! | `ecs`, `labels`, `activity` | the event: ECS JSON, as it waits in the outbox |
//! | `safe` | no text of an event harms its reader |
//! | `format/` | the same event as OCSF or CEF, made when it is sent |
//! | `target` | what the configuration says of a sink |
//! | `outbox`, `sink` | what waits; one receiver with its pauses |
//! | `channel`, `open` | what takes a chunk of events out of the house; which one serves a target |
//! | `tls_words` | what is wrong with a TLS connection, and what mends it |
//! | `syslog/`, `http/`, `file`, `store` | the channels |

mod activity;
mod channel;
mod ecs;
mod file;
mod format;
mod http;
mod labels;
mod open;
mod outbox;
mod safe;
mod sink;
mod store;
mod syslog;
mod target;
mod tls_words;

pub(crate) use activity::event as activity_event;
pub use channel::SendError;
pub use ecs::{digest as digest_event, event as ecs_event, routed, test as test_event};
pub use format::{Format, severity_word};
pub use http::{Reach, reach};
pub use open::OpenError;
#[cfg(test)]
pub(crate) use outbox::Waiting;
pub use outbox::{Backlog, Outbox};
pub use sink::{SiemReport, Sink};
pub use target::{
    ElasticAccess, ElasticTarget, FileTarget, HecTarget, STORE_SINK, SentinelTarget, SinkTarget, StoreTarget,
    SyslogTarget, SyslogTransport, To, WebhookTarget,
};
