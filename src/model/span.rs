//! A span with everything the wire said of it (OTLP `Span`, `Resource`, `InstrumentationScope`).

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Attributes, SpanId, TraceId, Value};
use crate::support::stand_in;

/// A finished span.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its id within the trace.
    pub span_id: SpanId,
    /// The id of its parent; `None` for a root.
    pub parent_id: Option<SpanId>,
    /// W3C `tracestate`, as sent.
    pub trace_state: String,
    /// W3C trace flags in the low byte; bits 8 and 9 say whether the parent is known to be remote (OTLP `Span.flags`).
    pub flags: u32,
    /// What it did.
    pub name: String,
    /// Its role between services.
    pub kind: SpanKind,
    /// Start, nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// End, nanoseconds since the Unix epoch.
    pub end_ns: u64,
    /// Span attributes.
    pub attributes: Attributes,
    /// What happened while it was open.
    pub events: Vec<Event>,
    /// Other spans it refers to.
    pub links: Vec<Link>,
    /// How it ended.
    pub status: Status,
    /// Who sent it.
    pub resource: Arc<Resource>,
    /// Which instrumentation made it.
    pub scope: Arc<Scope>,
}

impl Span {
    /// `service.name` of its resource, or `unknown_service`.
    pub fn service(&self) -> &str {
        self.resource.service()
    }

    /// Whether it comes from something that stands in for its service (`devstack.stand_in`).
    pub fn is_stand_in(&self) -> bool {
        self.resource.is_stand_in()
    }

    /// From start to end; zero when the end lies before the start.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.end_ns.saturating_sub(self.start_ns))
    }

    /// Whether it ended in error.
    pub fn is_error(&self) -> bool {
        self.status.code == StatusCode::Error
    }

    /// The value under `key` on the span itself, else on its resource.
    pub fn attribute(&self, key: &str) -> Option<&super::Value> {
        self.attributes.get(key).or_else(|| self.resource.attributes.get(key))
    }
}

/// `service.name` of devstack's own spans, which no expectation is about.
pub const OWN_SERVICE: &str = "devstack";

/// The resource attribute by which a service that devstack started tells how long it keeps spans back, in milliseconds.
pub const FLUSH_ATTRIBUTE: &str = "devstack.flush_ms";

/// Who sent a span (OTLP `Resource`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Resource {
    /// Resource attributes.
    pub attributes: Attributes,
}

impl Resource {
    /// `service.name`, or `unknown_service` where none was sent (the SDK specification's default).
    pub fn service(&self) -> &str {
        self.attributes.text("service.name").unwrap_or("unknown_service")
    }

    /// Whether it stands in for its service: `devstack.stand_in`, as a truth or as the text that SDKs make of their environment.
    pub fn is_stand_in(&self) -> bool {
        match self.attributes.get(stand_in::ATTRIBUTE) {
            Some(Value::Bool(truth)) => *truth,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }

    /// `service.instance.id`, empty where none was sent.
    pub fn instance(&self) -> &str {
        self.attributes.text("service.instance.id").unwrap_or_default()
    }
}

/// Which instrumentation made a span (OTLP `InstrumentationScope`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Scope {
    /// Name of the tracer.
    pub name: String,
    /// Version of the tracer.
    pub version: String,
    /// Scope attributes.
    pub attributes: Attributes,
}

/// A span's role between services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpanKind {
    /// Not set on the wire.
    Unspecified,
    /// Internal operation.
    Internal,
    /// Handles an incoming request.
    Server,
    /// Makes an outgoing request.
    Client,
    /// Enqueues work.
    Producer,
    /// Does enqueued work.
    Consumer,
}

impl SpanKind {
    /// The name in lower case, as fixtures spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }
}

impl fmt::Display for SpanKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a span ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Status {
    /// The code.
    pub code: StatusCode,
    /// The message; meant for errors.
    pub message: String,
}

/// Status codes of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusCode {
    /// Nobody said.
    #[default]
    Unset,
    /// Said to be well.
    Ok,
    /// Failed.
    Error,
}

impl StatusCode {
    /// The name in lower case, as fixtures spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unset => "unset",
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that happened while a span was open.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Event {
    /// When, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// What.
    pub name: String,
    /// Details.
    pub attributes: Attributes,
}

/// A reference to another span, perhaps of another trace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Link {
    /// The trace it points to.
    pub trace_id: TraceId,
    /// The span it points to.
    pub span_id: SpanId,
    /// Details.
    pub attributes: Attributes,
}
