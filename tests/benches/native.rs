//! The chat-engine function compiled natively behind a bare hyper server: what the sandbox is measured against.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement that cannot be set up has to say so at once"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use usher_access::{Asked, Bindings, Ceiling, GrantTable, Permission, Permissions, Proposal, UnixSeconds};
use usher_policy::{Action, Fetched, Json, Payload, Policy, Question, Section, UnixMillis, User};
use usher_sdk as sdk;
use usher_server::Manifest;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The host's part of a connect, without store and sandbox: ceiling, policy, grant table and groups in memory.
struct Native {
    ceiling: Ceiling,
    policy: Policy,
    grants: RwLock<GrantTable>,
    groups: RwLock<BTreeMap<String, BTreeSet<String>>>,
}

/// One request's view of it.
struct View<'a> {
    native: &'a Native,
    proven: Mutex<Bindings>,
    user: Mutex<User>,
}

#[tokio::main]
async fn main() {
    let manifest = Manifest::parse("function.toml", include_str!("../../functions/chat-engine/function.toml"))
        .expect("a manifest");
    let policy = Policy::parse(include_str!("../../functions/chat-engine/policy.yaml")).expect("a policy");
    let (grants, groups) = (RwLock::default(), RwLock::default());
    let native = Arc::new(Native { ceiling: manifest.ceiling, policy, grants, groups });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    eprintln!("{}", listener.local_addr().expect("an address"));
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a socket option");
        let native = Arc::clone(&native);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&native, request));
            // A client that hangs up ends its connection, nothing else.
            let _: hyper::Result<()> =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    native: &Native,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == "/constant" {
        return Ok(hyper::Response::new(Full::new(Bytes::from_static(&[b'x'; 1024]))));
    }
    let query = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let request = sdk::Request {
        id: "native".into(),
        method: parts.method.as_str().to_owned(),
        path: "chat-engine-server".into(),
        query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: body.collect().await.expect("a body").to_bytes().into(),
        client_ip: "127.0.0.1".into(),
        subscribe_key: "sub-c-bench".into(),
    };
    let view = View { native, proven: Mutex::default(), user: Mutex::new(User::anonymous()) };
    let reply = chat_engine::handle(&request, &view).expect("an answer");
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(reply.body.into())).expect("valid headers"))
}

impl sdk::Host for View<'_> {
    fn grant(&self, proposals: &[sdk::Proposal]) -> Result<(), sdk::AccessError> {
        let bindings = self.proven.lock().unwrap();
        let now = UnixSeconds::new(self.now() / 1000);
        let approved: Vec<_> = proposals
            .iter()
            .map(|proposal| to_proposal(proposal).within(&self.native.ceiling, &bindings).unwrap())
            .collect();
        let mut table = self.native.grants.write().unwrap();
        for grant in approved.iter().flat_map(|approved| approved.grants(now)) {
            table.apply(&grant);
        }
        Ok(())
    }

    fn add_channels(&self, group: &str, channels: &[String]) -> Result<(), sdk::GroupsError> {
        let mut groups = self.native.groups.write().unwrap();
        groups.entry(group.to_owned()).or_default().extend(channels.iter().cloned());
        Ok(())
    }

    fn list_channels(&self, group: &str) -> Result<Vec<String>, sdk::GroupsError> {
        let groups = self.native.groups.read().unwrap();
        Ok(groups.get(group).map_or_else(Vec::new, |channels| channels.iter().cloned().collect()))
    }

    fn authenticate(&self, claim: &sdk::Claim) -> Result<sdk::Proven, sdk::IdentityError> {
        let bindings = Bindings::for_caller(claim.auth_key.parse().unwrap());
        *self.proven.lock().unwrap() = bindings.bind("uuid", [claim.uuid.clone()]).bind("namespace", ["demo"]);
        *self.user.lock().unwrap() = User::new(Json::Text(claim.uuid.clone().into()), Json::Null);
        Ok(sdk::Proven { id: claim.uuid.clone(), client_data: "null".into(), server_data: "null".into() })
    }

    fn policy(&self, questions: &[sdk::PolicyQuestion]) -> Result<Vec<bool>, sdk::PolicyError> {
        let (user, now) = (self.user.lock().unwrap(), UnixMillis(self.now()));
        let allows = |asked: &sdk::PolicyQuestion| {
            let section = if asked.section == sdk::Section::Group { Section::Group } else { Section::Channel };
            let action = Action::named(section, &asked.action).unwrap();
            let question = Question { action, name: &asked.name, payload: Payload::None, user: &user, now };
            self.native.policy.decide(&question, |_| Fetched::Nothing).is_allowed()
        };
        Ok(questions.iter().map(allows).collect())
    }

    fn config(&self, name: &str) -> Option<String> {
        (name == "namespaces").then(|| "[\"demo\"]".to_owned())
    }

    fn now(&self) -> u64 {
        u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
    }

    fn log(&self, _level: sdk::Level, _message: &str) {}

    fn reveal(&self, _secret: &str) -> Result<Vec<u8>, sdk::VaultError> {
        Err(sdk::VaultError::NotListed)
    }

    fn hmac_sha256(&self, _secret: &str, _message: &[u8]) -> Result<Vec<u8>, sdk::VaultError> {
        Err(sdk::VaultError::NotListed)
    }

    fn send(&self, _request: &sdk::OutboundRequest) -> Result<sdk::OutboundResponse, sdk::HttpError> {
        Err(sdk::HttpError::TooManyCalls)
    }

    fn revoke(&self, _targets: &[sdk::Target]) -> Result<(), sdk::AccessError> {
        Err(sdk::AccessError::TooManyCalls)
    }

    fn audit(&self, _target: &sdk::Target) -> Result<Vec<sdk::Entry>, sdk::AccessError> {
        Err(sdk::AccessError::TooManyCalls)
    }

    fn remove_channels(&self, _group: &str, _channels: &[String]) -> Result<(), sdk::GroupsError> {
        Err(sdk::GroupsError::TooManyCalls)
    }

    fn kv_get(&self, _key: &str) -> Result<Option<String>, sdk::KvError> {
        Err(sdk::KvError::TooManyCalls)
    }

    fn kv_set(&self, _key: &str, _value: &str, _minutes: Option<u32>) -> Result<(), sdk::KvError> {
        Err(sdk::KvError::TooManyCalls)
    }

    fn kv_swap(
        &self,
        _key: &str,
        _expected: Option<&str>,
        _value: &str,
        _minutes: Option<u32>,
    ) -> Result<bool, sdk::KvError> {
        Err(sdk::KvError::TooManyCalls)
    }

    fn kv_remove(&self, _key: &str) -> Result<(), sdk::KvError> {
        Err(sdk::KvError::TooManyCalls)
    }

    fn kv_keys(&self, _after: Option<&str>) -> Result<Vec<String>, sdk::KvError> {
        Err(sdk::KvError::TooManyCalls)
    }

    fn kv_increment(&self, _key: &str, _by: i64) -> Result<i64, sdk::KvError> {
        Err(sdk::KvError::TooManyCalls)
    }

    fn kv_counter(&self, _key: &str) -> Result<i64, sdk::KvError> {
        Err(sdk::KvError::TooManyCalls)
    }

    fn kv_counter_keys(&self, _after: Option<&str>) -> Result<Vec<String>, sdk::KvError> {
        Err(sdk::KvError::TooManyCalls)
    }

    fn random(&self, length: u32) -> Vec<u8> {
        vec![0; length as usize]
    }
}

fn to_proposal(proposal: &sdk::Proposal) -> Proposal {
    let sdk::Proposal { target, permissions, ttl } = proposal;
    let names = |list: &[String]| list.iter().map(|name| name.parse().unwrap()).collect();
    let bits = [(sdk::Permissions::READ, Permission::Read), (sdk::Permissions::WRITE, Permission::Write)];
    let set = bits.into_iter().filter(|(flag, _)| permissions.contains(*flag));
    let asked = Asked {
        channels: names(&target.channels),
        groups: names(&target.groups),
        uuids: names(&target.uuids),
        auth_keys: target.auth_keys.iter().map(|key| key.parse().unwrap()).collect(),
        permissions: set.fold(Permissions::NONE, |set, (_, permission)| set.union(permission.into())),
        ttl: u64::from(*ttl).try_into().unwrap(),
    };
    asked.try_into().unwrap()
}
