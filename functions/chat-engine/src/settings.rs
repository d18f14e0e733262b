//! The numbers of the manifest's `[config]` table. One that cannot be read is a fault, never a default.

use usher_sdk::Host;

use crate::quota::Quota;
use crate::refusal::Refusal;

/// Minutes: a day. Clients renew by connecting or reauthorizing, and are not told when a grant ends.
const TTL: u32 = 1440;
/// Of each quota, what one user may take.
const MOST: u32 = 1000;
/// Channels in one channel group.
const GROUP_CHANNELS: u32 = 200;
/// Bytes of a channel group's name, its presence feed's suffix included.
const GROUP_NAME: u32 = 97;

/// Minutes that stored membership, meta and state live after their last renewal.
pub(crate) const YEAR: u32 = 525_600;

/// Minutes that a grant lasts; `config.ttl`. Never 0, which would be for ever.
pub(crate) fn ttl(host: &impl Host) -> Result<u32, Refusal> {
    match number(host, "ttl", TTL)? {
        0 => Err(Refusal::Fault { cause: "config `ttl` must be at least 1".to_owned() }),
        minutes => Ok(minutes),
    }
}

/// How much of a quota one user may take; `config.claims`, `config.invitations`, `config.records`. 0 is none.
pub(crate) fn most(quota: Quota, host: &impl Host) -> Result<u32, Refusal> {
    number(host, quota.name(), MOST)
}

/// The most channels of one channel group; `config.group_channels`.
pub(crate) fn group_channels(host: &impl Host) -> Result<usize, Refusal> {
    Ok(usize::try_from(number(host, "group_channels", GROUP_CHANNELS)?).unwrap_or(usize::MAX))
}

/// The longest name of a channel group, in bytes; `config.group_name`.
pub(crate) fn group_name(host: &impl Host) -> Result<usize, Refusal> {
    Ok(usize::try_from(number(host, "group_name", GROUP_NAME)?).unwrap_or(usize::MAX))
}

fn number(host: &impl Host, name: &str, default: u32) -> Result<u32, Refusal> {
    let Some(text) = host.config(name) else { return Ok(default) };
    let unreadable = || Refusal::Fault { cause: format!("config `{name}` is no number: `{text}`") };
    text.trim().parse().map_err(|_| unreadable())
}
