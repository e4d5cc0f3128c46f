//! TLS by rustls with ring: whom the client trusts, and what it shows of itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// Files for TLS, all PEM.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsFiles {
    /// Certificates that the server's must come from; the system's when absent.
    pub ca: Option<PathBuf>,
    /// The client's certificate chain and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Why the files cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A certificate or key cannot be used.
    #[error("cannot use {path} for TLS: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The system's certificates are not to be had.
    #[error("cannot prepare TLS: {0}")]
    System(String),
    /// An address or a secret that cannot stand in a request.
    #[error("cannot use {what}: {why}")]
    Setting {
        /// Which one; never the secret itself.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The configuration for these files.
pub fn config(files: &TlsFiles) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|e| TlsError::System(e.to_string()))?;
    let builder = match &files.ca {
        Some(path) => builder.with_root_certificates(roots(path)?),
        None => {
            use hyper_rustls::ConfigBuilderExt;
            builder.with_native_roots().map_err(|e| TlsError::System(e.to_string()))?
        }
    };
    let Some((chain, key)) = &files.client else { return Ok(builder.with_no_client_auth()) };
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|e| broken(key, &e))?;
    builder.with_client_auth_cert(certificates(chain)?, private).map_err(|e| broken(chain, &e))
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|e| broken(path, &e))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|e| broken(path, &e))?;
    if certificates.is_empty() { Err(broken(path, &"it holds no PEM certificate")) } else { Ok(certificates) }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|e| broken(path, &e))
}

fn broken(path: &Path, why: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { path: path.to_path_buf(), why: why.to_string() }
}
