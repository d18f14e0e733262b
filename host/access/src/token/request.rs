//! The v3 grant request: from its JSON to the parts of a token, with the service's words for every fault.

use serde_json::{Map, Value};

use super::{Categories, DEEPEST_META, PermitKind, Permits, TokenAsked, TokenGrant, TokenTtl};
use crate::pattern::{self, COMPILED_TOGETHER, PatternFault, compile};
use crate::resource::ResourceName;

/// Why a grant is refused, as a v3 answer tells it: status 400, source `grant`, location type `body`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{title}: {detail} ({location})")]
pub struct GrantFault {
    /// The `message` of the error, such as `Invalid ttl`.
    pub title: &'static str,
    /// The `message` of its only detail.
    pub detail: String,
    /// Where in the body, such as `permissions.resources.uuids.u-1`.
    pub location: String,
}

/// What names of a grant are.
#[derive(Clone, Copy)]
enum Section {
    Resources,
    Patterns,
}

/// Most characters of a name that an error repeats.
const SHOWN: usize = pattern::LONGEST;

impl GrantFault {
    fn permissions(location: String, rule: &str) -> Self {
        Self { title: "Invalid permissions", detail: format!("Unexpected value: `{location}` {rule}."), location }
    }
}

impl Section {
    const fn word(self) -> &'static str {
        match self {
            Self::Resources => "resources",
            Self::Patterns => "patterns",
        }
    }

    fn location(self, kind: PermitKind, name: &str) -> String {
        let name: String = name.chars().take(SHOWN).collect();
        format!("permissions.{}.{}.{name}", self.word(), kind.word())
    }
}

/// Reads the JSON into parts; what they hold is for [`check`].
pub(super) fn read(body: &[u8]) -> Result<TokenAsked, GrantFault> {
    let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
        return Err(GrantFault {
            title: "Could Not Parse Request",
            detail: "Body is not a JSON object.".into(),
            location: "body".into(),
        });
    };
    let ttl = body.get("ttl").and_then(Value::as_u64).unwrap_or_default();
    let ttl = TokenTtl::try_from(ttl).map_err(|_| GrantFault {
        title: "Invalid ttl",
        detail: "Range should be 1 to 43200 minute(s).".into(),
        location: "ttl".into(),
    })?;
    no_stray_user(&body, "", &["uuid", "authorized_uuid", "authorizedUuid"])?;
    let asked = TokenAsked::new(ttl);
    let Some(permissions) = object(&body, "permissions", "permissions")? else { return Ok(asked) };
    no_stray_user(permissions, "permissions.", &["authorized_uuid", "authorizedUuid"])?;
    Ok(TokenAsked {
        ttl,
        resources: permits(permissions, Section::Resources)?,
        patterns: permits(permissions, Section::Patterns)?,
        categories: categories(permissions)?,
        meta: object(permissions, "meta", "permissions.meta")?.cloned().unwrap_or_default(),
        uuid: uuid(permissions)?,
    })
}

/// A user who stands where nothing reads it: the token would be for anybody.
fn no_stray_user(parent: &Map<String, Value>, path: &str, names: &[&str]) -> Result<(), GrantFault> {
    match names.iter().find(|name| parent.get(**name).is_some_and(|value| !value.is_null())) {
        None => Ok(()),
        Some(name) => Err(GrantFault::permissions(format!("{path}{name}"), "belongs in `permissions.uuid`")),
    }
}

/// A member that is an object; absent and `null` are the same.
fn object<'a>(
    parent: &'a Map<String, Value>,
    name: &str,
    location: &str,
) -> Result<Option<&'a Map<String, Value>>, GrantFault> {
    match parent.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(GrantFault::permissions(location.into(), "must be an object"))
        }
    }
}

fn permits(permissions: &Map<String, Value>, section: Section) -> Result<Permits, GrantFault> {
    let mut permits = Permits::default();
    let path = format!("permissions.{}", section.word());
    let Some(kinds) = object(permissions, section.word(), &path)? else { return Ok(permits) };
    for kind in PermitKind::ALL {
        let Some(names) = object(kinds, kind.word(), &format!("{path}.{}", kind.word()))? else { continue };
        for (name, value) in names {
            let bits = bits(value, || section.location(kind, name))?;
            permits.of_mut(kind).insert(name.as_str().into(), bits);
        }
    }
    Ok(permits)
}

fn bits(value: &Value, location: impl FnOnce() -> String) -> Result<u8, GrantFault> {
    let rule = match (value.as_u64(), value.as_f64()) {
        (Some(bits), _) => match u8::try_from(bits) {
            Ok(bits) => return Ok(bits),
            Err(_) => "must not be more than 255",
        },
        (None, Some(negative)) if negative <= 0.0 => "must be positive and non-zero",
        (None, Some(_) | None) => "must be a whole number",
    };
    Err(GrantFault::permissions(location(), rule))
}

fn categories(permissions: &Map<String, Value>) -> Result<Categories, GrantFault> {
    let path = "permissions.categories";
    let Some(categories) = object(permissions, "categories", path)? else { return Ok(Categories::default()) };
    let category = |kind: PermitKind| match categories.get(kind.word()) {
        None | Some(Value::Null) => Ok(0),
        Some(value) => bits(value, || format!("{path}.{}", kind.word())),
    };
    Ok(Categories { channels: category(PermitKind::Channels)?, uuids: category(PermitKind::Uuids)? })
}

fn uuid(permissions: &Map<String, Value>) -> Result<Option<Box<str>>, GrantFault> {
    match permissions.get("uuid") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(uuid)) => Ok(Some(uuid.as_str().into())),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(GrantFault::permissions("permissions.uuid".into(), "must be a text"))
        }
    }
}

/// Whether a token may say this.
pub(super) fn check(asked: &TokenAsked) -> Result<(), GrantFault> {
    let TokenAsked { ttl: _, resources, patterns, categories, meta, uuid } = asked;
    if resources.is_empty() && patterns.is_empty() && categories.is_empty() {
        return Err(GrantFault {
            title: "This grant contains no permissions",
            detail: "What are you granting?".into(),
            location: "permissions".into(),
        });
    }
    if resources.len() + patterns.len() > TokenGrant::MOST_NAMES {
        let rule = format!("must not hold more than {} names and patterns", TokenGrant::MOST_NAMES);
        return Err(GrantFault::permissions("permissions".into(), &rule));
    }
    if patterns.len() > TokenGrant::MOST_PATTERNS {
        let rule = format!("must not hold more than {} patterns", TokenGrant::MOST_PATTERNS);
        return Err(GrantFault::permissions("permissions.patterns".into(), &rule));
    }
    check_each(resources, Section::Resources, check_name)?;
    let mut left = COMPILED_TOGETHER;
    check_each(patterns, Section::Patterns, |source, location| check_pattern(source, location, &mut left))?;
    if let Some(uuid) = uuid {
        check_name(uuid, &|| "permissions.uuid".into())?;
    }
    match meta.values().all(|value| nests_within(value, DEEPEST_META)) {
        true => Ok(()),
        false => {
            let rule = format!("must not nest deeper than {DEEPEST_META} levels");
            Err(GrantFault::permissions("permissions.meta".into(), &rule))
        }
    }
}

fn check_each(
    permits: &Permits,
    section: Section,
    mut check: impl FnMut(&str, &dyn Fn() -> String) -> Result<(), GrantFault>,
) -> Result<(), GrantFault> {
    for kind in PermitKind::ALL {
        for (name, &bits) in permits.of(kind) {
            let location = || section.location(kind, name);
            if bits == 0 {
                return Err(GrantFault::permissions(location(), "must be positive and non-zero"));
            }
            check(name, &location)?;
        }
    }
    Ok(())
}

fn check_name(name: &str, location: &dyn Fn() -> String) -> Result<(), GrantFault> {
    match name.parse::<ResourceName>() {
        Ok(_) => Ok(()),
        Err(_) => {
            let rule = format!("must be 1 to {} bytes without comma or control character", ResourceName::MAX_LEN);
            Err(GrantFault::permissions(location(), &rule))
        }
    }
}

/// Whether this is a pattern whose automaton fits in what is left for the grant.
fn check_pattern(source: &str, location: &dyn Fn() -> String, left: &mut usize) -> Result<(), GrantFault> {
    let fits = compile(source).and_then(|regex| left.checked_sub(regex.memory_usage()).ok_or(PatternFault::TooLarge));
    match fits {
        Ok(rest) => {
            *left = rest;
            Ok(())
        }
        Err(fault) => Err(GrantFault { title: "Invalid RegExp", detail: fault.detail(), location: location() }),
    }
}

fn nests_within(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return false };
    match value {
        Value::Array(items) => items.iter().all(|item| nests_within(item, below)),
        Value::Object(members) => members.values().all(|member| nests_within(member, below)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
