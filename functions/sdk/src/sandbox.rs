//! The host as the sandbox sees it: every method is one import.

use crate::bindings::usher::function::{access, clock, config, groups, http, identity, kv, log, policy, random, vault};
use crate::{
    AccessError, Claim, Entry, GroupsError, Host, HttpError, IdentityError, KvError, Level, OutboundRequest,
    OutboundResponse, PolicyError, PolicyQuestion, Proposal, Proven, Target, VaultError,
};

/// The host that runs this component.
#[derive(Debug, Clone, Copy)]
pub struct Sandbox;

impl Host for Sandbox {
    fn reveal(&self, secret: &str) -> Result<Vec<u8>, VaultError> {
        Ok(vault::open(secret)?.reveal())
    }

    fn hmac_sha256(&self, secret: &str, message: &[u8]) -> Result<Vec<u8>, VaultError> {
        Ok(vault::open(secret)?.hmac_sha256(message))
    }

    fn send(&self, request: &OutboundRequest) -> Result<OutboundResponse, HttpError> {
        http::send(request)
    }

    fn grant(&self, proposals: &[Proposal]) -> Result<(), AccessError> {
        access::grant(proposals)
    }

    fn revoke(&self, targets: &[Target]) -> Result<(), AccessError> {
        access::revoke(targets)
    }

    fn audit(&self, target: &Target) -> Result<Vec<Entry>, AccessError> {
        access::audit(target)
    }

    fn add_channels(&self, group: &str, channels: &[String]) -> Result<(), GroupsError> {
        groups::add_channels(group, channels)
    }

    fn remove_channels(&self, group: &str, channels: &[String]) -> Result<(), GroupsError> {
        groups::remove_channels(group, channels)
    }

    fn list_channels(&self, group: &str) -> Result<Vec<String>, GroupsError> {
        groups::list_channels(group)
    }

    fn kv_get(&self, key: &str) -> Result<Option<String>, KvError> {
        kv::get(key)
    }

    fn kv_set(&self, key: &str, value: &str, minutes: Option<u32>) -> Result<(), KvError> {
        kv::set(key, value, minutes)
    }

    fn kv_swap(&self, key: &str, expected: Option<&str>, value: &str, minutes: Option<u32>) -> Result<bool, KvError> {
        kv::swap(key, expected, value, minutes)
    }

    fn kv_remove(&self, key: &str) -> Result<(), KvError> {
        kv::remove(key)
    }

    fn kv_keys(&self, after: Option<&str>) -> Result<Vec<String>, KvError> {
        kv::keys(after)
    }

    fn kv_increment(&self, key: &str, by: i64) -> Result<i64, KvError> {
        kv::increment(key, by)
    }

    fn kv_counter(&self, key: &str) -> Result<i64, KvError> {
        kv::counter(key)
    }

    fn kv_counter_keys(&self, after: Option<&str>) -> Result<Vec<String>, KvError> {
        kv::counter_keys(after)
    }

    fn authenticate(&self, claim: &Claim) -> Result<Proven, IdentityError> {
        identity::authenticate(claim)
    }

    fn policy(&self, questions: &[PolicyQuestion]) -> Result<Vec<bool>, PolicyError> {
        let answers = policy::check(questions)?;
        Ok(answers.into_iter().map(|answer| answer == policy::Answer::Allowed).collect())
    }

    fn config(&self, name: &str) -> Option<String> {
        config::get(name)
    }

    fn log(&self, level: Level, message: &str) {
        log::write(level, message);
    }

    fn now(&self) -> u64 {
        clock::now()
    }

    fn random(&self, length: u32) -> Vec<u8> {
        random::bytes(length)
    }
}
