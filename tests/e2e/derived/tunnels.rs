//! Frames and packets inside others.

use super::Transform;
use super::capture::Timed;
use crate::mirrors::{Frame, ROUTERS, WITH_FRAME, WITH_PACKET, Wrap, bare, before};

/// Wraps that the tests of mirrors do not have. PPPoE and an IPv6 tunnel carry IP packets alone.
const MORE: [(&str, Wrap); 3] = [
    ("pppoe", |f, _| {
        let [high, low] = (f.1 as u16 - 14 + 2).to_be_bytes();
        let protocol = if f.0[14] >> 4 == 4 { 0x21 } else { 0x57 };
        let session = [&ROUTERS, &[0x88, 0x64, 0x11, 0, 0, 7, high, low, 0, protocol][..]].concat();
        vec![before(&bare(f), &session)]
    }),
    ("ip in ipv6", |f, _| vec![in_ipv6(&bare(f))]),
    ("ip in ipv6 in vlan", |f, n| (WITH_FRAME[0].1)(&in_ipv6(&bare(f)), n)),
];

/// IPv4 or IPv6 in IPv6 (RFC 2473).
fn in_ipv6(packet: &Frame) -> Frame {
    let [high, low] = (packet.1 as u16).to_be_bytes();
    let protocol = if packet.0[0] >> 4 == 4 { 4 } else { 41 };
    let (mut from, mut to) = ([0; 16], [0; 16]);
    from[..2].copy_from_slice(&[0xfd, 1]);
    to[..2].copy_from_slice(&[0xfd, 2]);
    let header = [&ROUTERS[..], &[0x86, 0xdd, 0x60, 0, 0, 0, high, low, protocol, 64], &from, &to].concat();
    before(packet, &header)
}

/// Every wrap. Those that carry frames take each frame, the others IP packets without a VLAN tag.
pub(super) fn all() -> Vec<(&'static str, Transform)> {
    let whole: fn(&Frame) -> Option<Frame> = |frame| Some(frame.clone());
    let frames = WITH_FRAME.into_iter().map(|(name, wrap)| {
        // Three tags are what bridges stack; a frame that has some gets no more.
        let tags = ["802.1Q", "802.1ad", "three tags"].contains(&name);
        (name, transform(wrap, if tags { unpadded } else { whole }))
    });
    let packets = WITH_PACKET.into_iter().chain(MORE).map(|(name, wrap)| (name, transform(wrap, unpadded)));
    frames.chain(packets).collect()
}

/// Wraps what `take` makes of a frame; the others stay as they are.
fn transform(wrap: Wrap, take: fn(&Frame) -> Option<Frame>) -> Transform {
    Box::new(move |frames: &[Timed]| {
        let each = frames.iter().enumerate().flat_map(|(n, (time, frame))| {
            let wrapped = take(frame).map_or_else(|| vec![frame.clone()], |taken| wrap(&taken, n));
            wrapped.into_iter().map(|frame| (*time, frame))
        });
        each.collect()
    })
}

/// A frame with an IP packet and nothing behind it: no tunnel carries the padding of the link before it.
fn unpadded((data, len): &Frame) -> Option<Frame> {
    let word = |at: usize| data.get(at..at + 2).map(|two| usize::from(u16::from_be_bytes([two[0], two[1]])));
    let end = match word(12)? {
        0x0800 => 14 + word(16)?,
        0x86dd => 54 + word(18)?,
        _ => return None,
    };
    Some((data[..end.min(data.len())].to_vec(), end.min(*len)))
}
