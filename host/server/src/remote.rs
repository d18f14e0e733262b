//! Grants and groups at a PubNub-compatible origin: every call signed with the keyset's secret key from the vault.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::Value;
use tokio::sync::oneshot;
use usher_access::wire::{Audited, GroupChange, Sender, UnsignedCall, audit_query, grant_query, group_query};
use usher_access::{Approved, Asked, Permissions, Proposal, PublishKey, ResourceName, SubscribeKey, UnixSeconds};
use usher_runtime::capability::Answer;
use usher_runtime::capability::access::{Entry, GrantError, Grants};
use usher_runtime::capability::groups::{Groups, GroupsError};
use usher_runtime::capability::http::{Outbound, OutboundRequest};
use usher_vault::SecretName;

use crate::clock::Clock;
use crate::store::secrets::Secrets;

mod audit;

/// For one call to the origin.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer read, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;
/// Who calls, as the origin's statistics see it.
const PNSDK: &str = concat!("usher/", env!("CARGO_PKG_VERSION"));

/// One keyset at its origin.
#[derive(Debug, Clone)]
pub(crate) struct RemoteOrigin {
    /// Scheme and host, without a final slash.
    pub(crate) origin: String,
    pub(crate) subscribe_key: SubscribeKey,
    pub(crate) publish_key: PublishKey,
    /// Where the vault keeps the primary secret key; swapped when another becomes primary.
    pub(crate) secret_key: Arc<ArcSwap<SecretName>>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) client: Arc<dyn Outbound>,
    pub(crate) clock: Clock,
}

/// Why a call to the origin is not known to have had an effect.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Unavailable(String),
}

impl RemoteOrigin {
    /// Signs and sends one call; a success is HTTP 200 with a body that says so too.
    async fn call(&self, make: impl FnOnce(&Sender<'_>) -> UnsignedCall) -> Result<Value, CallError> {
        let sender = Sender {
            subscribe_key: &self.subscribe_key,
            timestamp: UnixSeconds::new(self.clock.seconds()),
            uuid: "usher",
            pnsdk: PNSDK,
        };
        let secret =
            self.secrets.open(&self.secret_key.load()).map_err(|error| CallError::Unavailable(error.to_string()))?;
        let target = make(&sender).signed(&self.publish_key, secret.reveal());
        let answer = self.client.send(OutboundRequest {
            method: "GET".into(),
            url: format!("{}{target}", self.origin),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: TIMEOUT,
            longest_answer: LONGEST_ANSWER,
        });
        let answer = answer.await.map_err(|error| CallError::Unavailable(error.to_string()))?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let says = |name: &str| body.get(name).cloned().unwrap_or_default();
        match answer.status {
            200 if says("status") == 200 && says("error") != true && says("warning") != true => Ok(body),
            200..=299 => Err(CallError::Unavailable(format!("the origin did not confirm: {}", says("message")))),
            400..=499 => Err(CallError::Refused(format!("the origin answered {}: {}", answer.status, says("message")))),
            other => Err(CallError::Unavailable(format!("the origin answered {other}"))),
        }
    }

    /// One call for each proposal. If one fails, those before it are taken back, so that an error leaves no grant behind.
    async fn apply_all(&self, approved: &[Approved]) -> Result<(), CallError> {
        for (done, one) in approved.iter().enumerate() {
            if let Err(error) = self.apply_one(one).await {
                // The failed call may have had its effect before its answer was lost.
                self.take_back(approved.iter().take(done + 1)).await;
                return Err(error);
            }
        }
        Ok(())
    }

    async fn apply_one(&self, approved: &Approved) -> Result<(), CallError> {
        let answer = self.call(|sender| grant_query(approved, sender)).await?;
        if answer.get("message").and_then(Value::as_str) == Some("Success") {
            return Ok(());
        }
        Err(CallError::Unavailable("the origin did not say `Success`".into()))
    }

    async fn take_back(&self, granted: impl Iterator<Item = &Approved>) {
        for approved in granted {
            let asked = Asked { permissions: Permissions::NONE, ..approved.proposal().asked().clone() };
            let Ok(revocation) = Proposal::try_from(asked) else { continue };
            if let Err(error) = self.apply_one(&Approved::by_root(revocation)).await {
                tracing::error!(%error, origin = self.origin, "a grant of a failed request could not be taken back");
            }
        }
    }

    async fn change_group(&self, group: &ResourceName, change: GroupChange<'_>) -> Result<Value, GroupsError> {
        self.call(|sender| group_query(group, change, sender)).await.map_err(GroupsError::from)
    }
}

impl Grants for RemoteOrigin {
    fn apply(&self, approved: Vec<Approved>) -> Answer<'_, Result<(), GrantError>> {
        let (told, outcome) = oneshot::channel();
        let origin = self.clone();
        // A task of its own: an invocation that ends in the middle would leave half of its grants behind.
        tokio::spawn(async move {
            let applied = origin.apply_all(&approved).await;
            if let Err(Ok(())) = told.send(applied) {
                origin.take_back(approved.iter()).await;
            }
        });
        Box::pin(async move {
            let applied =
                outcome.await.map_err(|_| GrantError::Unavailable("the call to the origin broke off".into()))?;
            Ok(applied?)
        })
    }

    fn audit(&self, asked: Approved) -> Answer<'_, Result<Vec<Entry>, GrantError>> {
        Box::pin(async move {
            let Asked { channels, groups, auth_keys, uuids, permissions: _, ttl: _ } = asked.proposal().asked();
            if !uuids.is_empty() {
                return Err(GrantError::Refused("an origin's audit knows no uuids".into()));
            }
            let answer = self.call(|sender| audit_query(&Audited { channels, groups, auth_keys }, sender)).await?;
            Ok(audit::entries(answer.get("payload").unwrap_or(&Value::Null), &asked))
        })
    }
}

impl Groups for RemoteOrigin {
    fn add(&self, group: ResourceName, channels: Vec<ResourceName>) -> Answer<'_, Result<(), GroupsError>> {
        Box::pin(async move { self.change_group(&group, GroupChange::Add(&channels)).await.map(drop) })
    }

    fn remove(&self, group: ResourceName, channels: Vec<ResourceName>) -> Answer<'_, Result<(), GroupsError>> {
        Box::pin(async move { self.change_group(&group, GroupChange::Remove(&channels)).await.map(drop) })
    }

    fn list(&self, group: ResourceName) -> Answer<'_, Result<Vec<String>, GroupsError>> {
        Box::pin(async move {
            let answer = self.change_group(&group, GroupChange::List).await?;
            let channels = answer.pointer("/payload/channels").and_then(Value::as_array);
            let channels = channels.ok_or_else(|| GroupsError::Unavailable("the origin listed no channels".into()))?;
            Ok(channels.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        })
    }
}

impl From<CallError> for GrantError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(what) => Self::Refused(what),
            CallError::Unavailable(what) => Self::Unavailable(what),
        }
    }
}

impl From<CallError> for GroupsError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(what) => Self::Refused(what),
            CallError::Unavailable(what) => Self::Unavailable(what),
        }
    }
}
