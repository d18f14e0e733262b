//! Certificates that sign themselves, for real TLS between a test and what it tests.

use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its key; trusting it means trusting its own signature.
#[derive(Debug)]
pub struct Certificate {
    pem: String,
    key: String,
}

impl Certificate {
    /// A fresh one for names and addresses.
    #[must_use]
    pub fn of(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let CertifiedKey::<KeyPair> { cert, signing_key } =
            rcgen::generate_simple_self_signed(names).expect("a certificate");
        Self { pem: cert.pem(), key: signing_key.serialize_pem() }
    }

    /// The certificate.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The private key.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key
    }

    /// The bytes that a handshake shows.
    #[must_use]
    pub fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("a certificate")
    }

    /// What a server with this certificate accepts connections with.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a key");
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("protocol versions").with_no_client_auth();
        Arc::new(builder.with_single_cert(vec![self.der()], key).expect("certificate and key fit"))
    }
}
