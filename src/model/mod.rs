//! Ids, attributes, spans and traces as every room sees them; pure data, no I/O.
//!
//! Made from the wire by [`otlp`], read by everything that judges or draws. The names are OpenTelemetry's.

pub mod arrival;
pub mod attributes;
pub mod ids;
pub mod otlp;
pub mod span;
pub mod trace;

pub use arrival::{Arrival, LedgerView};
pub use attributes::{Attributes, Value};
pub use ids::{SpanId, TraceId};
pub use span::{Event, Link, Resource, Scope, Span, SpanKind, Status, StatusCode};
pub use trace::Trace;
