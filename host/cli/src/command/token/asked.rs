//! The options that say what a token allows, as the JSON body of a v3 grant.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use usher_access::Permission;

use crate::failure::{Exit, Failure};

/// What a token is to allow.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// Minutes until it expires, 1 to 43200.
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    ttl: u64,
    /// The only user who may use it; without one, anybody may.
    #[arg(long, value_name = "UUID")]
    uuid: Option<String>,
    /// Permissions on a channel; can be given several times, as all of these.
    #[arg(long = "channel", value_name = "NAME=PERMISSIONS")]
    channels: Vec<String>,
    /// Permissions on a channel group.
    #[arg(long = "group", value_name = "NAME=PERMISSIONS")]
    groups: Vec<String>,
    /// Permissions on a user's metadata.
    #[arg(long = "user", value_name = "UUID=PERMISSIONS")]
    users: Vec<String>,
    /// Permissions on every channel that a regular expression finds.
    #[arg(long = "channel-pattern", value_name = "REGEX=PERMISSIONS")]
    channel_patterns: Vec<String>,
    /// Permissions on every channel group that a regular expression finds.
    #[arg(long = "group-pattern", value_name = "REGEX=PERMISSIONS")]
    group_patterns: Vec<String>,
    /// Permissions on the metadata of every user that a regular expression finds.
    #[arg(long = "user-pattern", value_name = "REGEX=PERMISSIONS")]
    user_patterns: Vec<String>,
    /// Lists all metadata of channels or users, where the keyset does not leave that open.
    #[arg(long = "list", value_enum)]
    lists: Vec<Category>,
    /// A JSON object to carry along.
    #[arg(long, value_name = "JSON")]
    meta: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Category {
    Channels,
    Users,
}

impl Asked {
    pub(super) fn into_grant(self) -> Result<Value, Failure> {
        let Self { ttl, uuid, channels, groups, users, channel_patterns, group_patterns, user_patterns, lists, meta } =
            self;
        let mut permissions = json!({
            "resources": { "channels": permits(&channels)?, "groups": permits(&groups)?, "uuids": permits(&users)? },
            "patterns": {
                "channels": permits(&channel_patterns)?,
                "groups": permits(&group_patterns)?,
                "uuids": permits(&user_patterns)?,
            },
            "meta": meta.map_or_else(|| Ok(json!({})), |text| object(&text))?,
        });
        let listed = [("channels", Category::Channels), ("uuids", Category::Users)];
        let get = u64::from(Permission::Get.bit());
        let categories = listed.into_iter().filter(|(_, category)| lists.contains(category));
        let categories: Map<String, Value> = categories.map(|(name, _)| (name.to_owned(), get.into())).collect();
        if let Some(fields) = permissions.as_object_mut() {
            fields.extend(uuid.map(|uuid| ("uuid".to_owned(), uuid.into())));
            fields.extend((!categories.is_empty()).then(|| ("categories".to_owned(), categories.into())));
        }
        Ok(json!({ "ttl": ttl, "permissions": permissions }))
    }
}

/// Each `NAME=word,word`; a name may hold `=` itself, and what is said of it several times counts together.
fn permits(texts: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut permits: BTreeMap<&str, u8> = BTreeMap::new();
    for text in texts {
        let (name, words) = text.rsplit_once('=').ok_or_else(|| {
            Failure::new(Exit::Usage, format!("`{text}` lacks its permissions; write it as `NAME=read,write`"))
        })?;
        let mut bits = permits.get(name).copied().unwrap_or_default();
        for word in words.split(',').map(str::trim) {
            let permission: Permission = word.parse().map_err(|error| Failure::new(Exit::Usage, error))?;
            bits |= permission.bit();
        }
        permits.insert(name, bits);
    }
    Ok(permits.into_iter().map(|(name, bits)| (name.to_owned(), bits.into())).collect())
}

fn object(text: &str) -> Result<Value, Failure> {
    let object: Result<Map<String, Value>, _> = serde_json::from_str(text);
    object.map(Value::Object).map_err(|error| Failure::new(Exit::Usage, format!("--meta is no JSON object: {error}")))
}
