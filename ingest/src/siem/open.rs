//! Which channel brings events to a target.

use jiff::tz::TimeZone;

use super::channel::Channel;
use super::file::FileChannel;
use super::store::StoreChannel;
use super::target::{SinkTarget, To};
use super::{http, syslog};
use crate::store::clickhouse::{ClickHouseStore, TargetError};
use crate::tls::TlsError;

/// Why a sink cannot be opened at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its certificates cannot be used.
    #[error("the sink {sink}: {source}")]
    Tls {
        /// The sink.
        sink: String,
        /// What is wrong.
        source: TlsError,
    },
    /// The store's address or files cannot be used.
    #[error(transparent)]
    Store(#[from] TargetError),
}

/// The channel to a target. Certificates are read here: a wrong file is an error at the start.
pub(super) fn open(target: &SinkTarget) -> Result<Box<dyn Channel>, OpenError> {
    let (name, format) = (target.name.clone(), target.format);
    let of_tls = |source| OpenError::Tls { sink: target.name.clone(), source };
    Ok(match &target.to {
        To::Syslog(to) => syslog::channel(name, format, to).map_err(of_tls)?,
        To::Hec(to) => http::hec(name, format, to).map_err(of_tls)?,
        To::Elastic(to) => http::elastic(name, format, to).map_err(of_tls)?,
        To::Sentinel(to) => http::sentinel(name, format, to).map_err(of_tls)?,
        To::Webhook(to) => http::webhook(name, format, to).map_err(of_tls)?,
        To::Store(to) => {
            // Findings carry their times in UTC: the zone of the roll-ups has no part in them.
            let store = ClickHouseStore::new(to.server.clone(), to.keep, TimeZone::UTC)?;
            Box::new(StoreChannel::new(name, store))
        }
        To::File(to) => Box::new(FileChannel::new(name, format, to.path.clone())),
    })
}
