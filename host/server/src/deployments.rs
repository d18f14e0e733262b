//! The live deployments: a snapshot that requests read without a lock, swapped when a version is activated.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use usher_access::SubscribeKey;
use usher_runtime::{Bounds, Engine, Function, Limits};
use usher_vault::SecretName;

use crate::identity::Authenticators;
use crate::keysets::Keysets;
use crate::manifest::{Manifest, Serves};
use crate::route::PathPattern;
use crate::store::audit::Record;
use crate::store::deployments::{self as stored, Afterwards, FunctionId, Pointer, Version};
use crate::store::{Store, StoreError};

mod assembly;
mod error;
mod policy;
mod recheck;
mod routes;
mod session;

pub(crate) use assembly::Parts;
use assembly::{Assembled, AuthenticationText, Granting, bounds};
pub(crate) use error::{DeployError, NotNamed};
pub(crate) use policy::{PolicyInForce, PolicySummary, digest};
use recheck::Recheck;
pub(crate) use recheck::Rechecked;
pub(crate) use routes::Routes;
use routes::check_overlap;

/// One active version of a function.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) id: FunctionId,
    pub(crate) version: u32,
    pub(crate) artefact: String,
    pub(crate) paths: Vec<PathPattern>,
    /// Nothing where only deepstream is served; no path leads there then.
    pub(crate) function: Option<Function>,
    /// Those of the manifest, which the function asks too.
    pub(crate) authenticators: Option<Arc<Authenticators>>,
    /// What the authenticators were made from.
    authentication: AuthenticationText,
    pub(crate) policy: Option<PolicyInForce>,
    /// The password that deepstream's server has to show, if any.
    pub(crate) basic_secret: Option<SecretName>,
    granting: Option<Granting>,
}

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
    pub(crate) component: Option<Vec<u8>>,
}

/// What is in force after an activation.
#[derive(Debug)]
pub(crate) struct Activated {
    pub(crate) version: u32,
    pub(crate) policy: Option<PolicySummary>,
    pub(crate) rechecked: Rechecked,
}

impl Deployment {
    /// What one invocation may use, where there is a function.
    pub(crate) fn limits(&self) -> Option<&Limits> {
        self.function.as_ref().map(Function::limits)
    }
}

type Live = BTreeMap<FunctionId, Arc<Deployment>>;

impl Deployments {
    /// Brings back every active version. One that no longer links is logged and left out; the others run.
    pub(crate) fn load(
        store: Arc<Store>,
        engine: Engine,
        keysets: Arc<Keysets>,
        parts: Parts,
    ) -> Result<Self, StoreError> {
        let (adding, live, routes) = (Mutex::default(), Mutex::default(), ArcSwap::default());
        let deployments = Self { store, engine, keysets, parts, adding, live, routes };
        let mut live = Live::new();
        for (id, pointer) in stored::functions(&deployments.store)? {
            let Some(version) = pointer.active() else { continue };
            match deployments.revive(&id, version, None) {
                Ok(deployment) => drop(live.insert(id, Arc::new(deployment))),
                Err(error) => {
                    tracing::error!(function = %id.name, version, %error, "deployment cannot be loaded; its paths answer 404")
                }
            }
        }
        for deployment in live.values() {
            deployments.finish_recheck(deployment)?;
        }
        deployments.routes.store(Arc::new(Routes::of(&live)));
        *deployments.live.lock().unwrap_or_else(PoisonError::into_inner) = live;
        Ok(deployments)
    }

    /// The snapshot of now.
    pub(crate) fn routes(&self) -> arc_swap::Guard<Arc<Routes>> {
        self.routes.load()
    }

    /// The active deployment that `name` or `subscribe-key:name` means.
    pub(crate) fn named(&self, name: &str) -> Result<Arc<Deployment>, NotNamed> {
        self.routes.load().named(name).cloned()
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
    ) -> Result<Deployment, DeployError> {
        let manifest = Manifest::parse("function.toml", &upload.manifest).map_err(DeployError::Manifest)?;
        if manifest.policy.is_none() && upload.policy.is_some() {
            return Err(DeployError::PolicyNotNamed);
        }
        let id = FunctionId { subscribe_key: subscribe_key.clone(), name: manifest.name.clone() };
        let component = upload.component.as_deref();
        let mut built = self.build(&id, (&manifest, &upload.manifest), (component, upload.policy.as_deref()), None)?;
        // INVARIANT: held from reading the newest version to storing the next, or two uploads would share a number.
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        built.version = self.next_version(&id)?;
        let version = Version {
            version: built.version,
            manifest: upload.manifest.clone(),
            policy: upload.policy.clone(),
            artefact: built.artefact.clone(),
            created: record.at,
        };
        stored::add(&self.store, &id, (&version, component), record)?;
        Ok(built)
    }

    /// Makes a stored version the active one; requests under way finish on the one before.
    pub(crate) fn activate(&self, id: &FunctionId, version: u32, record: &Record) -> Result<Activated, DeployError> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let pointer = stored::pointer(&self.store, id)?.activating(version);
        let deployment = self.revive(id, version, live.get(id))?;
        self.switch(&mut live, deployment, |after| stored::point(&self.store, id, (&pointer, after), record))
    }

    /// Goes back to the version that was active before.
    pub(crate) fn roll_back(&self, id: &FunctionId, record: &Record) -> Result<Activated, DeployError> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let pointer = stored::pointer(&self.store, id)?;
        if pointer.active().is_none() {
            return Err(DeployError::NoFunction(id.name.clone()));
        }
        let earlier = pointer.rolled_back().ok_or_else(|| DeployError::NothingToRollBack(id.name.clone()))?;
        let deployment = self.revive(id, earlier.active().unwrap_or_default(), live.get(id))?;
        self.switch(&mut live, deployment, |after| stored::point(&self.store, id, (&earlier, after), record))
    }

    /// Makes a new version of the active one with another policy, and activates it, in one step.
    pub(crate) fn change_policy(
        &self,
        id: &FunctionId,
        document: &str,
        record: &Record,
    ) -> Result<Activated, DeployError> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let pointer = stored::pointer(&self.store, id)?;
        let active = pointer.active().ok_or_else(|| DeployError::NotActive(id.name.clone()))?;
        let (stored, component) = self.read(id, active)?;
        let manifest = Manifest::parse("function.toml", &stored.manifest).map_err(DeployError::Manifest)?;
        if manifest.policy.is_none() {
            return Err(DeployError::PolicyNotNamed);
        }
        let (manifest, before) = ((&manifest, stored.manifest.as_str()), live.get(id));
        let mut deployment = self.build(id, manifest, (component.as_deref(), Some(document)), before)?;
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        deployment.version = self.next_version(id)?;
        let (version, policy, created) = (deployment.version, Some(document.to_owned()), record.at);
        let version = Version { version, policy, created, ..stored };
        let pointer: Pointer = pointer.activating(version.version);
        self.switch(&mut live, deployment, |after| {
            stored::add_active(&self.store, id, (&version, &pointer, after), record)
        })
    }

    /// All stored versions of a function, oldest first, and the active one.
    pub(crate) fn versions(&self, id: &FunctionId) -> Result<(Vec<Version>, Option<u32>), DeployError> {
        Ok((stored::versions(&self.store, id)?, stored::pointer(&self.store, id)?.active()))
    }

    /// A stored version, or the active one.
    pub(crate) fn version(&self, id: &FunctionId, version: Option<u32>) -> Result<Version, DeployError> {
        let active = || stored::pointer(&self.store, id).map(|pointer| pointer.active());
        let number = version.map_or_else(active, |version| Ok(Some(version)))?;
        let number = number.ok_or_else(|| DeployError::NoFunction(id.name.clone()))?;
        let stored = stored::version(&self.store, id, number)?;
        stored.ok_or_else(|| DeployError::NoVersion(id.name.clone(), number))
    }

    /// Forgets what users' rate limits need no longer remember.
    pub(crate) fn sweep(&self) {
        self.parts.sweep();
    }

    /// Stores, then puts in force, then asks the new policy about what was granted before.
    fn switch(
        &self,
        live: &mut Live,
        deployment: Deployment,
        store: impl FnOnce(Afterwards) -> Result<(), StoreError>,
    ) -> Result<Activated, DeployError> {
        check_overlap(live, &deployment)?;
        let after = if deployment.granting.is_some() { Afterwards::Recheck } else { Afterwards::Nothing };
        store(after)?;
        let deployment = Arc::new(deployment);
        let earlier = live.insert(deployment.id.clone(), Arc::clone(&deployment));
        self.routes.store(Arc::new(Routes::of(live)));
        let rechecked = self.recheck(&deployment, earlier.as_deref());
        let rechecked = rechecked.map_err(|error| DeployError::NotRechecked(deployment.version, error))?;
        let policy = deployment.policy.as_ref().map(PolicyInForce::summary);
        Ok(Activated { version: deployment.version, policy, rechecked })
    }

    fn recheck(&self, deployment: &Deployment, earlier: Option<&Deployment>) -> Result<Rechecked, StoreError> {
        // INVARIANT: what the version before still grants comes before the look at what it granted, also where that look is
        // left to the version after this one.
        if let Some(earlier) = earlier.filter(|earlier| earlier.granting.is_some() || deployment.granting.is_some())
            && let Some(function) = &earlier.function
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.block_on(function.retire());
        }
        let (Some(policy), Some(granting)) = (&deployment.policy, &deployment.granting) else {
            return Ok(Rechecked::default());
        };
        let Granting { bounds: _, grants, groups, sessions } = granting;
        let bounds = self.all_bounds(&deployment.id)?;
        let recheck = Recheck { policy, bounds, grants, groups, sessions, clock: self.parts.clock() };
        let rechecked = recheck.run()?;
        stored::rechecked(&self.store, &deployment.id)?;
        Ok(rechecked)
    }

    /// What any version of a function could have granted.
    fn all_bounds(&self, id: &FunctionId) -> Result<Vec<Bounds>, StoreError> {
        let mut all = Vec::new();
        for text in stored::manifests(&self.store, id)? {
            match Manifest::parse("function.toml", &text).map(|manifest| bounds(&manifest)) {
                Ok(bounds) if !all.contains(&bounds) => all.push(bounds),
                Ok(_) => {}
                Err(problems) => {
                    tracing::error!(function = %id.name, %problems, "a stored manifest cannot be read; what only it let grant is not checked again");
                }
            }
        }
        Ok(all)
    }

    /// A recheck that the server did not live to finish.
    fn finish_recheck(&self, deployment: &Deployment) -> Result<(), StoreError> {
        if stored::is_to_recheck(&self.store, &deployment.id)? {
            let rechecked = self.recheck(deployment, None)?;
            tracing::info!(function = %deployment.id.name, ?rechecked, "grants checked again");
        }
        Ok(())
    }

    fn next_version(&self, id: &FunctionId) -> Result<u32, StoreError> {
        Ok(stored::versions(&self.store, id)?.last().map_or(0, |version| version.version) + 1)
    }

    fn revive(
        &self,
        id: &FunctionId,
        version: u32,
        before: Option<&Arc<Deployment>>,
    ) -> Result<Deployment, DeployError> {
        let (stored, component) = self.read(id, version)?;
        let manifest = Manifest::parse("function.toml", &stored.manifest).map_err(DeployError::Manifest)?;
        let (manifest, policy) = ((&manifest, stored.manifest.as_str()), stored.policy.as_deref());
        let built = self.build(id, manifest, (component.as_deref(), policy), before)?;
        Ok(Deployment { version, ..built })
    }

    /// A stored version with its component, if it has one.
    fn read(&self, id: &FunctionId, version: u32) -> Result<(Version, Option<Vec<u8>>), DeployError> {
        let no_version = || DeployError::NoVersion(id.name.clone(), version);
        let stored = stored::version(&self.store, id, version)?.ok_or_else(no_version)?;
        if stored.artefact.is_empty() {
            return Ok((stored, None));
        }
        let component = stored::artefact(&self.store, &stored.artefact)?.ok_or_else(no_version)?;
        // INVARIANT: checked before anything reads it; a compiler need not survive what a disk makes of a component.
        if hex::encode(Sha256::digest(&component)) != stored.artefact {
            return Err(DeployError::Assembly("the stored component is damaged: its hash is another".into()));
        }
        Ok((stored, Some(component)))
    }

    /// A deployment without a number yet. Where it authenticates as the one `before` it does, it goes on with that one's
    /// authenticators: with what they know, and with their rate limits.
    fn build(
        &self,
        id: &FunctionId,
        (manifest, text): (&Manifest, &str),
        (component, policy): (Option<&[u8]>, Option<&str>),
        before: Option<&Arc<Deployment>>,
    ) -> Result<Deployment, DeployError> {
        let keyset =
            self.keysets.find(&id.subscribe_key).ok_or_else(|| DeployError::NoKeyset(id.subscribe_key.clone()))?;
        let artefact = match (manifest.serves, component) {
            (Serves::Requests, Some(component)) => Some(self.engine.compile(component)?),
            (Serves::Deepstream, None) => None,
            (Serves::Requests, None) => return Err(DeployError::ComponentMissing),
            (Serves::Deepstream, Some(_)) => return Err(DeployError::ComponentNotServed),
        };
        let authentication = AuthenticationText::of(text);
        let kept = before.filter(|before| before.authentication == authentication);
        let kept = kept.and_then(|before| before.authenticators.as_ref());
        let assembled = self.parts.assemble(&keyset, manifest, policy, kept)?;
        let Assembled { capabilities, authenticators, policy, granting } = assembled;
        let link = |artefact| Function::link(&self.engine, artefact, capabilities, manifest.limits.clone());
        let function = artefact.as_ref().map(link).transpose()?;
        let artefact = artefact.map(|artefact| artefact.hash().to_owned()).unwrap_or_default();
        let (id, paths) = (id.clone(), manifest.paths.clone());
        let basic_secret = manifest.basic_secret.clone();
        Ok(Deployment {
            id,
            version: 0,
            artefact,
            paths,
            function,
            authenticators,
            authentication,
            policy,
            basic_secret,
            granting,
        })
    }
}
