//! One file per subcommand.

pub(crate) mod candidates;
pub(crate) mod catalog;
pub(crate) mod completions;
#[cfg(feature = "live")]
pub(crate) mod deliver;
pub(crate) mod demo;
pub(crate) mod doctor;
mod files;
pub(crate) mod findings;
pub(crate) mod incident;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod man;
pub(crate) mod policy;
pub(crate) mod read;
pub(crate) mod rejudge;
pub(crate) mod report;
#[cfg(feature = "live")]
pub(crate) mod run;
#[cfg(feature = "live")]
pub(crate) mod sense;
pub(crate) mod siem;
pub(crate) mod spool;
pub(crate) mod store;
