//! The server: sockets, HTTP, live deployments, storage, authentication and the admin API.
//!
//! The only crate that names axum and hyper, reqwest and the database. [`Server::start`] reads a [`Config`], opens everything
//! that can fail, binds its ports last and runs until it is told to stop.

mod access_manager;
mod admin;
mod authorize;
mod body;
mod client;
mod clock;
mod config;
mod data_plane;
mod decisions;
mod deepstream;
mod deployments;
mod document;
mod gateway;
mod identity;
mod kept;
mod keysets;
mod listener;
mod logging;
mod manifest;
mod metrics;
mod network_origin;
mod outbound;
mod remote;
mod reply;
mod route;
mod seconds;
mod serve;
mod store;
mod tls;
mod tokens;

pub use client::{AdminClient, CallError, FunctionFiles};
pub use clock::Clock;
pub use config::{ClientLimits, Config, DataFolder, Listen, Log, LogFormat, MasterKeySource, TlsFiles};
pub use document::{Free, Problem, Problems};
pub use identity::jwt::{Algorithm, MalformedKey, PublicKey, UnknownAlgorithm};
pub use identity::password::{Digest, HashError, MalformedPassword, Pbkdf2, Scheme, UnknownDigest, hash_with_argon2};
pub use keysets::DemoKeys;
pub use logging::start_logging;
pub use manifest::{
    Authenticator, ClaimNames, FileAuthenticator, FunctionName, HttpAuthenticator, JwtAuthenticator, KeySource,
    MalformedFunctionName, MalformedPolicyFile, Manifest, PolicyFile, RemoteKeys, Resilience, Retry, Serves, UserList,
    Users,
};
pub use outbound::{AllowedHost, ClientError, MalformedHost, OutboundClient};
pub use route::{MalformedPath, PathPattern};
pub use serve::{Addresses, Server, StartError};
pub use store::OpenError;
pub use store::secrets::{VaultError, create_master_key};
pub use tls::TlsError;
pub use tokens::describe_token;
