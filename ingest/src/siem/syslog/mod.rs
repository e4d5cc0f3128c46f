//! Syslog, RFC 5424.
//!
//! | file | noun |
//! |---|---|
//! | `frame` | one event as a message, and as an octet-counted frame |
//! | `line` | a TCP connection on which each step has a limit |
//! | `stream` | a chunk over a connection, with TCP (RFC 6587) and what it has in common with TLS |
//! | `tls` | the same over TLS (RFC 5425) |
//! | `udp` | a chunk of datagrams (RFC 5426) |

mod frame;
mod line;
mod stream;
mod tls;
mod udp;

use super::channel::Channel;
use super::format::Format;
use super::target::{SyslogTarget, SyslogTransport};
use crate::tls::TlsError;

/// The channel to a receiver.
pub(super) fn channel(name: String, format: Format, to: &SyslogTarget) -> Result<Box<dyn Channel>, TlsError> {
    let address = to.address.clone();
    Ok(match &to.transport {
        SyslogTransport::Udp => Box::new(udp::UdpChannel::new(name, format, address)),
        SyslogTransport::Tcp => Box::new(stream::StreamChannel::new(name, format, address, None)),
        SyslogTransport::Tls { files, server_name } => {
            let client = tls::TlsClient::new(files, server_name.as_deref().unwrap_or(host(&to.address)))?;
            Box::new(stream::StreamChannel::new(name, format, address, Some(client)))
        }
    })
}

/// The host of `host:port`; an IPv6 address without its brackets.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_stands_without_port_and_brackets() {
        let hosts = ["siem.example:6514", "192.0.2.1:6514", "[2001:db8::1]:6514"].map(host);
        assert_eq!(hosts, ["siem.example", "192.0.2.1", "2001:db8::1"]);
    }
}
