//! The tenant a request speaks of, in either generation's dialect.

use usher_sdk::Host;

use crate::fields::{Field, Fields};
use crate::names::{self, Kind};
use crate::refusal::Refusal;

/// Characters, which are bytes here.
const LONGEST: usize = 48;
/// A refusal repeats at most this many characters of what it refuses.
const LONGEST_ECHO: usize = 256;

/// How a generation of clients names the tenant, and how it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// 0.8 and 0.9: the field `global`, a refusal is 401. The global chat is the bare channel.
    Global,
    /// 0.10: the field `namespace`, a refusal is 400.
    Namespace,
}

/// A configured tenant's name: 1 to 48 of `A–Z a–z 0–9 - _`, hence without the delimiters of channel and grant names.
#[derive(Debug, Clone)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    pub(crate) dialect: Dialect,
}

impl Namespace {
    /// The namespace that the fields name, if `config.namespaces` has it.
    pub(crate) fn of(fields: &Fields<'_>, host: &impl Host) -> Result<Self, Refusal> {
        let (dialect, value) = match (fields.value("namespace"), fields.value("global")) {
            (Field::Undefined, global) => (Dialect::Global, global),
            (namespace, global) if global == Field::Undefined || global == namespace => (Dialect::Namespace, namespace),
            (namespace, _) => return Err(refusal(Dialect::Namespace, &namespace)),
        };
        match value.text().filter(|name| is_wellformed(name) && is_configured(name, host)) {
            Some(name) => Ok(Self { name: name.to_owned(), dialect }),
            None => Err(refusal(dialect, &value)),
        }
    }

    /// The channel of the global chat, as this generation of clients builds it.
    pub(crate) fn global_chat(&self) -> String {
        match self.dialect {
            Dialect::Global => self.name.clone(),
            // The client leaves a name alone that already contains the namespace.
            Dialect::Namespace if "global".contains(&self.name) => "global".to_owned(),
            Dialect::Namespace => [&self.name, "#chat#public.#global"].concat(),
        }
    }
}

fn is_wellformed(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        // Its bare channel would be the presence feed of another tenant's.
        && !name.ends_with("-pnpres")
}

/// The configured tenant in which a channel is one that clients open.
pub(crate) fn holding(channel: &str, host: &impl Host) -> Option<String> {
    let configured = host.config_list("namespaces").into_iter().filter(|name| is_wellformed(name));
    configured.into_iter().find(|name| names::kind(name, channel).is_some_and(|kind| kind != Kind::Other))
}

fn is_configured(name: &str, host: &impl Host) -> bool {
    host.config_list("namespaces").iter().any(|configured| configured == name)
}

fn refusal(dialect: Dialect, value: &Field<'_>) -> Refusal {
    match dialect {
        Dialect::Global => Refusal::Invalid("Bad global channel"),
        Dialect::Namespace => {
            let name = value.text().unwrap_or("undefined");
            Refusal::IllegalNamespace(name.chars().take(LONGEST_ECHO).collect())
        }
    }
}
