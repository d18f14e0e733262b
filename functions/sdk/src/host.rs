//! What the host lets a function do, as one seam: the sandbox's imports on wasm32, a fake in native tests.

use crate::{
    AccessError, Claim, Entry, GroupsError, HttpError, IdentityError, KvError, Level, OutboundRequest,
    OutboundResponse, PolicyError, PolicyQuestion, Proposal, Proven, Target, VaultError,
};

/// The host's capabilities. A function may use those that its manifest lists under `capabilities`; a component that
/// imports another one is refused at deploy. Only what a function calls is imported.
pub trait Host {
    /// The bytes of a secret that the manifest lists under `secrets`. Every call is logged.
    fn reveal(&self, secret: &str) -> Result<Vec<u8>, VaultError>;
    /// HMAC-SHA256 (32 bytes) of `message` under a secret, which stays outside the sandbox.
    fn hmac_sha256(&self, secret: &str, message: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// Calls a host that the manifest lists under `hosts`.
    fn send(&self, request: &OutboundRequest) -> Result<OutboundResponse, HttpError>;

    /// Grants all of the proposals or none; effective when it returns.
    fn grant(&self, proposals: &[Proposal]) -> Result<(), AccessError>;
    /// Takes back what was granted for exactly these targets.
    fn revoke(&self, targets: &[Target]) -> Result<(), AccessError>;
    /// The live entries for exactly this target.
    fn audit(&self, target: &Target) -> Result<Vec<Entry>, AccessError>;

    /// Adds channels to a channel group, which need not exist.
    fn add_channels(&self, group: &str, channels: &[String]) -> Result<(), GroupsError>;
    /// Removes channels from a channel group; those that are not in it are no error.
    fn remove_channels(&self, group: &str, channels: &[String]) -> Result<(), GroupsError>;
    /// The channels of a group.
    fn list_channels(&self, group: &str) -> Result<Vec<String>, GroupsError>;

    /// The value under a key of this deployment's prefix.
    fn kv_get(&self, key: &str) -> Result<Option<String>, KvError>;
    /// Sets a value for `minutes`, 1 day if `None`.
    fn kv_set(&self, key: &str, value: &str, minutes: Option<u32>) -> Result<(), KvError>;
    /// Sets a value if the present one is `expected`; says whether it did.
    fn kv_swap(&self, key: &str, expected: Option<&str>, value: &str, minutes: Option<u32>) -> Result<bool, KvError>;
    /// Removes a value; an absent one is no error.
    fn kv_remove(&self, key: &str) -> Result<(), KvError>;
    /// At most 100 keys, in order, after `after`.
    fn kv_keys(&self, after: Option<&str>) -> Result<Vec<String>, KvError>;
    /// Adds to a counter and returns its new value; an absent one is 0.
    fn kv_increment(&self, key: &str, by: i64) -> Result<i64, KvError>;
    /// The value of a counter; an absent one is 0.
    fn kv_counter(&self, key: &str) -> Result<i64, KvError>;
    /// At most 100 counters' keys, in order, after `after`.
    fn kv_counter_keys(&self, after: Option<&str>) -> Result<Vec<String>, KvError>;

    /// Asks the manifest's authenticators, and binds uuid and auth key for the rest of the invocation.
    fn authenticate(&self, claim: &Claim) -> Result<Proven, IdentityError>;

    /// Asks the deployment's policy about the identity that was proven, or somebody anonymous; in the order of the questions,
    /// of which there are at most 100. A name that ends in `.*` stands for all that begin so.
    ///
    /// ```
    /// use usher_sdk::{Host, PolicyError, PolicyQuestion, Section};
    ///
    /// fn may_read(channel: &str, host: &impl Host) -> Result<bool, PolicyError> {
    ///     let (action, name) = ("read".to_owned(), channel.to_owned());
    ///     let question = PolicyQuestion { section: Section::Channel, action, name, payload: None };
    ///     Ok(host.policy(&[question])? == [true])
    /// }
    /// ```
    fn policy(&self, questions: &[PolicyQuestion]) -> Result<Vec<bool>, PolicyError>;

    /// A value of the manifest's `[config]` table; a list comes as a JSON array of strings.
    fn config(&self, name: &str) -> Option<String>;
    /// A line for the operator's log, at most 1 KiB.
    fn log(&self, level: Level, message: &str);
    /// Milliseconds since 1970-01-01 UTC.
    fn now(&self) -> u64;
    /// At most 1,024 bytes of the operating system's randomness.
    fn random(&self, length: u32) -> Vec<u8>;

    /// A list of the manifest's `[config]` table; a single string is a list of one, an absent name is empty.
    fn config_list(&self, name: &str) -> Vec<String> {
        let Some(text) = self.config(name) else { return Vec::new() };
        serde_json::from_str(&text).unwrap_or_else(|_| vec![text])
    }
}
