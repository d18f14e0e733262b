//! `access`: grants with Access Manager v2 semantics, held to the deployment's ceiling.

use std::sync::Arc;
use std::time::Instant;

use usher_access::{Approved, Asked, AuthKey, Permission, Permissions, Proposal, ResourceName, Ttl};
use wasmtime::component::{HasData, Linker};

use super::identity::{Proven, Subject};
use super::{Answer, Capability, not_granted};
use crate::bindings::usher::function::access as wire;
use crate::bounds::Bounds;
use crate::limits::CallLimits;
use crate::state::State;
use crate::trace::Recorder;

/// Where a keyset's grants are: Usher's own table or a remote origin.
pub trait Grants: Send + Sync + std::fmt::Debug {
    /// Applies all or none; effective and acknowledged when it returns. A caller that stops waiting is left with none.
    fn apply(&self, approved: Vec<Approved>) -> Answer<'_, Result<(), GrantError>>;
    /// The same, asked for by a function that proved for whom. Who looks at policies again later keeps that in mind.
    fn apply_for(&self, approved: Vec<Approved>, subject: Arc<Subject>) -> Answer<'_, Result<(), GrantError>> {
        drop(subject);
        self.apply(approved)
    }
    /// The live entries for exactly the targets that are named.
    fn audit(&self, asked: Approved) -> Answer<'_, Result<Vec<Entry>, GrantError>>;
}

/// Why a grant did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The remote origin said no.
    #[error("refused: {0}")]
    Refused(String),
    /// Not stored, or the remote origin cannot be reached.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

/// One entry of a grant table, as an audit shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// `channel`, `channel-group`, `uuid` or `subkey`.
    pub level: &'static str,
    /// The resource; empty at keyset level.
    pub name: String,
    /// For whom; `None` is everybody.
    pub auth_key: Option<String>,
    /// What is allowed.
    pub permissions: Permissions,
    /// Minutes left, rounded up; 0 is for ever.
    pub minutes: u32,
}

/// Without the auth key.
impl std::fmt::Debug for Entry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Entry").field("level", &self.level).field("name", &self.name).finish_non_exhaustive()
    }
}

/// The grants a deployment may make.
#[derive(Debug)]
pub struct Granted {
    /// The most it may ever grant.
    pub bounds: Arc<Bounds>,
    /// Where grants go.
    pub grants: Arc<dyn Grants>,
}

/// Grants of one call at the most: they are applied in one step that nobody can interrupt.
const MOST_GRANTS: usize = 1_000;

struct View<'a> {
    granted: Option<&'a Granted>,
    left: &'a mut u32,
    proven: Option<&'a Proven>,
    deadline: Instant,
    trace: &'a mut Recorder,
}

impl<'a> View<'a> {
    fn take_call(&mut self) -> wasmtime::Result<Result<&'a Granted, wire::AccessError>> {
        let granted = self.granted.ok_or_else(|| not_granted(Capability::Access))?;
        Ok(if CallLimits::take(self.left) { Ok(granted) } else { Err(wire::AccessError::TooManyCalls) })
    }

    async fn apply(&mut self, call: &'static str, proposals: Result<Vec<Proposal>, wire::AccessError>) -> Reply<()> {
        let began = Instant::now();
        let granted = self.take_call()?;
        let approved = granted.and_then(|granted| {
            let approved = proposals.and_then(|proposals| approve(granted, self.proven, proposals))?;
            Ok((granted, approved))
        });
        let answer = match (approved, self.proven) {
            (Ok((granted, approved)), Some(Proven { subject, .. })) => {
                self.in_time(granted.grants.apply_for(approved, Arc::clone(subject))).await
            }
            (Ok((granted, approved)), None) => self.in_time(granted.grants.apply(approved)).await,
            (Err(error), _) => Err(error),
        };
        self.trace.call((Capability::Access, call), began, &answer, code);
        Ok(answer)
    }

    async fn entries(&mut self, target: wire::Target) -> Reply<Vec<wire::Entry>> {
        let granted = match self.take_call()? {
            Ok(granted) => granted,
            Err(error) => return Ok(Err(error)),
        };
        // INVARIANT: a function sees entries only where it could also revoke them.
        let approved = proposal(target, Permissions::NONE, Ttl::DEFAULT)
            .and_then(|asked| approve(granted, self.proven, vec![asked]));
        let asked = match approved.map(|approved| approved.into_iter().next()) {
            Ok(Some(asked)) => asked,
            Ok(None) => return Ok(Ok(Vec::new())),
            Err(error) => return Ok(Err(error)),
        };
        let entries = self.in_time(granted.grants.audit(asked)).await;
        Ok(entries.map(|entries| entries.into_iter().map(into_wire).collect()))
    }

    /// An answer that comes too late for the function to act on counts as none.
    async fn in_time<T>(&self, answer: Answer<'_, Result<T, GrantError>>) -> Result<T, wire::AccessError> {
        match tokio::time::timeout_at(self.deadline.into(), answer).await {
            Ok(answer) => answer.map_err(wire::AccessError::from),
            Err(_elapsed) => Err(wire::AccessError::Unavailable("no answer in time".into())),
        }
    }
}

type Reply<T> = wasmtime::Result<Result<T, wire::AccessError>>;

impl wire::Host for View<'_> {
    async fn grant(&mut self, proposals: Vec<wire::Proposal>) -> Reply<()> {
        self.apply("grant", proposals.into_iter().map(granting).collect()).await
    }

    async fn revoke(&mut self, targets: Vec<wire::Target>) -> Reply<()> {
        let nothing = |target| proposal(target, Permissions::NONE, Ttl::DEFAULT);
        self.apply("revoke", targets.into_iter().map(nothing).collect()).await
    }

    async fn audit(&mut self, target: wire::Target) -> Reply<Vec<wire::Entry>> {
        let began = Instant::now();
        let answer = self.entries(target).await?;
        self.trace.call((Capability::Access, "audit"), began, &answer, code);
        Ok(answer)
    }
}

fn approve(
    granted: &Granted,
    proven: Option<&Proven>,
    proposals: Vec<Proposal>,
) -> Result<Vec<Approved>, wire::AccessError> {
    let asked = proposals.iter().map(|proposal| size(proposal.asked())).fold(0, usize::saturating_add);
    if asked > MOST_GRANTS {
        return Err(wire::AccessError::Invalid(format!("one call makes at most {MOST_GRANTS} grants")));
    }
    granted.bounds.approve(proposals, proven).map_err(|beyond| wire::AccessError::BeyondCeiling(beyond.to_string()))
}

/// How many grants a proposal makes.
fn size(asked: &Asked) -> usize {
    let resources = asked.channels.len() + asked.groups.len() + asked.uuids.len();
    resources.max(1).saturating_mul(asked.auth_keys.len().max(1))
}

fn granting(asked: wire::Proposal) -> Result<Proposal, wire::AccessError> {
    let wire::Proposal { target, permissions, ttl } = asked;
    let permissions = from_flags(permissions);
    if permissions.is_empty() {
        return Err(wire::AccessError::Invalid("a grant without permissions; use `revoke` to take back".into()));
    }
    let ttl = Ttl::try_from(u64::from(ttl)).map_err(|error| wire::AccessError::Invalid(error.to_string()))?;
    proposal(target, permissions, ttl)
}

fn proposal(target: wire::Target, permissions: Permissions, ttl: Ttl) -> Result<Proposal, wire::AccessError> {
    let wire::Target { channels, groups, uuids, auth_keys } = target;
    let auth_key =
        |text: String| text.parse::<AuthKey>().map_err(|error| wire::AccessError::Invalid(error.to_string()));
    let asked = Asked {
        channels: names(channels)?,
        groups: names(groups)?,
        uuids: names(uuids)?,
        auth_keys: auth_keys.into_iter().map(auth_key).collect::<Result<_, _>>()?,
        permissions,
        ttl,
    };
    Proposal::try_from(asked).map_err(|error| wire::AccessError::Invalid(error.to_string()))
}

fn names(texts: Vec<String>) -> Result<Vec<ResourceName>, wire::AccessError> {
    let name =
        |text: String| text.parse::<ResourceName>().map_err(|error| wire::AccessError::Invalid(error.to_string()));
    texts.into_iter().map(name).collect()
}

/// Flags of the contract, each with its permission.
const FLAGS: [(wire::Permissions, Permission); 7] = [
    (wire::Permissions::READ, Permission::Read),
    (wire::Permissions::WRITE, Permission::Write),
    (wire::Permissions::MANAGE, Permission::Manage),
    (wire::Permissions::DELETE, Permission::Delete),
    (wire::Permissions::GET, Permission::Get),
    (wire::Permissions::UPDATE, Permission::Update),
    (wire::Permissions::JOIN, Permission::Join),
];

fn from_flags(flags: wire::Permissions) -> Permissions {
    let set = FLAGS.into_iter().filter(|(flag, _)| flags.contains(*flag));
    set.fold(Permissions::NONE, |set, (_, permission)| set.union(permission.into()))
}

fn to_flags(permissions: Permissions) -> wire::Permissions {
    let set = FLAGS.into_iter().filter(|(_, permission)| permissions.allows(*permission));
    set.fold(wire::Permissions::empty(), |set, (flag, _)| set | flag)
}

fn into_wire(entry: Entry) -> wire::Entry {
    let Entry { level, name, auth_key, permissions, minutes } = entry;
    wire::Entry { level: level.to_owned(), name, auth_key, permissions: to_flags(permissions), ttl: minutes }
}

impl From<GrantError> for wire::AccessError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::Refused(what) => Self::Refused(what),
            GrantError::Unavailable(what) => Self::Unavailable(what),
        }
    }
}

const fn code(error: &wire::AccessError) -> &'static str {
    match error {
        wire::AccessError::BeyondCeiling(_) => "grant.beyond-ceiling",
        wire::AccessError::Invalid(_) => "grant.invalid",
        wire::AccessError::Refused(_) => "grant.refused",
        wire::AccessError::Unavailable(_) => "grant.unavailable",
        wire::AccessError::TooManyCalls => "grant.too-many-calls",
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = View<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wire::add_to_linker::<_, Access>(linker, |state| View {
        granted: state.capabilities.access.as_ref(),
        left: &mut state.calls.access,
        proven: state.proven.as_ref(),
        deadline: state.context.deadline,
        trace: &mut state.recorder,
    })
}
