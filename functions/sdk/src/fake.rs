//! A host in memory, for native tests of functions.

mod capabilities;
mod grants;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    AccessError, Claim, GroupsError, HttpError, IdentityError, KvError, Level, OutboundRequest, OutboundResponse,
    Permissions, PolicyQuestion, Proposal, Proven, Request, Target,
};

use grants::Grants;

/// A host whose every answer the test decides, and that remembers what it was asked.
///
/// Grants follow Access Manager v2: a later grant replaces an earlier one of the same target, and `a.*` covers every
/// name that begins with `a.`, and nobody writes to `a-pnpres`. Time stands still until [`Host::advance`].
#[derive(Debug, Default)]
pub struct Host {
    config: BTreeMap<String, String>,
    secrets: BTreeMap<String, Vec<u8>>,
    identities: Identities,
    ceiling: Option<BTreeSet<String>>,
    client_data: Option<String>,
    outbound: RefCell<Vec<Result<OutboundResponse, HttpError>>>,
    sent: RefCell<Vec<OutboundRequest>>,
    grants: RefCell<Grants>,
    granted: RefCell<Vec<Vec<Proposal>>>,
    revoked: RefCell<Vec<Target>>,
    groups: RefCell<BTreeMap<String, BTreeSet<String>>>,
    values: RefCell<BTreeMap<String, Value>>,
    counters: RefCell<BTreeMap<String, i64>>,
    claims: RefCell<Vec<Claim>>,
    proven: RefCell<Option<Proven>>,
    policy: Option<Policy>,
    asked: RefCell<Vec<Vec<PolicyQuestion>>>,
    unreadable: RefCell<Option<KvError>>,
    logged: RefCell<Vec<(Level, String)>>,
    calls: RefCell<Vec<&'static str>>,
    failing: RefCell<Failing>,
    rival: RefCell<Option<(String, String)>>,
    lapsing: RefCell<Vec<String>>,
    grant_takes: Cell<u64>,
    drawn: Cell<u64>,
    now: Cell<u64>,
}

/// What stands for a policy document: looks at the host for who was proven and what is stored.
type Policy = fn(&Host, &PolicyQuestion) -> bool;

/// A stored value and the millisecond it ends.
#[derive(Debug, Clone)]
struct Value {
    text: String,
    until: u64,
}

/// Who is who.
#[derive(Debug, Default)]
enum Identities {
    /// Any auth key proves any uuid, as the authenticator `none` does.
    #[default]
    Open,
    /// What is known; several keys may prove one uuid.
    Known(Vec<Known>),
    /// Every question ends so.
    Failing(IdentityError),
    /// Every auth key proves this uuid, whatever was claimed.
    Always(String),
}

/// An auth key and what it proves.
#[derive(Debug)]
struct Known {
    auth_key: String,
    uuid: String,
    /// In every namespace if `None`.
    namespace: Option<String>,
}

/// Capabilities that fail from now on.
#[derive(Debug, Default)]
struct Failing {
    access: Option<AccessError>,
    groups: Option<GroupsError>,
    kv: Option<KvError>,
}

impl Host {
    /// A host without config, secrets or stored values, where any auth key proves any uuid.
    #[must_use]
    pub fn new() -> Self {
        Self { now: Cell::new(1_700_000_000_000), ..Self::default() }
    }

    /// Adds a value of the manifest's `[config]` table.
    #[must_use]
    pub fn with_config(mut self, name: &str, value: &str) -> Self {
        self.config.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds a list of the manifest's `[config]` table.
    #[must_use]
    pub fn with_config_list(self, name: &str, values: &[&str]) -> Self {
        let text = serde_json::Value::from(values).to_string();
        self.with_config(name, &text)
    }

    /// Adds a secret that the manifest lists.
    #[must_use]
    pub fn with_secret(mut self, name: &str, bytes: &[u8]) -> Self {
        self.secrets.insert(name.to_owned(), bytes.to_vec());
        self
    }

    /// From now on only listed pairs of auth key and uuid are let in.
    #[must_use]
    pub fn with_identity(self, auth_key: &str, uuid: &str) -> Self {
        self.with_known(Known { auth_key: auth_key.to_owned(), uuid: uuid.to_owned(), namespace: None })
    }

    /// Like [`Host::with_identity`], but the pair is let into one namespace only.
    #[must_use]
    pub fn with_identity_in(self, namespace: &str, auth_key: &str, uuid: &str) -> Self {
        let namespace = Some(namespace.to_owned());
        self.with_known(Known { auth_key: auth_key.to_owned(), uuid: uuid.to_owned(), namespace })
    }

    /// Every auth key proves `uuid`, whatever was claimed.
    #[must_use]
    pub fn with_proven_uuid(mut self, uuid: &str) -> Self {
        self.identities = Identities::Always(uuid.to_owned());
        self
    }

    /// Every authentication ends in `error`.
    #[must_use]
    pub fn with_failing_identity(mut self, error: IdentityError) -> Self {
        self.identities = Identities::Failing(error);
        self
    }

    /// The JSON that authentication hands out as client data.
    #[must_use]
    pub fn with_client_data(mut self, json: &str) -> Self {
        self.client_data = Some(json.to_owned());
        self
    }

    /// Grants of any other channel, group or uuid are beyond the ceiling.
    #[must_use]
    pub fn with_ceiling(mut self, names: &[&str]) -> Self {
        self.ceiling = Some(names.iter().map(|name| (*name).to_owned()).collect());
        self
    }

    /// What the policy allows; without one, nothing.
    #[must_use]
    pub fn with_policy(mut self, policy: fn(&Self, &PolicyQuestion) -> bool) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Queues the answer to an outbound call; without any left, the host called is unreachable.
    #[must_use]
    pub fn with_outbound(self, answer: Result<OutboundResponse, HttpError>) -> Self {
        self.outbound.borrow_mut().push(answer);
        self
    }

    /// Grants and revocations fail from now on.
    pub fn fail_access(&self, error: AccessError) {
        self.failing.borrow_mut().access = Some(error);
    }

    /// Changes of channel groups fail from now on.
    pub fn fail_groups(&self, error: GroupsError) {
        self.failing.borrow_mut().groups = Some(error);
    }

    /// Key-value calls fail from now on.
    pub fn fail_kv(&self, error: KvError) {
        self.failing.borrow_mut().kv = Some(error);
    }

    /// Just before the next swap, somebody else stores `value` under `key`.
    pub fn race(&self, key: &str, value: &str) {
        *self.rival.borrow_mut() = Some((key.to_owned(), value.to_owned()));
    }

    /// Just before the next grant or channel added to a group, the value under `key` is removed.
    pub fn lapse(&self, key: &str) {
        self.lapsing.borrow_mut().push(key.to_owned());
    }

    /// From now on every grant takes `minutes`.
    pub fn slow_grants(&self, minutes: u64) {
        self.grant_takes.set(minutes);
    }

    /// Lets `minutes` go by.
    pub fn advance(&self, minutes: u64) {
        self.now.set(self.now.get() + minutes * 60_000);
    }

    /// Whether the grants let `auth_key` do all of `permissions` on a channel by name.
    #[must_use]
    pub fn allows(&self, auth_key: &str, channel: &str, permissions: Permissions) -> bool {
        self.grants.borrow().allows(("channel", channel, auth_key), permissions, self.now.get())
    }

    /// Whether the grants let `auth_key` do all of `permissions` on a channel group.
    #[must_use]
    pub fn allows_group(&self, auth_key: &str, group: &str, permissions: Permissions) -> bool {
        self.grants.borrow().allows(("channel-group", group, auth_key), permissions, self.now.get())
    }

    /// Whether `auth_key` can read a channel, by name or through any group it may read.
    #[must_use]
    pub fn can_read(&self, auth_key: &str, channel: &str) -> bool {
        let groups = self.groups.borrow();
        let mut holders = groups.iter().filter(|(_, channels)| channels.contains(channel));
        self.allows(auth_key, channel, Permissions::READ)
            || holders.any(|(group, _)| self.allows_group(auth_key, group, Permissions::READ))
    }

    /// The channels of a group.
    #[must_use]
    pub fn group(&self, name: &str) -> Vec<String> {
        self.groups.borrow().get(name).map(|channels| channels.iter().cloned().collect()).unwrap_or_default()
    }

    /// The live value under a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<String> {
        let values = self.values.borrow();
        values.get(key).filter(|value| value.until > self.now.get()).map(|value| value.text.clone())
    }

    /// The live keys.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let values = self.values.borrow();
        values.iter().filter(|(_, value)| value.until > self.now.get()).map(|(key, _)| key.clone()).collect()
    }

    /// What was granted, call by call.
    #[must_use]
    pub fn granted(&self) -> Vec<Vec<Proposal>> {
        self.granted.borrow().clone()
    }

    /// What was revoked.
    #[must_use]
    pub fn revoked(&self) -> Vec<Target> {
        self.revoked.borrow().clone()
    }

    /// The outbound requests, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<OutboundRequest> {
        self.sent.borrow().clone()
    }

    /// The claims put to the authenticators, in order.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        self.claims.borrow().clone()
    }

    /// The id that was proven last, until the next claim is refused.
    #[must_use]
    pub fn proven(&self) -> Option<String> {
        self.proven.borrow().as_ref().map(|proven| proven.id.clone())
    }

    /// What a policy's `_()` finds under a key. Where key-value calls fail, so does the call to the policy.
    #[must_use]
    pub fn record(&self, key: &str) -> Option<String> {
        *self.unreadable.borrow_mut() = self.failing.borrow().kv.clone();
        self.value(key)
    }

    /// The questions put to the policy, call by call.
    #[must_use]
    pub fn asked(&self) -> Vec<Vec<PolicyQuestion>> {
        self.asked.borrow().clone()
    }

    /// The operator's log.
    #[must_use]
    pub fn logged(&self) -> Vec<(Level, String)> {
        self.logged.borrow().clone()
    }

    /// The capabilities called, in order, as `interface.function`; config, log and clock are left out.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.calls.borrow().clone()
    }

    fn with_known(mut self, known: Known) -> Self {
        match &mut self.identities {
            Identities::Known(all) => all.push(known),
            Identities::Open | Identities::Failing(_) | Identities::Always(_) => {
                self.identities = Identities::Known(vec![known]);
            }
        }
        self
    }

    fn prove(&self, claim: &Claim) -> Result<Proven, IdentityError> {
        let id = match &self.identities {
            Identities::Open => claim.uuid.clone(),
            Identities::Known(known) if known.iter().any(|known| known.proves(claim)) => claim.uuid.clone(),
            Identities::Known(_) => return Err(IdentityError::Denied),
            Identities::Failing(error) => return Err(*error),
            Identities::Always(uuid) => uuid.clone(),
        };
        let client_data = self.client_data.clone().unwrap_or_else(|| "null".to_owned());
        Ok(Proven { id, client_data, server_data: "null".to_owned() })
    }

    fn within_ceiling(&self, target: &Target) -> Result<(), AccessError> {
        let Some(ceiling) = &self.ceiling else { return Ok(()) };
        let mut names = target.channels.iter().chain(&target.groups).chain(&target.uuids);
        match names.find(|name| !ceiling.contains(*name)) {
            Some(name) => Err(AccessError::BeyondCeiling(name.clone())),
            None => Ok(()),
        }
    }
}

impl Known {
    fn proves(&self, claim: &Claim) -> bool {
        let namespace = self.namespace.as_ref();
        self.auth_key == claim.auth_key
            && self.uuid == claim.uuid
            && namespace.is_none_or(|name| *name == claim.namespace)
    }
}

/// A request to `path` as the host hands it over, without query, headers or body.
#[must_use]
pub fn request(method: &str, path: &str) -> Request {
    Request {
        id: "00000000-0000-0000-0000-000000000000".to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Vec::new(),
        client_ip: "192.0.2.1".to_owned(),
        subscribe_key: "sub-c-test".to_owned(),
    }
}

impl Request {
    /// The same request with one query parameter more.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same request with one header more; the name is lower case.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same request with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}
