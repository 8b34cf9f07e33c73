//! The stacks inside the binary load, are what the documents say, and hold to devstack's ports.

use std::collections::BTreeMap;

use devstack::stack::{self, Component, Endpoints, Judge, Port, Probe, Role, Stack};

use super::Project;

fn shipped(name: &str) -> Stack {
    let env = [("DEVSTACK_REMOTE_OTLP_HTTP", "https://otlp.example.com/"), ("DEVSTACK_REMOTE_AUTHORIZATION", "Bearer s3cret")];
    let loaded = Project::new(&[]).load(Some(name), &[], &env).unwrap_or_else(|problems| panic!("{name}: {problems}"));
    assert!(loaded.warnings.is_empty() && loaded.files.is_empty(), "{:?} {}", loaded.files, loaded.warnings);
    loaded.stack
}

fn images(stack: &Stack) -> BTreeMap<&str, &str> {
    stack.components.iter().map(|component| (component.name.as_str(), component.image.as_str())).collect()
}

#[test]
fn every_shipped_stack_loads() {
    assert_eq!(stack::names(), ["default", "jaeger", "remote"]);
    for name in stack::names() {
        let stack = shipped(name);
        assert_eq!((stack.name.as_str(), stack.judge), (name, Judge::Ledger));
        assert_eq!(stack.digest(), shipped(name).digest());
    }
}

#[test]
fn the_default_is_collector_tempo_prometheus_and_grafana() {
    let stack = Project::new(&[]).load(None, &[], &[]).unwrap().stack;
    assert_eq!(stack, shipped("default"));
    assert_eq!(
        images(&stack),
        BTreeMap::from([
            ("collector", "otel/opentelemetry-collector-contrib:0.158.0"),
            ("tempo", "grafana/tempo:3.0.3"),
            ("prometheus", "prom/prometheus:v3.16.0"),
            ("grafana", "grafana/grafana:13.2.0"),
        ])
    );
    let hosts: Vec<(&str, u16)> = stack
        .components
        .iter()
        .flat_map(|component| component.ports.values().filter_map(|port| Some((component.name.as_str(), port.host?))))
        .collect();
    assert_eq!(hosts, [("tempo", 3200), ("prometheus", 9090), ("grafana", 3030)]);
    let collector = stack.role(Role::Collector).unwrap();
    assert_eq!(collector.ports["otlp_grpc"], Port { container: 4317, host: None });
    assert!(collector.environment["OTELCOL_CONFIG"].contains("transform/tempo_names"));
    assert_eq!(collector.environment["TRACES_ENDPOINT"], "http://tempo:4318");
    let tempo = stack.role(Role::Tempo).unwrap();
    assert!(!tempo.files["/etc/tempo.yaml"].contains("metrics_generator:"));
    assert_eq!(tempo.ready, [Probe::Http { port: "api".to_owned(), path: "/ready".to_owned(), status: 200 }]);
    let grafana = stack.role(Role::Grafana).unwrap();
    let files_of = |part: &str| grafana.files.keys().filter(|file| file.contains(part)).count();
    assert!(
        files_of("/provisioning/datasources/") > 0 && files_of("/dashboards/distributed-tracing.json") == 1,
        "{:?}",
        grafana.files.keys()
    );
    assert_eq!(grafana.environment["GF_PLUGINS_PREINSTALL_DISABLED"], "true");
    let volumes: Vec<&str> =
        stack.components.iter().flat_map(|component| component.volumes.values().map(String::as_str)).collect();
    assert_eq!(volumes, ["/var/tempo", "/prometheus", "/var/lib/grafana"]);
}

#[test]
fn the_jaeger_stack_puts_jaeger_in_tempos_place() {
    let (stack, default) = (shipped("jaeger"), shipped("default"));
    assert_eq!(images(&stack).keys().copied().collect::<Vec<_>>(), ["collector", "jaeger", "prometheus"]);
    assert_eq!(images(&stack)["jaeger"], "jaegertracing/jaeger:2.13.0");
    let (collector, other) = (stack.role(Role::Collector).unwrap(), default.role(Role::Collector).unwrap());
    assert_eq!(collector.environment["OTELCOL_CONFIG"], other.environment["OTELCOL_CONFIG"]);
    assert_eq!(collector.environment["TRACES_ENDPOINT"], "http://jaeger:4318");
    // Nothing outlives `down`: metrics without their traces are of no use, and traces are in memory.
    let kept = default.role(Role::Prometheus).map(|prometheus| Component { volumes: BTreeMap::new(), ..prometheus.clone() });
    assert_eq!(stack.role(Role::Prometheus), kept.as_ref());
    assert!(stack.components.iter().all(|component| component.volumes.is_empty()));
}

#[test]
fn the_remote_stack_is_what_the_environment_says() {
    let stack = shipped("remote");
    assert!(stack.is_remote());
    let address = stack.endpoints.otlp_http.clone().unwrap();
    assert_eq!(address.url, "https://otlp.example.com");
    assert_eq!(address.headers["authorization"], "Bearer s3cret");
    assert_eq!(stack.endpoints, Endpoints { otlp_http: Some(address), ..Endpoints::default() });
    assert!(!format!("{stack:?}").contains("s3cret"));
}
