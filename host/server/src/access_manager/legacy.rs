//! v2: grants and audits, for whoever signs with a secret key; `/v1/auth` of the oldest clients too.

use axum::http::StatusCode;
use axum::http::request::Parts;
use usher_access::Approved;
use usher_access::legacy::{AuditCall, GrantCall, LegacyFault};
use usher_runtime::capability::access::GrantError;

use super::AccessManager;
use crate::authorize::{RawRequest, signed_by};
use crate::keysets::{LiveAccess, LiveKeyset};
use crate::reply::{Refusal, ServiceAnswer};

/// Entries that one audit shows at the most.
const MOST_ENTRIES: usize = 10_000;

impl AccessManager {
    /// `GET /v2/auth/grant/sub-key/{sub}`
    pub(super) async fn legacy_grant(&self, live: &LiveKeyset, head: &Parts) -> Result<ServiceAnswer, Refusal> {
        let query = self.signed_query(live, head)?;
        let call = GrantCall::parse(query).map_err(|fault| malformed(&fault))?;
        let approved = Approved::by_root(call.proposal().clone());
        live.grants().apply(vec![approved]).await.map_err(|error| match error {
            GrantError::Refused(what) => flat("grant.refused", StatusCode::BAD_REQUEST, &what),
            GrantError::Unavailable(_) => {
                flat("store.unavailable", StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
        })?;
        Ok(ServiceAnswer::ok(call.answer(&live.subscribe_key)))
    }

    /// `GET /v2/auth/audit/sub-key/{sub}`
    pub(super) fn legacy_audit(&self, live: &LiveKeyset, head: &Parts) -> Result<ServiceAnswer, Refusal> {
        let query = self.signed_query(live, head)?;
        let call = AuditCall::parse(query).map_err(|fault| malformed(&fault))?;
        let now = self.authorizer.now();
        let found = match &live.access {
            LiveAccess::Embedded { grants, .. } => call.collect(&grants.table(), now, MOST_ENTRIES),
            LiveAccess::Remote(_) => {
                let message = "Access Manager of this keyset is at another origin";
                return Err(flat("keyset.disabled", StatusCode::BAD_REQUEST, message));
            }
        };
        Ok(ServiceAnswer::ok(call.answer(&live.subscribe_key, &found, now)))
    }

    fn signed_query<'r>(&self, live: &LiveKeyset, head: &'r Parts) -> Result<&'r str, Refusal> {
        let (uri, method) = (&head.uri, head.method.as_str());
        let query = uri.query().unwrap_or_default();
        let raw = RawRequest { method, path: uri.path(), query, body: &[] };
        signed_by(live, &raw, self.authorizer.now())?;
        Ok(query)
    }
}

fn malformed(fault: &LegacyFault) -> Refusal {
    flat("grant.malformed", StatusCode::BAD_REQUEST, &fault.to_string())
}

fn flat(code: &'static str, status: StatusCode, message: &str) -> Refusal {
    Refusal::Service { code, answer: ServiceAnswer::flat(status, message) }
}
