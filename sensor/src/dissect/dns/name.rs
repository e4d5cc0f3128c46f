//! Names in DNS messages, with compression (RFC 1035 section 4.1.4).

use crate::bytes::{Reader, Short};
use crate::dissect::{MAX_NAME, clean_name};

/// Compression pointers in one name. A name has at most 127 labels, each could be pointed to; real ones have two.
const MAX_POINTERS: usize = 32;

/// The name at the reader, decompressed: lower case, no final dot; `.` for the root.
pub(super) fn read<'a>(r: &mut Reader<'a>, whole: &'a [u8]) -> Result<String, Short> {
    let mut raw = Vec::with_capacity(64);
    walk(r, whole, |label| {
        if !raw.is_empty() {
            raw.push(b'.');
        }
        raw.extend_from_slice(label);
    })?;
    Ok(clean_name(&raw).unwrap_or_else(|| ".".to_owned()))
}

/// The first label of the name at the reader, which a host has for itself; empty for the root.
pub(in crate::dissect) fn first_label<'a>(r: &mut Reader<'a>, whole: &'a [u8]) -> Result<&'a [u8], Short> {
    let mut first = None;
    walk(r, whole, |label| {
        first.get_or_insert(label);
    })?;
    Ok(first.unwrap_or_default())
}

/// Passes over the name at the reader.
pub(in crate::dissect) fn skip<'a>(r: &mut Reader<'a>, whole: &'a [u8]) -> Result<(), Short> {
    walk(r, whole, |_| ())
}

/// Gives each label of the name at the reader to `each`; the reader ends behind the name.
fn walk<'a>(r: &mut Reader<'a>, whole: &'a [u8], mut each: impl FnMut(&'a [u8])) -> Result<(), Short> {
    let (mut octets, mut pointers) = (0_usize, 0_usize);
    let mut jumped: Option<Reader<'a>> = None;
    loop {
        let at = jumped.as_mut().unwrap_or(r);
        match at.u8()? {
            0 => return Ok(()),
            len @ 1..=63 => {
                each(at.take(usize::from(len))?);
                octets = octets.saturating_add(usize::from(len)).saturating_add(1);
            }
            high @ 0xc0..=0xff => {
                let target = usize::from(u16::from_be_bytes([high & 0x3f, at.u8()?]));
                pointers = pointers.saturating_add(1);
                jumped = Some(Reader::new(whole.get(target..).ok_or(Short)?));
            }
            _ => return Err(Short),
        }
        if octets > MAX_NAME || pointers > MAX_POINTERS {
            return Err(Short);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bytes: &[u8]) -> Result<String, Short> {
        read(&mut Reader::new(bytes), bytes)
    }

    #[test]
    fn names_keep_every_octet() {
        assert_eq!(name(b"\0").unwrap(), ".");
        assert_eq!(name(b"\x06CLaude\x02Ai\0").unwrap(), "claude.ai");
        assert_eq!(name(b"\x03a.b\x01c\0").unwrap(), "a.b.c", "a dot within a label");
        assert_eq!(name(b"\x03\0 \xff\x01c\0").unwrap(), "\0 \u{ff}.c");
    }

    #[test]
    fn names_are_as_long_as_the_standard_allows() {
        let label = [&[63][..], &[b'a'; 63]].concat();
        let of = |labels: usize| name(&[label.repeat(labels), vec![0]].concat()).map(|name| name.len());
        assert_eq!((of(3), of(4)), (Ok(191), Err(Short)));
        let longest = [label.repeat(3), vec![62], vec![b'b'; 62], vec![0]].concat();
        assert_eq!(name(&longest).map(|name| name.len()), Ok(254), "255 octets before the root");
    }

    #[test]
    fn the_first_label_may_be_behind_a_pointer() {
        let first = |bytes: &'static [u8]| first_label(&mut Reader::new(bytes), bytes);
        assert_eq!(first(b"\xc0\x02\x04Host\x05local\0"), Ok(&b"Host"[..]));
        assert_eq!((first(b"\0"), first(b"\x04Host")), (Ok(&b""[..]), Err(Short)));
    }

    #[test]
    fn pointers_go_anywhere_within_and_end() {
        assert_eq!(name(b"\x01a\xc0\x04\x01b\0").unwrap(), "a.b", "ahead");
        for bytes in [&b"\xc0\x00"[..], b"\x01a\xc0\x00", b"\xc0\x09\0", b"\x41a\0", b"\x05ab"] {
            assert_eq!(name(bytes), Err(Short), "{bytes:?}");
        }
    }
}
