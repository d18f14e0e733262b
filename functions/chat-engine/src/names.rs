//! PURE: what a channel's name says by itself: whose tenant's it is and what kind of chat. What may be done with it is the
//! policy's to say.

/// What clients use a channel for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The chat that everybody of the tenant is in.
    Global,
    Public,
    /// A chat of its members; see [`crate::membership`].
    Private,
    /// A user's session, feed or direct chat.
    User,
    /// Nothing that the clients open by themselves.
    Other,
}

/// The kind of a channel of a tenant; `None` if it is not the tenant's, or ends where a chat's own name has to be.
/// `namespace` contains no `#`, so that a name reads one way only.
pub(crate) fn kind(namespace: &str, channel: &str) -> Option<Kind> {
    // 0.9 calls the global chat like the namespace; 0.10 leaves `global` alone where it contains the namespace.
    if channel == namespace || (channel == "global" && channel.contains(namespace)) {
        return Some(Kind::Global);
    }
    let rest = channel.strip_prefix(namespace).and_then(|rest| rest.strip_prefix('#'))?;
    if rest.is_empty() || rest.ends_with('.') || rest.ends_with(".#") {
        return None;
    }
    let kinds = [("chat#public.#", Kind::Public), ("chat#private.#", Kind::Private), ("user#", Kind::User)];
    Some(kinds.into_iter().find(|(start, _)| rest.starts_with(start)).map_or(Kind::Other, |(_, kind)| kind))
}

/// All public chats of a tenant, and a user's own channels: what is granted at once as far as the policy allows all of it.
pub(crate) fn wildcards(namespace: &str, uuid: &str) -> [String; 4] {
    let [me, read, write] = ["me.*", "read.*", "write.*"].map(|rest| of_user(namespace, uuid, rest));
    [[namespace, "#chat#public.*"].concat(), me, read, write]
}

/// A channel of a user, by what its name ends in.
pub(crate) fn of_user(namespace: &str, uuid: &str, rest: &str) -> String {
    // A connect makes two dozen names, and `format!` costs it several times as much.
    [namespace, "#user#", uuid, "#", rest].concat()
}

/// The channel or group that tells who is in another.
pub(crate) fn presence(of: &str) -> String {
    [of, "-pnpres"].concat()
}

/// Whether a wildcard stands for a channel. `a.*` ends at a name's first dot: with one in the uuid, none does.
pub(crate) fn covers(wildcard: &str, channel: &str) -> bool {
    channel.split_once('.').is_some_and(|(head, _)| wildcard.strip_suffix(".*") == Some(head))
}

#[cfg(test)]
mod tests {
    use super::{Kind, covers, kind, wildcards};

    #[test]
    fn the_name_says_the_kind() {
        let cases = [
            ("ns", Some(Kind::Global)),
            ("ns#chat#public.#The Watercooler", Some(Kind::Public)),
            ("ns#chat#private.#plans", Some(Kind::Private)),
            ("ns#user#alice#me.#sync", Some(Kind::User)),
            ("ns#alice#custom", Some(Kind::Other)),
            ("ns#chat#publicity.#x", Some(Kind::Other)),
            ("ns#user:alice#read.#feed", Some(Kind::Other)),
            ("ns#chat#public.#", None),
            ("ns#chat#private.#", None),
            ("ns#chat#public.", None),
            ("ns#user#alice#me.#", None),
            ("ns#user#alice#me.", None),
            ("ns#", None),
            ("nsx#chat#public.#x", None),
            ("other#chat#public.#x", None),
            ("global", None),
            ("my-ns-room", None),
            ("", None),
        ];
        for (channel, expected) in cases {
            assert_eq!(kind("ns", channel), expected, "{channel}");
        }
    }

    #[test]
    fn a_namespace_within_the_word_global_has_the_bare_global_chat() {
        assert_eq!(kind("g", "global"), Some(Kind::Global));
        assert_eq!(kind("g", "get-state"), None);
    }

    #[test]
    fn a_wildcard_ends_at_the_first_dot() {
        let covered =
            |uuid: &str, channel: &str| wildcards("ns", uuid).iter().any(|wildcard| covers(wildcard, channel));
        assert!(covered("al", "ns#chat#public.#a.b") && covered("al", "ns#user#al#me.#sync"));
        assert!(!covered("al", "ns#user#bob#me.#sync") && !covered("a.l", "ns#user#a.l#me.#sync"));
    }
}
