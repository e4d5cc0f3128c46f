//! Where the server is: `clickhouse://user@host:8443/database?secure=1`, and what may not stand in it.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::secret::Secret;
use crate::tls::{TlsError, TlsFiles};

/// The environment variable that holds the password where no file is named.
pub const PASSWORD_VARIABLE: &str = "SHADOWTAP_CLICKHOUSE_PASSWORD";

/// The HTTP interface's ports, without and with TLS.
const PORTS: [u16; 2] = [8123, 8443];
const DATABASE: &str = "shadowtap";
const TIMEOUT: Duration = Duration::from_secs(120);

/// How long rows are kept, in days; 0 keeps them forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Facts per flow, question and device.
    pub raw_days: u32,
    /// Roll-ups, the ledger, candidates.
    pub rollup_days: u32,
    /// Findings.
    pub findings_days: u32,
}

impl Default for Keep {
    /// 90 days of facts; 13 months of roll-ups, so that a year can be compared with the one before; 3 years of findings.
    fn default() -> Self {
        Self { raw_days: 90, rollup_days: 396, findings_days: 1096 }
    }
}

/// One database on one server, and how to get in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClickHouseTarget {
    /// Host name or address.
    pub host: String,
    /// Port of the HTTP interface.
    pub port: u16,
    /// Database.
    pub database: String,
    /// User; `default` when absent.
    pub user: Option<String>,
    /// Password; none is a possible one.
    pub password: Option<Secret>,
    /// TLS.
    pub secure: bool,
    /// Files for TLS.
    pub tls: TlsFiles,
    /// How long a statement may take, rows and answer included: a peer that fell silent in between is noticed.
    pub timeout: Duration,
}

/// Why the store's address or its files cannot be used. No variant shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The address is no `clickhouse://` URL.
    #[error("the store's address is no clickhouse://USER@HOST:PORT/DATABASE?secure=1: {0}")]
    Address(&'static str),
    /// A password stands where every user of the machine can read it.
    #[error(
        "the store's address holds a password, which `ps` and shell histories show: put it into a file named by \
         store.password_file, or into the environment variable {PASSWORD_VARIABLE}"
    )]
    PasswordInAddress,
    /// The files for TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The system's sockets are not to be had.
    #[error("cannot prepare the connection: {0}")]
    System(String),
}

impl ClickHouseTarget {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it; a password in it is refused.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let url = Url::parse(text).map_err(|_| TargetError::Address("it is no URL"))?;
        if url.password().is_some() {
            return Err(TargetError::PasswordInAddress);
        }
        if url.scheme() != "clickhouse" {
            return Err(TargetError::Address("it does not begin with clickhouse://"));
        }
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or(TargetError::Address("it names no host"))?;
        let mut secure = false;
        for (key, value) in url.query_pairs() {
            secure = match (key.as_ref(), value.as_ref()) {
                ("secure", "1" | "true") => true,
                ("secure", "0" | "false") => false,
                ("password", _) => return Err(TargetError::PasswordInAddress),
                _ => return Err(TargetError::Address("after the ? only secure=1 or secure=0 may stand")),
            };
        }
        let database = url.path().trim_matches('/');
        if !database.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(TargetError::Address("the database's name has letters, digits and _ alone"));
        }
        Ok(Self {
            host: host.to_owned(),
            port: url.port().unwrap_or(PORTS[usize::from(secure)]),
            database: if database.is_empty() { DATABASE } else { database }.to_owned(),
            user: Some(url.username()).filter(|user| !user.is_empty()).map(str::to_owned),
            password: None,
            secure,
            tls: TlsFiles::default(),
            timeout: TIMEOUT,
        })
    }

    /// The URL of the HTTP interface.
    pub(super) fn http(&self) -> String {
        format!("{}://{}:{}", if self.secure { "https" } else { "http" }, self.host, self.port)
    }
}

impl fmt::Display for ClickHouseTarget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "clickhouse://{}:{}/{}", self.host, self.port, self.database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_everything_and_one_with_nothing() {
        let full = ClickHouseTarget::parse("clickhouse://writer@ch.example:9443/site?secure=1").unwrap();
        assert_eq!((full.host.as_str(), full.port, full.database.as_str()), ("ch.example", 9443, "site"));
        assert_eq!((full.user.as_deref(), full.secure), (Some("writer"), true));
        assert_eq!(full.to_string(), "clickhouse://ch.example:9443/site");
        let bare = ClickHouseTarget::parse("clickhouse://[::1]").unwrap();
        assert_eq!((bare.host.as_str(), bare.port, bare.database.as_str()), ("[::1]", 8123, "shadowtap"));
        assert_eq!(ClickHouseTarget::parse("clickhouse://h?secure=1").unwrap().port, 8443);
    }

    #[test]
    fn a_password_in_the_address_is_refused_and_not_repeated() {
        for text in ["clickhouse://u:geheim@h/db", "clickhouse://h/db?password=geheim"] {
            let error = ClickHouseTarget::parse(text).unwrap_err();
            assert!(matches!(error, TargetError::PasswordInAddress), "{text}");
            assert!(!error.to_string().contains("geheim") && error.to_string().contains(PASSWORD_VARIABLE));
        }
        let mut target = ClickHouseTarget::parse("clickhouse://u@h/db").unwrap();
        target.password = Some(Secret::new("geheim\n"));
        assert!(!format!("{target:?} {target}").contains("geheim"));
    }

    #[test]
    fn what_is_no_address_says_why() {
        for text in ["", "h:8123", "http://h", "clickhouse://h/a/b", "clickhouse://h?tls=1", "clickhouse:///db"] {
            assert!(ClickHouseTarget::parse(text).is_err(), "{text}");
        }
    }
}
