//! Makes sure that the default function was built before the binary embeds it.

use std::path::Path;

fn main() {
    let component = "../../functions/chat-engine/chat_engine.wasm";
    println!("cargo::rerun-if-changed={component}");
    println!("cargo::rerun-if-changed=../../functions/chat-engine/function.toml");
    if !Path::new(component).exists() {
        println!("cargo::error=functions/chat-engine/chat_engine.wasm is not built yet; run `make guests` first");
    }
}
