//! Ids, attributes, spans, traces, logs and metrics as every room sees them; pure data, no I/O.
//!
//! Made from the wire by [`otlp`], read by everything that judges or draws. The names are OpenTelemetry's.

pub mod arrival;
pub mod attributes;
pub mod critical;
pub mod enqueued;
pub mod ids;
pub mod jaeger;
pub mod log;
pub mod metric;
pub mod note;
pub mod otlp;
pub mod real;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
pub(crate) mod sample;
pub mod size;
pub mod span;
pub mod tempo;
pub mod trace;
pub mod traffic;

pub use arrival::{Arrival, LedgerView, LogArrival};
pub use attributes::{Attributes, Value};
pub use critical::{CriticalPath, Spender};
pub use enqueued::{Enqueued, EnqueuedRuns, PayloadContext, RemoteSpan};
pub use ids::{SpanId, TraceId};
pub use log::LogRecord;
pub use metric::{MetricKind, MetricPoint, MetricValue, Series};
pub use span::{Event, FLUSH_ATTRIBUTE, Link, OWN_SERVICE, Resource, Scope, Span, SpanKind, Status, StatusCode};
pub use trace::Trace;
pub use traffic::{Flow, Happening, SpanArrived, Traffic};
