//! TCP (RFC 9293) and UDP (RFC 768) headers.

use etherparse::IpNumber;

use super::ip::Ip;
use super::{Decoded, L4, Link, Malformed, NotFlow, Packet, Taken, TcpFlags, neighbour};
use crate::bytes::{Reader, Short};

/// Header length of a TCP segment that a snaplen cut before its data offset: without options. A flow counts bytes by
/// sequence number, so a wrong guess is put right by the next segment.
const BARE_TCP: u32 = 20;

#[inline(always)]
pub(super) fn parse<'a>(taken: Taken, link: Link, ip: &Ip<'a>) -> Decoded<'a> {
    let header = match ip.protocol {
        IpNumber::TCP => tcp(ip),
        IpNumber::UDP => udp(ip),
        IpNumber::IPV6_ICMP => return neighbour::of_icmp6(&link, ip),
        IpNumber::ICMP => return Decoded::NotFlow(NotFlow::Icmp),
        _ => return Decoded::NotFlow(NotFlow::OtherIp),
    };
    let (ports, l4, header_len, payload_len) = match header {
        Ok(header) => header,
        Err(why) => return Decoded::Malformed(why),
    };
    let (header, payload) = ip.payload.split_at_checked(header_len as usize).unwrap_or((ip.payload, &[]));
    Decoded::Packet(Packet {
        time: taken.0,
        src: (ip.src, ports.0),
        dst: (ip.dst, ports.1),
        l4,
        header,
        ip_id: ip.part.id as u16,
        payload: payload.get(..payload_len as usize).unwrap_or(payload),
        payload_len,
        frame_len: taken.1,
        ip_len: ip.len,
        ttl: ip.ttl,
        link,
    })
}

type Header = ((u16, u16), L4, u32, u32);

#[inline(always)]
fn tcp(ip: &Ip<'_>) -> Result<Header, Malformed> {
    let short = |_: Short| Malformed::TransportShort;
    let mut r = Reader::new(ip.payload);
    let ports = (r.u16().map_err(short)?, r.u16().map_err(short)?);
    let cut = ip.payload.len() < ip.payload_len as usize;
    let (seq, header_len, flags) = match tcp_fields(r) {
        Ok((seq, offset, flags)) => (seq, u32::from(offset >> 4) * 4, flags),
        Err(_) if cut => (r.u32().unwrap_or_default(), BARE_TCP, 0x10),
        Err(_) => return Err(Malformed::TransportShort),
    };
    let payload_len = ip.payload_len.checked_sub(header_len).filter(|_| header_len >= BARE_TCP);
    let payload_len = payload_len.ok_or(Malformed::TransportHeader)?;
    Ok((ports, L4::Tcp { seq, flags: TcpFlags(flags) }, header_len, payload_len))
}

/// Sequence number, data offset byte and control bits.
fn tcp_fields(mut r: Reader<'_>) -> Result<(u32, u8, u8), Short> {
    let seq = r.u32()?;
    r.skip(4)?;
    Ok((seq, r.u8()?, r.u8()?))
}

fn udp(ip: &Ip<'_>) -> Result<Header, Malformed> {
    let short = |_: Short| Malformed::TransportShort;
    let mut r = Reader::new(ip.payload);
    let ports = (r.u16().map_err(short)?, r.u16().map_err(short)?);
    let room = ip.payload_len.saturating_sub(8);
    // Length 0 is a super-frame or a jumbogram: the IP header's length is the truth then.
    let payload_len = match r.u16() {
        Ok(0) | Err(_) => room,
        Ok(len) => {
            let payload = u32::from(len).checked_sub(8).ok_or(Malformed::TransportHeader)?;
            payload.min(room)
        }
    };
    Ok((ports, L4::Udp, 8, payload_len))
}
