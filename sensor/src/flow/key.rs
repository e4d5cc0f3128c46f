//! The five-tuple, the same for both directions.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use data_encoding::{BASE64, HEXLOWER};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use crate::decode::{L4, Packet};
use crate::record::Transport;

/// An address and a port.
pub type Endpoint = (IpAddr, u16);

/// One of the two ends of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The end with the lower address and port.
    Low,
    /// The other one.
    High,
}

impl Side {
    /// The opposite end.
    pub fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

/// Two values, one for each side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Both<T> {
    low: T,
    high: T,
}

impl<T> Both<T> {
    /// The value of a side.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Low => &self.low,
            Side::High => &self.high,
        }
    }

    /// The value of a side, to change it.
    pub fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Low => &mut self.low,
            Side::High => &mut self.high,
        }
    }

    /// Both values.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        [&self.low, &self.high].into_iter()
    }
}

/// The key of the flow table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowKey {
    low: Endpoint,
    high: Endpoint,
    /// TCP or UDP.
    pub transport: Transport,
}

impl FlowKey {
    /// The key of a packet's flow, and which side sent the packet.
    pub fn of(packet: &Packet<'_>) -> (Self, Side) {
        let transport = match packet.l4 {
            L4::Tcp { .. } => Transport::Tcp,
            L4::Udp => Transport::Udp,
        };
        if packet.src <= packet.dst {
            (Self { low: packet.src, high: packet.dst, transport }, Side::Low)
        } else {
            (Self { low: packet.dst, high: packet.src, transport }, Side::High)
        }
    }

    /// Address and port of a side.
    pub fn end(&self, side: Side) -> Endpoint {
        match side {
            Side::Low => self.low,
            Side::High => self.high,
        }
    }

    /// Community ID version 1 with seed 0 (github.com/corelight/community-id-spec).
    pub fn community_id(&self) -> String {
        let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        let [low_port, high_port] = [self.low.1.to_be_bytes(), self.high.1.to_be_bytes()];
        hash.update(&0u16.to_be_bytes());
        update_ip(&mut hash, self.low.0);
        update_ip(&mut hash, self.high.0);
        hash.update(&[self.protocol(), 0]);
        hash.update(&low_port);
        hash.update(&high_port);
        format!("1:{}", BASE64.encode(hash.finish().as_ref()))
    }

    /// A stable id: 16 hex digits of a hash over `scope` (the sensor), the five-tuple and `start` (µs).
    pub fn id(&self, scope: &str, start: i64) -> String {
        let mut hash = Context::new(&SHA256);
        hash.update(scope.as_bytes());
        for (ip, port) in [self.low, self.high] {
            update_ip(&mut hash, ip);
            hash.update(&port.to_be_bytes());
        }
        hash.update(&[self.protocol()]);
        hash.update(&start.to_be_bytes());
        HEXLOWER.encode(hash.finish().as_ref().get(..8).unwrap_or_default())
    }

    fn protocol(&self) -> u8 {
        match self.transport {
            Transport::Tcp => 6,
            Transport::Udp => 17,
        }
    }
}

/// In as few words as there are: a hash is made of each packet's key.
impl Hash for FlowKey {
    fn hash<H: Hasher>(&self, hash: &mut H) {
        let ((low, low_port), (high, high_port)) = (self.low, self.high);
        let rest = u64::from(low_port) << 32 | u64::from(high_port) << 8 | u64::from(self.protocol());
        match (low, high) {
            (IpAddr::V4(low), IpAddr::V4(high)) => {
                hash.write_u64(u64::from(low.to_bits()) << 32 | u64::from(high.to_bits()));
            }
            _ => [low, high].into_iter().for_each(|ip| hash.write_u128(bits(ip))),
        }
        hash.write_u64(rest);
    }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

fn update_ip(hash: &mut Context, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => hash.update(&ip.octets()),
        IpAddr::V6(ip) => hash.update(&ip.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(a: (&str, u16), b: (&str, u16), transport: Transport) -> FlowKey {
        let (a, b) = ((a.0.parse().unwrap(), a.1), (b.0.parse().unwrap(), b.1));
        FlowKey { low: a.min(b), high: a.max(b), transport }
    }

    /// The baseline of the specification's repository.
    #[test]
    fn community_ids_of_the_specification() {
        let tcp = key(("128.232.110.120", 34855), ("66.35.250.204", 80), Transport::Tcp);
        assert_eq!(tcp.community_id(), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        let udp = key(("192.168.1.52", 54585), ("8.8.8.8", 53), Transport::Udp);
        assert_eq!(udp.community_id(), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
    }

    #[test]
    fn ids_differ_by_start_and_sensor() {
        let flow = key(("10.0.0.1", 40000), ("192.0.2.1", 443), Transport::Tcp);
        assert_eq!(flow.id("s", 1), flow.id("s", 1));
        assert_ne!(flow.id("s", 1), flow.id("s", 2));
        assert_ne!(flow.id("s", 1), flow.id("t", 1));
    }
}
