//! devstack's own part of a case's trace: a root named after the fixture and a CLIENT span per request, so that no trace is rootless and a
//! failed case can be found by query.
//!
//! Built by hand instead of with an SDK, because the trace id is chosen before the first span and sent before anything is exported.
//! Exported by `check` once the verdict has fallen.

use std::sync::Arc;

use super::Identity;
use crate::{
    model::{Attributes, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, Value},
    support::{clock, random},
};

/// Trace flags of a sampled span, with the bits that say "the parent is local" (OTLP `Span.flags`, bits 0 and 8).
const SAMPLED_LOCAL: u32 = 0x101;

/// The spans of one case.
#[derive(Debug, Clone)]
pub struct OwnTrace {
    identity: Identity,
    resource: Arc<Resource>,
    scope: Arc<Scope>,
    name: String,
    started_ns: u64,
    requests: Vec<Span>,
}

impl OwnTrace {
    /// Begins the root, named after the fixture.
    pub fn begin(identity: Identity, name: &str) -> Self {
        let attributes: Attributes = [
            ("service.name", crate::model::OWN_SERVICE.to_owned()),
            ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("service.instance.id", random::uuid()),
        ]
        .into_iter()
        .collect();
        Self {
            identity,
            resource: Arc::new(Resource { attributes }),
            scope: Arc::new(Scope {
                name: "devstack.replay".into(),
                version: env!("CARGO_PKG_VERSION").into(),
                ..Scope::default()
            }),
            name: name.to_owned(),
            started_ns: clock::unix_nanos(),
            requests: Vec::new(),
        }
    }

    /// Adds the span of one request; `id` is the one that went along in its `traceparent`.
    pub fn request(&mut self, id: SpanId, method: &str, path: &str, started_ns: u64, status: Option<u16>, error: Option<&str>) {
        let mut attributes = Attributes::default();
        attributes.push("http.method", method);
        attributes.push("http.url", path);
        if let Some(code) = status {
            attributes.push("http.status_code", i64::from(code));
        }
        if let Some(error) = error {
            attributes.push("error.type", error);
        }
        let failed = error.is_some();
        let mut span = self.span(id, method.to_owned(), started_ns, attributes);
        span.parent_id = Some(self.identity.root);
        span.kind = SpanKind::Client;
        span.status = Status {
            code: if failed { StatusCode::Error } else { StatusCode::Unset },
            message: error.unwrap_or_default().to_owned(),
        };
        self.requests.push(span);
    }

    /// All spans, the root ending now with these attributes.
    pub fn spans(&self, verdict: Option<(&str, bool)>) -> Vec<Arc<Span>> {
        let mut attributes = Attributes::default();
        attributes.push("devstack.fixture", self.name.as_str());
        attributes.push("devstack.correlation_id", self.identity.correlation_id.as_str());
        if let Some((verdict, _)) = verdict {
            attributes.push("devstack.verdict", Value::from(verdict));
        }
        let mut root = self.span(self.identity.root, self.name.clone(), self.started_ns, attributes);
        if verdict.is_some_and(|(_, held)| !held) {
            root.status = Status { code: StatusCode::Error, message: "an expectation did not hold".into() };
        }
        std::iter::once(root).chain(self.requests.iter().cloned()).map(Arc::new).collect()
    }

    fn span(&self, span_id: SpanId, name: String, start_ns: u64, attributes: Attributes) -> Span {
        Span {
            trace_id: self.identity.trace_id,
            span_id,
            parent_id: None,
            trace_state: "devstack=1".into(),
            flags: SAMPLED_LOCAL,
            name,
            kind: SpanKind::Internal,
            start_ns,
            end_ns: clock::unix_nanos(),
            attributes,
            events: Vec::new(),
            links: Vec::new(),
            status: Status::default(),
            resource: Arc::clone(&self.resource),
            scope: Arc::clone(&self.scope),
        }
    }
}
