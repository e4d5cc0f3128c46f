//! Ed25519 keys as text files of 64 hex digits.

use std::{fmt, fs, io, path::Path};

use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};

/// The publisher's secret: 32 bytes from which both halves of the key follow. Never shown.
pub struct SigningKey {
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

/// What a sensor holds to check bundles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// Why a key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file could not be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The text is not 64 hex digits.
    #[error("not a key: expected 64 hex digits and nothing else")]
    NotHex,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoRandom,
}

impl SigningKey {
    /// A new key from the system's random bytes.
    pub fn generate() -> Result<SigningKey, KeyError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::NoRandom)?;
        SigningKey::from_seed(seed)
    }

    /// A key from a file.
    pub fn load(path: &Path) -> Result<SigningKey, KeyError> {
        SigningKey::from_text(&read(path)?)
    }

    /// A key from 64 hex digits.
    pub fn from_text(text: &str) -> Result<SigningKey, KeyError> {
        from_hex(text.trim()).ok_or(KeyError::NotHex).and_then(SigningKey::from_seed)
    }

    fn from_seed(seed: [u8; 32]) -> Result<SigningKey, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeyError::NotHex)?;
        Ok(SigningKey { seed, pair })
    }

    /// The text of a key file. Whoever reads it can sign.
    pub fn to_text(&self) -> String {
        to_hex(&self.seed)
    }

    /// The half that sensors hold.
    pub fn public(&self) -> PublicKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(key)
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(bytes).as_ref());
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKey(of {})", self.public().to_text().trim())
    }
}

impl PublicKey {
    /// A key from a file.
    pub fn load(path: &Path) -> Result<PublicKey, KeyError> {
        PublicKey::from_text(&read(path)?)
    }

    /// A key from 64 hex digits.
    pub fn from_text(text: &str) -> Result<PublicKey, KeyError> {
        from_hex(text.trim()).map(PublicKey).ok_or(KeyError::NotHex)
    }

    /// The text of a key file.
    pub fn to_text(&self) -> String {
        to_hex(&self.0)
    }

    pub(super) fn verifies(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(bytes, signature).is_ok()
    }
}

fn read(path: &Path) -> Result<String, KeyError> {
    fs::read_to_string(path).map_err(|source| KeyError::Read { path: path.display().to_string(), source })
}

fn to_hex(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hex + "\n"
}

/// Exactly `N` bytes in lower-case hex: one text for one value.
pub(super) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first test vector of RFC 8032, section 7.1.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    #[test]
    fn a_key_is_that_of_the_standard() {
        let key = SigningKey::from_text(&format!("{SEED}\n")).unwrap();
        assert_eq!(key.public().to_text(), format!("{PUBLIC}\n"));
        assert_eq!(key.to_text(), format!("{SEED}\n"));
        let signature = key.sign(b"");
        assert_eq!(signature[..4], [0xe5, 0x56, 0x43, 0x00]);
        assert!(key.public().verifies(b"", &signature));
        assert!(!key.public().verifies(b"x", &signature));
    }

    #[test]
    fn a_secret_is_never_shown() {
        let key = SigningKey::from_text(SEED).unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey(of {PUBLIC})"));
    }

    #[test]
    fn a_key_has_one_spelling() {
        for text in ["", "d75a", &PUBLIC.to_uppercase(), &format!("{PUBLIC}00"), &PUBLIC.replace('d', "g")] {
            assert!(matches!(PublicKey::from_text(text), Err(KeyError::NotHex)), "{text}");
        }
        assert_ne!(SigningKey::generate().unwrap().to_text(), SigningKey::generate().unwrap().to_text());
    }
}
