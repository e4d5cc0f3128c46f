//! The lab's own certificate authority, and one leaf certificate per name, made when first asked for.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The root and the leaves made so far.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    root_pem: String,
    leaves: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Authority {
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = dated(CertificateParams::default());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "Traffic Lab Root");
        let root = params.self_signed(&key)?;
        Ok(Self {
            root: root.der().clone(),
            root_pem: root.pem(),
            issuer: Issuer::new(params, key),
            leaves: Mutex::default(),
        })
    }

    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// A TLS configuration that offers `alpn`, most wanted first.
    pub fn server_config(self: &Arc<Self>, alpn: &[&str]) -> rustls::ServerConfig {
        let mut config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
        config
    }

    fn leaf(&self, name: &str) -> Result<Arc<CertifiedKey>> {
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = leaves.get(name) {
            return Ok(known.clone());
        }
        let key = KeyPair::generate()?;
        let mut params = dated(CertificateParams::new(vec![name.to_owned()])?);
        params.distinguished_name.push(DnType::CommonName, name.chars().take(64).collect::<String>());
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&key, &self.issuer)?;
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signer = rustls::crypto::ring::sign::any_supported_type(&secret).context("leaf key")?;
        // The root goes along, so that a browser can be told to accept this root by its key hash.
        let chain = vec![leaf.der().clone(), self.root.clone()];
        let made = Arc::new(CertifiedKey::new(chain, signer));
        leaves.insert(name.to_owned(), made.clone());
        Ok(made)
    }
}

/// Wide dates, so that a recording does not fail because of the year in which it is made.
fn dated(mut params: CertificateParams) -> CertificateParams {
    params.not_before = rcgen::date_time_ymd(2024, 1, 1);
    params.not_after = rcgen::date_time_ymd(2044, 1, 1);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

impl ResolvesServerCert for Authority {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or("unnamed.example");
        self.leaf(name).inspect_err(|e| eprintln!("certificate for {name}: {e}")).ok()
    }
}
