//! The receiver as senders see it: the real exporters on every protocol, then everything that a sender can get wrong.

use std::time::Duration;

use devstack::{
    backend::{Backend, Config, Ledger},
    client::{LedgerClient, TempoClient, Wire, loopback},
    model::TraceId,
};
use opentelemetry::trace::{Span as _, Tracer, TracerProvider};
use opentelemetry_otlp::{Compression, Protocol, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::{
    Resource, runtime,
    trace::{SdkTracerProvider, span_processor_with_async_runtime::BatchSpanProcessor},
};
use tokio_util::sync::CancellationToken;

/// A running backend that ends with the test.
struct Running {
    grpc: String,
    http: String,
    api: String,
    ledger: Ledger,
    shutdown: CancellationToken,
    done: tokio::task::JoinHandle<()>,
}

async fn start(config: Config) -> Running {
    let backend = Backend::bind(config).await.unwrap();
    let url = |address| format!("http://{address}");
    let (grpc, http, api) = (url(backend.otlp_grpc()), url(backend.otlp_http()), url(backend.api()));
    let (ledger, shutdown) = (backend.ledger(), CancellationToken::new());
    let done = tokio::spawn(backend.run(shutdown.clone()));
    Running { grpc, http, api, ledger, shutdown, done }
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(30), self.done).await.expect("the backend drains").unwrap();
    }
}

fn exporter(running: &Running, protocol: Protocol, gzip: bool) -> opentelemetry_otlp::SpanExporter {
    let builder = opentelemetry_otlp::SpanExporter::builder();
    if protocol == Protocol::Grpc {
        let builder = builder.with_tonic().with_endpoint(&running.grpc);
        let builder = if gzip { builder.with_compression(Compression::Gzip) } else { builder };
        return builder.build().unwrap();
    }
    let builder = builder.with_http().with_protocol(protocol).with_endpoint(format!("{}/v1/traces", running.http));
    let builder = if gzip { builder.with_compression(Compression::Gzip) } else { builder };
    builder.build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_of_the_real_exporters_arrive_on_every_protocol() {
    let running = start(Config::default()).await;
    for protocol in [Protocol::Grpc, Protocol::HttpBinary, Protocol::HttpJson] {
        for gzip in [false, true] {
            let processor = BatchSpanProcessor::builder(exporter(&running, protocol, gzip), runtime::Tokio).build();
            let resource = Resource::builder_empty().with_service_name("sender").build();
            let provider = SdkTracerProvider::builder().with_resource(resource).with_span_processor(processor).build();
            let mut span = provider.tracer("t").start("hello");
            let trace = TraceId::new(span.span_context().trace_id().to_bytes()).unwrap();
            span.end();
            let flushed = tokio::task::spawn_blocking(move || provider.shutdown()).await.unwrap();
            assert!(flushed.is_ok(), "{protocol:?} gzip {gzip}: {flushed:?}");
            let view = running.ledger.view(trace);
            assert_eq!(view.arrivals.len(), 1, "{protocol:?} gzip {gzip}");
            assert_eq!(view.arrivals[0].span.service(), "sender");
            let http = loopback().unwrap();
            let seen = LedgerClient::new(http.clone(), &running.api).view(trace).await.unwrap();
            assert_eq!(seen.arrivals, view.arrivals);
            for wire in [Wire::Protobuf, Wire::Json] {
                let stored = TempoClient::new(http.clone(), &running.api).trace(trace, wire).await.unwrap();
                assert_eq!(stored.spans(), [view.arrivals[0].span.clone()]);
            }
        }
    }
    running.stop().await;
}
