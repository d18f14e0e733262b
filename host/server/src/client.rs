//! A client of the admin API, for the CLI and for tests; it can do nothing that the API does not offer.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// Compiling an upload takes seconds; nothing takes longer than this.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Speaks to one server's admin API.
#[derive(Clone)]
pub struct AdminClient {
    base: String,
    token: String,
    http: reqwest::Client,
}

/// Why a call had no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Nobody listens there.
    #[error("no Usher answers at {0}; is it running? `usher dev` or `usher serve` starts it")]
    Unreachable(String),
    /// It took too long.
    #[error("Usher at {0} did not answer in time")]
    TimedOut(String),
    /// The server said no, and why.
    #[error("{detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The stable code.
        code: String,
        /// What is wrong and what to do.
        detail: String,
    },
    /// What came back is no answer of an admin API.
    #[error("what answers at {0} is no Usher admin API")]
    NotUsher(String),
}

impl AdminClient {
    /// A client of `base`, such as `http://127.0.0.1:8081`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(base: &str, token: &str) -> Result<Self, CallError> {
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build();
        let http = http.map_err(|error| CallError::Unreachable(error.to_string()))?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), token: token.trim().to_owned(), http })
    }

    /// Reads.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses; the same holds for every other method.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, CallError> {
        self.send(self.request(Method::GET, path).query(query)).await
    }

    /// Acts, with a JSON body.
    ///
    /// # Errors
    /// See [`AdminClient::get`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.send(self.request(Method::POST, path).header("content-type", "application/json").body(body.to_string()))
            .await
    }

    /// Changes what the JSON body names.
    ///
    /// # Errors
    /// See [`AdminClient::get`].
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, CallError> {
        self.send(self.request(Method::PATCH, path).header("content-type", "application/json").body(body.to_string()))
            .await
    }

    /// Puts bytes as they are.
    ///
    /// # Errors
    /// See [`AdminClient::get`].
    pub async fn put(&self, path: &str, body: Vec<u8>) -> Result<Value, CallError> {
        self.send(self.request(Method::PUT, path).body(body)).await
    }

    /// Wraps the vault's data keys under a new master key, given as 64 hexadecimal digits.
    ///
    /// # Errors
    /// See [`AdminClient::get`].
    pub async fn rewrap(&self, master_key: Vec<u8>) -> Result<Value, CallError> {
        self.send(self.request(Method::POST, "/v1/vault/rewrap").body(master_key)).await
    }

    /// Removes.
    ///
    /// # Errors
    /// See [`AdminClient::get`].
    pub async fn delete(&self, path: &str) -> Result<Value, CallError> {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Uploads a function and activates it: two steps of the API.
    ///
    /// # Errors
    /// See [`AdminClient::get`]. When the second step fails, the version is stored but not active.
    pub async fn deploy(&self, subscribe_key: &str, function: &FunctionFiles) -> Result<Value, CallError> {
        use base64::Engine;
        let encode = || base64::engine::general_purpose::STANDARD.encode(&function.component);
        let component = (!function.component.is_empty()).then(encode);
        let upload = json!({ "manifest": function.manifest, "policy": function.policy, "component": component });
        let functions = format!("/v1/keysets/{subscribe_key}/functions");
        let added = self.post(&functions, &upload).await?;
        let name = added.get("name").and_then(Value::as_str).unwrap_or_default();
        let version = json!({ "version": added.get("version") });
        self.post(&format!("{functions}/{name}/activate"), &version).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, CallError> {
        let failed = |error: reqwest::Error| match error.is_timeout() {
            true => CallError::TimedOut(self.base.clone()),
            false => CallError::Unreachable(self.base.clone()),
        };
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(failed)?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body: Value = serde_json::from_slice(&bytes).map_err(|_| CallError::NotUsher(self.base.clone()))?;
        if status.is_success() {
            return Ok(body);
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        match (text("code"), text("detail")) {
            (Some(code), Some(detail)) => Err(CallError::Refused { status: status.as_u16(), code, detail }),
            _ => Err(CallError::NotUsher(self.base.clone())),
        }
    }
}

/// What a deployment is made of.
#[derive(Debug, Clone)]
pub struct FunctionFiles {
    /// `function.toml`.
    pub manifest: String,
    /// The policy that the manifest names.
    pub policy: Option<String>,
    /// The component, or a core module with its component type; empty where only deepstream is served.
    pub component: Vec<u8>,
}

impl std::fmt::Debug for AdminClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("AdminClient").field("base", &self.base).finish_non_exhaustive()
    }
}
