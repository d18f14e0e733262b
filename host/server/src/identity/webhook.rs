//! The `http` authenticator: a webhook in deepstream's form says who an auth key is.
//!
//! The call is `POST` with `{"connectionData": {…}, "authData": {"uuid", "authKey", "namespace", "route"}}`. A 2xx answer lets the caller in: its
//! body is empty, a JSON text (the user's id) or an object with at least one of `id`, `clientData`, `serverData`, `isValid`. `{"isValid": false}` and
//! any 4xx answer do not. Whatever else comes back, the webhook counts as unavailable: garbage lets nobody in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use usher_runtime::capability::http::{Outbound, OutboundRequest, OutboundResponse};
use usher_runtime::capability::identity::{Claim, Context, Identity, IdentityError};
use usher_vault::SecretName;

use crate::store::secrets::Secrets;

/// The longest answer read, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;

/// A webhook, ready to be asked.
#[derive(Debug)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) timeout: Duration,
    /// Client headers handed on, lower case.
    pub(crate) headers: Vec<String>,
    pub(crate) bearer: Option<SecretName>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) client: Arc<dyn Outbound>,
}

impl Webhook {
    /// Nobody when the webhook does not know the caller.
    pub(crate) async fn ask(&self, claim: &Claim, context: &Context) -> Result<Option<Identity>, IdentityError> {
        let request = self.request(claim, context).ok_or(IdentityError::Unavailable)?;
        match self.client.send(request).await {
            Ok(answer) => self.read(claim, &answer),
            Err(error) => Err(self.unavailable("no answer", &error)),
        }
    }

    /// What of a request the webhook sees besides the claim, and an answer so depends on.
    pub(crate) fn seen_of(&self, context: &Context) -> Vec<String> {
        let headers = self.handed_on(context).flat_map(|(name, value)| [name.to_owned(), value.to_owned()]);
        context.client_ip.map(|address| address.to_string()).into_iter().chain(headers).collect()
    }

    fn handed_on<'a>(&'a self, context: &'a Context) -> impl Iterator<Item = (&'a str, &'a str)> {
        let listed = |name: &String| self.headers.contains(name);
        context
            .headers
            .iter()
            .filter(move |(name, _)| listed(name))
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn request(&self, claim: &Claim, context: &Context) -> Option<OutboundRequest> {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if let Some(name) = &self.bearer {
            let secret = self.secrets.open(name).inspect_err(|error| tracing::error!(%error, "webhook secret")).ok()?;
            headers
                .push(("authorization".to_owned(), format!("Bearer {}", std::str::from_utf8(secret.reveal()).ok()?)));
        }
        let seen: serde_json::Map<String, Value> =
            self.handed_on(context).map(|(name, value)| (name.to_owned(), value.into())).collect();
        let body = json!({
            "connectionData": { "remoteAddress": context.client_ip.map(|address| address.to_string()), "headers": seen },
            "authData": {
                "uuid": claim.uuid,
                "authKey": claim.auth_key,
                "namespace": claim.namespace,
                "route": claim.route,
            },
        });
        Some(OutboundRequest {
            method: "POST".into(),
            url: self.url.clone(),
            headers,
            body: body.to_string().into_bytes(),
            timeout: self.timeout.min(context.deadline.saturating_duration_since(Instant::now())),
            longest_answer: LONGEST_ANSWER,
        })
    }

    fn read(&self, claim: &Claim, answer: &OutboundResponse) -> Result<Option<Identity>, IdentityError> {
        match answer.status {
            200..=299 => read_body(claim, &answer.body)
                .ok_or_else(|| self.unavailable("answer is neither text nor a JSON object", &answer.status)),
            400..=499 if answer.status != 408 && answer.status != 429 => Ok(None),
            other => Err(self.unavailable("unexpected status", &other)),
        }
    }

    fn unavailable(&self, what: &str, cause: &dyn std::fmt::Debug) -> IdentityError {
        let url = self.url.split('?').next();
        tracing::warn!(url, ?cause, "authentication webhook unavailable: {what}");
        IdentityError::Unavailable
    }
}

/// Outer `None`: not understood. Inner `None`: understood as a no.
#[expect(
    clippy::option_option,
    reason = "the two kinds of nothing differ: garbage is no refusal, and a refusal is no garbage"
)]
fn read_body(claim: &Claim, body: &[u8]) -> Option<Option<Identity>> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let bare = |id: &str| {
        let id = if id.is_empty() { claim.uuid.clone() } else { id.to_owned() };
        Identity { id, client_data: "null".into(), server_data: "null".into() }
    };
    if text.is_empty() {
        return Some(Some(bare("")));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => {
            if !["isValid", "id", "clientData", "serverData"].iter().any(|known| fields.contains_key(*known)) {
                return None;
            }
            if fields.get("isValid").is_some_and(|valid| valid != &Value::Bool(true)) {
                return Some(None);
            }
            let id = match fields.get("id") {
                None | Some(Value::Null) => "",
                Some(id) => id.as_str()?,
            };
            let data = |name: &str| fields.get(name).unwrap_or(&Value::Null).to_string();
            Some(Some(Identity { client_data: data("clientData"), server_data: data("serverData"), ..bare(id) }))
        }
        Ok(Value::String(id)) => Some(Some(bare(&id))),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) | Err(_) => None,
    }
}
