//! Identities that were proven lately, for while their validator is down: never strangers, never after a no.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use moka::ops::compute::Op;
use usher_runtime::capability::identity::Identity;

use super::question::Fingerprint;
use crate::clock::Clock;

/// Bytes of identities kept.
const MOST_BYTES: u64 = 16 << 20;
/// Questions remembered for one pair of user and auth key; the oldest goes first.
const MOST_QUESTIONS: usize = 8;

/// What a validator has proven.
#[derive(Debug)]
pub(super) struct Grace {
    lasts: Duration,
    clock: Clock,
    /// By credential, so that one no forgets whatever was proven with it.
    proven: Cache<[u8; 32], Arc<Vec<Proof>>>,
}

#[derive(Debug, Clone)]
struct Proof {
    question: [u8; 32],
    identity: Arc<Identity>,
    at: u64,
}

impl Grace {
    pub(super) fn new(lasts: Duration, clock: Clock) -> Self {
        let builder = Cache::builder().max_capacity(MOST_BYTES).weigher(|_, proofs: &Arc<Vec<Proof>>| {
            let sizes = proofs.iter().map(|proof| super::remembered::size(&proof.identity) + 100);
            u32::try_from(sizes.sum::<usize>() + 100).unwrap_or(u32::MAX)
        });
        Self { lasts, clock, proven: builder.time_to_live(lasts).build() }
    }

    /// The validator has just said who this is.
    pub(super) async fn proven(&self, asked: &Fingerprint, identity: &Arc<Identity>) {
        let proof = Proof { question: asked.question, identity: Arc::clone(identity), at: self.clock.millis() };
        let with_others = |known: Option<moka::Entry<_, Arc<Vec<Proof>>>>| {
            let known = known.map(moka::Entry::into_value);
            std::future::ready(Arc::new(newest(known.as_deref().map_or(&[], Vec::as_slice), proof)))
        };
        self.proven.entry(asked.credential).and_upsert_with(with_others).await;
    }

    /// The validator has just said no.
    pub(super) async fn refused(&self, asked: &Fingerprint) {
        // In turn with `proven`, unlike `invalidate`: a yes that comes at once must not bring back what it read before.
        let forget = |_known| std::future::ready(Op::Remove);
        let _ = self.proven.entry(asked.credential).and_compute_with(forget).await;
    }

    /// Who was proven by exactly this, lately.
    pub(super) async fn believed(&self, asked: &Fingerprint) -> Option<Arc<Identity>> {
        let proofs = self.proven.get(&asked.credential).await?;
        let proof = proofs.iter().find(|proof| proof.question == asked.question)?;
        let age = self.clock.millis().checked_sub(proof.at)?;
        (u128::from(age) < self.lasts.as_millis()).then(|| Arc::clone(&proof.identity))
    }
}

/// A proof after the others of the same credential, of which the oldest go.
fn newest(known: &[Proof], proof: Proof) -> Vec<Proof> {
    let mut proofs: Vec<Proof> = known.iter().filter(|other| other.question != proof.question).cloned().collect();
    proofs.drain(..proofs.len().saturating_sub(MOST_QUESTIONS - 1));
    proofs.push(proof);
    proofs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(number: u8) -> Fingerprint {
        Fingerprint { credential: [0; 32], question: [number; 32] }
    }

    fn grace() -> (Arc<Grace>, Arc<Identity>) {
        let grace = Grace::new(Duration::from_mins(5), Clock::controlled(|| 0));
        let identity = Identity { id: "chris".into(), client_data: String::new(), server_data: String::new() };
        (Arc::new(grace), Arc::new(identity))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_proven_at_once_with_one_credential_is_all_remembered() {
        let (grace, identity) = grace();
        for _ in 0..100 {
            let proving = (0..8).map(|number| {
                let (grace, identity) = (Arc::clone(&grace), Arc::clone(&identity));
                tokio::spawn(async move { grace.proven(&asked(number), &identity).await })
            });
            for proven in proving.collect::<Vec<_>>() {
                proven.await.unwrap();
            }
            for number in 0..8 {
                assert!(grace.believed(&asked(number)).await.is_some());
            }
            grace.refused(&asked(0)).await;
            assert!(grace.believed(&asked(1)).await.is_none());
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_yes_that_comes_with_a_no_brings_nothing_back() {
        let (grace, identity) = grace();
        for _ in 0..2_000 {
            grace.proven(&asked(0), &identity).await;
            let (proving, refusing) = (Arc::clone(&grace), Arc::clone(&grace));
            let other = Arc::clone(&identity);
            let proven = tokio::spawn(async move { proving.proven(&asked(1), &other).await });
            let refused = tokio::spawn(async move { refusing.refused(&asked(2)).await });
            proven.await.unwrap();
            refused.await.unwrap();
            assert!(grace.believed(&asked(0)).await.is_none());
        }
    }
}
