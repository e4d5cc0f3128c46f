//! What can be wrong with an id that somebody gave.

use crate::db::DbError;

/// Why a finding could not be found, acknowledged or closed.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No uid begins so.
    #[error("no finding's id begins with {0:?}: `shadowtap findings list` prints the ids")]
    None(String),
    /// Several do.
    #[error("{} findings begin with {prefix:?}: {}", .matches.len(), .matches.join(", "))]
    Many {
        /// What was asked for.
        prefix: String,
        /// Their uids, at most ten.
        matches: Vec<String>,
    },
    /// It is closed.
    #[error("finding {uid} was closed at {at} by {who}: {reason}")]
    Closed {
        /// Its uid.
        uid: String,
        /// When.
        at: String,
        /// By whom.
        who: String,
        /// Why.
        reason: String,
    },
    /// It is acknowledged.
    #[error("finding {uid} was acknowledged at {at} by {who}")]
    Acknowledged {
        /// Its uid.
        uid: String,
        /// When.
        at: String,
        /// By whom.
        who: String,
    },
    /// The file.
    #[error(transparent)]
    Db(#[from] DbError),
}
