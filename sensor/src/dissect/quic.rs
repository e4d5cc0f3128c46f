//! QUIC Initial packets (RFC 9000 section 17.2.2, RFC 9001 section 5): their keys come from the connection id that the
//! client chose, so anyone on the path can read the ClientHello in them.

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf;

use crate::bytes::{Reader, Short, fnv1a};

/// Connection ids are at most this long in versions 1 and 2 (RFC 9000 section 17.2).
const MAX_CID: usize = 20;
/// The sample of header protection begins four bytes after the packet number's first byte (RFC 9001 section 5.4.2).
const SAMPLE_OFFSET: usize = 4;
const SAMPLE_LEN: usize = 16;

/// What a version of QUIC changes about Initial packets.
#[derive(Debug)]
struct Version {
    numbers: std::ops::RangeInclusive<u32>,
    salt: [u8; 20],
    initial_type: u8,
    labels: [&'static [u8]; 3],
}

/// Label names of versions 1 and the drafts.
const LABELS: [&[u8]; 3] = [b"quic key", b"quic iv", b"quic hp"];
const V1_SALT: [u8; 20] = *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
const DRAFT_29_SALT: [u8; 20] =
    *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99";
const V2_SALT: [u8; 20] = *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9";

static VERSIONS: [Version; 4] = [
    // RFC 9001.
    Version { numbers: 1..=1, salt: V1_SALT, initial_type: 0, labels: LABELS },
    // RFC 9369.
    Version {
        numbers: 0x6b33_43cf..=0x6b33_43cf,
        salt: V2_SALT,
        initial_type: 1,
        labels: [b"quicv2 key", b"quicv2 iv", b"quicv2 hp"],
    },
    // draft-29 to draft-32 share a salt; draft-33 and draft-34 have that of version 1.
    Version { numbers: 0xff00_001d..=0xff00_0020, salt: DRAFT_29_SALT, initial_type: 0, labels: LABELS },
    Version { numbers: 0xff00_0021..=0xff00_0022, salt: V1_SALT, initial_type: 0, labels: LABELS },
];

/// One Initial packet, still protected; slices borrow from the datagram.
#[derive(Debug, Clone, Copy)]
pub struct Initial<'a> {
    version: &'static Version,
    /// Number of the version.
    pub number: u32,
    /// Destination connection id.
    pub dcid: &'a [u8],
    /// It brings a token: the answer to a Retry, or one that the server gave out on an earlier connection.
    pub has_token: bool,
    /// The whole packet from its first byte to the end of its payload.
    packet: &'a [u8],
    /// Where the packet number begins in `packet`.
    number_at: usize,
}

/// True when the first byte is that of a long header with the fixed bit: handshake packets, not application data.
pub fn is_long_header(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|b| b & 0xc0 == 0xc0)
}

/// True when the first byte is that of a short header: application data, behind the receiver's connection id.
pub fn is_short_header(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|b| b & 0xc0 == 0x40)
}

/// The source connection id of a long header: what the other end sends to from now on (RFC 9000 section 7.2).
pub fn source_id(datagram: &[u8]) -> Option<ConnectionId> {
    let mut r = Reader::new(datagram.get(1..).filter(|_| is_long_header(datagram))?);
    let version = r.u32().ok()?;
    VERSIONS.iter().find(|v| v.numbers.contains(&version))?;
    r.vec8().ok()?;
    ConnectionId::of(r.vec8().ok()?)
}

/// A connection id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    bytes: [u8; MAX_CID],
    len: u8,
}

impl ConnectionId {
    /// `None` when it is empty or longer than versions 1 and 2 allow.
    pub fn of(id: &[u8]) -> Option<Self> {
        let mut bytes = [0; MAX_CID];
        bytes.get_mut(..id.len()).filter(|room| !room.is_empty())?.copy_from_slice(id);
        Some(Self { bytes, len: id.len() as u8 })
    }

    /// The id of `len` bytes in a short header, whose length only the receiver knows (RFC 9000 section 17.3.1).
    pub fn in_short_header(datagram: &[u8], len: u8) -> Option<Self> {
        Self::of(datagram.get(1..)?.get(..usize::from(len))?)
    }

    /// Its length in bytes.
    pub fn length(&self) -> u8 {
        self.len
    }
}

/// The Initial packets of a datagram (several packets may share one, RFC 9000 section 12.2). Stops at anything else.
pub fn initials(datagram: &[u8]) -> impl Iterator<Item = Initial<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        loop {
            let (packet, after) = long_packet(rest).ok().flatten()?;
            rest = after;
            if let Some(initial) = packet {
                return Some(initial);
            }
        }
    })
}

/// Reads one long-header packet: `Some` when it is an Initial, and what follows it. `Ok(None)` at a packet without a
/// length, after which nothing can follow.
#[allow(clippy::type_complexity, reason = "a private pair of a packet and the bytes after it")]
fn long_packet(bytes: &[u8]) -> Result<Option<(Option<Initial<'_>>, &[u8])>, Short> {
    let mut r = Reader::new(bytes);
    let first = r.u8()?;
    let number = r.u32()?;
    let Some(version) = VERSIONS.iter().find(|v| v.numbers.contains(&number)) else { return Ok(None) };
    if first & 0xc0 != 0xc0 {
        return Ok(None);
    }
    let dcid = r.vec8()?;
    let scid = r.vec8()?;
    if dcid.len() > MAX_CID || scid.len() > MAX_CID {
        return Ok(None);
    }
    let kind = (first >> 4 & 3).wrapping_sub(version.initial_type) & 3;
    let mut has_token = false;
    match kind {
        0 => {
            let token = r.varint()?;
            has_token = token > 0;
            r.skip(usize::try_from(token).map_err(|_| Short)?)?;
        }
        // Retry has no length and no payload that could be read.
        3 => return Ok(None),
        _ => {}
    }
    let len = usize::try_from(r.varint()?).map_err(|_| Short)?;
    let number_at = bytes.len().saturating_sub(r.left());
    r.skip(len)?;
    let packet = bytes.get(..number_at.saturating_add(len)).ok_or(Short)?;
    let initial = (kind == 0).then_some(Initial { version, number, dcid, has_token, packet, number_at });
    Ok(Some((initial, r.rest())))
}

/// The keys of a client's Initial packets.
pub struct InitialKeys {
    key: LessSafeKey,
    iv: [u8; 12],
    header: quic::HeaderProtectionKey,
}

impl std::fmt::Debug for InitialKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InitialKeys")
    }
}

impl Initial<'_> {
    /// A number for the connection id that the keys come from; never 0.
    pub fn connection(&self) -> u64 {
        fnv1a(&[self.dcid]) | 1
    }

    /// Derives the client's keys from this packet's destination connection id (RFC 9001 section 5.2).
    pub fn client_keys(&self) -> Option<InitialKeys> {
        self.client_keys_of(self.dcid)
    }

    /// Derives the client's keys of this packet's version from the destination connection id of the first packet: after
    /// a change of the version they still come from that one (RFC 9369 section 4.1).
    pub fn client_keys_of(&self, dcid: &[u8]) -> Option<InitialKeys> {
        let initial = hkdf::Salt::new(hkdf::HKDF_SHA256, &self.version.salt).extract(dcid);
        let mut client = [0; 32];
        expand(&initial, b"client in", &mut client)?;
        let client = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &client);
        let [key_label, iv_label, hp_label] = self.version.labels;
        let (mut key, mut iv, mut hp) = ([0; 16], [0; 12], [0; 16]);
        expand(&client, key_label, &mut key)?;
        expand(&client, iv_label, &mut iv)?;
        expand(&client, hp_label, &mut hp)?;
        Some(InitialKeys {
            key: LessSafeKey::new(UnboundKey::new(&aead::AES_128_GCM, &key).ok()?),
            iv,
            header: quic::HeaderProtectionKey::new(&quic::AES_128, &hp).ok()?,
        })
    }

    /// Removes the protection; the packet then stands open in `scratch` for [`Self::frames`]. False when the keys do
    /// not fit or the packet is cut.
    pub fn open(&self, keys: &InitialKeys, scratch: &mut Vec<u8>) -> bool {
        self.try_open(keys, scratch).is_some()
    }

    /// True when the packet that was opened into `scratch` is a client's first. After a Retry numbers go on (RFC 9000
    /// section 17.2.5.3).
    pub fn is_first(&self, scratch: &[u8]) -> bool {
        let number_len = scratch.first().map_or(0, |first| usize::from(first & 3).saturating_add(1));
        let number = scratch.get(self.number_at..).and_then(|rest| rest.get(..number_len));
        number.is_some_and(|number| number.iter().all(|&byte| byte == 0))
    }

    /// The frames of the packet that was opened into `scratch`.
    pub fn frames<'s>(&self, scratch: &'s [u8]) -> &'s [u8] {
        let number_len = scratch.first().map_or(0, |first| usize::from(first & 3) + 1);
        let end = scratch.len().saturating_sub(aead::AES_128_GCM.tag_len());
        scratch.get(self.number_at.saturating_add(number_len)..end).unwrap_or_default()
    }

    fn try_open(&self, keys: &InitialKeys, scratch: &mut Vec<u8>) -> Option<()> {
        let sample = self.packet.get(self.number_at.saturating_add(SAMPLE_OFFSET)..)?.get(..SAMPLE_LEN)?;
        let [first_mask, number_mask @ ..] = keys.header.new_mask(sample).ok()?;
        scratch.clear();
        scratch.extend_from_slice(self.packet);
        let first = scratch.first_mut()?;
        *first ^= first_mask & 0x0f;
        let number_len = usize::from(*first & 3) + 1;
        let mut nonce = keys.iv;
        // The packet number is the nonce's tail. Initial packet numbers begin at 0: what is sent is the whole number.
        let number_end = self.number_at.saturating_add(number_len);
        let number = scratch.get_mut(self.number_at..number_end)?;
        for (byte, mask) in number.iter_mut().zip(number_mask) {
            *byte ^= mask;
        }
        for (slot, byte) in nonce.iter_mut().rev().zip(number.iter().rev()) {
            *slot ^= *byte;
        }
        let (header, payload) = scratch.split_at_mut_checked(number_end)?;
        keys.key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(&*header), payload).ok()?;
        Some(())
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 section 7.1).
fn expand(secret: &hkdf::Prk, label: &[u8], out: &mut [u8]) -> Option<()> {
    let len = u16::try_from(out.len()).ok()?.to_be_bytes();
    let label_len = [u8::try_from(label.len().saturating_add(6)).ok()?];
    let info: [&[u8]; 5] = [&len, &label_len, b"tls13 ", label, &[0]];
    secret.expand(&info, Length(out.len())).ok()?.fill(out).ok()
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// A piece of the handshake stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crypto<'a> {
    /// Where it belongs in the stream.
    pub offset: u64,
    /// The bytes.
    pub data: &'a [u8],
}

/// Gives each CRYPTO frame of an opened Initial packet to `each`. Frames that RFC 9000 section 12.4 forbids there end
/// the walk with an error.
pub fn crypto_frames<'a>(frames: &'a [u8], mut each: impl FnMut(Crypto<'a>)) -> Result<(), Short> {
    let mut r = Reader::new(frames);
    while !r.is_empty() {
        match r.varint()? {
            // PADDING, PING
            0x00 | 0x01 => {}
            kind @ (0x02 | 0x03) => ack(&mut r, kind == 0x03)?,
            0x06 => {
                let offset = r.varint()?;
                let len = usize::try_from(r.varint()?).map_err(|_| Short)?;
                each(Crypto { offset, data: r.take(len)? });
            }
            // CONNECTION_CLOSE: nothing follows it.
            0x1c => return Ok(()),
            _ => return Err(Short),
        }
    }
    Ok(())
}

fn ack(r: &mut Reader<'_>, ecn: bool) -> Result<(), Short> {
    r.varint()?;
    r.varint()?;
    let ranges = r.varint()?;
    r.varint()?;
    // Each range takes at least two bytes, so a lying count ends at the packet's end.
    for _ in 0..ranges {
        r.varint()?;
        r.varint()?;
    }
    if ecn {
        for _ in 0..3 {
            r.varint()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9001 appendix A.1 and A.2: keys of the connection id 8394c8f03e515708, and the mask of the sample packet.
    #[test]
    fn keys_of_rfc_9001_appendix_a() {
        let dcid = *b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";
        let initial =
            Initial { version: &VERSIONS[0], number: 1, dcid: &dcid, has_token: false, packet: &[], number_at: 0 };
        let keys = initial.client_keys().unwrap();
        assert_eq!(&keys.iv, b"\xfa\x04\x4b\x2f\x42\xa3\xfd\x3b\x46\xfb\x25\x5c");
        let sample = b"\xd1\xb1\xc9\x8d\xd7\x68\x9f\xb8\xec\x11\xd2\x42\xb1\x23\xdc\x9b";
        assert_eq!(keys.header.new_mask(sample).unwrap(), *b"\x43\x7b\x9a\xec\x36");
    }

    #[test]
    fn frames_in_any_order_and_no_others() {
        let frames = b"\x06\x40\x05\x02lo\x01\x00\x00\x02\x05\x00\x00\x00\x06\x00\x05hello";
        let mut pieces = Vec::new();
        crypto_frames(frames, |piece| pieces.push((piece.offset, piece.data))).unwrap();
        assert_eq!(pieces, [(5, &b"lo"[..]), (0, b"hello")]);
        assert_eq!(crypto_frames(b"\x08\x00", |_| ()), Err(Short), "STREAM");
        for end in [1, 3, 5] {
            assert_eq!(crypto_frames(&frames[..end], |_| ()), Err(Short), "{end}");
        }
    }

    #[test]
    fn datagrams_that_hold_no_initial_give_none() {
        for datagram in [&b""[..], b"\xc0", b"\x40short header", b"\xc0\x00\x00\x00\x01\xff", &[0xff; 1200]] {
            assert_eq!(initials(datagram).count(), 0, "{datagram:?}");
        }
    }
}
