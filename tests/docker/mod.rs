//! The docker runtime against a real engine: containers, networks, volumes and images as they really are afterwards.
//!
//! Where no engine answers, each test says so and passes; in CI (`CI` is set) that is a failure. Every test has an owner of its own with a
//! random id, so they run in parallel, and nothing that is not theirs is touched.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use devstack::{
    runtime::{
        Events, Order, Owner, Pull, RuntimeKind, Step, UpEvent, UpFailure,
        docker::{Containers, Engine, Made},
    },
    stack::{Component, Endpoints, Judge, Port, Probe, Role, Stack},
    support::{env::Os, random},
};
use tokio::{process::Command, sync::mpsc};
use tokio_util::sync::CancellationToken;

use crate::containers::{COLLECTOR, JAEGER, PROMETHEUS};

mod discovery;
mod failures;
mod images;
mod lifecycle;
mod logs;
mod registry;

/// How long a stack may take here; a hang is found, a busy machine is not.
const DEADLINE: Duration = Duration::from_mins(1);

const COLLECTOR_CONFIG: &str = "
extensions: { health_check: { endpoint: 0.0.0.0:13133 } }
receivers: { otlp: { protocols: { grpc: { endpoint: 0.0.0.0:4317 }, http: { endpoint: 0.0.0.0:4318 } } } }
exporters:
  otlp_http/jaeger: { endpoint: http://jaeger:4318 }
  otlp_http/prometheus: { endpoint: http://prometheus:9090/api/v1/otlp }
service:
  extensions: [health_check]
  pipelines:
    traces: { receivers: [otlp], exporters: [otlp_http/jaeger] }
    metrics: { receivers: [otlp], exporters: [otlp_http/prometheus] }
";

/// An owner's containers, taken away when the test is over however it ends.
struct Bench {
    containers: Containers,
    owner: Owner,
    events: Events,
    told: mpsc::UnboundedReceiver<UpEvent>,
    stop: CancellationToken,
}

/// The engine, or `None` with a line where there is none.
async fn engine() -> Option<Engine> {
    if !crate::engine::available() {
        return None;
    }
    Some(Engine::discover(&Os).await.unwrap())
}

/// A line for whoever reads the tests' output.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so, and how long something took is worth a line")]
fn say(words: &str) {
    eprintln!("{words}");
}

impl Bench {
    async fn new() -> Option<Self> {
        let engine = engine().await?;
        let id = format!("test-{}", const_hex::encode(random::bytes::<4>()));
        let owner = Owner { root: PathBuf::from("/project").join(&id), state: PathBuf::from("/state"), id };
        let (events, told) = Events::channel();
        let containers = Containers::new(engine, owner.clone());
        Some(Self { containers, owner, events, told, stop: CancellationToken::new() })
    }

    fn order(&self, components: Vec<Component>) -> Order {
        Order {
            owner: self.owner.clone(),
            runtime: RuntimeKind::Docker,
            stack: Stack { name: "test".to_owned(), components, endpoints: Endpoints::default(), judge: Judge::Ledger },
            free_ports: true,
            listen: std::net::Ipv4Addr::LOCALHOST.into(),
            allow_hosts: Vec::new(),
            pull: Pull::Never,
            network: None,
            deadline: DEADLINE,
            demo: false,
            settings: devstack::stack::Settings::default(),
            build: "0.0.0+test".to_owned(),
        }
    }

    async fn make(&self, components: Vec<Component>) -> Result<Made, UpFailure> {
        self.containers.make(&self.order(components), &self.events, &self.stop).await
    }

    /// What was told so far.
    fn told(&mut self) -> Vec<UpEvent> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }

    /// Everything of this owner that the engine has: containers, networks, volumes.
    async fn there(&self) -> Vec<String> {
        let filter = format!("label=dev.devstack.owner={}", self.owner.id);
        let mut there = docker(&["ps", "-a", "--filter", &filter, "--format", "{{.Names}}"]).await;
        there.extend(docker(&["network", "ls", "--filter", &filter, "--format", "{{.Name}}"]).await);
        there.extend(docker(&["volume", "ls", "--filter", &filter, "--format", "{{.Name}}"]).await);
        there.sort();
        there
    }

    async fn inspect(&self, component: &str) -> serde_json::Value {
        let name = format!("devstack-{}-{component}", self.owner.id);
        let text = docker(&["inspect", &name]).await.join("\n");
        serde_json::from_str::<serde_json::Value>(&text).unwrap()[0].take()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Also after a panic, when nothing async runs any more.
        let filter = format!("label=dev.devstack.owner={}", self.owner.id);
        let script = "docker ps -aq --filter $0 | xargs -r docker rm -fv; docker network ls -q --filter $0 | xargs -r docker network rm; \
                      docker volume ls -q --filter $0 | xargs -r docker volume rm";
        let _ = std::process::Command::new("sh").args(["-c", script, &filter]).output();
    }
}

/// Lines of the docker command's output; it is the witness beside our own client.
async fn docker(arguments: &[&str]) -> Vec<String> {
    let output = Command::new("docker").args(arguments).output().await.unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(ToOwned::to_owned).collect()
}

fn component(name: &str, role: Role, image: &str) -> Component {
    Component {
        name: name.to_owned(),
        role,
        image: image.to_owned(),
        command: Vec::new(),
        environment: BTreeMap::new(),
        files: BTreeMap::new(),
        ports: BTreeMap::new(),
        volumes: BTreeMap::new(),
        user: None,
        memory: None,
        after: Vec::new(),
        ready: Vec::new(),
        stop_grace: Duration::from_secs(5),
    }
}

fn ports(pairs: &[(&str, u16)]) -> BTreeMap<String, Port> {
    pairs.iter().map(|(name, port)| ((*name).to_owned(), Port { container: *port, host: None })).collect()
}

fn answers(port: &str, path: &str) -> Vec<Probe> {
    vec![Probe::Http { port: port.to_owned(), path: path.to_owned(), status: 200 }]
}

fn collector() -> Component {
    Component {
        command: vec!["--config=env:OTELCOL_CONFIG".to_owned()],
        environment: BTreeMap::from([("OTELCOL_CONFIG".to_owned(), COLLECTOR_CONFIG.to_owned())]),
        ports: ports(&[("otlp_grpc", 4317), ("otlp_http", 4318), ("health", 13133)]),
        ready: answers("health", "/"),
        ..component("collector", Role::Collector, COLLECTOR)
    }
}

fn jaeger() -> Component {
    Component {
        ports: ports(&[("api", 16686), ("health", 13133)]),
        ready: answers("health", "/status"),
        memory: Some(512 << 20),
        ..component("jaeger", Role::Jaeger, JAEGER)
    }
}

fn prometheus() -> Component {
    let config = "global: { scrape_interval: 5s }\n".to_owned();
    Component {
        command: [
            "--config.file=/etc/prometheus/new/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            "--web.enable-otlp-receiver",
        ]
        .map(ToOwned::to_owned)
        .to_vec(),
        files: BTreeMap::from([("/etc/prometheus/new/prometheus.yml".to_owned(), config)]),
        ports: ports(&[("api", 9090)]),
        volumes: BTreeMap::from([("data".to_owned(), "/prometheus".to_owned())]),
        ready: answers("api", "/-/ready"),
        ..component("prometheus", Role::Prometheus, PROMETHEUS)
    }
}

/// The steps of a component, in order.
fn steps(told: &[UpEvent], component: &str) -> Vec<Step> {
    let of = |event: &UpEvent| match event {
        UpEvent::Component { name, step } if name == component => Some(step.clone()),
        _ => None,
    };
    told.iter().filter_map(of).collect()
}
