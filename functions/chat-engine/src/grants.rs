//! The grants of one request, gathered and asked for in one call.

use usher_sdk::{Host, Permissions, Proposal, Target};

use crate::caller::{Caller, Standing};
use crate::refusal::Refusal;
use crate::settings;
use crate::validate::Group;

/// Proposals for one caller's auth key. Names stay lists: caller's text is never joined into one.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    read_write: Vec<String>,
    read: Vec<String>,
    write: Vec<String>,
    read_groups: Vec<String>,
}

impl Sheet {
    /// What every connected user has: the global chat, all public chats, and its own channels.
    pub(crate) fn bootstrap(&mut self, caller: &Caller) {
        let namespace = &caller.namespace().name;
        self.read_write.push(namespace.clone());
        self.read_write.extend(wildcards(caller));
        self.read.push(format!("{namespace}-pnpres"));
    }

    /// Reading the caller's three channel groups and their presence. What is in them may be read thereby.
    pub(crate) fn groups(&mut self, caller: &Caller) {
        for group in Group::ALL.map(|group| caller.group(group)) {
            self.read_groups.push(format!("{group}-pnpres"));
            self.read_groups.push(group);
        }
    }

    /// A channel, as far as the caller's standing goes. Presence is read only, and only by who may read the channel.
    /// What a wildcard of the bootstrap covers is granted by that wildcard: names cost a row each, and anybody makes them up.
    pub(crate) fn channel(&mut self, caller: &Caller, channel: &str, standing: Standing) {
        match (standing, covering(caller, channel)) {
            (Standing::ReadWrite, Some(wildcard)) => add(&mut self.read_write, wildcard),
            (Standing::ReadWrite | Standing::Member, _) => {
                add(&mut self.read_write, channel.to_owned());
                add(&mut self.read, format!("{channel}-pnpres"));
            }
            (Standing::Read, _) => self.read.extend([channel.to_owned(), format!("{channel}-pnpres")]),
            (Standing::Write, _) => self.write.push(channel.to_owned()),
        }
    }

    /// The proposals: at most one for each set of permissions.
    pub(crate) fn into_proposals(self, caller: &Caller, ttl: u32) -> Vec<Proposal> {
        let rows = [
            (self.read_write, Vec::new(), Permissions::READ | Permissions::WRITE),
            (self.read, self.read_groups, Permissions::READ),
            (self.write, Vec::new(), Permissions::WRITE),
        ];
        let filled = rows.into_iter().filter(|(channels, groups, _)| !channels.is_empty() || !groups.is_empty());
        filled
            .map(|(channels, groups, permissions)| {
                let auth_keys = vec![caller.auth_key().to_owned()];
                let target = Target { channels, groups, uuids: Vec::new(), auth_keys };
                Proposal { target, permissions, ttl }
            })
            .collect()
    }

    /// Asks for all of it, or nothing.
    pub(crate) fn grant(self, caller: &Caller, host: &impl Host) -> Result<(), Refusal> {
        Ok(host.grant(&self.into_proposals(caller, settings::ttl(host)?))?)
    }
}

/// Takes back what [`Sheet::channel`] gave the caller's auth key for this channel alone.
pub(crate) fn revoke(caller: &Caller, channel: &str, host: &impl Host) -> Result<(), Refusal> {
    if covering(caller, channel).is_some() {
        return Ok(());
    }
    let target = Target {
        channels: vec![channel.to_owned(), format!("{channel}-pnpres")],
        groups: Vec::new(),
        uuids: Vec::new(),
        auth_keys: vec![caller.auth_key().to_owned()],
    };
    Ok(host.revoke(&[target])?)
}

/// All public chats, and the caller's own channels.
fn wildcards(caller: &Caller) -> [String; 4] {
    let (namespace, uuid) = (&caller.namespace().name, caller.uuid());
    let [me, read, write] = ["me", "read", "write"].map(|part| format!("{namespace}#user#{uuid}#{part}.*"));
    [format!("{namespace}#chat#public.*"), me, read, write]
}

/// The wildcard among them that covers a channel. `a.*` ends at a name's first dot: with one in the uuid, none does.
fn covering(caller: &Caller, channel: &str) -> Option<String> {
    let (head, _) = channel.split_once('.')?;
    wildcards(caller).into_iter().find(|wildcard| wildcard.strip_suffix(".*") == Some(head))
}

fn add(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}
