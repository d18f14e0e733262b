//! Counters for Prometheus, and the answers to `/livez` and `/readyz`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use usher_runtime::{Blame, Fault};

use crate::store::Store;

/// The forms in which other servers ask most.
const FORMS: [&str; 4] = ["nginx", "envoy-grpc", "envoy-http", "json"];

/// The word for an allowed request, beside the codes of refusals.
pub(crate) const ALLOWED: &str = "allowed";

/// What is counted.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    decisions: Family<DecisionLabels, Counter>,
    /// Of `decisions`, those that allow, by form: nearly all are, and finding a counter takes longer than to count.
    allowed: [(&'static str, Counter); FORMS.len()],
    faults: Family<FaultLabels, Counter>,
    seconds: Histogram,
    running: Gauge<i64, AtomicI64>,
    lost: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    outcome: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    form: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaultLabels {
    blame: &'static str,
    kind: &'static str,
}

/// An invocation is counted as running as long as this lives.
pub(crate) struct RunningInvocation<'a>(&'a Gauge<i64, AtomicI64>);

impl Metrics {
    pub(crate) fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("usher");
        let requests = Family::<RequestLabels, Counter>::default();
        let decisions = Family::<DecisionLabels, Counter>::default();
        let faults = Family::<FaultLabels, Counter>::default();
        let seconds = Histogram::new(exponential_buckets(0.000_1, 2.0, 16));
        let running = Gauge::default();
        let lost = Counter::default();
        registry.register("requests", "Requests on the data plane", requests.clone());
        registry.register("decisions", "Decisions for other servers", decisions.clone());
        registry.register("faults", "Invocations without an answer, by blame", faults.clone());
        registry.register("request_seconds", "From request to answer", seconds.clone());
        registry.register("decisions_lost", "Refusals that could not be kept on disk", lost.clone());
        registry.register("invocations_running", "Sandboxes in use", running.clone());
        let counter = |form| decisions.get_or_create_owned(&DecisionLabels { form, code: ALLOWED });
        let allowed = FORMS.map(|form| (form, counter(form)));
        Arc::new(Self { registry, requests, decisions, allowed, faults, seconds, running, lost })
    }

    pub(crate) fn answered(&self, outcome: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { outcome, status }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts a decision made for another server: who asked how, and the word for the outcome.
    pub(crate) fn decided(&self, form: &'static str, code: &'static str) {
        let known = self.allowed.iter().filter(|_| code == ALLOWED).find(|(known, _)| *known == form);
        match known {
            Some((_, counter)) => counter.inc(),
            None => self.decisions.get_or_create(&DecisionLabels { form, code }).inc(),
        };
    }

    pub(crate) fn faulted(&self, fault: &Fault) {
        let blame = match fault.blame {
            Blame::Guest => "guest",
            Blame::Host => "host",
        };
        self.faults.get_or_create(&FaultLabels { blame, kind: fault.kind.word() }).inc();
    }

    /// Counts refusals that are not kept on disk.
    pub(crate) fn lost_decisions(&self, count: usize) {
        self.lost.inc_by(count as u64);
    }

    pub(crate) fn running(&self) -> RunningInvocation<'_> {
        self.running.inc();
        RunningInvocation(&self.running)
    }
}

impl Drop for RunningInvocation<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What health is judged by.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    pub(crate) store: Arc<Store>,
    pub(crate) draining: Arc<AtomicBool>,
}

/// `/livez`, `/readyz` and `/metrics`.
pub(crate) fn router(metrics: Arc<Metrics>, health: Health) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready).with_state(health))
        .route("/metrics", get(exposition).with_state(metrics))
}

async fn ready(State(health): State<Health>) -> (StatusCode, &'static str) {
    if health.draining.load(Ordering::SeqCst) {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    }
    if !health.store.healthy() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store refuses writes: disk full or broken; free space, then restart\n",
        );
    }
    (StatusCode::OK, "ok\n")
}

async fn exposition(State(metrics): State<Arc<Metrics>>) -> Result<String, StatusCode> {
    let mut text = String::new();
    encode(&mut text, &metrics.registry).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(text)
}
