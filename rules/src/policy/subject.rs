//! Who is asking: what is known about a client when its use of a service is judged.

use std::net::IpAddr;

use jiff::civil::DateTime;

/// One client at one moment. What is not known is `None`, and then nothing that asks for it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Its address; an IPv4 address inside IPv6 counts as IPv4.
    pub ip: IpAddr,
    /// The VLAN tag it was seen with.
    pub vlan: Option<u16>,
    /// Id of the site whose sensor saw it.
    pub site: Option<&'a str>,
    /// Stable id of the device, as the records carry it.
    pub device: Option<&'a str>,
    /// Its hardware address.
    pub mac: Option<[u8; 6]>,
    /// The moment in the site's own time zone. Without it no rule with hours holds.
    pub at: Option<DateTime>,
}

impl Subject<'_> {
    /// A client of which only the address is known.
    pub const fn of(ip: IpAddr) -> Subject<'static> {
        Subject { ip, vlan: None, site: None, device: None, mac: None, at: None }
    }
}
