//! Grants and revokes tokens of a live keyset whose grants are kept here; what is done is in force, and stored, when a function here returns.

mod shown;

use usher_access::{
    Cut, Epoch, FutureCut, InvalidToken, KeyNumber, MintedToken, Presented, ResourceName, Revocation, Revoked, Token,
    TokenGrant, TokenId, TooLarge, UnixSeconds,
};

pub use shown::describe_token;

use crate::keysets::LiveKeyset;
use crate::store::audit::Record;
use crate::store::keysets::Revocability;
use crate::store::tokens::IssuedToken;
use crate::store::{Batch, StoreError};

/// Why no token was granted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GrantError {
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error("there is no secret key {0} any more")]
    NoSuchKey(KeyNumber),
    #[error("secret key {0} ends before the token would; grant it under the primary one, or for a shorter time")]
    KeyEndsFirst(KeyNumber),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why nothing was revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevokeError {
    #[error("revoking tokens is switched off for this keyset; `usher keyset set --revocation on` switches it on")]
    Disabled,
    #[error("this is no token")]
    NotAToken,
    #[error("the token is not one of this keyset: {0}")]
    Invalid(InvalidToken),
    #[error("the token is expired")]
    Expired,
    #[error(transparent)]
    Future(#[from] FutureCut),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a shown token is worth by itself, whatever it is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    NotAToken,
    Invalid(InvalidToken),
    Expired { at: UnixSeconds },
    Revoked(Revoked),
}

/// Which secret key a token is granted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Under {
    /// This one and no other.
    Key(KeyNumber),
    /// This one, or the primary one if this one ends before the token would.
    KeyOrPrimary(KeyNumber),
}

/// A token that was granted, and under which key.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) minted: MintedToken,
    pub(crate) key: KeyNumber,
    epoch: Epoch,
}

/// Grants a token. It survives the process when this returns. Waits while a key's end is being set.
///
/// A record's subject is completed by the token's id.
pub(crate) fn grant(
    live: &LiveKeyset,
    asked: &TokenGrant,
    under: Under,
    (now, record): (UnixSeconds, Option<Record>),
) -> Result<Granted, GrantError> {
    let _granting = live.granting();
    grant_now(live, asked, under, (now, record))
}

/// As [`grant`], or nothing where that would wait.
pub(crate) fn grant_at_once(
    live: &LiveKeyset,
    asked: &TokenGrant,
    under: Under,
    now: UnixSeconds,
) -> Option<Result<Granted, GrantError>> {
    let _granting = live.granting_at_once()?;
    Some(grant_now(live, asked, under, (now, None)))
}

fn grant_now(
    live: &LiveKeyset,
    asked: &TokenGrant,
    under: Under,
    (now, record): (UnixSeconds, Option<Record>),
) -> Result<Granted, GrantError> {
    let (Under::Key(number) | Under::KeyOrPrimary(number)) = under;
    let mut granted = mint(live, asked, number, now)?;
    let until = live.key_until(number);
    if until < granted.minted.expires() {
        granted = match under {
            Under::Key(_) => return Err(GrantError::KeyEndsFirst(number)),
            Under::KeyOrPrimary(_) => mint(live, asked, live.record().keys.primary(), now)?,
        };
    }
    let &Granted { ref minted, key, epoch } = &granted;
    let (id, issued, expires) = (minted.id(), minted.issued(), minted.expires());
    let uuid = asked.asked().uuid.as_deref().map(str::to_owned);
    let record = record.map(|record| about(&record, id));
    live.issued.put(&IssuedToken { key, epoch, id, issued, expires, uuid }, record.as_ref())?;
    Ok(granted)
}

fn mint(live: &LiveKeyset, asked: &TokenGrant, number: KeyNumber, now: UnixSeconds) -> Result<Granted, GrantError> {
    if live.key_until(number).is_over(now) {
        return Err(GrantError::NoSuchKey(number));
    }
    let verifier = live.verifier();
    let key = verifier.keys().key(number).ok_or(GrantError::NoSuchKey(number))?;
    let epoch = verifier.keys().epoch();
    let mut issued = live.revocations.read().earliest_issue(asked.asked().uuid.as_deref(), now);
    let mut minted = asked.mint(key, epoch, issued)?;
    // The same grant in the same second is the same token, which may have been taken back.
    while live.revocations.read().names(minted.id()) {
        issued = UnixSeconds::new(issued.get().saturating_add(1));
        minted = asked.mint(key, epoch, issued)?;
    }
    live.note_issue(issued);
    Ok(Granted { minted, key: number, epoch })
}

/// The record of a change to one token.
fn about(record: &Record, id: TokenId) -> Record {
    Record { subject: format!("{} token {id}", record.subject), ..record.clone() }
}

/// Takes a token back, by its text. Waits for the disk. Once more is no mistake. A record's subject is completed by the token's id.
pub(crate) fn revoke_token(
    live: &LiveKeyset,
    text: &str,
    now: UnixSeconds,
    record: Option<&Record>,
) -> Result<TokenId, RevokeError> {
    let token = match (live.record().revocation, live.present(text, now)) {
        (Revocability::Off, _) => return Err(RevokeError::Disabled),
        (Revocability::On, Presented::NotAToken) => return Err(RevokeError::NotAToken),
        (Revocability::On, Presented::Invalid(invalid)) => return Err(RevokeError::Invalid(invalid)),
        (Revocability::On, Presented::Token(token)) => token,
    };
    if token.expires().is_over(now) {
        return Err(RevokeError::Expired);
    }
    if live.revocations.read().is_revoked(&token).is_none() {
        let revocation = Revocation::Token { id: token.id(), until: token.expires() };
        let mut batch = Batch::default();
        live.issued.forget((token.key(), token.expires(), token.id()), &mut batch);
        live.revocations.revoke(|_| revocation, (batch, record.map(|record| about(record, token.id())).as_ref()))?;
        live.note_change();
    }
    Ok(token.id())
}

/// Takes back every token that was granted to a user so far. Waits for the disk.
pub(crate) fn revoke_uuid(
    live: &LiveKeyset,
    uuid: &ResourceName,
    now: UnixSeconds,
    record: Option<&Record>,
) -> Result<(), RevokeError> {
    // A token granted anew after it was taken back says it was issued later than now.
    let last = live.last_issue().max(now);
    live.revocations.revoke(|revoked| revoked.of_uuid(uuid.as_str(), last), (Batch::default(), record))?;
    live.note_change();
    Ok(())
}

/// Takes back every token that was granted at `at` or before. Waits for the disk.
pub(crate) fn revoke_before(
    live: &LiveKeyset,
    at: UnixSeconds,
    now: UnixSeconds,
    record: Option<&Record>,
) -> Result<(), RevokeError> {
    let cut = Cut::new(at, now)?;
    live.revocations.revoke(|revoked| revoked.of_before(cut), (Batch::default(), record))?;
    live.note_change();
    Ok(())
}

/// Whether a text is a token that counts now.
pub(crate) fn examine(live: &LiveKeyset, text: &str, now: UnixSeconds) -> Standing {
    match live.present(text, now) {
        Presented::NotAToken => Standing::NotAToken,
        Presented::Invalid(invalid) => Standing::Invalid(invalid),
        Presented::Token(token) => standing(live, &token, now),
    }
}

fn standing(live: &LiveKeyset, token: &Token, now: UnixSeconds) -> Standing {
    if let Some(revoked) = live.revocations.read().is_revoked(token) {
        return Standing::Revoked(revoked);
    }
    match token.expires().instant().filter(|_| token.expires().is_over(now)) {
        Some(at) => Standing::Expired { at },
        None => Standing::Good,
    }
}

impl Standing {
    /// A stable word for programs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Good => "token.valid",
            Self::NotAToken => "token.malformed",
            Self::Invalid(InvalidToken::EpochOver) | Self::Revoked(_) => "token.revoked",
            Self::Invalid(_) => "token.invalid",
            Self::Expired { .. } => "token.expired",
        }
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Good => out.write_str("the token counts"),
            Self::NotAToken => out.write_str("this is no token"),
            Self::Invalid(invalid) => write!(out, "the token does not count: {invalid}"),
            Self::Expired { at } => write!(out, "the token expired at {at}"),
            Self::Revoked(revoked) => write!(out, "the token is revoked: {revoked}"),
        }
    }
}
