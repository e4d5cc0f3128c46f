//! What is wrong with a TLS connection, and what mends it.

use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError, Error};

use crate::text::safe_text;
use crate::tls::TlsFiles;

/// Which files the sink names: what to mend depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files {
    /// The CA's certificate.
    pub(crate) ca: bool,
    /// A certificate of our own.
    pub(crate) client: bool,
}

impl Files {
    /// Which of the files are named.
    pub(crate) fn of(files: &TlsFiles) -> Self {
        Self { ca: files.ca.is_some(), client: files.client.is_some() }
    }
}

/// The TLS error inside an error of the connection.
pub(crate) fn of(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// A handshake that failed.
pub(crate) fn handshake(error: &io::Error, files: Files) -> String {
    match of(error) {
        Some(error) => words(error, files),
        None if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
            "it closes the connection during the handshake: does it speak TLS on this port?".to_owned()
        }
        None => error.to_string(),
    }
}

/// A connection that broke without a word.
pub(crate) fn broken_off(error: &io::Error, files: Files) -> String {
    let gone = [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    if gone.contains(&error.kind()) && !files.client {
        return format!("{error}; if it asks for a client certificate, name one in client_cert and client_key");
    }
    error.to_string()
}

/// An error in words, with its mend where one is known. Names in the receiver's certificate are a stranger's text.
pub(crate) fn words(error: &Error, files: Files) -> String {
    match error {
        Error::InvalidCertificate(wrong) => certificate(wrong, files),
        Error::AlertReceived(alert) => alert_words(*alert, files),
        Error::InvalidMessage(_) => "what it says is no TLS: does it speak TLS on this port?".to_owned(),
        other => safe_text(&other.to_string()),
    }
}

fn certificate(wrong: &CertificateError, files: Files) -> String {
    use CertificateError as Wrong;
    match wrong {
        Wrong::UnknownIssuer if files.ca => {
            "its certificate does not come from the CA in `ca`, or it does not send the certificates in between"
                .to_owned()
        }
        Wrong::UnknownIssuer => {
            "its certificate comes from nobody whom this system trusts: name the CA's certificate in `ca`"
                .to_owned()
        }
        Wrong::NotValidForNameContext { expected, presented } => format!(
            "its certificate is for {}, not for {}: use a name of the certificate (for syslog in server_name, else in \
             url), or have one made for this name",
            names(presented),
            expected.to_str()
        ),
        Wrong::Expired | Wrong::ExpiredContext { .. } => {
            format!("its certificate has expired: {}", safe_text(&wrong.to_string()))
        }
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
            format!(
                "its certificate is not valid yet, or this system's clock is wrong: {}",
                safe_text(&wrong.to_string())
            )
        }
        other => format!("its certificate cannot be used: {}", safe_text(&other.to_string())),
    }
}

/// `a.example, b.example` of the names as rustls shows them: `DnsName("a.example")`.
fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "no name at all (only subjectAltName counts)".to_owned();
    }
    let shown = presented.iter().take(5).map(|name| {
        let bare = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')'));
        safe_text(bare.trim_matches('"'))
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn alert_words(alert: AlertDescription, files: Files) -> String {
    use AlertDescription as Alert;
    let about_us = matches!(
        alert,
        Alert::CertificateRequired
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::HandshakeFailure
    );
    match (about_us, files.client) {
        (true, true) => format!("it refuses the certificate in client_cert ({alert:?}): does its CA know ours?"),
        (true, false) => {
            format!("it asks for a client certificate ({alert:?}): name one in client_cert and client_key")
        }
        _ => format!("it breaks off with the alert {alert:?}"),
    }
}
