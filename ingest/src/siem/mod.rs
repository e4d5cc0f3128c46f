//! Findings on their way to a SIEM: the event's form, its frame, and the connection.

mod ecs;
mod frame;
mod labels;
mod sender;

pub use ecs::{digest as digest_event, event as ecs_event, routed};
pub use frame::{frame, severity_word};
pub(crate) use sender::SyslogSink;
pub use sender::{SendError, SiemReport, SyslogTarget};
