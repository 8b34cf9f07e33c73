//! Our metrics exporter against the real Prometheus, straight and through devstack's receiver; asked back in `PromQL`.

use std::time::Duration;

use devstack::{
    backend::Upstreams,
    client::loopback,
    support::address::Address,
    telemetry::{Compression, KeyValue, Protocol, Settings, Telemetry, histogram},
};
use serde_json::Value;
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt,
    core::{IntoContainerPort, WaitFor},
    runners::AsyncRunner,
};

use super::{Receiver, published};
use crate::engine;

const LONG: Duration = Duration::from_secs(20);

/// The last point leaves with the shutdown.
const NEVER: Duration = Duration::from_hours(1);

async fn prometheus() -> ContainerAsync<GenericImage> {
    GenericImage::new("prom/prometheus", "v3.16.0")
        .with_exposed_port(9090.tcp())
        .with_wait_for(WaitFor::message_on_stderr("Server is ready to receive web requests."))
        .with_cmd(["--config.file=/dev/null", "--storage.tsdb.path=/prometheus", "--web.enable-otlp-receiver"])
        .with_label("dev.devstack.test", "collector")
        .start()
        .await
        .unwrap()
}

async fn export(service: &str, settings: Settings, compression: Compression) {
    let mut settings = settings.with_schedule_delay(NEVER).with_metric_interval(NEVER);
    settings.destination.compression = compression;
    let telemetry = Telemetry::start(&settings).unwrap();
    let meter = telemetry.meter("suite");
    meter.u64_counter("medicalcor.leads").build().add(3, &[KeyValue::new("classification", "HOT")]);
    let latency = histogram(&meter, "http.server.request.duration", "s", &[0.1, 1.0]);
    latency.record(0.5, &[]);
    latency.record(5.0, &[]);
    telemetry.shutdown(LONG).await.unwrap_or_else(|error| panic!("{service}: {error}"));
}

/// The one value of a query.
async fn value(base: &str, query: &str) -> String {
    let url = format!("http://{base}/api/v1/query");
    let answer = loopback().unwrap().get(url).query(&[("query", query)]).send().await.unwrap().json::<Value>().await.unwrap();
    let result = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
    assert_eq!(result.len(), 1, "{query}: {answer}");
    result[0]["value"][1].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_has_what_our_exporter_counted() {
    if !engine::available() {
        return;
    }
    let container = prometheus().await;
    let base = published(&container, 9090).await;
    let otlp = format!("http://{base}/api/v1/otlp");
    let front = Receiver::in_front_of(Upstreams { http: Some(Address::plain(&otlp)), grpc: None }).await;
    let (grpc, http) = (format!("http://{}", front.grpc), format!("http://{}", front.http));
    let ways = [
        ("straight", &otlp, Protocol::HttpProtobuf, Compression::None),
        ("straight-gzip", &otlp, Protocol::HttpProtobuf, Compression::Gzip),
        ("straight-json", &otlp, Protocol::HttpJson, Compression::None),
        ("through", &http, Protocol::HttpProtobuf, Compression::Gzip),
        // Prometheus has no gRPC: the receiver translates.
        ("translated", &grpc, Protocol::Grpc, Compression::None),
        ("translated-gzip", &grpc, Protocol::Grpc, Compression::Gzip),
    ];
    for (service, endpoint, protocol, compression) in ways {
        export(service, Settings::new(service).with_endpoint(endpoint).with_protocol(protocol), compression).await;
        let job = format!("job=\"medicalcor/{service}\"");
        let leads = value(&base, &format!("medicalcor_leads_total{{{job},classification=\"HOT\"}}")).await;
        let count = value(&base, &format!("http_server_request_duration_seconds_count{{{job}}}")).await;
        let below_a_second = value(&base, &format!("http_server_request_duration_seconds_bucket{{{job},le=\"1\"}}")).await;
        let sum = value(&base, &format!("http_server_request_duration_seconds_sum{{{job}}}")).await;
        assert_eq!([leads, count, below_a_second, sum], ["3", "2", "1", "5.5"], "{service}");
    }
    let points = front.traffic.snapshot().points;
    assert_eq!((points.received, points.passed_on, points.refused), (6, 6, 0));
}
