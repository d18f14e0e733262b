//! The contract `functions/wit`, as Rust; generated.
#![expect(clippy::too_many_arguments, reason = "a generated entry point takes the request's fields one by one")]

wit_bindgen::generate!({
    path: "../wit",
    world: "on-request",
    pub_export_macro: true,
    default_bindings_module: "usher_sdk::bindings",
    additional_derives: [PartialEq],
});
