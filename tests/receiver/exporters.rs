//! The real `opentelemetry-otlp` exporters: every protocol, plain and gzip, all three signals.

use std::sync::Arc;

use devstack::{
    backend::Config,
    client::{LedgerClient, TempoClient, Wire, loopback},
    model::{MetricValue, TraceId, Value},
};
use opentelemetry::{
    Context, KeyValue,
    logs::{AnyValue, LogRecord as _, Logger, LoggerProvider, Severity},
    metrics::MeterProvider,
    trace::{Span as _, SpanKind, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_otlp::{
    Compression, LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::{
    Resource,
    logs::{SdkLoggerProvider, log_processor_with_async_runtime::BatchLogProcessor},
    metrics::{SdkMeterProvider, periodic_reader_with_async_runtime::PeriodicReader},
    runtime,
    trace::{SdkTracerProvider, span_processor_with_async_runtime::BatchSpanProcessor},
};

use super::Running;

const PROTOCOLS: [Protocol; 3] = [Protocol::Grpc, Protocol::HttpBinary, Protocol::HttpJson];

/// Builds an exporter of any signal: their builders share methods but no trait.
macro_rules! exporter {
    ($exporter:ident, $path:literal, $running:expr, $protocol:expr, $gzip:expr) => {
        if $protocol == Protocol::Grpc {
            let builder = $exporter::builder().with_tonic().with_endpoint(&$running.grpc);
            if $gzip { builder.with_compression(Compression::Gzip) } else { builder }.build().unwrap()
        } else {
            let url = format!("{}{}", $running.http, $path);
            let builder = $exporter::builder().with_http().with_protocol($protocol).with_endpoint(url);
            if $gzip { builder.with_compression(Compression::Gzip) } else { builder }.build().unwrap()
        }
    };
}

fn resource() -> Resource {
    Resource::builder_empty().with_service_name("sender").build()
}

/// Shutting down blocks, so it must not do so on a worker of the runtime.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_arrive_whole_on_every_protocol() {
    let running = Running::start(Config::default()).await;
    for (protocol, gzip) in PROTOCOLS.into_iter().flat_map(|protocol| [(protocol, false), (protocol, true)]) {
        let exporter = exporter!(SpanExporter, "/v1/traces", running, protocol, gzip);
        let processor = BatchSpanProcessor::builder(exporter, runtime::Tokio).build();
        let provider = SdkTracerProvider::builder().with_resource(resource()).with_span_processor(processor).build();
        let tracer = provider.tracer("suite");
        let mut parent = tracer.span_builder("POST /webhooks/whatsapp").with_kind(SpanKind::Server).start(&tracer);
        parent.set_attributes([KeyValue::new("http.status_code", 200_i64), KeyValue::new("ratio", 0.1 + 0.2)]);
        parent.add_event("message_processed", vec![KeyValue::new("ok", true)]);
        let trace = TraceId::new(parent.span_context().trace_id().to_bytes()).unwrap();
        let context = Context::new().with_span(parent);
        tracer.start_with_context("hubspot POST", &context).end();
        context.span().end();
        let sent = blocking(move || provider.shutdown()).await;
        assert!(sent.is_ok(), "{protocol:?} gzip {gzip}: {sent:?}");

        let view = running.ledger.view(trace);
        assert_eq!(view.arrivals.len(), 2, "{protocol:?} gzip {gzip}");
        let root = view.arrivals.iter().map(|arrival| &arrival.span).find(|span| span.parent_id.is_none()).unwrap();
        assert_eq!((root.service(), root.kind.name(), root.scope.name.as_str()), ("sender", "server", "suite"));
        assert_eq!(root.attributes.get("http.status_code"), Some(&Value::Int(200)));
        assert_eq!(root.attributes.get("ratio"), Some(&Value::Double(0.1 + 0.2)));
        assert_eq!(root.events[0].attributes.get("ok"), Some(&Value::Bool(true)));

        let http = loopback().unwrap();
        let seen = LedgerClient::new(http.clone(), &running.api).view(trace).await.unwrap();
        assert_eq!(seen.arrivals, view.arrivals);
        for wire in [Wire::Protobuf, Wire::Json] {
            let stored = TempoClient::new(http.clone(), &running.api).trace(trace, wire).await.unwrap();
            let id = root.span_id;
            assert_eq!(stored.get(id).map(Arc::as_ref), Some(root.as_ref()), "{wire:?}");
            assert_eq!((stored.spans().len(), stored.children(id).len()), (2, 1), "{wire:?}");
        }
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_arrive_with_their_trace_on_every_protocol() {
    let running = Running::start(Config::default()).await;
    for (protocol, gzip) in PROTOCOLS.into_iter().flat_map(|protocol| [(protocol, false), (protocol, true)]) {
        let trace = TraceId::random();
        let exporter = exporter!(LogExporter, "/v1/logs", running, protocol, gzip);
        let processor = BatchLogProcessor::builder(exporter, runtime::Tokio).build();
        let provider = SdkLoggerProvider::builder().with_resource(resource()).with_log_processor(processor).build();
        let logger = provider.logger("suite");
        let mut record = logger.create_log_record();
        record.set_severity_number(Severity::Warn);
        record.set_body(AnyValue::from("HubSpot limited us"));
        record.set_trace_context(u128::from_be_bytes(trace.bytes()).into(), u64::from_be_bytes([7; 8]).into(), None);
        logger.emit(record);
        let sent = blocking(move || provider.shutdown()).await;
        assert!(sent.is_ok(), "{protocol:?} gzip {gzip}: {sent:?}");

        let view = running.ledger.view(trace);
        assert_eq!(view.logs.len(), 1, "{protocol:?} gzip {gzip}");
        let record = &view.logs[0].record;
        assert_eq!((record.severity, &record.body), (13, &"HubSpot limited us".into()));
        assert_eq!((record.resource.service(), record.span_id.unwrap().bytes()), ("sender", [7; 8]));
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_arrive_as_series_on_every_protocol() {
    let running = Running::start(Config::default()).await;
    for (protocol, gzip) in PROTOCOLS.into_iter().flat_map(|protocol| [(protocol, false), (protocol, true)]) {
        let name = format!("leads.{protocol:?}.{gzip}").to_lowercase();
        let exporter = exporter!(MetricExporter, "/v1/metrics", running, protocol, gzip);
        let reader = PeriodicReader::builder(exporter, runtime::Tokio).build();
        let provider = SdkMeterProvider::builder().with_resource(resource()).with_reader(reader).build();
        let meter = provider.meter("suite");
        let counter = meter.u64_counter(name.clone()).build();
        counter.add(2, &[KeyValue::new("classification", "HOT")]);
        counter.add(1, &[KeyValue::new("classification", "COLD")]);
        let latency = meter.f64_histogram(format!("{name}.latency")).with_boundaries(vec![0.1, 1.0]).build();
        latency.record(0.25, &[]);
        let sent = blocking(move || provider.shutdown()).await;
        assert!(sent.is_ok(), "{protocol:?} gzip {gzip}: {sent:?}");

        let counted = running.ledger.metrics(Some(&name)).series;
        let total: f64 = counted.iter().filter_map(|arrival| arrival.point.value.number()).sum();
        assert_eq!((counted.len(), total), (2, 3.0), "{protocol:?} gzip {gzip}");
        assert_eq!(counted[0].point.series.resource.service(), "sender");
        let histograms = running.ledger.metrics(Some(&format!("{name}.latency"))).series;
        let MetricValue::Histogram(histogram) = &histograms[0].point.value else { panic!("{histograms:?}") };
        assert_eq!((histogram.counts.as_slice(), histogram.sum), ([0, 1, 0].as_slice(), Some(0.25)));
    }
    let over_http = LedgerClient::new(loopback().unwrap(), &running.api).metrics(None).await.unwrap();
    assert_eq!(over_http.series, running.ledger.metrics(None).series);
    running.stop().await;
}
