//! Syslog, RFC 5424.

mod frame;
mod stream;

use super::channel::Channel;
use super::format::Format;
use super::target::{SyslogTarget, SyslogTransport};
use crate::tls::TlsError;

/// The channel to a receiver.
pub(super) fn channel(name: String, format: Format, to: &SyslogTarget) -> Result<Box<dyn Channel>, TlsError> {
    match &to.transport {
        SyslogTransport::Udp | SyslogTransport::Tls { .. } => Err(TlsError::System("not yet".to_owned())),
        SyslogTransport::Tcp => Ok(Box::new(stream::StreamChannel::new(name, format, to.address.clone()))),
    }
}
