//! QUIC packets of a client and of a server (RFC 9000 section 17.2), protected as RFC 9001 and RFC 9369 say.

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf;

/// What a version changes.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) name: &'static str,
    pub(crate) number: u32,
    salt: [u8; 20],
    /// Packet types are counted from here: Initial, 0-RTT, Handshake, Retry.
    initial: u8,
    labels: [&'static str; 3],
}

const LABELS: [&str; 3] = ["quic key", "quic iv", "quic hp"];

pub(crate) static VERSIONS: [Version; 3] = [
    Version {
        name: "v1",
        number: 1,
        salt: *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a",
        initial: 0,
        labels: LABELS,
    },
    Version {
        name: "v2",
        number: 0x6b33_43cf,
        salt: *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9",
        initial: 1,
        labels: ["quicv2 key", "quicv2 iv", "quicv2 hp"],
    },
    Version {
        name: "draft-29",
        number: 0xff00_001d,
        salt: *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99",
        initial: 0,
        labels: LABELS,
    },
];

/// Size of a client's datagram (RFC 9000 section 14.1).
const DATAGRAM: usize = 1200;
const TAG: usize = 16;

/// Who protects a packet.
pub(crate) const CLIENT: &str = "client in";
pub(crate) const SERVER: &str = "server in";

/// Keys of Initial packets, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) key: [u8; 16],
    pub(crate) iv: [u8; 12],
    pub(crate) hp: [u8; 16],
}

impl Keys {
    /// Of the connection id that the client chose (RFC 9001 section 5.2).
    pub(crate) fn new(version: &Version, dcid: &[u8], sender: &str) -> Self {
        let initial = hkdf::Salt::new(hkdf::HKDF_SHA256, &version.salt).extract(dcid);
        let mut secret = [0; 32];
        expand(&initial, sender, &mut secret);
        let secret = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &secret);
        let mut keys = Self { key: [0; 16], iv: [0; 12], hp: [0; 16] };
        expand(&secret, version.labels[0], &mut keys.key);
        expand(&secret, version.labels[1], &mut keys.iv);
        expand(&secret, version.labels[2], &mut keys.hp);
        keys
    }

    /// Protects a packet: `header` ends with the packet number, its first byte tells how long that is.
    pub(crate) fn seal(&self, header: &[u8], number: u32, payload: &[u8]) -> Vec<u8> {
        let mut nonce = self.iv;
        for (slot, byte) in nonce.iter_mut().rev().zip(number.to_be_bytes().iter().rev()) {
            *slot ^= byte;
        }
        let key = LessSafeKey::new(UnboundKey::new(&aead::AES_128_GCM, &self.key).unwrap());
        let mut sealed = payload.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(header), &mut sealed).unwrap();
        let number_len = usize::from(header[0] & 3) + 1;
        let hp = quic::HeaderProtectionKey::new(&quic::AES_128, &self.hp).unwrap();
        let [first, mask @ ..] = hp.new_mask(&sealed[4 - number_len..][..16]).unwrap();
        let mut header = header.to_vec();
        header[0] ^= first & 0x0f;
        let number_at = header.len() - number_len;
        header[number_at..].iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        [header, sealed].concat()
    }
}

fn expand(secret: &hkdf::Prk, label: &str, out: &mut [u8]) {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let label = format!("tls13 {label}");
    let info: [&[u8]; 4] = [&[0, out.len() as u8], &[label.len() as u8], label.as_bytes(), &[0]];
    secret.expand(&info, Length(out.len())).unwrap().fill(out).unwrap();
}

/// One side of a connection: what its next Initial looks like.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) version: &'static Version,
    pub(crate) keys: Keys,
    pub(crate) dcid: Vec<u8>,
    pub(crate) scid: Vec<u8>,
    pub(crate) token: Vec<u8>,
    pub(crate) number: u32,
    /// Bytes that the packet number takes.
    pub(crate) number_len: usize,
}

impl Peer {
    /// A client that begins a connection.
    pub(crate) fn client(version: &'static Version, dcid: &[u8]) -> Self {
        let keys = Keys::new(version, dcid, CLIENT);
        let (dcid, scid) = (dcid.to_vec(), b"client".to_vec());
        Self { version, keys, dcid, scid, token: Vec::new(), number: 0, number_len: 1 }
    }

    /// The server that answers it under an id of its own.
    pub(crate) fn server(client: &Self, scid: &[u8]) -> Self {
        let keys = Keys::new(client.version, &client.dcid, SERVER);
        let (dcid, scid) = (client.scid.clone(), scid.to_vec());
        Self { version: client.version, keys, dcid, scid, token: Vec::new(), number: 0, number_len: 1 }
    }

    /// The next Initial with these frames, filled up to a datagram.
    pub(crate) fn initial(&mut self, frames: &[u8]) -> Vec<u8> {
        self.initial_of(DATAGRAM, frames)
    }

    /// The next Initial with these frames; PADDING fills it up to `len` bytes.
    pub(crate) fn initial_of(&mut self, len: usize, frames: &[u8]) -> Vec<u8> {
        let token = [&varint(self.token.len())[..], &self.token].concat();
        let flags = (self.number_len - 1) as u8;
        let mut header = [self.long_header(0, flags), token].concat();
        let padded = len.saturating_sub(header.len() + 2 + self.number_len + TAG).max(frames.len()).max(4);
        let payload = [frames, &vec![0; padded - frames.len()]].concat();
        header.extend(two_bytes(self.number_len + padded + TAG));
        header.extend(&self.number.to_be_bytes()[4 - self.number_len..]);
        let packet = self.keys.seal(&header, self.number, &payload);
        self.number += 1;
        packet
    }

    /// A packet of another type (1 = 0-RTT, 2 = Handshake) with bytes that nobody can read.
    pub(crate) fn opaque(&self, kind: u8, len: usize) -> Vec<u8> {
        [self.long_header(kind, 1), two_bytes(len), vec![0xa5; len]].concat()
    }

    /// A Retry under this server's id.
    pub(crate) fn retry(&self, token: &[u8]) -> Vec<u8> {
        [&self.long_header(3, 0)[..], token, &[0x5a; 16]].concat()
    }

    /// A Version Negotiation packet (RFC 9000 section 17.2.1).
    pub(crate) fn versions(&self, numbers: &[u32]) -> Vec<u8> {
        let numbers: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        [&[0x80, 0, 0, 0, 0][..], &self.ids(), &numbers].concat()
    }

    fn long_header(&self, kind: u8, flags: u8) -> Vec<u8> {
        let kind = (self.version.initial + kind) & 3;
        [&[0xc0 | kind << 4 | flags][..], &self.version.number.to_be_bytes(), &self.ids()].concat()
    }

    fn ids(&self) -> Vec<u8> {
        [&[self.dcid.len() as u8], &self.dcid[..], &[self.scid.len() as u8], &self.scid].concat()
    }
}

/// A CRYPTO frame.
pub(crate) fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
    [&[6], &varint(offset)[..], &varint(data.len()), data].concat()
}

/// Frames without a piece of the hello: PADDING, PING, ACK, ACK with ranges, ACK with ECN counts.
pub(crate) const OTHERS: [&[u8]; 5] =
    [&[0, 0, 0], &[1], &[2, 0, 0, 0, 0], &[2, 0x40, 9, 7, 2, 1, 0, 1, 2, 0], &[3, 5, 0, 0, 1, 9, 8, 7]];

/// The shortest encoding of a number (RFC 9000 section 16).
fn varint(number: usize) -> Vec<u8> {
    match number {
        0..0x40 => vec![number as u8],
        0x40..0x4000 => two_bytes(number),
        _ => (0x8000_0000 | number as u32).to_be_bytes().to_vec(),
    }
}

fn two_bytes(number: usize) -> Vec<u8> {
    (0x4000 | number as u16).to_be_bytes().to_vec()
}
