//! What the host lets a function do, one file per capability: what is promised, and what is refused.

mod access;
mod access_holders;
mod clock;
mod config;
mod groups;
mod http;
mod http_limits;
mod identity;
mod identity_webhook;
mod kv;
mod log;
mod policy;
mod random;
mod vault;
