//! A record that cannot be read is neither a yes nor a no: nothing is taken back, and the recheck fails.

use usher_access::{Allowance, Approved, Asked, Ceiling, Expiry, Holders, Proposal, Rule, SubscribeKey, Ttl};
use usher_policy::Policy;
use usher_runtime::capability::kv::{KeyValue, Kind, Replacement};

use super::*;
use crate::keysets::Changes;
use crate::store::{Batch, Durability, Store};

/// Pairs of which none can be read.
#[derive(Debug)]
struct Down;

fn down<T>() -> Result<T, Unavailable> {
    Err(Unavailable("down".to_owned()))
}

impl KeyValue for Down {
    fn get(&self, _: &str) -> Result<Option<String>, Unavailable> {
        down()
    }

    fn set(&self, _: &str, _: &str, _: u32) -> Result<(), Unavailable> {
        down()
    }

    fn swap(&self, _: &str, _: Option<&str>, _: Replacement<'_>) -> Result<bool, Unavailable> {
        down()
    }

    fn remove(&self, _: &str) -> Result<(), Unavailable> {
        down()
    }

    fn keys(&self, _: Kind, _: Option<&str>) -> Result<Vec<String>, Unavailable> {
        down()
    }

    fn increment(&self, _: &str, _: i64) -> Result<i64, Unavailable> {
        down()
    }

    fn counter(&self, _: &str) -> Result<i64, Unavailable> {
        down()
    }
}

fn bounds() -> Bounds {
    let allowance = Allowance { permissions: Permission::Read.into(), longest_ttl: Ttl::DEFAULT };
    let templates = vec!["room".parse().unwrap()];
    let rule = Rule::Resources { kind: ResourceKind::Channel, templates, holders: Holders::Caller, allowance };
    Bounds { ceiling: Ceiling { rules: vec![rule] }, ..Bounds::default() }
}

#[test]
fn a_record_that_cannot_be_read_takes_nothing_back() {
    let (store, clock) = (Store::in_memory(), Clock::controlled(|| 1_800_000_000_000));
    let keyset: SubscribeKey = "sub-c-1".parse().unwrap();
    let grants = EmbeddedGrants::load((Arc::clone(&store), clock.clone()), &keyset, Changes::new()).unwrap();
    let groups = EmbeddedGroups::load(Arc::clone(&store), keyset.as_str()).unwrap();
    let sessions = Sessions::new(Arc::clone(&store), &keyset, &"every".parse().unwrap());
    let auth_key: AuthKey = "k1".parse().unwrap();
    let session =
        Session { auth_key: auth_key.clone(), id: "al".into(), server_data: "{}".into(), until: Expiry::NEVER };
    let mut batch = Batch::default();
    sessions.add_to(&mut batch, &session).unwrap();
    store.commit(batch, Durability::Journal).unwrap();
    let asked = Asked {
        channels: vec!["room".parse().unwrap()],
        auth_keys: vec![auth_key],
        permissions: Permission::Read.into(),
        ttl: Ttl::DEFAULT,
        ..Asked::default()
    };
    grants.apply_now(&[Approved::by_root(Proposal::try_from(asked).unwrap())], None).unwrap();
    for (rule, taken_back) in [("_('members') !== null", None), ("true", Some(0)), ("false", Some(1))] {
        let document = format!("channel: {{ '*': {{ read: {rule:?} }} }}");
        let policy = Arc::new(Policy::parse(&document).unwrap());
        let policy = PolicyInForce { policy, digest: "".into(), pairs: Arc::new(Down) };
        let (grants, groups, sessions) = (&grants, &groups, &sessions);
        let recheck = Recheck { policy: &policy, bounds: vec![bounds()], grants, groups, sessions, clock: &clock };
        assert_eq!(recheck.run().ok().map(|rechecked| rechecked.taken_back), taken_back, "{rule}");
        assert_eq!(grants.list(&Filter::default(), 9).len(), usize::from(taken_back != Some(1)), "{rule}");
    }
}
