//! The catalogue in force, swapped whole while others read it.
//!
//! It has up to three layers: the compiled-in files, a signed bundle that extends or replaces them, and an
//! organisation's own folder over both. Each layer is renewed by itself and the others stay.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Catalogue, CatalogueError,
    bundle::{Bundle, BundleError, Contents, MAX_BYTES, PublicKey},
    read_folder,
};

/// Holds the current catalogue. A reader keeps its `Arc` and asks for a new one when the generation has
/// moved, so that the packet path pays one atomic load.
#[derive(Debug)]
pub struct Live {
    current: RwLock<State>,
    generation: AtomicU64,
    key: Option<PublicKey>,
}

#[derive(Debug)]
struct State {
    catalogue: Arc<Catalogue>,
    layers: Layers,
    serial: Option<u64>,
}

/// What lies over the compiled-in files.
#[derive(Debug, Clone, Default)]
struct Layers {
    bundle: Option<Contents>,
    folder: Vec<(String, String)>,
}

/// Why the catalogue was not swapped. The old one is still in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The file or folder could not be read.
    #[error("{path}: {source}; the catalogue in force stays")]
    Read {
        /// The file or folder.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A bundle came, and no key is configured to check it with.
    #[error("{0}: a bundle, and no public key is configured to check it with; the catalogue in force stays")]
    NoKey(String),
    /// The bundle was refused.
    #[error("{path}: {source}; the catalogue in force stays")]
    Bundle {
        /// The file.
        path: String,
        /// Why.
        source: BundleError,
    },
    /// The folder's files say something wrong, or do not go together with the layers below.
    #[error("{0}; the catalogue in force stays")]
    Layers(CatalogueError),
}

impl Live {
    /// Puts the compiled-in catalogue in force. `key` checks bundles; without one, bundles are refused.
    /// `serial` is that of the last bundle in force, as far as it is known; see [`Bundle::open`].
    pub fn new(key: Option<PublicKey>, serial: Option<u64>) -> Live {
        Live { key, ..Live::holding(Catalogue::builtin(), serial) }
    }

    fn holding(catalogue: Catalogue, serial: Option<u64>) -> Live {
        let state = State { catalogue: Arc::new(catalogue), layers: Layers::default(), serial };
        Live { current: RwLock::new(state), generation: AtomicU64::new(0), key: None }
    }

    /// The catalogue in force.
    pub fn current(&self) -> Arc<Catalogue> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).catalogue.clone()
    }

    /// How often the catalogue was swapped.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The serial of the last bundle in force: to be kept over a restart, so that no older one comes back.
    pub fn serial(&self) -> Option<u64> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).serial
    }

    /// Reads a folder of catalogue files or a signed bundle, each in its own layer, and puts the whole in
    /// force; on any error the old catalogue stays as it is. Gives the new catalogue.
    pub fn reload(&self, path: &Path) -> Result<Arc<Catalogue>, ReloadError> {
        if path.is_dir() {
            let folder = read_folder(path).map_err(ReloadError::Layers)?;
            let mut state = self.current.write().unwrap_or_else(PoisonError::into_inner);
            let serial = state.serial;
            let layers = Layers { folder, ..state.layers.clone() };
            return self.swap(&mut state, layers, serial);
        }
        let shown = path.display().to_string();
        let bytes = read(path).map_err(|source| ReloadError::Read { path: shown.clone(), source })?;
        let key = self.key.ok_or(ReloadError::NoKey(shown.clone()))?;
        // The serial is compared and set under one lock: of two reloads at once the newer one stays.
        let mut state = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let bundle = Bundle::open(&bytes, &key, state.serial)
            .map_err(|source| ReloadError::Bundle { path: shown, source })?;
        let serial = Some(bundle.contents.serial);
        let layers = Layers { bundle: Some(bundle.contents), ..state.layers.clone() };
        self.swap(&mut state, layers, serial)
    }

    fn swap(&self, state: &mut State, layers: Layers, serial: Option<u64>) -> Result<Arc<Catalogue>, ReloadError> {
        let catalogue = Arc::new(layers.catalogue().map_err(ReloadError::Layers)?);
        *state = State { catalogue: catalogue.clone(), layers, serial };
        self.generation.fetch_add(1, Ordering::Release);
        Ok(catalogue)
    }
}

/// Any catalogue, without a key. A reload begins with the compiled-in files again.
impl From<Catalogue> for Live {
    fn from(catalogue: Catalogue) -> Live {
        Live::holding(catalogue, None)
    }
}

impl Layers {
    fn catalogue(&self) -> Result<Catalogue, CatalogueError> {
        let mut files: BTreeMap<&str, &str> = match &self.bundle {
            Some(bundle) => bundle.layer().collect(),
            None => Catalogue::builtin_files().iter().copied().collect(),
        };
        files.extend(self.folder.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        Catalogue::parse(files)
    }
}

/// One byte more than a bundle may have, so that a larger file is refused and never read whole.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
