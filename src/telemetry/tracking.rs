//! Watching spans from start to acknowledged export, around the SDK's batch processor and the exporter.
//!
//! Sits between the SDK's tracer and its processor, and between that and the OTLP exporter; writes into `work`.
//!
//! The processor drops what does not fit into its queue, and refuses a flush while the queue is full, without saying either to
//! anyone. So this wrapper counts what waits, keeps it below the limit itself, and gives the queue some places more than that.

use std::fmt;
use std::time::Duration;

use opentelemetry::trace::TraceId;
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span as SdkSpan, SpanData, SpanExporter, SpanProcessor};

use super::account::Open;
use super::attributes::{self, CORRELATION_ID, HTTP_URL};
use super::settings::HttpNames;
use super::work::Work;
use crate::support::clock;
use opentelemetry::trace::SpanKind;

/// A processor that reports the life of every span.
#[derive(Debug)]
pub(super) struct Tracked<P> {
    inner: P,
    work: Work,
    /// Spans that may wait for their export.
    room: usize,
    names: HttpNames,
}

/// An exporter that reports which spans the receiver has acknowledged.
pub(super) struct Acknowledging<E> {
    inner: E,
    work: Work,
    /// Where it exports to, for the error's sake.
    endpoint: String,
}

/// The spans of one request that has not been answered. Dropped without an answer (the processor's own time-out), they are lost.
struct InFlight<'a> {
    work: &'a Work,
    endpoint: &'a str,
    traces: Vec<TraceId>,
}

impl<P> Tracked<P> {
    pub(super) fn new(inner: P, work: Work, room: usize, names: HttpNames) -> Self {
        Self { inner, work, room, names }
    }
}

impl<P: SpanProcessor> SpanProcessor for Tracked<P> {
    fn on_start(&self, span: &mut SdkSpan, context: &Context) {
        if let Some(data) = span.exported_data() {
            let correlation =
                data.attributes.iter().find(|pair| pair.key.as_str() == CORRELATION_ID).map(|pair| pair.value.to_string());
            let open = Open {
                span_id: data.span_context.span_id(),
                parent_id: data.parent_span_id,
                name: data.name.into_owned(),
                kind: data.span_kind,
                since: clock::monotonic(),
            };
            self.work.accounts().span_started(data.span_context.trace_id(), correlation.as_deref(), open);
        }
        self.inner.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        let (trace_id, span_id) = (span.span_context.trace_id(), span.span_context.span_id());
        let exportable = span.span_context.is_sampled();
        let accepted = self.work.accounts().span_ended(trace_id, span_id, exportable, self.room);
        if accepted {
            keep_last_of_each_key(&mut span.attributes);
            rename_http(&mut span.attributes, &span.span_kind, self.names);
            self.inner.on_end(span);
        }
        // After the span is in the queue: whoever wakes now and asks for a flush gets this span flushed too.
        let at_rest = self.work.accounts().at_rest(trace_id);
        if at_rest {
            self.work.changed();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E> Acknowledging<E> {
    pub(super) fn new(inner: E, work: Work, endpoint: &str) -> Self {
        Self { inner, work, endpoint: endpoint.to_owned() }
    }
}

impl<E: fmt::Debug> fmt::Debug for Acknowledging<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acknowledging").field("inner", &self.inner).field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl<E: SpanExporter> SpanExporter for Acknowledging<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let traces = batch.iter().map(|span| span.span_context.trace_id()).collect();
        let in_flight = InFlight { work: &self.work, endpoint: &self.endpoint, traces };
        let result = self.inner.export(batch).await;
        in_flight.answered(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl InFlight<'_> {
    fn answered(mut self, result: &OTelSdkResult) {
        let traces = std::mem::take(&mut self.traces);
        match result {
            Ok(()) => self.work.accounts().acknowledged(traces),
            Err(error) => self.work.accounts().lost(traces, format!("cannot export to `{}`: {error}", self.endpoint)),
        }
        self.work.changed();
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let traces = std::mem::take(&mut self.traces);
        if !traces.is_empty() {
            self.work.accounts().lost(traces, format!("cannot export to `{}`: no answer in time", self.endpoint));
            self.work.changed();
        }
    }
}

/// The SDK appends; OTLP demands that keys are unique.
fn keep_last_of_each_key(attributes: &mut Vec<KeyValue>) {
    let mut index = attributes.len();
    while index > 0 {
        index -= 1;
        if attributes[index + 1..].iter().any(|later| later.key == attributes[index].key) {
            attributes.remove(index);
        }
    }
}

/// Adds the stable HTTP names, or puts them in place of the guide's.
fn rename_http(attributes: &mut Vec<KeyValue>, kind: &SpanKind, names: HttpNames) {
    if names == HttpNames::Guide {
        return;
    }
    let renamed: Vec<KeyValue> = attributes
        .iter()
        .filter_map(|pair| Some(KeyValue::new(stable_name(pair.key.as_str(), kind)?, pair.value.clone())))
        .collect();
    if names == HttpNames::Stable {
        attributes.retain(|pair| stable_name(pair.key.as_str(), kind).is_none());
    }
    attributes.extend(renamed);
}

fn stable_name(name: &str, kind: &SpanKind) -> Option<&'static str> {
    if name == HTTP_URL {
        return Some(if *kind == SpanKind::Server { "url.path" } else { "url.full" });
    }
    attributes::STABLE_HTTP.iter().find(|(guide, _)| *guide == name).map(|(_, stable)| *stable)
}
