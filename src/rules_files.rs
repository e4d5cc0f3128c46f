//! The catalogue in force: the compiled-in files, a signed bundle over them, a folder over both; renewed on SIGHUP.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rules::catalogue::bundle::{BundleError, PublicKey};
use rules::catalogue::{Catalogue, Live, ReloadError};

use crate::exit::Failure;
use crate::terminal;

/// Keeps the serial of the last bundle in force, so that an older one is refused after a restart too.
const SERIAL_FILE: &str = "catalogue.serial";

/// Where the catalogue comes from, and what it is now.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    live: Arc<Live>,
    folder: Option<PathBuf>,
    bundle: Option<PathBuf>,
    /// A bundle of this run is in force, not only known by its serial.
    bundle_in_force: Arc<AtomicBool>,
}

impl Rules {
    /// Puts folder and bundle in force. A broken folder or key is an error; a bundle that is refused is a warning,
    /// because a sensor with the compiled-in catalogue sees more than one that does not start.
    pub(crate) fn load(
        folder: Option<PathBuf>,
        bundle: Option<(PathBuf, PathBuf)>,
        data_dir: &Path,
    ) -> Result<Self, Failure> {
        let key = bundle.as_ref().map(|(_, key)| PublicKey::load(key)).transpose().map_err(Failure::usage)?;
        // The bundle of the last run has the stored serial and is no older one.
        let newer_than = stored_serial(data_dir).and_then(|serial| serial.checked_sub(1));
        let live = Arc::new(Live::new(key, newer_than));
        let rules = Self { live, folder, bundle: bundle.map(|(file, _)| file), bundle_in_force: Arc::default() };
        if let Some(folder) = &rules.folder {
            rules.live.reload(folder).map_err(Failure::usage)?;
        }
        rules.reload_bundle();
        Ok(rules)
    }

    /// The catalogue in force.
    pub(crate) fn current(&self) -> Arc<Catalogue> {
        self.live.current()
    }

    /// The organisation's own folder of catalogue files.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// What is read again on SIGHUP: the folder of one's own, and the folder in which the bundle lies, because a new bundle
    /// takes the old one's name.
    #[cfg(feature = "live")]
    pub(crate) fn places(&self) -> Vec<PathBuf> {
        let bundle = self.bundle.as_deref().map(|file| match file.parent() {
            Some(folder) if folder != Path::new("") => folder.to_path_buf(),
            _ => PathBuf::from("."),
        });
        self.folder.clone().into_iter().chain(bundle).collect()
    }

    /// How often the catalogue was swapped.
    pub(crate) fn generation(&self) -> u64 {
        self.live.generation()
    }

    /// Reads folder and bundle again. What is wrong is said, and the catalogue in force stays.
    #[cfg(feature = "live")]
    pub(crate) fn reload(&self) {
        if let Some(folder) = &self.folder
            && let Err(error) = self.live.reload(folder)
        {
            terminal::warning(&error.to_string());
        }
        self.reload_bundle();
    }

    fn reload_bundle(&self) {
        let Some(bundle) = &self.bundle else { return };
        match self.live.reload(bundle) {
            Ok(_) => self.bundle_in_force.store(true, Ordering::Relaxed),
            Err(ReloadError::Bundle { source: BundleError::NotNewer { found, .. }, .. })
                if Some(found) == self.live.serial() && self.bundle_in_force.load(Ordering::Relaxed) => {}
            Err(error) => terminal::warning(&error.to_string()),
        }
    }

    /// Stores the serial of the bundle in force.
    pub(crate) fn remember(&self, data_dir: &Path) {
        let Some(serial) = self.live.serial().filter(|_| self.bundle_in_force.load(Ordering::Relaxed)) else {
            return;
        };
        if stored_serial(data_dir).is_none_or(|stored| stored < serial)
            && let Err(error) = fs::write(data_dir.join(SERIAL_FILE), format!("{serial}\n"))
        {
            terminal::warning(&format!("the bundle's serial cannot be stored: {error}"));
        }
    }
}

fn stored_serial(data_dir: &Path) -> Option<u64> {
    fs::read_to_string(data_dir.join(SERIAL_FILE)).ok()?.trim().parse().ok()
}
