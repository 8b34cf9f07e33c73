//! devstack's own span above a recorded delivery, so that no trace of it is rootless in the store.
//!
//! Exported by `cli` where the recorder gave the trace context. It says nothing of the delivery but its method.

use std::sync::Arc;

use super::{Context, Passed};
use crate::{
    model::{Attributes, OWN_SERVICE, Resource, Scope, Span, SpanKind, Status},
    support::random,
};

/// Trace flags of a sampled span, with the bit that says "the parent is local" (OTLP `Span.flags`, bits 0 and 8).
const SAMPLED_LOCAL: u32 = 0x101;

/// The span that the service's own hangs under; `None` where the sender has one.
pub fn own_span(passed: &Passed) -> Option<Span> {
    let Context::Given(trace_id, span_id) = passed.context else { return None };
    let mut attributes = Attributes::default();
    attributes.push("http.method", passed.delivery.method.as_str());
    if let Some(answer) = &passed.delivery.answer {
        attributes.push("http.status_code", i64::from(answer.status.as_u16()));
    }
    let resource = [("service.name", OWN_SERVICE.to_owned()), ("service.instance.id", random::uuid())].into_iter().collect();
    Some(Span {
        trace_id,
        span_id,
        parent_id: None,
        trace_state: String::new(),
        flags: SAMPLED_LOCAL,
        name: format!("record {}", passed.delivery.method),
        kind: SpanKind::Client,
        start_ns: passed.started_ns,
        end_ns: passed.ended_ns,
        attributes,
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        resource: Arc::new(Resource { attributes: resource }),
        scope: Arc::new(Scope { name: "devstack.record".into(), ..Scope::default() }),
    })
}
