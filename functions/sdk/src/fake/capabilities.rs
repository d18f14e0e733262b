//! The fake host's side of the seam.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{Host, Value};
use crate::{
    AccessError, Claim, Entry, GroupsError, HttpError, IdentityError, KvError, Level, OutboundRequest,
    OutboundResponse, PolicyError, PolicyQuestion, Proposal, Proven, Target, VaultError,
};

const MAX_TTL: u32 = 365 * 24 * 60;
const DEFAULT_TTL: u32 = 24 * 60;
const PAGE: usize = 100;
const MOST_QUESTIONS: usize = 100;

impl crate::Host for Host {
    fn reveal(&self, secret: &str) -> Result<Vec<u8>, VaultError> {
        self.called("vault.reveal");
        self.secrets.get(secret).cloned().ok_or(VaultError::NotListed)
    }

    fn hmac_sha256(&self, secret: &str, message: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.called("vault.hmac-sha256");
        let key = self.secrets.get(secret).ok_or(VaultError::NotListed)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| VaultError::Unreadable)?;
        mac.update(message);
        Ok(mac.finalize().into_bytes().to_vec())
    }

    fn send(&self, request: &OutboundRequest) -> Result<OutboundResponse, HttpError> {
        self.called("http.send");
        self.sent.borrow_mut().push(request.clone());
        let mut answers = self.outbound.borrow_mut();
        if answers.is_empty() { Err(HttpError::Unreachable(request.url.clone())) } else { answers.remove(0) }
    }

    fn grant(&self, proposals: &[Proposal]) -> Result<(), AccessError> {
        self.called("access.grant");
        self.access_works()?;
        for proposal in proposals {
            self.within_ceiling(&proposal.target)?;
        }
        self.advance(self.grant_takes.get());
        self.lapse_now();
        let mut grants = self.grants.borrow_mut();
        for proposal in proposals {
            grants.apply(proposal, self.now.get());
        }
        self.granted.borrow_mut().push(proposals.to_vec());
        Ok(())
    }

    fn revoke(&self, targets: &[Target]) -> Result<(), AccessError> {
        self.called("access.revoke");
        self.access_works()?;
        for target in targets {
            self.grants.borrow_mut().remove(target);
            self.revoked.borrow_mut().push(target.clone());
        }
        Ok(())
    }

    fn audit(&self, target: &Target) -> Result<Vec<Entry>, AccessError> {
        self.called("access.audit");
        self.access_works()?;
        Ok(self.grants.borrow().entries(target, self.now.get()))
    }

    fn add_channels(&self, group: &str, channels: &[String]) -> Result<(), GroupsError> {
        self.called("groups.add-channels");
        self.groups_work()?;
        self.lapse_now();
        self.groups.borrow_mut().entry(group.to_owned()).or_default().extend(channels.iter().cloned());
        Ok(())
    }

    fn remove_channels(&self, group: &str, channels: &[String]) -> Result<(), GroupsError> {
        self.called("groups.remove-channels");
        self.groups_work()?;
        if let Some(members) = self.groups.borrow_mut().get_mut(group) {
            members.retain(|member| !channels.contains(member));
        }
        Ok(())
    }

    fn list_channels(&self, group: &str) -> Result<Vec<String>, GroupsError> {
        self.called("groups.list-channels");
        self.groups_work()?;
        Ok(self.group(group))
    }

    fn kv_get(&self, key: &str) -> Result<Option<String>, KvError> {
        self.called("kv.get");
        self.kv_works()?;
        Ok(self.value(key))
    }

    fn kv_set(&self, key: &str, value: &str, minutes: Option<u32>) -> Result<(), KvError> {
        self.called("kv.set");
        self.kv_works()?;
        self.store(key, value, minutes);
        Ok(())
    }

    fn kv_swap(&self, key: &str, expected: Option<&str>, value: &str, minutes: Option<u32>) -> Result<bool, KvError> {
        self.called("kv.swap");
        self.kv_works()?;
        if let Some((key, value)) = self.rival.take() {
            self.store(&key, &value, None);
        }
        let swaps = self.value(key).as_deref() == expected;
        if swaps {
            self.store(key, value, minutes);
        }
        Ok(swaps)
    }

    fn kv_remove(&self, key: &str) -> Result<(), KvError> {
        self.called("kv.remove");
        self.kv_works()?;
        self.values.borrow_mut().remove(key);
        Ok(())
    }

    fn kv_keys(&self, after: Option<&str>) -> Result<Vec<String>, KvError> {
        self.called("kv.keys");
        self.kv_works()?;
        Ok(page(self.keys(), after))
    }

    fn kv_increment(&self, key: &str, by: i64) -> Result<i64, KvError> {
        self.called("kv.increment");
        self.kv_works()?;
        let mut counters = self.counters.borrow_mut();
        let counter = counters.entry(key.to_owned()).or_default();
        *counter += by;
        Ok(*counter)
    }

    fn kv_counter(&self, key: &str) -> Result<i64, KvError> {
        self.called("kv.counter");
        self.kv_works()?;
        Ok(self.counters.borrow().get(key).copied().unwrap_or_default())
    }

    fn kv_counter_keys(&self, after: Option<&str>) -> Result<Vec<String>, KvError> {
        self.called("kv.counter-keys");
        self.kv_works()?;
        Ok(page(self.counters.borrow().keys().cloned().collect(), after))
    }

    fn authenticate(&self, claim: &Claim) -> Result<Proven, IdentityError> {
        self.called("identity.authenticate");
        self.claims.borrow_mut().push(claim.clone());
        let answer = self.prove(claim);
        *self.proven.borrow_mut() = answer.clone().ok();
        answer
    }

    fn policy(&self, questions: &[PolicyQuestion]) -> Result<Vec<bool>, PolicyError> {
        self.called("policy.check");
        if questions.len() > MOST_QUESTIONS {
            return Err(PolicyError::Invalid(format!("one call asks at most {MOST_QUESTIONS} questions")));
        }
        self.asked.borrow_mut().push(questions.to_vec());
        let allows = |question| self.policy.is_some_and(|policy| policy(self, question));
        let answers = questions.iter().map(allows).collect();
        match self.unreadable.take() {
            None => Ok(answers),
            Some(KvError::Unavailable(cause)) => Err(PolicyError::Unavailable(cause)),
            Some(error @ (KvError::Invalid(_) | KvError::TooManyCalls)) => Err(PolicyError::Invalid(error.to_string())),
        }
    }

    fn config(&self, name: &str) -> Option<String> {
        self.config.get(name).cloned()
    }

    fn log(&self, level: Level, message: &str) {
        self.logged.borrow_mut().push((level, message.to_owned()));
    }

    fn now(&self) -> u64 {
        self.now.get()
    }

    fn random(&self, length: u32) -> Vec<u8> {
        // No two draws are alike, and all are known in advance.
        let draw = self.drawn.replace(self.drawn.get() + 1).to_be_bytes();
        draw.into_iter().rev().chain(0..=u8::MAX).cycle().zip(0..length).map(|(byte, _)| byte).collect()
    }
}

impl Host {
    fn called(&self, name: &'static str) {
        self.calls.borrow_mut().push(name);
    }

    fn lapse_now(&self) {
        let lapsed = self.lapsing.take();
        self.values.borrow_mut().retain(|key, _| !lapsed.contains(key));
    }

    fn store(&self, key: &str, text: &str, minutes: Option<u32>) {
        let minutes = minutes.unwrap_or(DEFAULT_TTL).clamp(1, MAX_TTL);
        let until = self.now.get() + u64::from(minutes) * 60_000;
        self.values.borrow_mut().insert(key.to_owned(), Value { text: text.to_owned(), until });
    }

    fn access_works(&self) -> Result<(), AccessError> {
        self.failing.borrow().access.clone().map_or(Ok(()), Err)
    }

    fn groups_work(&self) -> Result<(), GroupsError> {
        self.failing.borrow().groups.clone().map_or(Ok(()), Err)
    }

    fn kv_works(&self) -> Result<(), KvError> {
        self.failing.borrow().kv.clone().map_or(Ok(()), Err)
    }
}

fn page(keys: Vec<String>, after: Option<&str>) -> Vec<String> {
    keys.into_iter().filter(|key| after.is_none_or(|after| key.as_str() > after)).take(PAGE).collect()
}
