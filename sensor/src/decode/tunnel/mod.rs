//! Tunnels over IP: what the protocol number or the UDP port announces.
//!
//! A protocol number is a statement: what it announces is taken, or is malformed. A UDP port is a hint (`udp.rs`).
//!
//! A tunnel that carries Ethernet gives the client's own hardware address. Where it carries bare IP, those of the frame
//! are its routers', and the packet has none.

mod gre;
mod headers;
mod udp;

use etherparse::IpNumber;

use super::ether::ethernet;
use super::ip::Ip;
use super::reason::Stop;
use super::{Depth, Link, Malformed, NotFlow, Span, mpls};
use crate::bytes::Reader;

const IP_IN_IP: IpNumber = IpNumber(4);
const IPV6: IpNumber = IpNumber(41);
const GRE: IpNumber = IpNumber(47);
/// RFC 3378.
const ETHER_IN_IP: IpNumber = IpNumber(97);
/// RFC 4023.
const MPLS_IN_IP: IpNumber = IpNumber(137);

/// True for TCP and UDP that is certainly in no tunnel, and whole: almost every packet.
#[inline]
pub(super) fn is_plain(ip: &Ip<'_>) -> bool {
    ip.part.is_whole() && (ip.protocol == IpNumber::TCP || ip.protocol == IpNumber::UDP && udp::hint(ip).is_none())
}

/// The IP packet in a tunnel; `None` when the packet is none.
pub(super) fn inside<'a>(ip: &Ip<'a>, link: &mut Link, depth: &mut Depth) -> Result<Option<Span<'a>>, Stop> {
    match ip.protocol {
        IpNumber::TCP => Ok(None),
        IpNumber::UDP => udp::inside(ip, link, depth),
        IP_IN_IP | IPV6 | GRE | ETHER_IN_IP | MPLS_IN_IP => by_protocol(ip, link, depth).map(Some),
        _ => Ok(None),
    }
}

fn by_protocol<'a>(ip: &Ip<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    depth.enter()?;
    let payload = Span { data: ip.payload, len: ip.payload_len };
    let inner = match ip.protocol {
        GRE => gre::inside(payload, link, depth),
        ETHER_IN_IP => ether_in_ip(payload, link, depth),
        MPLS_IN_IP => mpls::inside(payload, link, depth),
        _ => {
            bare(link);
            Ok(payload)
        }
    };
    inner.map_err(over_ip)
}

fn ether_in_ip<'a>(payload: Span<'a>, link: &mut Link, depth: &mut Depth) -> Result<Span<'a>, Stop> {
    let mut r = Reader::new(payload.data);
    if r.u16()? != 0x3000 {
        return Err(Malformed::Tunnel.into());
    }
    ethernet(payload.after(r.rest()), link, depth)
}

/// The packet has no Ethernet header of its own.
fn bare(link: &mut Link) {
    (link.src, link.dst) = (None, None);
}

/// What is short or unknown in a tunnel over IP is not the link's.
fn over_ip(stop: Stop) -> Stop {
    match stop {
        Stop::Malformed(Malformed::LinkShort) => Malformed::Tunnel.into(),
        Stop::NotFlow(NotFlow::OtherLink) => NotFlow::OtherIp.into(),
        other => other,
    }
}
