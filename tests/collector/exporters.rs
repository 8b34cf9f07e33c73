//! Our exporters against the receivers of the collector, straight and through devstack's receiver; what the collector took it sends on,
//! and there it is looked at.

use std::time::Duration;

use devstack::{
    backend::Upstreams,
    model::{MetricValue, TraceId, Value},
    support::address::Address,
    telemetry::{AnyValue, Compression, Context, KeyValue, Outcome, Protocol, Settings, Severity, Telemetry, end_span},
};

use super::{HOST, Receiver, collector, published};
use crate::engine;

/// A bound on what is over in a moment.
const LONG: Duration = Duration::from_secs(20);

const NEVER: Duration = Duration::from_hours(1);

/// Without a queue: who is answered knows that it arrived.
fn config(receiver: &Receiver) -> String {
    let to = receiver.http.port();
    format!(
        "receivers:
  otlp:
    protocols: {{grpc: {{endpoint: '0.0.0.0:4317'}}, http: {{endpoint: '0.0.0.0:4318'}}}}
exporters:
  otlp_http: {{endpoint: 'http://{HOST}:{to}', sending_queue: {{enabled: false}}, retry_on_failure: {{enabled: false}}}}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlp_http]}}
    metrics: {{receivers: [otlp], exporters: [otlp_http]}}
    logs: {{receivers: [otlp], exporters: [otlp_http]}}
"
    )
}

/// Exports one of each signal and waits until it is answered; the trace.
async fn export(service: &str, endpoint: &str, protocol: Protocol, compression: Compression) -> TraceId {
    let settings = Settings::new(service).with_endpoint(endpoint).with_protocol(protocol);
    let mut settings = settings.with_schedule_delay(NEVER).with_metric_interval(NEVER);
    settings.destination.compression = compression;
    let telemetry = Telemetry::start(&settings).unwrap();
    let span = telemetry.tracer("suite").internal("step").under(&Context::new()).start();
    let trace = span.trace_id();
    span.run(async { telemetry.log(Severity::Warn, "HubSpot limited us", [("score", AnyValue::Int(4))]) }).await;
    end_span(&span, Outcome::Ok);
    telemetry.meter("suite").u64_counter("leads").build().add(3, &[KeyValue::new("classification", "HOT")]);
    telemetry.shutdown(LONG).await.unwrap_or_else(|error| panic!("{service} to {endpoint}: {error}"));
    TraceId::new(trace.to_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_collector_takes_all_that_our_exporters_send() {
    if !engine::available() {
        return;
    }
    let behind = Receiver::for_containers().await;
    let container = collector(&config(&behind), &[4317, 4318]).await;
    let grpc = format!("http://{}", published(&container, 4317).await);
    let http = format!("http://{}", published(&container, 4318).await);
    let upstreams = Upstreams { grpc: Some(Address::plain(&grpc)), http: Some(Address::plain(&http)) };
    let front = Receiver::in_front_of(upstreams).await;
    let through = (format!("http://{}", front.grpc), format!("http://{}", front.http));

    let mut sent = 0;
    for (way, (grpc, http)) in [("straight", (grpc, http)), ("through", through)] {
        for protocol in [Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson] {
            for compression in [Compression::None, Compression::Gzip] {
                let service = format!("{way}-{protocol:?}-{compression:?}").to_lowercase();
                let endpoint = if protocol == Protocol::Grpc { &grpc } else { &http };
                let trace = export(&service, endpoint, protocol, compression).await;
                sent += 1;
                check(&behind, &service, trace);
            }
        }
    }
    let traffic = front.traffic.snapshot();
    for flow in [traffic.spans, traffic.logs, traffic.points] {
        assert_eq!((flow.received, flow.passed_on, flow.refused), (sent / 2, sent / 2, 0), "{traffic:?}");
    }
    assert_eq!(traffic.last_problem, None);
}

fn check(behind: &Receiver, service: &str, trace: TraceId) {
    let view = behind.ledger.view(trace);
    let [arrival] = view.arrivals.as_slice() else { panic!("{service}: {:?}", view.arrivals) };
    let span = &arrival.span;
    assert_eq!((span.service(), span.name.as_str(), span.scope.name.as_str()), (service, "step", "suite"));
    let [log] = view.logs.as_slice() else { panic!("{service}: {:?}", view.logs) };
    assert_eq!((&log.record.body, log.record.span_id), (&"HubSpot limited us".into(), Some(span.span_id)));
    assert_eq!(log.record.attributes.get("score"), Some(&Value::Int(4)));
    let series = behind.ledger.metrics(Some("leads")).series;
    let of_service: Vec<_> = series.iter().filter(|it| it.point.series.resource.service() == service).collect();
    let [counted] = of_service.as_slice() else { panic!("{service}: {series:?}") };
    assert_eq!(counted.point.value, MetricValue::Int(3), "{service}");
}
