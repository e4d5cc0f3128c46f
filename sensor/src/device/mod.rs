//! Which device has an address: addresses change, hardware addresses stay.
//!
//! [`Devices`] weighs what the wire tells: leases (DHCP), neighbours (ARP, NDP), and the frames of clients on the mirrored
//! segment. `holder` is one address and who has it, `hardware` one hardware address and what it does. Where two claim one
//! address, nobody has it.

mod hardware;
mod holder;
mod table;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use crate::decode::Mac;
pub use hardware::Telling;
pub use table::Devices;

/// How it is known who has an address, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A lease of DHCP for IPv4, or what its client says that it uses.
    Dhcp,
    /// A lease of DHCP for IPv6.
    Dhcp6,
    /// An ARP message of the device.
    Arp,
    /// Neighbour discovery of IPv6.
    Ndp,
    /// The device's own frames, which no router has forwarded.
    Frame,
}

impl Source {
    /// The name that records use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dhcp => "dhcp",
            Self::Dhcp6 => "dhcp6",
            Self::Arp => "arp",
            Self::Ndp => "ndp",
            Self::Frame => "frame",
        }
    }
}

/// Somebody has an address.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Who.
    pub mac: Mac,
    /// Which.
    pub ip: IpAddr,
    /// How that is known.
    pub source: Source,
    /// For how many seconds, where a server says that.
    pub lease: Option<u32>,
}

/// What a device calls itself.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// Its name, lower case, without a domain.
    pub host_name: Option<String>,
    /// The name came with a lease; one that is only announced does not replace it.
    pub leased: bool,
    /// Kind of client software, as it tells a DHCP server.
    pub vendor_class: Option<String>,
}

/// What is known of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its hardware address.
    pub mac: Mac,
    /// The addresses that it has, in order.
    pub addresses: Vec<IpAddr>,
    /// What it calls itself.
    pub host_name: Option<String>,
    /// Kind of client software.
    pub vendor_class: Option<String>,
    /// How the first of these addresses is known, by the strongest way.
    pub source: Source,
    /// When it was seen first, µs.
    pub first_seen: i64,
}

/// `02:77:00:00:00:11`
pub fn mac_text(mac: Mac) -> String {
    let [a, b, c, d, e, f] = mac;
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

/// True for an address that no manufacturer gave: made up by the device, by a virtual machine or by an administrator.
pub fn is_private(mac: Mac) -> bool {
    mac[0] & 0x02 != 0
}

/// True for an address that one device can have: neither a group's, nor empty, nor one that routers share (VRRP and CARP
/// of RFC 9568, HSRP, GLBP).
fn is_single(mac: Mac) -> bool {
    let shared = matches!(
        mac,
        [0x00, 0x00, 0x5e, 0x00, 0x01 | 0x02, _]
            | [0x00, 0x00, 0x0c, 0x07, 0xac, _]
            | [0x00, 0x00, 0x0c, 0x9f, 0xf0..=0xff, _]
            | [0x00, 0x05, 0x73, 0xa0, 0x00..=0x0f, _]
            | [0x00, 0x07, 0xb4, 0x00, _, _]
    );
    mac[0] & 0x01 == 0 && mac != [0; 6] && !shared
}

/// True for an address that one device can have.
fn is_unicast(ip: IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    !(ip.is_unspecified() || ip.is_multicast() || ip.is_loopback() || broadcast)
}
