//! Which store: the file in the data directory, or a database on a ClickHouse server.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ingest::secret::Secret;
use ingest::siem::SinkTarget;
use ingest::store::clickhouse::{ClickHouseStore, ClickHouseTarget, Keep, PASSWORD_VARIABLE, Patience};
use ingest::store::{STORE_FILE, SqliteStore, Store};
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::exit::Failure;

/// Few large inserts are what a server wants, and facts of the last seconds what its readers want.
const BATCH_SECONDS: u32 = 10;

/// The `[store]` block of the configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreFile {
    url: Option<String>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    client_key: Option<PathBuf>,
    raw_days: Option<u32>,
    rollup_days: Option<u32>,
    findings_days: Option<u32>,
    batch_seconds: Option<BatchSeconds>,
}

impl StoreFile {
    /// The paths in the block, which count from the configuration's folder.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.password_file, &mut self.ca, &mut self.client_cert, &mut self.client_key].into_iter().flatten()
    }
}

/// How long a live sensor's facts gather on their way to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
struct BatchSeconds(u32);

impl TryFrom<u32> for BatchSeconds {
    type Error = &'static str;

    fn try_from(seconds: u32) -> Result<Self, Self::Error> {
        match seconds {
            1..=3600 => Ok(Self(seconds)),
            _ => Err("a batch gathers for 1 to 3600 seconds"),
        }
    }
}

/// The store of a run.
#[derive(Debug, Clone)]
pub(crate) enum StoreChoice {
    /// `shadowtap.db` in the data directory, and how long rows are kept there.
    Embedded(Keep),
    /// A ClickHouse server.
    ClickHouse {
        /// Where, and how to get in.
        target: Box<ClickHouseTarget>,
        /// How long rows are kept there.
        keep: Keep,
        /// How long a live sensor's facts gather before they go there. Findings never wait.
        #[cfg_attr(not(feature = "live"), allow(dead_code, reason = "only `run` has time to wait"))]
        gather: Duration,
    },
}

impl StoreChoice {
    /// What `--store` and the configuration say; `--store` outranks the file's `url`.
    pub(crate) fn new(option: Option<&str>, file: StoreFile) -> Result<Self, Failure> {
        let usual = Keep::default();
        let keep = Keep {
            raw_days: file.raw_days.unwrap_or(usual.raw_days),
            rollup_days: file.rollup_days.unwrap_or(usual.rollup_days),
            findings_days: file.findings_days.unwrap_or(usual.findings_days),
        };
        let Some(url) = option.or(file.url.as_deref()).filter(|url| *url != "sqlite") else {
            return Ok(Self::Embedded(keep));
        };
        let mut target = ClickHouseTarget::parse(url).map_err(Failure::usage)?;
        target.user = target.user.or(file.user);
        target.password = password(file.password_file.as_deref())?;
        target.tls.ca = file.ca;
        target.tls.client = match (file.client_cert, file.client_key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(Failure::Usage("store.client_cert and store.client_key belong together".to_owned())),
        };
        if !target.secure && (target.tls.ca.is_some() || target.tls.client.is_some()) {
            return Err(Failure::Usage("the store's certificates need ?secure=1 in its address".to_owned()));
        }
        let seconds = file.batch_seconds.map_or(BATCH_SECONDS, |batch| batch.0);
        Ok(Self::ClickHouse { target: Box::new(target), keep, gather: Duration::from_secs(seconds.into()) })
    }

    /// Opens the store. A server is not spoken to before it is needed.
    pub(crate) fn open(&self, data_dir: &Path, zone: &TimeZone) -> Result<Box<dyn Store>, Failure> {
        Ok(self.open_patient(data_dir, zone)?.0)
    }

    /// The same, with the handle on how long facts gather before they go out.
    pub(crate) fn open_patient(
        &self,
        data_dir: &Path,
        zone: &TimeZone,
    ) -> Result<(Box<dyn Store>, Patience), Failure> {
        Ok(match self {
            Self::Embedded(keep) => {
                let store = SqliteStore::open(data_dir, zone.clone())?.keeping(*keep);
                (Box::new(store), Patience::default())
            }
            Self::ClickHouse { target, keep, .. } => {
                let store =
                    ClickHouseStore::new((**target).clone(), *keep, zone.clone()).map_err(Failure::usage)?;
                let patience = store.patience_handle();
                (Box::new(store), patience)
            }
        })
    }

    /// How long a live sensor's facts gather before they go to the store.
    #[cfg(feature = "live")]
    pub(crate) fn gather(&self) -> Duration {
        match self {
            Self::Embedded(_) => Duration::ZERO,
            Self::ClickHouse { gather, .. } => *gather,
        }
    }

    /// The sink that brings findings to a server; the embedded store needs none, they are beside it.
    pub(crate) fn findings(&self) -> Option<SinkTarget> {
        match self {
            Self::Embedded(_) => None,
            Self::ClickHouse { target, keep, .. } => Some(SinkTarget::store((**target).clone(), *keep)),
        }
    }

    /// The store's name for messages: the folder of the file, or the server without its credentials.
    pub(crate) fn name(&self, data_dir: &Path) -> String {
        match self {
            Self::Embedded(_) => format!("in {}", data_dir.display()),
            Self::ClickHouse { target, .. } => target.to_string(),
        }
    }

    /// True for the file in the data directory.
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }

    /// True when the store cannot hold a fact yet: opening the file would make an empty one.
    pub(crate) fn is_missing(&self, data_dir: &Path) -> bool {
        self.is_embedded() && !data_dir.join(STORE_FILE).exists()
    }
}

/// The password: from the file, else from the environment, else none.
fn password(file: Option<&Path>) -> Result<Option<Secret>, Failure> {
    match file {
        Some(path) => match fs::read_to_string(path) {
            Ok(text) => Ok(Some(Secret::new(&text))),
            Err(e) => Err(Failure::Usage(format!("cannot read the store's password from {}: {e}", path.display()))),
        },
        None => Ok(env::var(PASSWORD_VARIABLE).ok().map(|text| Secret::new(&text))),
    }
}
