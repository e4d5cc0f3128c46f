//! Frames of raw IP, written into a buffer that is used again and again.

use std::net::IpAddr;

pub(crate) const SYN: u8 = 0x02;
pub(crate) const ACK: u8 = 0x10;

pub(crate) type End = (IpAddr, u16);

pub(crate) const RESOLVER: End = (IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 53);

pub(crate) fn v4(address: u32) -> IpAddr {
    IpAddr::from(address.to_be_bytes())
}

pub(crate) fn tcp(frame: &mut Vec<u8>, from: End, to: End, seq: u32, flags: u8, payload: &[u8]) {
    ip(frame, 6, from.0, to.0, 20 + payload.len(), &[]);
    frame.extend(from.1.to_be_bytes());
    frame.extend(to.1.to_be_bytes());
    frame.extend(seq.to_be_bytes());
    frame.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend(payload);
}

pub(crate) fn udp(frame: &mut Vec<u8>, from: End, to: End, payload: &[u8]) {
    ip(frame, 17, from.0, to.0, 8 + payload.len(), &[]);
    udp_header(frame, from.1, to.1, payload.len());
    frame.extend(payload);
}

fn udp_header(frame: &mut Vec<u8>, from: u16, to: u16, len: usize) {
    frame.extend(from.to_be_bytes());
    frame.extend(to.to_be_bytes());
    frame.extend((8 + len as u16).to_be_bytes());
    frame.extend([0, 0]);
}

/// A part of a UDP datagram, `at` bytes (a multiple of eight) from its start.
pub(crate) fn part(frame: &mut Vec<u8>, (from, to): (IpAddr, IpAddr), id: u32, at: u16, more: bool, data: &[u8]) {
    let place = at | u16::from(more);
    let extension = [&[17, 0][..], &place.to_be_bytes(), &id.to_be_bytes()].concat();
    let v6 = from.is_ipv6();
    ip(frame, if v6 { 44 } else { 17 }, from, to, data.len(), if v6 { &extension } else { &[] });
    if !v6 {
        frame[4..6].copy_from_slice(&(id as u16).to_be_bytes());
        frame[6..8].copy_from_slice(&((at / 8) | (u16::from(more) << 13)).to_be_bytes());
    }
    frame.extend(data);
}

fn ip(frame: &mut Vec<u8>, protocol: u8, from: IpAddr, to: IpAddr, len: usize, extension: &[u8]) {
    frame.clear();
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            frame.extend([0x45, 0]);
            frame.extend((20 + len as u16).to_be_bytes());
            frame.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
            frame.extend(from.octets());
            frame.extend(to.octets());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            frame.extend([0x60, 0, 0, 0]);
            frame.extend(((extension.len() + len) as u16).to_be_bytes());
            frame.extend([protocol, 64]);
            frame.extend(from.octets());
            frame.extend(to.octets());
            frame.extend(extension);
        }
        _ => panic!("two versions"),
    }
}

fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

/// A ClientHello message for `name` that offers these protocols.
pub(crate) fn hello_message(name: &[u8], alpn: &[&[u8]]) -> Vec<u8> {
    let sni = vec16(&[&[0], &vec16(name)[..]].concat());
    let protocols: Vec<u8> = alpn.iter().flat_map(|id| [&[id.len() as u8], *id].concat()).collect();
    let extensions =
        [&[0, 0], &vec16(&sni)[..], &[0, 16], &vec16(&vec16(&protocols)), &[0, 43, 0, 3, 2, 3, 4]].concat();
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 0x01, 1, 0], &vec16(&extensions)].concat();
    [&[1], &(body.len() as u32).to_be_bytes()[1..], &body].concat()
}

/// The same in one TLS record.
pub(crate) fn hello(name: &[u8], alpn: &[&[u8]]) -> Vec<u8> {
    [&[22, 3, 1], &vec16(&hello_message(name, alpn))[..]].concat()
}

/// A DNS message: one question for `name`, as often as `questions` says, and these addresses as its answers.
pub(crate) fn dns(id: u16, name: &[u8], questions: u8, addresses: &[[u8; 4]]) -> Vec<u8> {
    let flags = if addresses.is_empty() { [1, 0] } else { [0x81, 0x80] };
    let mut message =
        [&id.to_be_bytes()[..], &flags, &[0, questions, 0, addresses.len() as u8, 0, 0, 0, 0]].concat();
    for label in name.split(|byte| *byte == b'.') {
        message.push(label.len() as u8);
        message.extend(label);
    }
    message.extend([0, 0, 1, 0, 1]);
    for _ in 1..questions {
        message.extend([0xc0, 12, 0, 1, 0, 1]);
    }
    for address in addresses {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
        message.extend(address);
    }
    message
}

/// An answer about the HTTPS record of `name`: hints, and the configuration whose hellos show `public`.
pub(crate) fn https(id: u16, name: &[u8], public: &[u8], hints: &[[u8; 4]]) -> Vec<u8> {
    let parameter = |key: u16, value: &[u8]| [&key.to_be_bytes(), &vec16(value)[..]].concat();
    let key = [&[7, 0, 0x20][..], &vec16(&[9; 32]), &vec16(&[0, 1, 0, 1])].concat();
    let contents = [&key[..], &[0, public.len() as u8], public, &[0, 0]].concat();
    let list = vec16(&[&[0xfe, 0x0d], &vec16(&contents)[..]].concat());
    let data = [b"\0\x01\0".to_vec(), parameter(4, &hints.concat()), parameter(5, &list)].concat();
    let mut message = dns(id, name, 1, &[]);
    // An answer with one record, to a question of that type.
    let kind = message.len() - 3;
    (message[2], message[3], message[7], message[kind]) = (0x81, 0x80, 1, 65);
    message.extend([&[0xc0, 12, 0, 65, 0, 1, 0, 0, 1, 44], &vec16(&data)[..]].concat());
    message
}
