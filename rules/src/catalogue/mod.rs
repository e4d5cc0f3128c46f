//! Which service a host name belongs to, what the host does for it, and how sure that is.

pub mod bundle;
mod check;
pub mod compare;
mod data;
mod diff;
mod file;
mod host;
pub mod infra;
mod live;
pub mod local;
mod matcher;
mod memory;
mod service;
mod tenant;

use std::{borrow::Cow, collections::BTreeMap, fs, io, path::Path};

pub use check::{Level, Problem, check, check_files};
pub use diff::{Change, Diff, Fact, diff};
pub use live::{Live, ReloadError};
pub use memory::Memory;
pub use service::{Access, Category, Kind, Modality, Pattern, Plan, Role, Service, Strength, Vetting};

use crate::{digest, fault::Fault};
pub(crate) use host::registrable as registrable_host;
use matcher::Matcher;

/// The files of `catalog/`, compiled in and sorted by name.
const BUILTIN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalog.rs"));

/// Services and their host patterns. Immutable, so workers share it behind an `Arc` and swap it whole.
#[derive(Debug, Clone)]
pub struct Catalogue {
    services: Vec<Service>,
    matcher: Matcher,
    version: String,
}

/// The answer to "whose host is this?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'a> {
    /// The service that the host belongs to.
    pub service: &'a Service,
    /// The most specific pattern that matched, which holds the role and the strength.
    pub pattern: &'a Pattern,
}

impl Hit<'_> {
    /// The customer's own label in a host that this hit matched: what `*` stands for in a glob, what stands
    /// left of a suffix. `None` where the pattern holds no customer's label, or the host is the bare suffix.
    pub fn tenant<'h>(&self, host: &'h str) -> Option<Cow<'h, str>> {
        if !self.pattern.tenant {
            return None;
        }
        match host::normalise(host)? {
            Cow::Borrowed(host) => tenant::of(self.pattern, host).map(Cow::Borrowed),
            Cow::Owned(host) => tenant::of(self.pattern, &host).map(|label| Cow::Owned(label.to_owned())),
        }
    }
}

/// Why a catalogue could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A file or the folder could not be read.
    #[error("{path}: {source}")]
    Read {
        /// The file or folder.
        path: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The folder holds no `.toml` file: an empty catalogue would silently find nothing.
    #[error("{0}: no .toml file in this folder")]
    Empty(String),
    /// A file says something wrong.
    #[error("{0}")]
    Fault(#[from] Fault),
}

impl Catalogue {
    /// The catalogue that is compiled in.
    pub fn builtin() -> Catalogue {
        #[expect(clippy::expect_used, reason = "a constant of this build; a test parses these very bytes")]
        Catalogue::parse(BUILTIN.iter().copied()).expect("the built-in catalogue parses")
    }

    /// The files that are compiled in, as (name, text) sorted by name.
    pub fn builtin_files() -> &'static [(&'static str, &'static str)] {
        BUILTIN
    }

    /// A catalogue from (file name, text). The order of the files does not matter.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Catalogue, CatalogueError> {
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort_unstable();
        let mut services = Vec::new();
        for (name, text) in &files {
            services.extend(file::read(name, text)?);
        }
        services.sort_by(|a: &Service, b| a.id.cmp(&b.id));
        if let Some(clash) = check::clashes(&services).into_iter().next() {
            return Err(clash.into());
        }
        let matcher = Matcher::over(hosts(&services));
        let version = digest::of_parts(files.iter().flat_map(|&(name, text)| [name, text]));
        Ok(Catalogue { services, matcher, version })
    }

    /// A catalogue from the `.toml` files of one folder, and from nothing else.
    pub fn load(dir: &Path) -> Result<Catalogue, CatalogueError> {
        let files = read_folder(dir)?;
        Catalogue::parse(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// The built-in catalogue with a folder laid over it: a file there replaces the built-in file of the
    /// same name, any other file adds to it.
    pub fn extended(dir: &Path) -> Result<Catalogue, CatalogueError> {
        let own = read_folder(dir)?;
        let mut files: BTreeMap<&str, &str> = BUILTIN.iter().copied().collect();
        files.extend(own.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        Catalogue::parse(files)
    }

    /// The service of a host. Takes the name as it was seen: any case, trailing dots, `:port` and Unicode
    /// labels are normalised, while an address never matches. Allocates only when the name must change.
    pub fn find(&self, host: &str) -> Option<Hit<'_>> {
        let host = host::normalise(host)?;
        let (service, pattern) = self.matcher.find(&host)?;
        let service = self.services.get(service)?;
        Some(Hit { service, pattern: service.patterns.get(pattern)? })
    }

    /// The service with this id.
    pub fn service(&self, id: &str) -> Option<&Service> {
        let index = self.services.binary_search_by(|service| service.id.as_str().cmp(id)).ok()?;
        self.services.get(index)
    }

    /// All services, sorted by id.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// How much memory the catalogue takes.
    pub fn memory(&self) -> Memory {
        Memory::of(&self.services, &self.matcher)
    }

    /// The first 12 hex digits of SHA-256 over the sorted file names and texts. Each record carries it.
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// Every pattern with the index of its service and its own.
fn hosts(services: &[Service]) -> impl Iterator<Item = (&str, Kind, (usize, usize))> {
    services.iter().enumerate().flat_map(|(service, entry)| {
        let patterns = entry.patterns.iter().enumerate();
        patterns.map(move |(index, pattern)| (pattern.text.as_str(), pattern.kind, (service, index)))
    })
}

/// The `.toml` files of a folder as (name, text), in no order. A folder without one is an error.
pub fn read_folder(dir: &Path) -> Result<Vec<(String, String)>, CatalogueError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| CatalogueError::Read { path, source }
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed(dir))? {
        let path = entry.map_err(failed(dir))?.path();
        if path.extension().is_some_and(|ext| ext == "toml") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(&path).map_err(failed(&path))?));
        }
    }
    if files.is_empty() {
        return Err(CatalogueError::Empty(dir.display().to_string()));
    }
    Ok(files)
}
