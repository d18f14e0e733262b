//! TLS for the data plane; certificate and key are read again when their files change.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// Accepts TLS with the certificate of now.
pub(crate) struct Tls {
    files: TlsFiles,
    current: ArcSwap<ServerConfig>,
    seen: Mutex<Stamp>,
}

/// What of both files changes when they are written anew or replaced.
type Stamp = [Option<(SystemTime, u64, u64)>; 2];

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds no PEM of its kind.
    #[error("`{0}`: {1}")]
    File(String, String),
    /// They do not fit each other, or are of an unknown kind.
    #[error("certificate and key: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Tls {
    pub(crate) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let seen = stamp(&files);
        let current = ArcSwap::new(read(&files)?);
        Ok(Self { files, current, seen: Mutex::new(seen) })
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }

    /// Reads the files again if one of them changed. A pair that does not work never replaces one that does.
    pub(crate) fn refresh(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.files);
        if *seen == now {
            return;
        }
        match read(&self.files) {
            Ok(config) => {
                self.current.store(config);
                *seen = now;
                tracing::info!("certificate reloaded");
            }
            Err(error) => tracing::error!(%error, "certificate not reloaded; the one before stays in use"),
        }
    }
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let in_file = |file: &Path, error: String| TlsError::File(file.display().to_string(), error);
    let chain: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|error| in_file(&files.certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(in_file(&files.certificate, "no certificate in it".into()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| in_file(&files.key, error.to_string()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(Arc::new(config))
}

fn stamp(files: &TlsFiles) -> Stamp {
    [&files.certificate, &files.key].map(|file| {
        let meta = fs::metadata(file).ok()?;
        Some((meta.modified().ok()?, meta.ino(), meta.len()))
    })
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}
