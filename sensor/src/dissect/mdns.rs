//! Names that hosts give themselves on the local network: mDNS (RFC 6762) and LLMNR (RFC 4795).

use std::net::IpAddr;

use super::Parse;
use super::dhcp::host_name;
use super::dns::{name, rr};
use crate::bytes::{Reader, Short};

/// Questions and records of one message that are read. A host with many services announces some dozens.
const MAX_RECORDS: u32 = 128;

/// The name of the host that sends a message: the owner of an A or AAAA record whose address is the sender's own, in
/// lower case, without `.local`. `NotMine` for questions, and where no such record is there.
pub fn own_name(bytes: &[u8], sender: IpAddr) -> Parse<String> {
    let mut r = Reader::new(bytes);
    match read(&mut r, bytes, sender) {
        Ok(Some(name)) => Parse::Done(name),
        Ok(None) => Parse::NotMine,
        Err(Short) => Parse::Malformed,
    }
}

fn read<'a>(r: &mut Reader<'a>, whole: &'a [u8], sender: IpAddr) -> Result<Option<String>, Short> {
    r.skip(2)?;
    let [high, low] = r.array()?;
    // A response to a standard query, without an error.
    if high & 0xf8 != 0x80 || low & 0x0f != 0 {
        return Ok(None);
    }
    let questions = u32::from(r.u16()?);
    let records = [r.u16()?, r.u16()?, r.u16()?].map(u32::from).iter().sum::<u32>();
    for _ in 0..questions.min(MAX_RECORDS) {
        name::skip(r, whole)?;
        r.skip(4)?;
    }
    for _ in 0..records.min(MAX_RECORDS) {
        let owner = name::first_label(r, whole)?;
        let kind = r.u16()?;
        r.skip(6)?;
        if address(kind, r.vec16()?) == Some(sender) {
            return Ok(host_name(owner));
        }
    }
    Ok(None)
}

fn address(kind: u16, data: &[u8]) -> Option<IpAddr> {
    match kind {
        rr::A => <[u8; 4]>::try_from(data).ok().map(IpAddr::from),
        rr::AAAA => <[u8; 16]>::try_from(data).ok().map(IpAddr::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 77, 0, 11));

    /// A response with an AAAA record of another host, and an A record of `address` whose owner is a pointer.
    fn response(address: [u8; 4]) -> Vec<u8> {
        let mut m = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        m.extend(b"\x05_http\x04_tcp\x05local\x00\x00\x0c\x80\x01\x00\x00\x11\x94\x00\x0a");
        let name = m.len() as u8;
        m.extend(b"\x07Anna-PC\xc0\x17");
        m.extend(b"\x05other\xc0\x17\x00\x1c\x80\x01\x00\x00\x00\x78\x00\x10");
        m.extend([0xfe; 16]);
        m.extend([0xc0, name]);
        m.extend(b"\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04");
        m.extend(address);
        m
    }

    #[test]
    fn a_host_names_itself_and_nobody_else() {
        assert_eq!(own_name(&response([10, 77, 0, 11]), ME), Parse::Done("anna-pc".to_owned()));
        assert_eq!(own_name(&response([10, 77, 0, 12]), ME), Parse::NotMine);
    }

    #[test]
    fn an_answer_of_llmnr_repeats_the_question() {
        let mut m = vec![0x12, 0x34, 0x80, 0, 0, 1, 0, 1, 0, 0, 0, 0];
        m.extend(b"\x06ws-ben\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04\x0a\x4d\x00\x0b");
        assert_eq!(own_name(&m, ME), Parse::Done("ws-ben".to_owned()));
        m[2] = 0;
        assert_eq!(own_name(&m, ME), Parse::NotMine, "a question");
    }

    #[test]
    fn cut_and_circular_names_end() {
        let whole = response([10, 77, 0, 11]);
        for end in 0..whole.len() {
            assert_eq!(own_name(&whole[..end], ME), Parse::Malformed, "{end}");
        }
        let mut m = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        m.extend(b"\xc0\x0c\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\x0a\x4d\x00\x0b");
        assert_eq!(own_name(&m, ME), Parse::Malformed);
    }
}
