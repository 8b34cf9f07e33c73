//! Stacks that cannot start: what is said, what to do about it, and that nothing of them is left.

use std::net::TcpListener;

use devstack::support::random;

use super::faults::{DockerStand, docker, said};
use crate::{
    containers::{COLLECTOR, available},
    sandbox::Run,
};

/// Each of these stands in what was said, wherever its lines are broken.
fn says(run: &Run, words: &[&str]) {
    let said = run.err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    for words in words {
        assert!(said.contains(words), "`{words}` is not in:\n{}", run.err);
    }
}

#[test]
fn an_image_that_is_nowhere() {
    let Some(stand) = DockerStand::among_strangers() else { return };
    let run = stand.fails(&["--set", "components.jaeger.image=127.0.0.1:1/none:1"]);
    says(&run, &["jaeger: could not fetch the image `127.0.0.1:1/none:1`", "connection refused", "devstack images load FILE"]);
}

#[test]
fn a_config_that_a_component_cannot_read() {
    let Some(stand) = DockerStand::among_strangers() else { return };
    let run = stand.fails(&["--set", "components.collector.environment.OTELCOL_CONFIG='broken: ['"]);
    says(&run, &["error: collector ended before it was ready (exit code 1)", "yaml"]);
}

#[test]
fn one_that_ends_with_code_0_before_it_is_ready() {
    let Some(stand) = DockerStand::new() else { return };
    let run = stand.fails(&["--set", "components.jaeger.command=[version]"]);
    says(&run, &["error: jaeger ended before it was ready (exit code 0)", "gitVersion"]);
}

#[test]
fn a_store_that_cannot_be_reached_is_found_by_the_canary() {
    let Some(stand) = DockerStand::new() else { return };
    let nowhere = "components.collector.environment.TRACES_ENDPOINT=http://nowhere:4318";
    let run = stand.fails(&["--timeout", "10s", "--set", nowhere]);
    says(
        &run,
        &[
            "collector: the canary trace did not come back through devstack → collector → jaeger",
            "the receiver answered 200",
            "Jaeger has no such trace after",
            "The collector still holds 1 span in its queue for `otlp_http/traces`",
        ],
    );
}

#[test]
fn a_store_that_says_no_is_found_by_the_canary() {
    let Some(stand) = DockerStand::new() else { return };
    // Prometheus is there, is ready, and takes no traces.
    let elsewhere = "components.collector.environment.TRACES_ENDPOINT=http://prometheus:9090";
    let run = stand.fails(&["--timeout", "10s", "--set", elsewhere]);
    says(
        &run,
        &[
            "collector: the canary trace did not come back through devstack → collector → jaeger",
            "Jaeger has no such trace after",
            "The collector could not send 1 span to prometheus:9090: the answer was no, for good",
        ],
    );
}

/// Ready, answers every question, and refuses every span: its memory is always full.
const FULL: &str = "
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces: { receivers: [otlp], processors: [memory_limiter], exporters: [jaeger_storage_exporter] }
  telemetry:
    metrics: { readers: [{ pull: { exporter: { prometheus: { host: 0.0.0.0, port: 8888 } } } }] }
extensions:
  healthcheckv2: { use_v2: true, http: { endpoint: 0.0.0.0:13133, status: { enabled: true } } }
  jaeger_query: { storage: { traces: memory }, http: { endpoint: 0.0.0.0:16686 }, grpc: { endpoint: 0.0.0.0:16685 } }
  jaeger_storage: { backends: { memory: { memory: { max_traces: 1000 } } } }
receivers:
  otlp: { protocols: { grpc: { endpoint: 0.0.0.0:4317 }, http: { endpoint: 0.0.0.0:4318 } } }
processors:
  memory_limiter: { check_interval: 10ms, limit_mib: 1 }
exporters:
  jaeger_storage_exporter: { trace_storage: memory }
";

#[test]
fn a_store_that_says_ready_and_refuses_every_write_is_found_by_the_canary() {
    let Some(stand) = DockerStand::new() else { return };
    stand.stand.sandbox.write("full.yaml", FULL);
    let set = ["components.jaeger.files./etc/full.yaml=full.yaml", "components.jaeger.command=[--config=/etc/full.yaml]"];
    let run = stand.fails(&["--timeout", "10s", "--set", set[0], "--set", set[1]]);
    says(
        &run,
        &[
            "the canary trace did not come back through devstack → collector → jaeger",
            "the receiver answered 200",
            "Jaeger has no such trace after",
            "Jaeger refused",
        ],
    );
}

/// A container of this test's own that goes with it.
struct Holder(String);

impl Drop for Holder {
    fn drop(&mut self) {
        docker(&["rm", "-f", "-v", &self.0]);
    }
}

/// With fixed ports, which other stacks of this machine may want as well: one test, so that it is in nobody's way for long.
#[test]
fn a_port_that_a_container_or_a_process_holds_is_told_with_its_name() {
    if !available(&[COLLECTOR]) {
        return;
    }
    let Some(stand) = DockerStand::new() else { return };
    let holder = Holder(format!("devstack-test-holder-{}", random::uuid()));
    let name = holder.0.as_str();
    let run = docker(&["run", "-d", "--name", name, "-p", "127.0.0.1:4317:4317", COLLECTOR]);
    if run.is_none() {
        // Somebody else of this machine has it.
        assert!(TcpListener::bind("127.0.0.1:4317").is_err(), "the port is free, and the holder does not start");
    }
    for args in [["--runtime", "docker", "--stack", "jaeger"].as_slice(), &["--runtime", "embedded"]] {
        let up = stand.stand.run(&[&["up"], args].concat());
        assert_eq!(up.code, 3, "{}", up.err);
        says(&up, &["port 4317 is taken", "devstack up --ports auto"]);
        if run.is_some() {
            says(&up, &[&format!("by the container {name}")]);
        }
        stand.is_down();
    }
    said(&["rm", "-f", "-v", name]);

    // The receiver's ports are its own; Prometheus' is the engine's to give.
    let Ok(process) = TcpListener::bind("127.0.0.1:0") else { return };
    let port = process.local_addr().unwrap().port();
    let set = format!("components.prometheus.ports.api={{container: 9090, host: {port}}}");
    stand.stand.sandbox.write("devstack.yaml", "ports: auto\n");
    let up = stand.stand.run(&["up", "--ports", "fixed", "--runtime", "docker", "--stack", "jaeger", "--set", &set]);
    assert_eq!(up.code, 3, "{}", up.err);
    // Another test of this machine may hold 4317 just now.
    if !up.err.contains("port 43") {
        says(&up, &[&format!("port {port} is taken"), &format!("(pid {})", std::process::id()), "--ports auto"]);
    }
    stand.is_down();
}
