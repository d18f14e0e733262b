//! `usher dev`: a server with a demo keyset and the chat-engine function, for trying out and for other programs' tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use usher_server::{Addresses, AdminClient, Config, FunctionFiles, MasterKeySource};

use super::serve::{StopSignals, read_roots, start};
use crate::failure::Failure;
use crate::output::Output;
use crate::target::Target;

mod demo;

use demo::Demo;

/// The default function, as `make guests` built it from `functions/chat-engine`.
const COMPONENT: &[u8] = include_bytes!("../../../../functions/chat-engine/chat_engine.wasm");
const MANIFEST: &str = include_str!("../../../../functions/chat-engine/function.toml");
const POLICY: &str = include_str!("../../../../functions/chat-engine/policy.yaml");

#[derive(Debug, Args)]
#[command(
    after_help = "Everything is made at the first start and kept in the data folder (./usher-data unless --data names another): a master
key, a keyset with its keys, the deployed function. Every caller is believed, so keep it to your own machine.

Examples:
  usher dev
  usher dev --port 9000 --data /tmp/try
  usher dev --json --port 0      one line of JSON once it is ready, for programs"
)]
pub(crate) struct Arguments {
    /// The port for clients; admin API, metrics and decisions take the next three. 0 finds free ports for all.
    #[arg(long, value_parser = clap::value_parser!(u16).range(..=65532))]
    port: Option<u16>,
    /// PEM certificates that outbound calls trust besides the system's; can be given several times.
    #[arg(long, value_name = "FILE")]
    root_certificate: Vec<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments, target: &Target, output: Output) -> Result<(), Failure> {
    let config = configure(target.config()?, arguments.port);
    let data = config.data.path().clone();
    let told_to_stop = StopSignals::listen()?;
    let server = start(config, read_roots(&arguments.root_certificate)?).await?;
    let at = server.addresses();
    let prepared = prepare(&data, at).await;
    match prepared {
        Ok(demo) => announce(&demo, &data, (at, output)),
        Err(failure) => {
            server.stop().await;
            return Err(failure);
        }
    }
    told_to_stop.wait().await;
    server.stop().await;
    Ok(())
}

/// A master key is made if there is none, and the ports are those asked for.
fn configure(mut config: Config, port: Option<u16>) -> Config {
    if let MasterKeySource::File(file) = config.master_key {
        config.master_key = MasterKeySource::CreatedFile(file);
    }
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match port {
        None => {}
        Some(0) => {
            config.listen.data_plane = local(0);
            config.listen.admin = local(0);
            config.listen.metrics = local(0);
            config.listen.decisions = local(0);
        }
        Some(port) => {
            config.listen.data_plane = local(port);
            config.listen.admin = local(port.saturating_add(1));
            config.listen.metrics = local(port.saturating_add(2));
            config.listen.decisions = local(port.saturating_add(3));
        }
    }
    config
}

/// Creates the demo keyset and deploys the default function, each unless it is there already.
async fn prepare(data: &Path, at: Addresses) -> Result<Demo, Failure> {
    let token = std::fs::read_to_string(data.join("admin.token")).map_err(Failure::failed)?;
    let client = AdminClient::new(&format!("http://{}", at.admin), &token)?;
    let demo = Demo::load_or_make(&data.join("demo.json"))?;
    let keysets = client.get("/v1/keysets", &[]).await?;
    let known = |keyset: &Value| keyset.get("subscribe_key").and_then(Value::as_str) == Some(&demo.subscribe_key);
    if !keysets.get("keysets").and_then(Value::as_array).is_some_and(|all| all.iter().any(known)) {
        let keys = json!({ "subscribe_key": demo.subscribe_key, "publish_key": demo.publish_key, "secret_key": demo.secret_key });
        client.post("/v1/keysets", &keys).await?;
    }
    let function = format!("/v1/keysets/{}/functions/chat-engine", demo.subscribe_key);
    let is_active = |version: &Value| version.get("active") == Some(&Value::Bool(true));
    let known = client.get(&function, &[]).await.ok();
    let versions = known.as_ref().and_then(|known| known.get("versions")?.as_array());
    if !versions.is_some_and(|versions| versions.iter().any(is_active)) {
        eprintln!("usher: deploying the chat-engine function (compiled once, then kept)");
        let (manifest, policy) = (MANIFEST.to_owned(), Some(POLICY.to_owned()));
        client.deploy(&demo.subscribe_key, &FunctionFiles { manifest, policy, component: COMPONENT.to_vec() }).await?;
    }
    let active = client.get(&format!("/v1/keysets/{}/functions", demo.subscribe_key), &[]).await?;
    for function in active.get("functions").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(name), Some(policy)) = (function.get("name"), function.get("policy").and_then(Value::as_str)) {
            eprintln!("usher: policy {policy} is in force for {}", name.as_str().unwrap_or_default());
        }
    }
    Ok(demo)
}

fn announce(demo: &Demo, data: &Path, (at, output): (Addresses, Output)) {
    let endpoint = format!("http://{}/v1/blocks/sub-key/{}/chat-engine-server", at.data_plane, demo.subscribe_key);
    let shown = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    let value = json!({
        "endpoint": endpoint,
        "origin": at.data_plane.to_string(),
        "admin": format!("http://{}", at.admin),
        "metrics": format!("http://{}", at.metrics),
        "decisions": format!("http://{}", at.decisions),
        "subscribe_key": demo.subscribe_key,
        "publish_key": demo.publish_key,
        "secret_key": demo.secret_key,
        "data": shown.display().to_string(),
        "pid": std::process::id(),
    });
    output.line(&value, &demo.welcome(&endpoint, at, &shown));
}
