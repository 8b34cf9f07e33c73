//! A stack as it is to run: every file read, every override applied, every name checked.
//!
//! Made by the loader of this room from YAML; handed as JSON to the supervisor; carried out by `runtime`. Nothing in it refers to a file
//! any more, so whoever has it needs no checkout.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::support::{address::Address, millis};

/// A stack, complete and valid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stack {
    /// Its name: `default`, `jaeger`, or what the file says.
    pub name: String,
    /// What runs in containers, in an order in which each comes after what it waits for. Empty for a remote stack.
    pub components: Vec<Component>,
    /// What already runs elsewhere; empty for a stack of containers.
    pub endpoints: Endpoints,
    /// What verdicts rest on.
    pub judge: Judge,
}

/// What a component is to devstack; decides where telemetry goes and what is asked of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Takes OTLP from devstack's receiver. Its ports: `otlp_grpc`, `otlp_http`, `health`, `metrics` (its own counters).
    Collector,
    /// Keeps traces. Its port: `api`.
    Tempo,
    /// Keeps traces. Its ports: `api` (the UI too), `health`.
    Jaeger,
    /// Keeps metrics. Its port: `api`.
    Prometheus,
    /// Draws. Its port: `http`.
    Grafana,
    /// Anything else.
    Other,
}

/// A container to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// Its name, which is its host name for the others, too.
    pub name: String,
    /// What it is to devstack.
    pub role: Role,
    /// The image with its tag or digest.
    pub image: String,
    /// Arguments; empty leaves the image's.
    pub command: Vec<String>,
    /// Environment.
    pub environment: BTreeMap<String, String>,
    /// Files to put into it before it starts: absolute path in the container → content.
    pub files: BTreeMap<String, String>,
    /// Ports to publish on 127.0.0.1, by name.
    pub ports: BTreeMap<String, Port>,
    /// Volumes that keep data: name → absolute path in the container.
    pub volumes: BTreeMap<String, String>,
    /// `user[:group]`; the image's where `None`.
    pub user: Option<String>,
    /// Most bytes of memory; no bound where `None`.
    pub memory: Option<u64>,
    /// Components that must be ready before it starts.
    pub after: Vec<String>,
    /// How it shows that it is ready: all of these.
    pub ready: Vec<Probe>,
    /// How long it may take to stop before it is killed.
    #[serde(rename = "stop_grace_ms", with = "millis")]
    pub stop_grace: Duration,
}

/// A published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Inside the container.
    pub container: u16,
    /// On 127.0.0.1 of the host; any free one where `None`.
    pub host: Option<u16>,
}

/// How a component shows that it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// This answer to a GET; a TCP connect proves nothing, because Docker's port proxy accepts before the program listens.
    Http {
        /// Name of the port.
        port: String,
        /// Path and query.
        path: String,
        /// The status that means ready.
        status: u16,
    },
    /// A line of its output that matches this regular expression.
    Log(String),
    /// The image's own health check says healthy.
    Health,
}

/// What already runs elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// Where OTLP over gRPC is passed on to.
    pub otlp_grpc: Option<Address>,
    /// Where OTLP over HTTP is passed on to: the base, to which `/v1/traces` is added.
    pub otlp_http: Option<Address>,
    /// A Tempo to read traces from.
    pub tempo: Option<Address>,
    /// A Jaeger to read traces from.
    pub jaeger: Option<Address>,
    /// A Prometheus (or Mimir) to read metrics from.
    pub prometheus: Option<Address>,
    /// A Grafana to open.
    pub grafana: Option<Address>,
}

/// What verdicts rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judge {
    /// On what devstack's own receiver saw.
    #[default]
    Ledger,
    /// On what the backend has by trace id, where services cannot export to devstack. No better evidence than *quiet*.
    Stored,
}

impl Stack {
    /// The stack of the embedded runtime: devstack's own backend and nothing else.
    pub fn embedded() -> Self {
        let (components, endpoints) = (Vec::new(), Endpoints::default());
        Self { name: "embedded".to_owned(), components, endpoints, judge: Judge::Ledger }
    }

    /// The component with this role; the first, where there are several.
    pub fn role(&self, role: Role) -> Option<&Component> {
        self.components.iter().find(|component| component.role == role)
    }

    /// The component of this name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }

    /// Whether it runs elsewhere.
    pub fn is_remote(&self) -> bool {
        self.components.is_empty()
    }

    /// The same stack on any free host ports.
    #[must_use]
    pub fn on_free_ports(mut self) -> Self {
        for port in self.components.iter_mut().flat_map(|component| component.ports.values_mut()) {
            port.host = None;
        }
        self
    }

    /// Hex digest of everything in it: two stacks with the same one are the same.
    pub fn digest(&self) -> String {
        digest(self)
    }
}

impl Component {
    /// Hex digest of everything that a change of demands a new container.
    pub fn digest(&self) -> String {
        digest(self)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Collector => "collector",
            Self::Tempo => "tempo",
            Self::Jaeger => "jaeger",
            Self::Prometheus => "prometheus",
            Self::Grafana => "grafana",
            Self::Other => "other",
        })
    }
}

/// Maps are ordered, so equal values serialise equally.
fn digest(value: &impl Serialize) -> String {
    let text = serde_json::to_vec(value).expect("plans have only text keys");
    const_hex::encode(Sha256::digest(text))[..16].to_owned()
}
