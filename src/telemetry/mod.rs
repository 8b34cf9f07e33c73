//! The instrumentation library of MedicalCor's tracing guide, for any Rust service: settings from the environment, spans, metrics and
//! logs with one provider set per service, propagation over HTTP and through task payloads, and an honest account of the work.

mod account;
pub mod attributes;
mod capture;
mod environment;
mod error;
mod exporters;
mod handover;
mod log_queue;
mod metrics;
mod patterns;
mod propagation;
mod providers;
mod resource;
mod server;
mod service;
mod settings;
mod span;
mod tracer;
mod tracking;
pub mod variables;
mod work;

pub use capture::{Captured, SpanData};
pub use error::{InvalidSetting, InvalidSettings, TelemetryError};
pub use metrics::histogram;
pub use opentelemetry::logs::{AnyValue, Severity};
pub use opentelemetry::metrics::Meter;
pub use opentelemetry::trace::{FutureExt, SpanId, SpanKind, Status, TraceContextExt, TraceId};
pub use opentelemetry::{Context, KeyValue, Value};
pub use patterns::{
    TaskRun, WorkflowStep, add_trigger_attributes, current_trace_id, in_span, instrument_database_query,
    instrument_redis_command, with_task_span, with_workflow_span,
};
pub use propagation::{
    CORRELATION_FIELD, CORRELATION_HEADER, Carrier, TRACEPARENT, TRACERESPONSE, TRACESTATE, create_webhook_trace_context,
    extract_trace_context, generate_correlation_id, inject_trace_context,
};
pub use server::{RequestTrace, trace_requests, work_routes};
pub use service::Telemetry;
pub use settings::{Batching, Compression, Destination, HttpNames, Protocol, Sampling, Settings};
pub use span::{Outcome, Span, end_client_span, end_span, record_span_error};
pub use tracer::{Draft, Tracer};
pub use work::{ActiveWork, OpenSpan, QueuedWork, Work, WorkQuery, WorkReport};
