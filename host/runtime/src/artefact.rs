//! From uploaded bytes to a compiled component: encode, compile once, keep on disk, load by mmap.

use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

/// A compiled component; cheap to clone, once per artefact.
#[derive(Clone)]
pub struct Artefact {
    pub(crate) component: Component,
    hash: String,
}

/// Why bytes are no component that this engine runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// Not WebAssembly, or a core module without the component's type in it.
    #[error("not a component: {0}; build with usher-sdk for `wasm32-unknown-unknown`, or for `wasm32-wasip2`")]
    NotAComponent(String),
    /// The engine refuses it: a proposal that is switched off, or more memory, tables or instances than the pool has.
    #[error("component refused: {0}")]
    Refused(String),
}

impl Artefact {
    /// SHA-256 of the uploaded bytes, in lower-case hexadecimal.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

impl fmt::Debug for Artefact {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Artefact").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// Compiles `bytes`, or loads what an earlier run compiled from the same bytes with the same engine.
pub(crate) fn compile(engine: &wasmtime::Engine, cache: Option<&Path>, bytes: &[u8]) -> Result<Artefact, CompileError> {
    let hash = hex::encode(Sha256::digest(bytes));
    let file = cache.map(|folder| CacheFile::new(folder, &hash, engine));
    if let Some(component) = file.as_ref().and_then(|file| file.load(engine)) {
        return Ok(Artefact { component, hash });
    }
    let component = encode(engine, bytes)?;
    let compiled =
        engine.precompile_component(&component).map_err(|error| CompileError::Refused(format!("{error:#}")))?;
    if let Some(file) = file
        && let Err(error) = file.store(&compiled)
    {
        tracing::warn!(%error, "compiled component not cached; the next start compiles it again");
    }
    let component = deserialize(engine, &compiled).map_err(|error| CompileError::Refused(format!("{error:#}")))?;
    Ok(Artefact { component, hash })
}

/// A component as it is; a core module with its type embedded becomes one.
fn encode(engine: &wasmtime::Engine, bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
    match bytes.get(..8) {
        Some(b"\0asm\x01\0\0\0") => {
            // INVARIANT: the encoder sees whole modules only; it panics on one that ends early.
            wasmtime::Module::validate(engine, bytes)
                .map_err(|error| CompileError::NotAComponent(format!("{error:#}")))?;
            wit_component::ComponentEncoder::default()
                .validate(true)
                .module(bytes)
                .and_then(|encoder| encoder.encode())
                .map_err(|error| CompileError::NotAComponent(format!("{error:#}")))
        }
        Some(b"\0asm\x0d\0\x01\0") => Ok(bytes.to_vec()),
        Some(_) | None => Err(CompileError::NotAComponent("it does not begin as WebAssembly does".into())),
    }
}

#[expect(unsafe_code, reason = "loads machine code that `engine` made a moment ago in this process")]
fn deserialize(engine: &wasmtime::Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `compiled` comes straight from `precompile_component` of the same engine.
    unsafe { Component::deserialize(engine, compiled) }
}

/// Machine code on disk, beside its SHA-256.
struct CacheFile {
    code: PathBuf,
    digest: PathBuf,
}

impl CacheFile {
    fn new(folder: &Path, hash: &str, engine: &wasmtime::Engine) -> Self {
        let mut settings = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut settings);
        let name = format!("{hash}-{:016x}", settings.finish());
        Self { code: folder.join(format!("{name}.cwasm")), digest: folder.join(format!("{name}.sha256")) }
    }

    /// Nothing when there is no such file or its digest differs: then the component is compiled again.
    #[expect(unsafe_code, reason = "maps machine code that an earlier run of ours wrote; its digest is checked first")]
    fn load(&self, engine: &wasmtime::Engine) -> Option<Component> {
        if !self.folder_is_ours() {
            tracing::warn!("the cache folder is open to others; compiling again");
            return None;
        }
        let expected = fs::read(&self.digest).ok()?;
        let code = fs::read(&self.code).ok()?;
        if Sha256::digest(&code).as_slice() != expected {
            tracing::warn!("cached machine code is damaged; compiling again");
            return None;
        }
        // SAFETY: the folder is of mode 0700 and ours (checked above), the file was renamed into place whole, and its digest holds.
        unsafe { Component::deserialize_file(engine, &self.code) }.ok()
    }

    /// Whether nobody else can have written into the folder.
    fn folder_is_ours(&self) -> bool {
        let private = |folder: &Path| {
            fs::symlink_metadata(folder).is_ok_and(|meta| {
                meta.is_dir() && meta.mode() & 0o077 == 0 && meta.uid() == rustix::process::geteuid().as_raw()
            })
        };
        self.code.parent().is_some_and(private)
    }

    fn store(&self, compiled: &[u8]) -> std::io::Result<()> {
        if let Some(folder) = self.code.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        if !self.folder_is_ours() {
            return Err(std::io::Error::new(
                std::io::ErrorKind::PermissionDenied,
                "the cache folder is open to others",
            ));
        }
        replace(&self.code, compiled)?;
        replace(&self.digest, Sha256::digest(compiled).as_slice())
    }
}

/// INVARIANT: no two writers share a partial file, or one would write into what the other has put in place.
fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    static WRITERS: AtomicU64 = AtomicU64::new(0);
    let mut partial = file.as_os_str().to_owned();
    partial.push(format!(".{}-{}.partial", std::process::id(), WRITERS.fetch_add(1, Ordering::Relaxed)));
    fs::write(&partial, bytes)?;
    fs::rename(&partial, file)
}
