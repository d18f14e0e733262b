//! Access Manager as pure values: who may do what until when, how far a function may grant, and who signed a request.
//!
//! The crate opens no file, socket, clock or environment variable. Time is an argument ([`UnixSeconds`]), read once
//! per request by the caller.
//!
//! * What is asked for is a [`Proposal`]; only [`Proposal::within`] (held against a [`Ceiling`]) or
//!   [`Approved::by_root`] turns it into something that can be granted.
//! * [`GrantTable`] is the memory index of one keyset; it answers a [`Question`] with a [`Finding`].
//! * A [`TokenGrant`] mints v3 tokens; a shown one is an [`UnverifiedToken`] until a [`Verifier`] makes it a [`Token`],
//!   and [`Revocations`] take tokens back. Its patterns and v2's wildcards never share a matcher.
//! * [`recognise`] reads a request as an [`Operation`] with all that it touches, an [`Intent`]; [`decide()`] says whether
//!   a client's credentials give it all that, and [`explain`] says why.
//! * [`legacy`] reads and answers the v2 admin calls.
//! * [`signature`] signs and verifies requests, [`wire`] writes the v2 calls for a remote Access Manager.
#![forbid(unsafe_code)]

mod approved;
mod ceiling;
mod decide;
mod grant;
mod key;
pub mod legacy;
mod operation;
mod pattern;
mod permissions;
mod proposal;
mod resource;
mod revocation;
pub mod signature;
mod table;
mod time;
mod token;
mod twin;
pub mod wire;

pub use approved::Approved;
pub use ceiling::{
    Allowance, BeyondCeiling, Bindings, Ceiling, Holders, MalformedTemplate, Named, Place, Rule, Template,
};
pub use decide::{
    About, Credentials, Denied, Explanation, Given, Giver, GlobalPresence, KeysetState, MetadataLists, Reason, Ruling,
    Shown, Switches, Verdict, decide, explain,
};
pub use grant::{Grant, Holder, MalformedRecord, Target};
pub use key::{AuthKey, MalformedKey, PublishKey, SubscribeKey};
pub use operation::{
    Intent, LoneComma, Misfit, NamePlace, Names, Need, Operation, Recognised, Refusal, Resource, Service, UnreadIntent,
    Unrecognised, Wants, recognise,
};
pub use permissions::{Permission, Permissions, UnknownPermission, UnknownPermissionBits};
pub use proposal::{Asked, MalformedProposal, Proposal};
pub use resource::{MalformedResourceName, ResourceKind, ResourceName};
pub use revocation::{Cut, FutureCut, MalformedRevocation, Revocation, Revocations, Revoked};
pub use table::{Basis, Denial, Filter, Finding, GrantTable, Held, Question, Subject};
pub use time::{Expiry, MalformedTtl, Ttl, UnixSeconds};
pub use token::{
    BitsByName, Categories, Epoch, GrantFault, InvalidToken, KeyNumber, MalformedTokenId, MintedToken, PermitKind,
    Permits, Presented, Token, TokenAsked, TokenBasis, TokenDetails, TokenGrant, TokenId, TokenKey, TokenKeys,
    TokenTtl, TokenTtlOutOfRange, TooLarge, UnreadableToken, UnverifiedToken, Verifier,
};
pub use twin::{InvalidTwin, MalformedTwinKey, TwinKey, TwinPublicKey};
