//! Versions of rule files: short, stable and the same on every machine.

use sha2::{Digest, Sha256};

/// Hex digits of a version; 48 bits tell the handful of versions a site ever sees apart.
const DIGITS: usize = 12;

/// The first 12 hex digits of SHA-256 over the parts, each closed by a zero byte so that no text can
/// move from one part to the next unnoticed.
pub(crate) fn of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    shorten(&hash.finalize())
}

/// The first 12 hex digits of SHA-256 over one text, as `sha256sum` prints them.
pub(crate) fn of_text(text: &str) -> String {
    shorten(&Sha256::digest(text.as_bytes()))
}

fn shorten(hash: &[u8]) -> String {
    let mut hex: String = hash.iter().take(DIGITS / 2 + 1).map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(DIGITS);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_digits_that_sha256sum_prints() {
        assert_eq!(of_text("abc"), "ba7816bf8f01");
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(of_parts(["ab", "c"]), of_parts(["a", "bc"]));
    }
}
