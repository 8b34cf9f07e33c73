//! Spans from the wire and back.
//!
//! The way in checks what the protobuf types do not: ids of 16 and 8 bytes that are not all zero (OTLP specification,
//! `Span.trace_id`).

use std::sync::Arc;

use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span as WireSpan, Status as WireStatus, TracesData,
    span::{Event as WireEvent, Link as WireLink},
};

use super::common::{attributes_in, attributes_out, resource_in, resource_out, scope_in, scope_out};
use crate::model::{Event, Link, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, TraceId};

/// Why a span of a request cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSpan {
    /// The trace id is not 16 bytes, or all zero.
    #[error("span `{name}`: the trace id must be 16 bytes and not zero, got {got}")]
    TraceId {
        /// The span's name.
        name: String,
        /// What came, in hex.
        got: String,
    },
    /// The span id is not 8 bytes, or all zero.
    #[error("span `{name}`: the span id must be 8 bytes and not zero, got {got}")]
    SpanId {
        /// The span's name.
        name: String,
        /// What came, in hex.
        got: String,
    },
    /// The parent id is neither empty nor 8 bytes.
    #[error("span `{name}`: the parent id must be empty or 8 bytes, got {got}")]
    ParentId {
        /// The span's name.
        name: String,
        /// What came, in hex.
        got: String,
    },
}

/// Takes the spans out of resource spans; the bad ones come back with what is wrong.
pub fn spans_of(batches: Vec<ResourceSpans>) -> (Vec<Span>, Vec<BadSpan>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for batch in batches {
        let resource = resource_in(batch.resource);
        for scoped in batch.scope_spans {
            let scope = scope_in(scoped.scope);
            for wire in scoped.spans {
                match span_in(wire, &resource, &scope) {
                    Ok(span) => good.push(span),
                    Err(reason) => bad.push(reason),
                }
            }
        }
    }
    (good, bad)
}

/// Puts spans back into OTLP, grouped by resource and scope in order of first appearance.
pub fn traces_data<'a>(spans: impl IntoIterator<Item = &'a Span>) -> TracesData {
    type ByScope<'a> = Vec<(&'a Scope, Vec<WireSpan>)>;
    let mut groups: Vec<(&Resource, ByScope<'_>)> = Vec::new();
    for span in spans {
        let scopes = match groups.iter_mut().position(|(resource, _)| *resource == span.resource.as_ref()) {
            Some(at) => &mut groups[at].1,
            None => {
                groups.push((&span.resource, Vec::new()));
                &mut groups.last_mut().expect("just pushed").1
            }
        };
        match scopes.iter_mut().find(|(scope, _)| *scope == span.scope.as_ref()) {
            Some((_, members)) => members.push(span_out(span)),
            None => scopes.push((&span.scope, vec![span_out(span)])),
        }
    }
    let resource_spans = groups
        .into_iter()
        .map(|(resource, scopes)| ResourceSpans {
            resource: Some(resource_out(resource)),
            scope_spans: scopes
                .into_iter()
                .map(|(scope, spans)| ScopeSpans { scope: Some(scope_out(scope)), spans, schema_url: String::new() })
                .collect(),
            schema_url: String::new(),
        })
        .collect();
    TracesData { resource_spans }
}

fn span_in(wire: WireSpan, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Result<Span, BadSpan> {
    let Some(trace_id) = TraceId::from_slice(&wire.trace_id) else {
        return Err(BadSpan::TraceId { name: wire.name, got: described(&wire.trace_id) });
    };
    let Some(span_id) = SpanId::from_slice(&wire.span_id) else {
        return Err(BadSpan::SpanId { name: wire.name, got: described(&wire.span_id) });
    };
    // Some senders write a root's parent as eight zero bytes instead of leaving it empty.
    let parent_id = match wire.parent_span_id.as_slice() {
        [] => None,
        bytes if bytes.len() == 8 => SpanId::from_slice(bytes),
        other => return Err(BadSpan::ParentId { got: described(other), name: wire.name }),
    };
    Ok(Span {
        trace_id,
        span_id,
        parent_id,
        trace_state: wire.trace_state,
        flags: wire.flags,
        name: wire.name,
        kind: kind_in(wire.kind),
        start_ns: wire.start_time_unix_nano,
        end_ns: wire.end_time_unix_nano,
        attributes: attributes_in(wire.attributes),
        events: snug(wire.events.into_iter().map(event_in)),
        links: snug(wire.links.into_iter().filter_map(link_in)),
        status: status_in(wire.status),
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
    })
}

/// A list without the room that collecting in place can leave.
fn snug<T>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut list: Vec<_> = items.collect();
    list.shrink_to_fit();
    list
}

fn described(bytes: &[u8]) -> String {
    if bytes.is_empty() { "nothing".to_owned() } else { format!("`{}` ({} bytes)", const_hex::encode(bytes), bytes.len()) }
}

fn span_out(span: &Span) -> WireSpan {
    WireSpan {
        trace_id: span.trace_id.bytes().to_vec(),
        span_id: span.span_id.bytes().to_vec(),
        trace_state: span.trace_state.clone(),
        parent_span_id: span.parent_id.map(|id| id.bytes().to_vec()).unwrap_or_default(),
        flags: span.flags,
        name: span.name.clone(),
        kind: kind_out(span.kind),
        start_time_unix_nano: span.start_ns,
        end_time_unix_nano: span.end_ns,
        attributes: attributes_out(&span.attributes),
        events: span
            .events
            .iter()
            .map(|event| WireEvent {
                time_unix_nano: event.time_ns,
                name: event.name.clone(),
                attributes: attributes_out(&event.attributes),
                dropped_attributes_count: 0,
            })
            .collect(),
        links: span
            .links
            .iter()
            .map(|link| WireLink {
                trace_id: link.trace_id.bytes().to_vec(),
                span_id: link.span_id.bytes().to_vec(),
                attributes: attributes_out(&link.attributes),
                ..Default::default()
            })
            .collect(),
        status: Some(WireStatus { message: span.status.message.clone(), code: status_out(span.status.code) }),
        ..Default::default()
    }
}

fn event_in(wire: WireEvent) -> Event {
    Event { time_ns: wire.time_unix_nano, name: wire.name, attributes: attributes_in(wire.attributes) }
}

fn link_in(wire: WireLink) -> Option<Link> {
    Some(Link {
        trace_id: TraceId::from_slice(&wire.trace_id)?,
        span_id: SpanId::from_slice(&wire.span_id)?,
        attributes: attributes_in(wire.attributes),
    })
}

fn kind_in(wire: i32) -> SpanKind {
    match wire {
        1 => SpanKind::Internal,
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

fn kind_out(kind: SpanKind) -> i32 {
    match kind {
        SpanKind::Unspecified => 0,
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn status_in(wire: Option<WireStatus>) -> Status {
    let wire = wire.unwrap_or_default();
    let code = match wire.code {
        1 => StatusCode::Ok,
        2 => StatusCode::Error,
        _ => StatusCode::Unset,
    };
    Status { code, message: wire.message }
}

fn status_out(code: StatusCode) -> i32 {
    match code {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    }
}
