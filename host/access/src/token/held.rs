//! A verified token, and what it permits.

use std::fmt;

use super::patterns::HeldPatterns;
use super::{Epoch, KeyNumber, TokenDetails, TokenId, memory};
use crate::permissions::{Permission, Permissions};
use crate::resource::ResourceKind;
use crate::time::{Expiry, UnixSeconds};

/// A token that this keyset signed. It may be expired, revoked, or another user's: those depend on the request.
pub struct Token {
    id: TokenId,
    key: KeyNumber,
    epoch: Epoch,
    details: TokenDetails,
    patterns: HeldPatterns,
}

/// What in a token gives a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenBasis<'t> {
    /// An entry of the name itself.
    Exact {
        /// The name as it stands in the token; of a group it may have a colon in front.
        name: &'t str,
    },
    /// A pattern that is found in the name.
    Pattern {
        /// The pattern as written.
        source: &'t str,
    },
}

/// The spellings under which a name may stand in a token: a group's also has a colon in front.
pub(super) struct Spellings<'n> {
    name: &'n str,
    with_colon: Option<String>,
}

impl Token {
    pub(super) fn new(
        id: TokenId,
        details: TokenDetails,
        (key, epoch): (KeyNumber, Epoch),
        patterns: HeldPatterns,
    ) -> Self {
        Self { id, key, epoch, details, patterns }
    }

    /// Its name, fit for logs.
    pub const fn id(&self) -> TokenId {
        self.id
    }

    /// When it was issued.
    pub const fn issued(&self) -> UnixSeconds {
        self.details.issued
    }

    /// When it ends.
    pub const fn expires(&self) -> Expiry {
        self.details.expires()
    }

    /// The only user who may use it; `None` = any.
    pub fn uuid(&self) -> Option<&str> {
        self.details.uuid.as_deref()
    }

    /// Which secret key of the keyset it was granted under.
    pub const fn key(&self) -> KeyNumber {
        self.key
    }

    /// The epoch it was granted in, which is the current one.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Everything it says.
    pub const fn details(&self) -> &TokenDetails {
        &self.details
    }

    /// All that it permits on this name: by the name's own entry and every pattern found in it.
    ///
    /// A name is what it looks like, also where it asks for more than itself: a pattern that is found in the text
    /// `room.*` gives the subscription to all channels that begin with `room.`, as `^room\.[^.]$` does. Of a group the
    /// name with a colon in front is tried as well, so that `^[^a]`, found in `:admin`, gives the group `admin`.
    pub fn held(&self, kind: ResourceKind, name: &str) -> Permissions {
        let spellings = Spellings::of(kind, name);
        let found = self.patterns.of_kind(kind).iter().filter(|pattern| pattern.is_found(&spellings));
        permissions(found.fold(self.own(kind, &spellings), |all, pattern| all | pattern.bits))
    }

    /// What in it gives this one permission on this name. No pattern is searched for more than once.
    ///
    /// # Errors
    /// What it permits instead, if nothing in it gives that permission.
    pub fn allows(
        &self,
        kind: ResourceKind,
        name: &str,
        permission: Permission,
    ) -> Result<TokenBasis<'_>, Permissions> {
        let spellings = Spellings::of(kind, name);
        let gives = |bits: u8| bits & permission.bit() != 0;
        let exact = self.details.resources.of(kind.into());
        let mut own = spellings.iter().filter_map(|name| exact.get_key_value(name));
        if let Some((name, _)) = own.find(|&(_, &bits)| gives(bits)) {
            return Ok(TokenBasis::Exact { name });
        }
        let patterns = self.patterns.of_kind(kind);
        let mut giving = patterns.iter().filter(|pattern| gives(pattern.bits));
        if let Some(pattern) = giving.find(|pattern| pattern.is_found(&spellings)) {
            return Ok(TokenBasis::Pattern { source: &pattern.source });
        }
        let others = patterns.iter().filter(|pattern| !gives(pattern.bits) && pattern.is_found(&spellings));
        Err(permissions(others.fold(self.own(kind, &spellings), |all, pattern| all | pattern.bits)))
    }

    /// Whether it permits to list the metadata of all channels, or of all uuids. There is no such list of groups.
    pub const fn lists(&self, kind: ResourceKind) -> bool {
        let categories = self.details.categories;
        let bits = match kind {
            ResourceKind::Channel => categories.channels,
            ResourceKind::Uuid => categories.uuids,
            ResourceKind::Group => 0,
        };
        bits & Permission::Get.bit() != 0
    }

    /// About how many bytes it takes, with its compiled patterns.
    pub(super) fn memory(&self) -> usize {
        memory::of_details(&self.details) + self.patterns.memory()
    }

    /// The bits of the name's own entries.
    fn own(&self, kind: ResourceKind, spellings: &Spellings<'_>) -> u8 {
        let exact = self.details.resources.of(kind.into());
        spellings.iter().filter_map(|name| exact.get(name)).fold(0, |all, bits| all | bits)
    }
}

impl<'n> Spellings<'n> {
    fn of(kind: ResourceKind, name: &'n str) -> Self {
        let with_colon = match kind {
            ResourceKind::Group => Some(format!(":{name}")),
            ResourceKind::Channel | ResourceKind::Uuid => None,
        };
        Self { name, with_colon }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        [Some(self.name), self.with_colon.as_deref()].into_iter().flatten()
    }
}

/// Bits without a meaning give nothing.
fn permissions(bits: u8) -> Permissions {
    Permissions::try_from(bits & Permissions::ALL.bits()).unwrap_or_default()
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.id)
    }
}

impl fmt::Display for TokenBasis<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact { name } => write!(f, "the token's entry `{name}`"),
            Self::Pattern { source } => write!(f, "the token's pattern `{source}`"),
        }
    }
}
