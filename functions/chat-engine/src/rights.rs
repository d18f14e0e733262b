//! PURE: what a channel's name says about who may do what with it.

/// What the holder of a uuid may do with a channel of its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Public chats, and the user's own channels.
    ReadWrite,
    /// Another user's feed.
    Read,
    /// Another user's direct chat.
    Write,
    /// A private chat: read and write for its members, nothing for anybody else.
    Members,
    /// Everything else.
    Nothing,
}

/// Judges a channel by its name. `namespace` and `uuid` contain no `#`, so that a name reads one way only.
pub(crate) fn rights(namespace: &str, uuid: &str, channel: &str) -> Rights {
    // 0.9 calls the global chat like the namespace; 0.10 leaves `global` alone where it contains the namespace.
    if channel == namespace || (channel == "global" && channel.contains(namespace)) {
        return Rights::ReadWrite;
    }
    let Some(kind) = channel.strip_prefix(namespace).and_then(|rest| rest.strip_prefix('#')) else {
        return Rights::Nothing;
    };
    if has_name(kind, "chat#public.#") {
        Rights::ReadWrite
    } else if has_name(kind, "chat#private.#") {
        Rights::Members
    } else if let Some((owner, part)) = kind.strip_prefix("user#").and_then(|user| user.split_once('#')) {
        of_user(owner == uuid, part)
    } else {
        Rights::Nothing
    }
}

fn of_user(is_self: bool, part: &str) -> Rights {
    match (is_self, has_name(part, "me.#"), has_name(part, "read.#"), has_name(part, "write.#")) {
        (true, true, _, _) | (true, _, true, _) | (true, _, _, true) => Rights::ReadWrite,
        (false, _, true, _) => Rights::Read,
        (false, _, _, true) => Rights::Write,
        (false, _, false, false) | (true, false, false, false) => Rights::Nothing,
    }
}

fn has_name(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Rights, rights};

    #[test]
    fn the_name_decides_the_rights() {
        let cases = [
            ("ns", Rights::ReadWrite),
            ("ns#chat#public.#global", Rights::ReadWrite),
            ("ns#chat#public.#The Watercooler", Rights::ReadWrite),
            ("ns#chat#private.#plans", Rights::Members),
            ("ns#user#alice#me.#sync", Rights::ReadWrite),
            ("ns#user#alice#read.#feed", Rights::ReadWrite),
            ("ns#user#alice#write.#direct", Rights::ReadWrite),
            ("ns#user#bob#me.#sync", Rights::Nothing),
            ("ns#user#bob#read.#feed", Rights::Read),
            ("ns#user#bob#write.#direct", Rights::Write),
            ("ns#user#alice#bob#me.#sync", Rights::Nothing),
            ("ns#user##me.#sync", Rights::Nothing),
            ("ns#user#alice#me.#", Rights::Nothing),
            ("ns#user#alice#me.", Rights::Nothing),
            ("ns#user:alice#read.#feed", Rights::Nothing),
            ("ns#chat#public.#", Rights::Nothing),
            ("ns#chat#public.", Rights::Nothing),
            ("ns#chat#publicity.#x", Rights::Nothing),
            ("ns#alice#custom", Rights::Nothing),
            ("nsx#chat#public.#x", Rights::Nothing),
            ("other#chat#public.#x", Rights::Nothing),
            ("global", Rights::Nothing),
            ("my-ns-room", Rights::Nothing),
            ("", Rights::Nothing),
        ];
        for (channel, expected) in cases {
            assert_eq!(rights("ns", "alice", channel), expected, "{channel}");
        }
    }

    #[test]
    fn a_namespace_within_the_word_global_has_the_bare_global_chat() {
        assert_eq!(rights("g", "alice", "global"), Rights::ReadWrite);
        assert_eq!(rights("g", "alice", "get-state"), Rights::Nothing);
    }
}
