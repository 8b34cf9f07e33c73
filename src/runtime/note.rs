//! What a stack that is up tells of itself: where everything is.
//!
//! Written by the supervisor to `stack.json` in the project's state folder (mode 0600: it carries the secrets that deliveries are signed
//! with); read by every command that uses the stack.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{RuntimeKind, services::ExternalAt};
use crate::{
    client::{HopAddress, HopKind, StoreAddress},
    model::traffic::TRAFFIC_PATH,
    stack::{Judge, Role},
    support::address::Address,
    webhook::Secrets,
};

/// The version of the file's shape; a note of another version is of another build.
pub const NOTE_VERSION: u32 = 1;

/// The file's name in the project's state folder.
pub const NOTE_FILE: &str = "stack.json";

/// A stack that is up, or on its way there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// [`NOTE_VERSION`].
    pub version: u32,
    /// The build of devstack that runs it ([`super::build`]).
    pub build: String,
    /// The supervisor's process.
    pub pid: u32,
    /// When that process started, as the operating system tells it: a pid alone may be someone else's by now.
    pub pid_started: String,
    /// When the stack was ready, in seconds since the Unix epoch.
    pub since: i64,
    /// Where it runs.
    pub runtime: RuntimeKind,
    /// The stack's name.
    pub stack: String,
    /// Digest of the order ([`crate::stack::Stack::digest`] and the options that matter).
    pub digest: String,
    /// The control socket.
    pub control: PathBuf,
    /// Base address of OTLP over gRPC: devstack's receiver.
    pub otlp_grpc: String,
    /// Base address of OTLP over HTTP: devstack's receiver.
    pub otlp_http: String,
    /// Base address of the ledger's API.
    pub ledger: String,
    /// What verdicts rest on.
    pub judge: Judge,
    /// What keeps the traces, to be asked as a witness; `None` where nothing does.
    pub store: Option<StoreAddress>,
    /// What keeps metrics and speaks Prometheus' API.
    pub prometheus: Option<Address>,
    /// What to open in a browser.
    pub grafana: Option<String>,
    /// Where hops count what went through them, in the order of the way.
    pub hops: Vec<Hop>,
    /// Components and their published ports: name → port name → port on 127.0.0.1.
    pub components: BTreeMap<String, BTreeMap<String, u16>>,
    /// The network of the containers, where there is one.
    pub network: Option<String>,
    /// The demo services that run beside it.
    pub demo: Option<DemoNote>,
    /// The project's services that run beside it and have an address: name in traces → address.
    #[serde(default)]
    pub services: Vec<(String, String)>,
    /// The externals that are played for them.
    #[serde(default)]
    pub externals: Vec<ExternalAt>,
    /// Base address at which the scripts of the scripted ones are put.
    #[serde(default)]
    pub scripts: Option<String>,
    /// Base address of the stand-in for the Trigger.dev API, which tells what was enqueued there.
    #[serde(default)]
    pub enqueued: Option<String>,
    /// What deliveries to the services are signed with.
    #[serde(default)]
    pub secrets: Secrets,
}

impl Note {
    /// Who counts what goes through on the way to the store, devstack's own receiver first; nobody where that is the whole way.
    pub fn way(&self) -> Vec<HopAddress> {
        if self.runtime == RuntimeKind::Embedded {
            return Vec::new();
        }
        let metrics = format!("{}{TRAFFIC_PATH}", self.ledger);
        let own = HopAddress { name: "devstack".to_owned(), kind: HopKind::Receiver, metrics };
        std::iter::once(own).chain(self.hops.iter().filter_map(Hop::address)).collect()
    }
}

impl Hop {
    fn address(&self) -> Option<HopAddress> {
        let kind = match self.role {
            Role::Collector => HopKind::Collector,
            Role::Tempo => HopKind::Tempo,
            Role::Jaeger => HopKind::Jaeger,
            Role::Prometheus | Role::Grafana | Role::Other => return None,
        };
        Some(HopAddress { name: self.name.clone(), kind, metrics: self.metrics.clone() })
    }
}

/// A hop that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The component's name.
    pub name: String,
    /// What it is: its counters are read accordingly.
    pub role: Role,
    /// Its metrics in Prometheus' text format: `http://127.0.0.1:49153/metrics`.
    pub metrics: String,
}

/// Demo services beside a stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DemoNote {
    /// Services and their addresses.
    pub services: Vec<(String, String)>,
    /// Control address of the externals.
    pub externals: String,
    /// What deliveries are signed with.
    pub secrets: Secrets,
}
