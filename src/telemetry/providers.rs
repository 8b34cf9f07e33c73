//! The SDK's providers of one service, wired: tracked spans in batches, metrics by interval, logs in batches.
//!
//! Built by `service` from `Settings`; several sets live in one process, each with its own resource.

use std::time::Duration;

use opentelemetry_sdk::logs::log_processor_with_async_runtime::BatchLogProcessor;
use opentelemetry_sdk::logs::{BatchConfigBuilder as LogBatchConfig, LogExporter, SdkLoggerProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::periodic_reader_with_async_runtime::PeriodicReader;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder as SpanBatchConfig, Sampler, SdkTracerProvider, SimpleSpanProcessor, SpanExporter, SpanProcessor,
};

use super::error::TelemetryError;
use super::exporters;
use super::log_queue::{Bounded, Releasing, Waiting};
use super::resource::resource;
use super::settings::{Batching, Sampling, Settings};
use super::tracking::{Acknowledging, Tracked};
use super::work::Work;

/// Places of a processor's queue beyond those for records: for the messages that flush it and shut it down.
const CONTROL_PLACES: usize = 64;

/// One service's providers. `spans` is absent where telemetry is disabled.
#[derive(Debug, Clone)]
pub(super) struct Providers {
    pub(super) spans: Option<SdkTracerProvider>,
    pub(super) metrics: SdkMeterProvider,
    pub(super) logs: SdkLoggerProvider,
}

impl Providers {
    /// Exporting over OTLP. Must be called inside a Tokio runtime.
    pub(super) fn exporting(settings: &Settings, work: &Work) -> Result<Self, TelemetryError> {
        let exporters = exporters::build(&settings.destination)?;
        let batching = if settings.immediate { Batching { max_batch: 1, ..settings.batching } } else { settings.batching };
        let spans = Acknowledging::new(exporters.spans, work.clone(), settings.destination.base());
        Ok(Self {
            spans: Some(tracer_provider(batched_spans(spans, batching), settings, batching.max_queue, work)),
            metrics: meter_provider(exporters.metrics, settings),
            logs: logger_provider(exporters.logs, settings, batching),
        })
    }

    /// Handing every span to `exporter` at once, and exporting nothing else.
    pub(super) fn capturing<E: SpanExporter + 'static>(settings: &Settings, work: &Work, exporter: E) -> Self {
        let spans = SimpleSpanProcessor::new(Acknowledging::new(exporter, work.clone(), "memory"));
        let spans = settings.enabled.then(|| tracer_provider(spans, settings, usize::MAX, work));
        Self { spans, ..Self::disabled() }
    }

    /// Exporting nothing.
    pub(super) fn disabled() -> Self {
        Self { spans: None, metrics: SdkMeterProvider::builder().build(), logs: SdkLoggerProvider::builder().build() }
    }
}

fn tracer_provider<P: SpanProcessor + 'static>(processor: P, settings: &Settings, room: usize, work: &Work) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_resource(resource(settings))
        .with_sampler(sampler(settings.sampling))
        .with_span_processor(Tracked::new(processor, work.clone(), room, settings.http_names))
        .build()
}

/// One export at a time: with more, the SDK's flush answers before those under way have.
fn batched_spans<E: SpanExporter + 'static>(exporter: E, batching: Batching) -> BatchSpanProcessor<Tokio> {
    let config = SpanBatchConfig::default()
        .with_max_queue_size(batching.max_queue + CONTROL_PLACES)
        .with_max_export_batch_size(batching.max_batch)
        .with_scheduled_delay(batching.delay)
        .with_max_export_timeout(batching.timeout)
        .with_max_concurrent_exports(1)
        .build();
    BatchSpanProcessor::builder(exporter, Tokio).with_batch_config(config).build()
}

fn meter_provider<E: PushMetricExporter>(exporter: E, settings: &Settings) -> SdkMeterProvider {
    let reader = PeriodicReader::builder(exporter, Tokio)
        .with_interval(settings.metric_interval.max(Duration::from_millis(1)))
        .with_timeout(settings.batching.timeout)
        .build();
    SdkMeterProvider::builder().with_resource(resource(settings)).with_reader(reader).build()
}

fn logger_provider<E: LogExporter + 'static>(exporter: E, settings: &Settings, batching: Batching) -> SdkLoggerProvider {
    let config = LogBatchConfig::default()
        .with_max_queue_size(batching.max_queue + CONTROL_PLACES)
        .with_max_export_batch_size(batching.max_batch)
        .with_scheduled_delay(batching.delay)
        .with_max_export_timeout(batching.timeout)
        .build();
    let waiting = Waiting::default();
    let exporter = Releasing { inner: exporter, waiting: waiting.clone() };
    let processor = BatchLogProcessor::builder(exporter, Tokio).with_batch_config(config).build();
    SdkLoggerProvider::builder()
        .with_resource(resource(settings))
        .with_log_processor(Bounded { inner: processor, waiting, room: batching.max_queue })
        .build()
}

fn sampler(sampling: Sampling) -> Sampler {
    match sampling {
        Sampling::AlwaysOn => Sampler::AlwaysOn,
        Sampling::AlwaysOff => Sampler::AlwaysOff,
        Sampling::Ratio(ratio) => Sampler::TraceIdRatioBased(ratio),
        Sampling::ParentOrAll => Sampler::ParentBased(Box::new(Sampler::AlwaysOn)),
        Sampling::ParentOrNone => Sampler::ParentBased(Box::new(Sampler::AlwaysOff)),
        Sampling::ParentOrRatio(ratio) => Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))),
    }
}
