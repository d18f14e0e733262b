//! The live deployments: a snapshot that requests read without a lock, swapped when a version is activated.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use usher_access::SubscribeKey;
use usher_runtime::{CompileError, Engine, Function, LinkError};
use usher_vault::SecretName;

use crate::document::Problems;
use crate::keysets::Keysets;
use crate::manifest::{FunctionName, Manifest};
use crate::route::PathPattern;
use crate::store::audit::Record;
use crate::store::deployments::{self as stored, FunctionId, Pointer, Version};
use crate::store::{Store, StoreError};

mod assembly;

pub(crate) use assembly::Parts;

/// One active version of a function.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) id: FunctionId,
    pub(crate) version: u32,
    pub(crate) artefact: String,
    pub(crate) paths: Vec<PathPattern>,
    pub(crate) function: Function,
}

/// What requests are routed by.
#[derive(Debug, Default)]
pub(crate) struct Routes(HashMap<String, Vec<(PathPattern, Arc<Deployment>)>>);

/// All deployments of this server; changes are made one at a time, off the request path.
#[derive(Debug)]
pub(crate) struct Deployments {
    store: Arc<Store>,
    engine: Engine,
    keysets: Arc<Keysets>,
    parts: Parts,
    adding: Mutex<()>,
    live: Mutex<BTreeMap<FunctionId, Arc<Deployment>>>,
    routes: ArcSwap<Routes>,
}

/// What an admin uploads.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) manifest: String,
    pub(crate) policy: Option<String>,
    pub(crate) component: Vec<u8>,
}

/// Why a function was not deployed. What was active still is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeployError {
    #[error("no keyset `{0}`; `usher keyset list` shows those there are")]
    NoKeyset(SubscribeKey),
    #[error("{0}")]
    Manifest(Problems),
    #[error("{0}")]
    Compile(#[from] CompileError),
    #[error("{0}")]
    Link(#[from] LinkError),
    #[error("the vault holds no secret `{0}`; set it with `usher secret set {0}`")]
    NoSecret(SecretName),
    #[error("the path `{path}` overlaps with `{other}` of the function `{function}`")]
    Overlap { path: String, other: String, function: FunctionName },
    #[error("{0}")]
    Assembly(String),
    #[error("no function `{0}`")]
    NoFunction(FunctionName),
    #[error("`{0}` has no version {1}")]
    NoVersion(FunctionName, u32),
    #[error("`{0}` has no earlier version to go back to")]
    NothingToRollBack(FunctionName),
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Routes {
    /// The deployment that answers to a path of a keyset.
    pub(crate) fn find(&self, subscribe_key: &str, path: &str) -> Option<&Arc<Deployment>> {
        self.0.get(subscribe_key)?.iter().find(|(pattern, _)| pattern.matches(path)).map(|(_, deployment)| deployment)
    }

    /// Each deployment of a keyset once, by name.
    fn of_keyset(&self, subscribe_key: &SubscribeKey) -> Vec<Arc<Deployment>> {
        let routes = self.0.get(subscribe_key.as_str()).map(Vec::as_slice).unwrap_or_default();
        let by_name: BTreeMap<_, _> = routes.iter().map(|(_, deployment)| (&deployment.id.name, deployment)).collect();
        by_name.into_values().cloned().collect()
    }

    fn of<'a>(live: impl Iterator<Item = &'a Arc<Deployment>>) -> Self {
        let mut routes: HashMap<String, Vec<(PathPattern, Arc<Deployment>)>> = HashMap::new();
        for deployment in live {
            let of_key = routes.entry(deployment.id.subscribe_key.as_str().to_owned()).or_default();
            of_key.extend(deployment.paths.iter().map(|path| (path.clone(), Arc::clone(deployment))));
        }
        Self(routes)
    }
}

impl Deployments {
    /// Brings back every active version. One that no longer links is logged and left out; the others run.
    pub(crate) fn load(
        store: Arc<Store>,
        engine: Engine,
        keysets: Arc<Keysets>,
        parts: Parts,
    ) -> Result<Self, StoreError> {
        let deployments = Self {
            store,
            engine,
            keysets,
            parts,
            adding: Mutex::default(),
            live: Mutex::default(),
            routes: ArcSwap::default(),
        };
        let mut live = BTreeMap::new();
        for (id, pointer) in stored::functions(&deployments.store)? {
            let Some(version) = pointer.active() else { continue };
            match deployments.revive(&id, version) {
                Ok(deployment) => drop(live.insert(id, Arc::new(deployment))),
                Err(error) => {
                    tracing::error!(function = %id.name, version, %error, "deployment cannot be loaded; its paths answer 404")
                }
            }
        }
        deployments.routes.store(Arc::new(Routes::of(live.values())));
        *deployments.live.lock().unwrap_or_else(PoisonError::into_inner) = live;
        Ok(deployments)
    }

    /// The snapshot of now.
    pub(crate) fn routes(&self) -> arc_swap::Guard<Arc<Routes>> {
        self.routes.load()
    }

    /// The active deployments of a keyset.
    pub(crate) fn active(&self, subscribe_key: &SubscribeKey) -> Vec<Arc<Deployment>> {
        self.routes.load().of_keyset(subscribe_key)
    }

    /// Checks, compiles, links and stores a new version without activating it. Takes seconds: never on the request path.
    pub(crate) fn add(
        &self,
        subscribe_key: &SubscribeKey,
        upload: &Upload,
        record: &Record,
    ) -> Result<(FunctionId, u32), DeployError> {
        let manifest = Manifest::parse("function.toml", &upload.manifest).map_err(DeployError::Manifest)?;
        let id = FunctionId { subscribe_key: subscribe_key.clone(), name: manifest.name.clone() };
        let built = self.build(&id, 0, &manifest, &upload.component)?;
        // INVARIANT: held from reading the newest version to storing the next, or two uploads would share a number.
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = stored::versions(&self.store, &id)?.last().map_or(0, |version| version.version);
        let version = Version {
            version: newest + 1,
            manifest: upload.manifest.clone(),
            policy: upload.policy.clone(),
            artefact: built.artefact,
            created: record.at,
        };
        stored::add(&self.store, &id, (&version, &upload.component), record)?;
        Ok((id, version.version))
    }

    /// Makes a stored version the active one; requests under way finish on the one before.
    pub(crate) fn activate(&self, id: &FunctionId, version: u32, record: &Record) -> Result<(), DeployError> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let pointer = stored::pointer(&self.store, id)?.activating(version);
        self.switch(&mut live, id, &pointer, record)
    }

    /// Goes back to the version that was active before; returns it.
    pub(crate) fn roll_back(&self, id: &FunctionId, record: &Record) -> Result<u32, DeployError> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let pointer = stored::pointer(&self.store, id)?;
        if pointer.active().is_none() {
            return Err(DeployError::NoFunction(id.name.clone()));
        }
        let earlier = pointer.rolled_back().ok_or_else(|| DeployError::NothingToRollBack(id.name.clone()))?;
        self.switch(&mut live, id, &earlier, record)?;
        Ok(earlier.active().unwrap_or_default())
    }

    /// All stored versions of a function, oldest first, and the active one.
    pub(crate) fn versions(&self, id: &FunctionId) -> Result<(Vec<Version>, Option<u32>), DeployError> {
        Ok((stored::versions(&self.store, id)?, stored::pointer(&self.store, id)?.active()))
    }

    /// Forgets what users' rate limits need no longer remember.
    pub(crate) fn sweep(&self) {
        self.parts.sweep();
    }

    fn switch(
        &self,
        live: &mut BTreeMap<FunctionId, Arc<Deployment>>,
        id: &FunctionId,
        pointer: &Pointer,
        record: &Record,
    ) -> Result<(), DeployError> {
        let deployment = self.revive(id, pointer.active().unwrap_or_default())?;
        check_overlap(live, &deployment)?;
        stored::point(&self.store, id, pointer, record)?;
        live.insert(id.clone(), Arc::new(deployment));
        self.routes.store(Arc::new(Routes::of(live.values())));
        Ok(())
    }

    fn revive(&self, id: &FunctionId, version: u32) -> Result<Deployment, DeployError> {
        let no_version = || DeployError::NoVersion(id.name.clone(), version);
        let stored = stored::version(&self.store, id, version)?.ok_or_else(no_version)?;
        let component = stored::artefact(&self.store, &stored.artefact)?.ok_or_else(no_version)?;
        // INVARIANT: checked before anything reads it; a compiler need not survive what a disk makes of a component.
        if hex::encode(Sha256::digest(&component)) != stored.artefact {
            return Err(DeployError::Assembly("the stored component is damaged: its hash is another".into()));
        }
        let manifest = Manifest::parse("function.toml", &stored.manifest).map_err(DeployError::Manifest)?;
        self.build(id, version, &manifest, &component)
    }

    fn build(
        &self,
        id: &FunctionId,
        version: u32,
        manifest: &Manifest,
        component: &[u8],
    ) -> Result<Deployment, DeployError> {
        let keyset =
            self.keysets.find(&id.subscribe_key).ok_or_else(|| DeployError::NoKeyset(id.subscribe_key.clone()))?;
        let artefact = self.engine.compile(component)?;
        let capabilities = self.parts.capabilities(&keyset, manifest)?;
        let function = Function::link(&self.engine, &artefact, capabilities, manifest.limits.clone())?;
        let paths = manifest.paths.clone();
        Ok(Deployment { id: id.clone(), version, artefact: artefact.hash().to_owned(), paths, function })
    }
}

/// Two functions of a keyset never answer to the same path.
fn check_overlap(live: &BTreeMap<FunctionId, Arc<Deployment>>, new: &Deployment) -> Result<(), DeployError> {
    let others = live.values().filter(|other| other.id.subscribe_key == new.id.subscribe_key && other.id != new.id);
    for other in others {
        for (path, taken) in new.paths.iter().flat_map(|path| other.paths.iter().map(move |taken| (path, taken))) {
            if path.overlaps(taken) {
                return Err(DeployError::Overlap {
                    path: path.as_str().to_owned(),
                    other: taken.as_str().to_owned(),
                    function: other.id.name.clone(),
                });
            }
        }
    }
    Ok(())
}
