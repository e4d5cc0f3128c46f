//! Which end of a flow is the client.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::decode::{L4, Packet};
use crate::flow::key::{FlowKey, Side};
use crate::flow::resolver;

/// The office's own networks.
#[derive(Debug, Clone)]
pub struct LocalNets {
    nets: Vec<IpNet>,
}

/// Private (RFC 1918), shared (RFC 6598), link-local and unique-local (RFC 4193) ranges.
const PRIVATE: [&str; 7] =
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"];

impl Default for LocalNets {
    fn default() -> Self {
        Self::new(PRIVATE.iter().filter_map(|net| net.parse().ok()).collect())
    }
}

impl LocalNets {
    /// Takes the networks as configured.
    pub fn new(nets: Vec<IpNet>) -> Self {
        Self { nets }
    }

    /// True when the address is one of the office's.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.nets.iter().any(|net| net.contains(&ip))
    }

    /// Guesses the client of a flow from its first packet: who sent the SYN, else the local end, else the end with the
    /// higher port. A hello or a request corrects it.
    pub fn client(&self, key: &FlowKey, packet: &Packet<'_>, sender: Side) -> Side {
        if let L4::Tcp { flags, .. } = packet.l4
            && flags.syn()
        {
            return if flags.ack() { sender.other() } else { sender };
        }
        self.inner_end(key)
    }

    /// The end that is a client's by its place, the same for every packet of a flow: on the port of DNS the other end,
    /// else the local one, else the one with the higher port.
    pub fn inner_end(&self, key: &FlowKey) -> Side {
        let ((low, low_port), (high, high_port)) = (key.end(Side::Low), key.end(Side::High));
        let by_port = if low_port >= high_port { Side::Low } else { Side::High };
        if low_port == resolver::PORT || high_port == resolver::PORT {
            return by_port;
        }
        match (self.contains(low), self.contains(high)) {
            (true, false) => Side::Low,
            (false, true) => Side::High,
            _ => by_port,
        }
    }
}
