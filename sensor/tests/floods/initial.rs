//! QUIC Initial packets as a client seals them (RFC 9001 section 5), so that a flood of them opens under its own keys.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf;

const SALT: [u8; 20] = *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
const TAG: usize = 16;
/// Clients fill their first datagrams (RFC 9000 section 14.1).
const FILLED: usize = 1_162;

/// The sealed datagram with these frames.
pub(crate) fn sealed(dcid: &[u8], number: u8, frames: &[u8]) -> Vec<u8> {
    let Keys { key, iv, header } = Keys::of(dcid);
    let mut payload = frames.to_vec();
    payload.resize(payload.len().max(FILLED), 0);
    let length = 0x4000 | (1 + payload.len() + TAG) as u16;
    let mut packet = [&[0xc0, 0, 0, 0, 1, dcid.len() as u8][..], dcid, &[0, 0], &length.to_be_bytes()].concat();
    let number_at = packet.len();
    packet.push(number);
    let mut nonce = iv;
    nonce[11] ^= number;
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&packet), &mut payload).unwrap();
    packet.extend(payload);
    let mask = header.new_mask(&packet[number_at + 4..number_at + 20]).unwrap();
    packet[0] ^= mask[0] & 0x0f;
    packet[number_at] ^= mask[1];
    packet
}

/// A CRYPTO frame.
pub(crate) fn crypto(at: u16, data: &[u8]) -> Vec<u8> {
    let [at, len] = [at, data.len() as u16].map(|number| (0x4000 | number).to_be_bytes());
    [&[6][..], &at, &len, data].concat()
}

struct Keys {
    key: LessSafeKey,
    iv: [u8; 12],
    header: quic::HeaderProtectionKey,
}

impl Keys {
    fn of(dcid: &[u8]) -> Self {
        let initial = hkdf::Salt::new(hkdf::HKDF_SHA256, &SALT).extract(dcid);
        let client = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &expand::<32>(&initial, b"client in"));
        let key = UnboundKey::new(&AES_128_GCM, &expand::<16>(&client, b"quic key")).unwrap();
        let header = quic::HeaderProtectionKey::new(&quic::AES_128, &expand::<16>(&client, b"quic hp")).unwrap();
        Self { key: LessSafeKey::new(key), iv: expand(&client, b"quic iv"), header }
    }
}

fn expand<const N: usize>(secret: &hkdf::Prk, label: &[u8]) -> [u8; N] {
    let info: [&[u8]; 5] = [&[0, N as u8], &[6 + label.len() as u8], b"tls13 ", label, &[0]];
    let mut key = [0; N];
    secret.expand(&info, Length(N)).unwrap().fill(&mut key).unwrap();
    key
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
