//! The hosts file: which names exist in the lab and where they point.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What DNS says about one name.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Host {
    /// Aliases in the order in which they are followed; the addresses belong to the last one.
    pub cname: Vec<String>,
    pub a: Vec<Ipv4Addr>,
    pub aaaa: Vec<Ipv6Addr>,
    /// ALPN ids of the HTTPS record; no record when empty.
    pub alpn: Vec<String>,
    /// Seconds of quiet after which the server pings on HTTP/2 and HTTP/3; never when absent.
    pub ping: Option<u64>,
    /// UDP ports on which sound is taken and sent.
    pub media: Vec<u16>,
}

/// All names of the lab.
pub struct Hosts(HashMap<String, Host>);

impl Hosts {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| path.display().to_string())?;
        Ok(Self(serde_json::from_slice(&text)?))
    }

    pub fn find(&self, name: &str) -> Option<&Host> {
        self.0.get(name)
    }

    pub fn ping(&self, name: &str) -> Option<Duration> {
        self.find(name)?.ping.map(Duration::from_secs)
    }

    /// As `ping`, for a connection whose name is not known yet; hosts with a ping share no address.
    pub fn ping_at(&self, address: IpAddr) -> Option<Duration> {
        let IpAddr::V4(address) = address.to_canonical() else { return None };
        self.0.values().find(|host| host.a.contains(&address))?.ping.map(Duration::from_secs)
    }

    /// Every UDP port for sound, with the name that leads there.
    pub fn media(&self) -> impl Iterator<Item = (String, SocketAddr)> {
        self.0.iter().flat_map(|(name, host)| {
            let ports = host.a.iter().flat_map(|ip| host.media.iter().map(|port| SocketAddr::from((*ip, *port))));
            ports.map(|address| (name.clone(), address))
        })
    }
}
