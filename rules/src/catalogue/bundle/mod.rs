//! A signed set of catalogue files in one file, to replace or extend the compiled-in ones at run time.
//!
//! ```text
//! shadowtap-catalogue 1
//! serial 42
//! created 2026-11-20
//! mode extend
//! file openai.toml 5120
//! file own.toml 310
//!
//! <5120 bytes of openai.toml><310 bytes of own.toml>
//! signature <128 hex digits>
//! ```
//!
//! The signature is Ed25519 over every byte before its line. The header has these lines in this order, the
//! files are sorted by name, and nothing else may stand there: the same files, serial and key always give
//! the same bytes. The signature is checked before anything but the first line is understood, and a bundle
//! that is opened has been read to its end: there is no half of a bundle.

mod key;
mod text;

use std::collections::BTreeMap;

use jiff::civil::Date;

pub use key::{KeyError, PublicKey, SigningKey};

use super::{Catalogue, CatalogueError};
use crate::words::words;

/// The largest bundle that is read: some 30 times the compiled-in catalogue.
pub const MAX_BYTES: usize = 16 << 20;

words! {
    /// What a bundle does to the compiled-in files.
    pub enum Mode, "mode" {
        /// A file of the bundle replaces the built-in file of its name, other files add to them.
        Extend = "extend",
        /// The bundle's files alone are the catalogue.
        Replace = "replace",
    }
}

/// What a bundle says about itself, and its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Counts up with each bundle of one publisher; only a larger one is accepted.
    pub serial: u64,
    /// When it was made. For people; the serial decides.
    pub created: Date,
    /// What it does to the compiled-in files.
    pub mode: Mode,
    /// File name and text.
    pub files: BTreeMap<String, String>,
}

/// A bundle whose signature, serial and files are all good.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// What it says.
    pub contents: Contents,
    /// The catalogue that it makes.
    pub catalogue: Catalogue,
}

/// Why a bundle was refused. Nothing of it has been applied.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The first line is not that of a bundle that this version knows.
    #[error("unknown form: expected a file that begins with `{}`", text::FIRST.trim_end())]
    UnknownForm,
    /// Larger than [`MAX_BYTES`].
    #[error("too large: {0} bytes, at most {MAX_BYTES} are read")]
    TooLarge(usize),
    /// Cut off, or without a signature line at its end.
    #[error("no signature at the end: the file is cut off or was edited")]
    Unsigned,
    /// The signature is not by this key over these bytes.
    #[error("wrong signature: the file was changed after signing, or signed with another key")]
    WrongSignature,
    /// Signed, and yet not in the form above.
    #[error("broken at line {line}: {text}")]
    Broken {
        /// Line of the header, counted from 1.
        line: usize,
        /// What is wrong there.
        text: &'static str,
    },
    /// Its serial is not above the one in force.
    #[error("serial {found} is not newer than {have}: a bundle never goes back")]
    NotNewer {
        /// The serial of the refused bundle.
        found: u64,
        /// The serial in force.
        have: u64,
    },
    /// It would leave no service at all.
    #[error("no service in it: it would silently find nothing")]
    Empty,
    /// One of its files says something wrong.
    #[error("{0}")]
    Catalogue(#[from] CatalogueError),
}

impl Bundle {
    /// The bytes of a signed bundle. What could not be opened again is not sealed.
    pub fn seal(contents: &Contents, key: &SigningKey) -> Result<Vec<u8>, BundleError> {
        contents.catalogue()?;
        let mut bytes = text::write(contents)?;
        let signature = key.sign(&bytes);
        text::push_signature(&mut bytes, &signature);
        if bytes.len() > MAX_BYTES {
            return Err(BundleError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }

    /// Opens a bundle. `newer_than` is the serial in force; at start, when the bundle that was in force is
    /// read again, the serial before it; `None` where none has been seen.
    pub fn open(bytes: &[u8], key: &PublicKey, newer_than: Option<u64>) -> Result<Bundle, BundleError> {
        if bytes.len() > MAX_BYTES {
            return Err(BundleError::TooLarge(bytes.len()));
        }
        if !bytes.starts_with(text::FIRST.as_bytes()) {
            return Err(BundleError::UnknownForm);
        }
        let (signed, signature) = text::split_signature(bytes).ok_or(BundleError::Unsigned)?;
        if !key.verifies(signed, &signature) {
            return Err(BundleError::WrongSignature);
        }
        let contents = text::read(signed)?;
        if let Some(have) = newer_than.filter(|&have| contents.serial <= have) {
            return Err(BundleError::NotNewer { found: contents.serial, have });
        }
        let catalogue = contents.catalogue()?;
        Ok(Bundle { contents, catalogue })
    }
}

impl Contents {
    fn catalogue(&self) -> Result<Catalogue, BundleError> {
        let catalogue = Catalogue::parse(self.layer().collect::<BTreeMap<_, _>>())?;
        if self.files.is_empty() || catalogue.services().is_empty() {
            return Err(BundleError::Empty);
        }
        Ok(catalogue)
    }

    /// The files that count, with those that they extend; where a name comes twice, the later one counts.
    pub(super) fn layer(&self) -> impl Iterator<Item = (&str, &str)> {
        let below = if self.mode == Mode::Extend { Catalogue::builtin_files() } else { &[] };
        let own = self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        below.iter().copied().chain(own)
    }
}
