//! Link headers: Ethernet with any stack of VLAN tags, Linux cooked captures, PPP, BSD loopback, raw IP.

use etherparse::EtherType;

use super::{Link, Malformed, NotFlow, Stop};
use crate::bytes::{Reader, Short};
use crate::capture::{Frame, LinkType};

/// Tags on one frame. Two are common (QinQ), three are seen; more is an attempt to waste time.
const MAX_TAGS: usize = 4;

impl From<Short> for Malformed {
    fn from(_: Short) -> Self {
        Self::LinkShort
    }
}

/// The link's addresses and the bytes of the IP packet.
pub(super) fn network<'a>(frame: &Frame<'a>) -> Result<(Link, &'a [u8]), Stop> {
    let mut r = Reader::new(frame.data);
    let mut link = Link::default();
    let ether_type = match frame.link {
        LinkType::RawIp => return Ok((link, frame.data)),
        LinkType::Loopback => {
            r.skip(4).map_err(Malformed::from)?;
            return Ok((link, r.rest()));
        }
        LinkType::Ppp => ppp(&mut r),
        LinkType::Ethernet => ethernet(&mut r, &mut link),
        LinkType::LinuxSll => cooked(&mut r, &mut link),
        LinkType::LinuxSll2 => cooked2(&mut r, &mut link),
    };
    let ether_type = untag(&mut r, ether_type.map_err(Malformed::from)?, &mut link)?;
    match EtherType(ether_type) {
        EtherType::IPV4 | EtherType::IPV6 => Ok((link, r.rest())),
        EtherType::ARP => Err(NotFlow::Arp.into()),
        _ => Err(NotFlow::OtherLink.into()),
    }
}

fn ethernet(r: &mut Reader<'_>, link: &mut Link) -> Result<u16, Short> {
    link.dst = Some(r.array()?);
    link.src = Some(r.array()?);
    r.u16()
}

/// PPP (RFC 1661, framing of RFC 1662), translated to the EtherType of the same protocol.
fn ppp(r: &mut Reader<'_>) -> Result<u16, Short> {
    let protocol = match r.u16()? {
        0xff03 => r.u16()?,
        protocol => protocol,
    };
    Ok(match protocol {
        0x0021 => EtherType::IPV4.0,
        0x0057 => EtherType::IPV6.0,
        other => other,
    })
}

/// Linux cooked capture: packet type, hardware type, address length, address, protocol.
fn cooked(r: &mut Reader<'_>, link: &mut Link) -> Result<u16, Short> {
    r.skip(4)?;
    let len = r.u16()?;
    link.src = Some(r.array()?).filter(|_| len == 6);
    r.skip(2)?;
    r.u16()
}

/// Version 2: the protocol comes first, the address at the end.
fn cooked2(r: &mut Reader<'_>, link: &mut Link) -> Result<u16, Short> {
    let protocol = r.u16()?;
    r.skip(9)?;
    let len = r.u8()?;
    link.src = Some(r.array()?).filter(|_| len == 6);
    r.skip(2)?;
    Ok(protocol)
}

/// Passes over 802.1Q (0x8100), 802.1ad (0x88a8) and the older 0x9100 tags in any mix.
fn untag(r: &mut Reader<'_>, mut ether_type: u16, link: &mut Link) -> Result<u16, Stop> {
    for _ in 0..=MAX_TAGS {
        match EtherType(ether_type) {
            EtherType::VLAN_TAGGED_FRAME | EtherType::PROVIDER_BRIDGING | EtherType::VLAN_DOUBLE_TAGGED_FRAME => {
                link.vlan = Some(r.u16().map_err(Malformed::from)? & 0x0fff);
                ether_type = r.u16().map_err(Malformed::from)?;
            }
            _ => return Ok(ether_type),
        }
    }
    Err(Malformed::TooDeep.into())
}
