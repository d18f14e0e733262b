//! What a Usher function in Rust is written against: requests, answers, and the host's capabilities.
//!
//! A function is `fn(&Request, &impl Host) -> Result<Response, Error>`, exported with [`function!`]:
//!
//! ```
//! use usher_sdk::{Error, Host, Request, Response};
//!
//! fn handle(request: &Request, host: &impl Host) -> Result<Response, Error> {
//!     let greeting = host.config("greeting").unwrap_or_else(|| "hello".to_owned());
//!     let uuid = request.query("uuid")?.unwrap_or("stranger");
//!     Ok(Response::text(200, format!("{greeting}, {uuid}")))
//! }
//!
//! usher_sdk::function!(handle);
//! ```
//!
//! On wasm32 the host is the one that runs the component; in native tests it is [`fake::Host`].

#[cfg(all(target_arch = "wasm32", feature = "arena"))]
mod arena;
#[doc(hidden)]
pub mod bindings;
mod error;
#[cfg(not(target_arch = "wasm32"))]
pub mod fake;
mod host;
pub mod json;
mod request;
mod response;
#[cfg(target_arch = "wasm32")]
mod sandbox;

pub use bindings::usher::function::access::{AccessError, Entry, Permissions, Proposal, Target};
pub use bindings::usher::function::groups::GroupsError;
pub use bindings::usher::function::http::{HttpError, OutboundRequest, OutboundResponse};
pub use bindings::usher::function::identity::{Claim, IdentityError, Proven};
pub use bindings::usher::function::kv::KvError;
pub use bindings::usher::function::log::Level;
pub use bindings::usher::function::policy::{PolicyError, Question as PolicyQuestion, Section};
pub use bindings::usher::function::types::{Request, Response};
pub use bindings::usher::function::vault::VaultError;
pub use error::Error;
pub use host::Host;
pub use request::DuplicateParameter;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use sandbox::Sandbox;

/// Exports `handle` as the component's only export. One call per crate, a `cdylib`; natively it only checks the signature.
#[macro_export]
macro_rules! function {
    ($handle:path) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn(&$crate::Request, &$crate::fake::Host) -> Result<$crate::Response, $crate::Error> = $handle;

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Function;

            impl $crate::bindings::Guest for Function {
                fn handle(request: $crate::Request) -> Result<$crate::Response, String> {
                    $handle(&request, &$crate::Sandbox).map_err(String::from)
                }
            }

    $crate::bindings::export!(Function with_types_in $crate::bindings);
        };
    };
}
