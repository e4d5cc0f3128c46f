//! The `[health]` block of the configuration.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

use crate::exit::Failure;

/// No service is registered for it, and it is among the ports that exporters for Prometheus use.
const PORT: u16 = 9430;
/// What waits so long does not wait for the next round any more.
const QUEUE_SECONDS: u32 = 300;
/// The sensing side tells once a second.
const STALE_SECONDS: u32 = 10;

/// The block as it stands in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HealthBlock {
    listen: Option<Listen>,
    expose: bool,
    queue_seconds: Option<NonZeroU32>,
    stale_seconds: Option<NonZeroU32>,
}

/// `ADDRESS:PORT`, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
enum Listen {
    At(SocketAddr),
    Nowhere,
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::Nowhere);
        }
        let wrong =
            |_| format!("health.listen {text:?} is no ADDRESS:PORT such as 127.0.0.1:{PORT}, and not \"none\"");
        text.parse().map(Self::At).map_err(wrong)
    }
}

/// Where health is told, and what is ill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "live"), allow(dead_code, reason = "only `run` tells its health"))]
pub(crate) struct HealthChoice {
    /// Where the server listens; absent: nowhere.
    pub(crate) listen: Option<SocketAddr>,
    /// True when somebody asked for that address: then it must be had.
    pub(crate) asked: bool,
    /// A queue whose oldest part waits longer is ill.
    pub(crate) queue: Duration,
    /// A sensing side that told nothing for longer is ill.
    pub(crate) stale: Duration,
}

impl HealthBlock {
    /// Checks the block.
    pub(crate) fn choice(self) -> Result<HealthChoice, Failure> {
        let usual = Listen::At(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT));
        let listen = match self.listen.unwrap_or(usual) {
            Listen::Nowhere => None,
            Listen::At(address) if address.ip().is_loopback() || self.expose => Some(address),
            Listen::At(address) => {
                return Err(Failure::Usage(format!(
                    "health.listen = \"{address}\" can be reached from other machines, without encryption or password: \
                     name a loopback address, or write `expose = true` beside it"
                )));
            }
        };
        let seconds = |given: Option<NonZeroU32>, usual: u32| {
            Duration::from_secs(given.map_or(usual, NonZeroU32::get).into())
        };
        Ok(HealthChoice {
            listen,
            asked: self.listen.is_some(),
            queue: seconds(self.queue_seconds, QUEUE_SECONDS),
            stale: seconds(self.stale_seconds, STALE_SECONDS),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(text: &str) -> Result<HealthChoice, String> {
        let block: HealthBlock = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        block.choice().map_err(Failure::into_text)
    }

    #[test]
    fn only_this_machine_is_told_unless_somebody_asks_for_more() {
        assert_eq!(choice("").unwrap().listen, "127.0.0.1:9430".parse().ok());
        assert_eq!(choice("listen = \"[::1]:9000\"").unwrap().listen, "[::1]:9000".parse().ok());
        let open = choice("listen = \"0.0.0.0:9430\"").unwrap_err();
        assert!(open.contains("expose = true"), "{open}");
        assert!(choice("listen = \"0.0.0.0:9430\"\nexpose = true").unwrap().listen.is_some());
        assert_eq!(choice("listen = \"none\"").unwrap().listen, None);
        let wrong = choice("listen = \"localhost\"").unwrap_err();
        assert!(wrong.contains("ADDRESS:PORT"), "{wrong}");
    }
}
