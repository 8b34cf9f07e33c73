//! The collector, Prometheus and Jaeger with their shipped configurations, in containers whose names no other test has; removed when
//! dropped.
//!
//! Started by `real` until it can ask devstack for the stack.

use std::{collections::HashMap, time::Duration};

use devstack::{client::loopback, support::random};
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt as _,
    core::{ContainerPort, ContainerRequest},
    runners::AsyncRunner as _,
};

use super::{DEADLINE, until};

const PROMETHEUS_FLAGS: [&str; 4] = [
    "--config.file=/etc/prometheus/prometheus.yml",
    "--storage.tsdb.path=/prometheus",
    "--web.enable-otlp-receiver",
    // The second makes a counter begin with 0 when its series began, so that its first value is an increase.
    "--enable-feature=exemplar-storage,created-timestamp-zero-ingestion",
];

/// The running containers.
pub(super) struct Containers {
    /// Base address of OTLP over HTTP.
    pub(super) collector: String,
    /// Base address of Prometheus.
    pub(super) prometheus: String,
    _running: [ContainerAsync<GenericImage>; 3],
}

impl Containers {
    /// Starts all three at once and waits until each answers over HTTP.
    pub(super) async fn start() -> Self {
        let names = Names(const_hex::encode(random::bytes::<4>()));
        let collector = include_str!("../../stacks/collector/collector.yaml")
            .replace("http://prometheus:", &format!("http://{}:", names.of("prometheus")));
        let (prometheus, jaeger, collector) = tokio::join!(
            names
                .request("prometheus", "prom/prometheus", "v3.16.0", &[9090])
                .with_cmd(PROMETHEUS_FLAGS)
                .with_copy_to("/etc/prometheus/prometheus.yml", include_bytes!("../../stacks/prometheus/prometheus.yml").to_vec())
                .start(),
            names.request("jaeger", "jaegertracing/jaeger", "2.13.0", &[13133]).start(),
            names
                .request("collector", "otel/opentelemetry-collector-contrib", "0.158.0", &[4318, 13133])
                .with_env_var("OTELCOL_CONFIG", collector)
                .with_env_var("TRACES_ENDPOINT", format!("http://{}:4318", names.of("jaeger")))
                .with_cmd(["--config=env:OTELCOL_CONFIG"])
                .start(),
        );
        let running = [prometheus.unwrap(), jaeger.unwrap(), collector.unwrap()];
        let [prometheus, jaeger, collector] = &running;
        ready(prometheus, 9090, "/-/ready").await;
        ready(jaeger, 13133, "/status").await;
        ready(collector, 13133, "/").await;
        Self { collector: url(collector, 4318).await, prometheus: url(prometheus, 9090).await, _running: running }
    }
}

/// Names that are this test's alone.
struct Names(String);

impl Names {
    fn of(&self, what: &str) -> String {
        format!("devstack-dashboard-{}-{what}", self.0)
    }

    fn request(&self, what: &str, image: &str, tag: &str, ports: &[u16]) -> ContainerRequest<GenericImage> {
        let image = GenericImage::new(image, tag);
        let image = ports.iter().fold(image, |image, port| image.with_exposed_port(ContainerPort::Tcp(*port)));
        image
            .with_container_name(self.of(what))
            .with_network(self.of("network"))
            .with_labels(HashMap::from([("dev.devstack.test", "dashboard")]))
            .with_startup_timeout(DEADLINE)
    }
}

async fn url(container: &ContainerAsync<GenericImage>, port: u16) -> String {
    format!("http://127.0.0.1:{}", container.get_host_port_ipv4(port).await.unwrap())
}

/// A TCP connect proves nothing: the engine's proxy accepts before the program listens.
async fn ready(container: &ContainerAsync<GenericImage>, port: u16, path: &str) {
    let address = format!("{}{path}", url(container, port).await);
    let http = loopback().unwrap();
    until(Duration::from_millis(20), async || {
        let answer = http.get(&address).send().await.map_err(|error| format!("{address}: {error}"))?;
        answer.error_for_status().map(drop).map_err(|error| format!("{address}: {error}"))
    })
    .await;
}
