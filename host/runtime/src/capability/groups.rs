//! `groups`: channel groups of the keyset, embedded or at a remote origin.

use std::sync::Arc;
use std::time::Instant;

use usher_access::ResourceName;
use wasmtime::component::{HasData, Linker};

use super::identity::Proven;
use super::{Answer, Capability, not_granted};
use crate::bindings::usher::function::groups as wire;
use crate::bounds::Bounds;
use crate::limits::CallLimits;
use crate::state::State;
use crate::trace::Recorder;

/// Channels in one call at the most (PubNub: 200).
const MOST_CHANNELS: usize = 200;

/// Where a keyset's channel groups are.
pub trait Groups: Send + Sync + std::fmt::Debug {
    /// Adds channels to a group; those already in it stay.
    fn add(&self, group: ResourceName, channels: Vec<ResourceName>) -> Answer<'_, Result<(), GroupsError>>;
    /// Takes channels out of a group; those not in it do not matter.
    fn remove(&self, group: ResourceName, channels: Vec<ResourceName>) -> Answer<'_, Result<(), GroupsError>>;
    /// The channels of a group, sorted.
    fn list(&self, group: ResourceName) -> Answer<'_, Result<Vec<String>, GroupsError>>;
}

/// Why a group was not changed or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupsError {
    /// A name is malformed, or the group would grow beyond its limit.
    #[error("invalid: {0}")]
    Invalid(String),
    /// The remote origin said no.
    #[error("refused: {0}")]
    Refused(String),
    /// Not stored, or the remote origin cannot be reached.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

/// The groups a deployment may change: those that its ceiling speaks of.
#[derive(Debug)]
pub struct Granted {
    /// The deployment's ceiling; group and channels both have to lie below it.
    pub bounds: Arc<Bounds>,
    /// Where they are.
    pub groups: Arc<dyn Groups>,
}

struct View<'a> {
    granted: Option<&'a Granted>,
    left: &'a mut u32,
    proven: Option<&'a Proven>,
    deadline: Instant,
    trace: &'a mut Recorder,
}

/// A group, its channels, and who keeps them.
type Admitted<'a> = (&'a dyn Groups, ResourceName, Vec<ResourceName>);

impl<'a> View<'a> {
    /// Counts the call, parses the names and holds them to the ceiling.
    fn admit(
        &mut self,
        group: String,
        channels: Vec<String>,
    ) -> wasmtime::Result<Result<Admitted<'a>, wire::GroupsError>> {
        let granted = self.granted.ok_or_else(|| not_granted(Capability::Groups))?;
        if !CallLimits::take(self.left) {
            return Ok(Err(wire::GroupsError::TooManyCalls));
        }
        Ok(names(group, channels).and_then(|(group, channels)| {
            let covered = granted.bounds.cover(&group, &channels, self.proven);
            covered.map_err(|beyond| wire::GroupsError::BeyondCeiling(beyond.to_string()))?;
            Ok((granted.groups.as_ref(), group, channels))
        }))
    }

    /// An answer that comes too late for the function to act on counts as none.
    async fn in_time<T>(&self, answer: Answer<'_, Result<T, GroupsError>>) -> Result<T, wire::GroupsError> {
        match tokio::time::timeout_at(self.deadline.into(), answer).await {
            Ok(answer) => answer.map_err(wire::GroupsError::from),
            Err(_elapsed) => Err(wire::GroupsError::Unavailable("no answer in time".into())),
        }
    }
}

impl wire::Host for View<'_> {
    async fn add_channels(
        &mut self,
        group: String,
        channels: Vec<String>,
    ) -> wasmtime::Result<Result<(), wire::GroupsError>> {
        let began = Instant::now();
        let answer = match self.admit(group, channels)? {
            Ok((groups, group, channels)) => self.in_time(groups.add(group, channels)).await,
            Err(error) => Err(error),
        };
        self.trace.call((Capability::Groups, "add-channels"), began, &answer, code);
        Ok(answer)
    }

    async fn remove_channels(
        &mut self,
        group: String,
        channels: Vec<String>,
    ) -> wasmtime::Result<Result<(), wire::GroupsError>> {
        let began = Instant::now();
        let answer = match self.admit(group, channels)? {
            Ok((groups, group, channels)) => self.in_time(groups.remove(group, channels)).await,
            Err(error) => Err(error),
        };
        self.trace.call((Capability::Groups, "remove-channels"), began, &answer, code);
        Ok(answer)
    }

    async fn list_channels(&mut self, group: String) -> wasmtime::Result<Result<Vec<String>, wire::GroupsError>> {
        let began = Instant::now();
        let answer = match self.admit(group, Vec::new())? {
            Ok((groups, group, _)) => self.in_time(groups.list(group)).await,
            Err(error) => Err(error),
        };
        self.trace.call((Capability::Groups, "list-channels"), began, &answer, code);
        Ok(answer)
    }
}

fn names(group: String, channels: Vec<String>) -> Result<(ResourceName, Vec<ResourceName>), wire::GroupsError> {
    let name =
        |text: String| text.parse::<ResourceName>().map_err(|error| wire::GroupsError::Invalid(error.to_string()));
    if channels.len() > MOST_CHANNELS {
        return Err(wire::GroupsError::Invalid(format!("one call changes at most {MOST_CHANNELS} channels")));
    }
    Ok((name(group)?, channels.into_iter().map(name).collect::<Result<_, _>>()?))
}

impl From<GroupsError> for wire::GroupsError {
    fn from(error: GroupsError) -> Self {
        match error {
            GroupsError::Invalid(what) => Self::Invalid(what),
            GroupsError::Refused(what) => Self::Refused(what),
            GroupsError::Unavailable(what) => Self::Unavailable(what),
        }
    }
}

const fn code(error: &wire::GroupsError) -> &'static str {
    match error {
        wire::GroupsError::BeyondCeiling(_) => "group.beyond-ceiling",
        wire::GroupsError::Invalid(_) => "group.invalid",
        wire::GroupsError::Refused(_) => "group.refused",
        wire::GroupsError::Unavailable(_) => "group.unavailable",
        wire::GroupsError::TooManyCalls => "group.too-many-calls",
    }
}

struct ChannelGroups;

impl HasData for ChannelGroups {
    type Data<'a> = View<'a>;
}

pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wire::add_to_linker::<_, ChannelGroups>(linker, |state| View {
        granted: state.capabilities.groups.as_ref(),
        left: &mut state.calls.access,
        proven: state.proven.as_ref(),
        deadline: state.context.deadline,
        trace: &mut state.recorder,
    })
}
