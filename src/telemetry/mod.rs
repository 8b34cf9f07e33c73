//! The instrumentation library of MedicalCor's tracing guide, for any Rust service: settings from the environment, spans, metrics and
//! logs with one provider set per service, propagation over HTTP and through task payloads, and an honest account of the work.
//!
//! Fed by services (`demo`, or anybody's); what it sends is received by `backend` or any OTLP receiver, and what it knows of its work is
//! asked for by `client`.
//!
//! A webhook that hands work to a queue, and the task that goes on with its trace:
//! ```
//! # use devstack::telemetry::*;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::from_env(&devstack::support::env::Os, "medicalcor-api")?;
//! # let settings = Settings { enabled: true, ..settings };
//! let (telemetry, captured) = Telemetry::start_capturing(&settings); // a service that exports: `Telemetry::start(&settings)?`
//! let tracer = telemetry.tracer("whatsapp-webhook");
//! let producer = tracer.producer("trigger.dev", "whatsapp-message-handler", Some("wamid.1")).correlation_id("c-1").start();
//! let mut payload = serde_json::Map::new();
//! create_webhook_trace_context(producer.context(), "c-1").inject_into(&mut payload);
//! end_span(&producer, Outcome::Ok);
//! with_task_span(&tracer, "whatsapp-message-handler", &payload, TaskRun::default(), |span| async move {
//!     span.set(attributes::WHATSAPP_MESSAGE_ID, "wamid.1");
//!     Ok::<(), std::io::Error>(())
//! })
//! .await?;
//! telemetry.shutdown(std::time::Duration::from_secs(5)).await?;
//! # let (sent, received) = (&captured.spans()[0], &captured.spans()[1]);
//! # assert_eq!(sent.name, "trigger.dev.whatsapp-message-handler send");
//! # assert_eq!(received.name, "trigger.task.whatsapp-message-handler");
//! # assert_eq!(received.parent_span_id, sent.span_context.span_id());
//! # Ok(())
//! # }
//! ```

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
