//! Containers: made by the docker runtime, and watched while they run.
//!
//! Published ports of a container change when it is restarted, so the receiver is told anew where to pass on to.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt, stream::BoxStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Footing;
use crate::{
    backend::Upstreams,
    client::{StoreAddress, StoreKind},
    runtime::{
        ComponentStatus, Events, Hop, LogLine, LogsWanted, Order, UpEvent, UpFailure,
        docker::{Containers, Created, Engine, EngineAbout},
        supervisor::Journal,
    },
    stack::{Role, Stack},
    support::{address::Address, clock, env::Os},
};

/// How often the containers are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Published ports: component → port name → port.
type Ports = BTreeMap<String, BTreeMap<String, u16>>;

/// Containers of one stack.
pub(in crate::runtime) struct DockerBase {
    containers: Containers,
    stack: Stack,
    created: Created,
}

impl DockerBase {
    /// Makes what is to run, run.
    pub(super) async fn start(
        order: &Order,
        upstreams: &watch::Sender<Upstreams>,
        events: &Events,
        stop: &CancellationToken,
    ) -> Result<(Self, Footing), UpFailure> {
        let engine = Engine::discover(&Os).await.map_err(|error| UpFailure::new(error.to_string()).hint(error.hint()))?;
        tell_begin(order, engine.about(), events);
        let containers = Containers::new(engine, order.owner.clone());
        let made = containers.make(order, events, stop).await?;
        let ports: Ports = made.components.iter().map(|made| (made.name.clone(), made.ports.clone())).collect();
        upstreams.send_replace(upstreams_of(&order.stack, &ports));
        let network = order.network.clone().unwrap_or(made.network);
        let footing = footing(&order.stack, ports, network);
        Ok((Self { containers, stack: order.stack.clone(), created: made.created }, footing))
    }

    /// How the containers are now.
    pub(super) async fn states(&self) -> Vec<ComponentStatus> {
        match self.containers.states().await {
            Ok(states) => states,
            Err(error) => self.stack.components.iter().map(|component| unknown(&component.name, &error.to_string())).collect(),
        }
    }

    /// What the containers wrote.
    pub(super) fn logs(&self, wanted: &LogsWanted) -> BoxStream<'static, LogLine> {
        self.containers.logs(wanted).filter_map(|line| std::future::ready(line.ok())).boxed()
    }

    /// Tells the receiver and the journal what changes, until `stop`.
    pub(super) fn follow(
        &self,
        upstreams: watch::Sender<Upstreams>,
        journal: Journal,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (containers, stack) = (self.containers.clone(), self.stack.clone());
        async move {
            let mut last = BTreeMap::new();
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = clock::pause(LOOK) => {}
                }
                let Ok(states) = containers.states().await else { continue };
                let ports = states.iter().map(|state| (state.name.clone(), state.ports.clone())).collect();
                let now = upstreams_of(&stack, &ports);
                upstreams.send_if_modified(|before| {
                    let changed = *before != now;
                    if changed {
                        journal.note(&format!("passes on to {}", words(&now)));
                        before.clone_from(&now);
                    }
                    changed
                });
                let states: BTreeMap<_, _> = states.into_iter().map(|state| (state.name, state.state)).collect();
                for component in &stack.components {
                    let state = states.get(&component.name).map_or("removed", String::as_str);
                    let before = last.insert(component.name.clone(), state.to_owned());
                    if before.as_deref().unwrap_or("running") != state {
                        journal.note(&format!("{} is {state}", component.name));
                    }
                }
            }
        }
    }

    /// Removes what its start made.
    pub(super) async fn undo(self, events: &Events) {
        if let Err(error) = self.containers.undo(self.created, events).await {
            events.tell(UpEvent::Warning { words: format!("not all of it could be removed: {error}; run `devstack down`") });
        }
    }

    /// Removes all of it.
    pub(super) async fn end(&self, volumes: bool, events: &Events) -> Vec<String> {
        match self.containers.remove(volumes, events).await {
            Ok(removed) => removed.left,
            Err(error) => vec![format!("containers could not be removed: {error}; run `devstack down` again")],
        }
    }
}

fn tell_begin(order: &Order, engine: &EngineAbout, events: &Events) {
    // Distributions add to the version: `20.10.24+dfsg1`.
    let version: Vec<_> = engine.version.splitn(3, '.').take(2).collect();
    events.tell(UpEvent::Begun {
        runtime: order.runtime,
        engine: Some(format!("{} {}", engine.name, version.join("."))),
        stack: order.stack.name.clone(),
        components: order.stack.components.iter().map(|component| component.name.clone()).collect(),
    });
}

/// Where the receiver passes on to: the collector, or where there is none the store that takes OTLP itself.
fn upstreams_of(stack: &Stack, ports: &Ports) -> Upstreams {
    let first = [Role::Collector, Role::Tempo, Role::Jaeger].into_iter().find_map(|role| stack.role(role));
    let port = |name: &str| first.and_then(|component| ports.get(&component.name)).and_then(|ports| ports.get(name));
    Upstreams { grpc: port("otlp_grpc").map(|port| local(*port)), http: port("otlp_http").map(|port| local(*port)) }
}

fn footing(stack: &Stack, ports: Ports, network: String) -> Footing {
    let at = |role: Role, port: &str| {
        let component = stack.role(role)?;
        ports.get(&component.name)?.get(port).map(|port| local(*port))
    };
    let store_of = |kind, role| at(role, "api").map(|at| StoreAddress { kind, at });
    let store = store_of(StoreKind::Tempo, Role::Tempo).or_else(|| store_of(StoreKind::Jaeger, Role::Jaeger));
    let name = |role: Role| stack.role(role).map(|component| component.name.clone());
    let store_name = match &store {
        Some(StoreAddress { kind: StoreKind::Tempo, .. }) => name(Role::Tempo),
        _ => name(Role::Jaeger),
    };
    let way = |last: Option<String>| name(Role::Collector).into_iter().chain(last).collect();
    Footing {
        trace_way: way(store_name),
        metric_way: way(name(Role::Prometheus)),
        prometheus: at(Role::Prometheus, "api"),
        grafana: at(Role::Grafana, "http").map(|at| at.url),
        hops: hops(stack, &ports),
        store,
        components: ports,
        network: Some(network),
    }
}

/// Who counts what goes through: the collector on its own port, Tempo beside its API.
fn hops(stack: &Stack, ports: &Ports) -> Vec<Hop> {
    let counting = [(Role::Collector, "metrics"), (Role::Tempo, "api"), (Role::Jaeger, "metrics")];
    let hop = |(role, port): (Role, &str)| {
        let component = stack.role(role)?;
        let port = ports.get(&component.name)?.get(port)?;
        Some(Hop { name: component.name.clone(), role, metrics: format!("http://127.0.0.1:{port}/metrics") })
    };
    counting.into_iter().filter_map(hop).collect()
}

fn local(port: u16) -> Address {
    Address::plain(format!("http://127.0.0.1:{port}"))
}

fn words(upstreams: &Upstreams) -> String {
    let all = [&upstreams.grpc, &upstreams.http];
    let urls: Vec<_> = all.into_iter().flatten().map(|at| at.url.as_str()).collect();
    if urls.is_empty() { "nobody: the next hop has no port".to_owned() } else { urls.join(" and ") }
}

/// The engine cannot tell.
fn unknown(name: &str, why: &str) -> ComponentStatus {
    ComponentStatus {
        name: name.to_owned(),
        state: "unknown".to_owned(),
        healthy: false,
        health: Some(why.to_owned()),
        address: None,
        ports: BTreeMap::new(),
        uptime_s: None,
        image: None,
        container: None,
    }
}
