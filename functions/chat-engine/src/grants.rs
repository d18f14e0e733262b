//! The grants of one request, gathered and asked for in one call.

use usher_sdk::{Host, Permissions, Proposal, Target};

use crate::caller::Caller;
use crate::names;
use crate::policy::{Answers, Inquiry, Rights, Standing};
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

/// Asks about what every connected user has: the global chat, all public chats, and its own channels.
pub(crate) fn ask_bootstrap(caller: &Caller, inquiry: &mut Inquiry<'_>) {
    inquiry.channel(&caller.namespace().name);
    caller.wildcards().iter().for_each(|wildcard| inquiry.channel(wildcard));
}

/// Asks about reading the caller's three channel groups.
pub(crate) fn ask_groups(caller: &Caller, inquiry: &mut Inquiry<'_>) {
    Group::ALL.into_iter().for_each(|group| inquiry.group(&caller.group(group)));
}

impl Sheet {
    /// What every connected user has, as far as the policy allows it as a whole; the rest is granted by name when asked for.
    pub(crate) fn bootstrap(&mut self, caller: &Caller, answers: &Answers<'_>) {
        let namespace = &caller.namespace().name;
        let rights = answers.channel(namespace);
        self.place(namespace.clone(), rights);
        for wildcard in caller.wildcards() {
            self.place(wildcard.clone(), answers.channel(wildcard));
        }
        if rights.read {
            self.read.push(names::presence(namespace));
        }
    }

    /// Reading the caller's three channel groups and their presence. What is in them may be read thereby.
    pub(crate) fn groups(&mut self, caller: &Caller, answers: &Answers<'_>) {
        let groups = Group::ALL.map(|group| caller.group(group)).into_iter();
        for group in groups.filter(|group| answers.may_read_group(group)) {
            self.read_groups.push(names::presence(&group));
            self.read_groups.push(group);
        }
    }

    /// A channel, as far as the caller's standing goes. Presence is read only, and only by who may read the channel.
    /// What a wildcard of the bootstrap covers is granted by that wildcard: names cost a row each, and anybody makes them up.
    pub(crate) fn channel(&mut self, channel: &str, standing: &Standing) {
        if let Some(wildcard) = &standing.wildcard {
            return self.place(wildcard.clone(), standing.rights);
        }
        self.place(channel.to_owned(), standing.rights);
        if standing.rights.read {
            add(&mut self.read, names::presence(channel));
        }
    }

    fn place(&mut self, name: String, rights: Rights) {
        match rights {
            Rights { read: true, write: true } => add(&mut self.read_write, name),
            Rights { read: true, write: false } => add(&mut self.read, name),
            Rights { read: false, write: true } => add(&mut self.write, name),
            Rights { read: false, write: false } => {}
        }
    }

    /// The proposals: at most one for each set of permissions. Where there is nothing to grant, the policy refused.
    pub(crate) fn into_proposals(self, caller: &Caller, ttl: u32) -> Result<Vec<Proposal>, Refusal> {
        let rows = [
            (self.read_write, Vec::new(), Permissions::READ | Permissions::WRITE),
            (self.read, self.read_groups, Permissions::READ),
            (self.write, Vec::new(), Permissions::WRITE),
        ];
        let filled = rows.into_iter().filter(|(channels, groups, _)| !channels.is_empty() || !groups.is_empty());
        let proposals: Vec<_> = filled
            .map(|(channels, groups, permissions)| {
                let auth_keys = vec![caller.auth_key().to_owned()];
                let target = Target { channels, groups, uuids: Vec::new(), auth_keys };
                Proposal { target, permissions, ttl }
            })
            .collect();
        if proposals.is_empty() { Err(Refusal::Forbidden) } else { Ok(proposals) }
    }

    /// Asks for all of it, or nothing.
    pub(crate) fn grant(self, caller: &Caller, host: &impl Host) -> Result<(), Refusal> {
        Ok(host.grant(&self.into_proposals(caller, settings::ttl(host)?)?)?)
    }
}

/// Takes back what [`Sheet::channel`] gave the caller's auth key for these channels alone.
pub(crate) fn revoke(caller: &Caller, channels: &[String], host: &impl Host) -> Result<(), Refusal> {
    let target = Target {
        channels: channels.iter().flat_map(|channel| [channel.clone(), names::presence(channel)]).collect(),
        groups: Vec::new(),
        uuids: Vec::new(),
        auth_keys: vec![caller.auth_key().to_owned()],
    };
    Ok(host.revoke(&[target])?)
}

fn add(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}
