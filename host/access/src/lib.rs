//! Access Manager as pure values: who may do what until when, how far a function may grant, and who signed a request.
//!
//! The crate opens no file, socket, clock or environment variable. Time is an argument ([`UnixSeconds`]), read once
//! per request by the caller.
//!
//! * What is asked for is a [`Proposal`]; only [`Proposal::within`] (held against a [`Ceiling`]) or
//!   [`Approved::by_root`] turns it into something that can be granted.
//! * [`GrantTable`] is the memory index of one keyset; it answers a [`Question`] with a [`Verdict`].
//! * [`signature`] signs and verifies requests, [`wire`] writes the v2 calls for a remote Access Manager.
#![forbid(unsafe_code)]

mod approved;
mod ceiling;
mod grant;
mod key;
mod permissions;
mod proposal;
mod resource;
pub mod signature;
mod table;
mod time;
pub mod wire;

pub use approved::Approved;
pub use ceiling::{
    Allowance, BeyondCeiling, Bindings, Ceiling, Holders, MalformedTemplate, Named, Place, Rule, Template,
};
pub use grant::{Grant, Holder, MalformedRecord, Target};
pub use key::{AuthKey, MalformedKey, PublishKey, SubscribeKey};
pub use permissions::{Permission, Permissions, UnknownPermission, UnknownPermissionBits};
pub use proposal::{Asked, MalformedProposal, Proposal};
pub use resource::{MalformedResourceName, ResourceKind, ResourceName};
pub use table::{Applied, Basis, Denial, Filter, GrantTable, Question, Subject, Verdict};
pub use time::{Expiry, MalformedTtl, Ttl, UnixSeconds};
