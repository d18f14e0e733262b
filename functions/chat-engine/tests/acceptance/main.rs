//! What the function answers, route by route, against the fake host.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail")]

mod answers_and_cors;
mod bed;
mod bodies;
mod connect;
mod dialects;
mod faults;
mod handshake;
mod hardening;
mod identity;
mod membership;
mod meta;
mod names;
mod policy;
mod quotas;
mod settings;
mod user_state;
mod validators;
