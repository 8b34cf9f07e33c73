//! Containers: made by the docker runtime, and watched while they run.
//!
//! Published ports of a container change when it is restarted, so the receiver is told anew where to pass on to.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt, stream::BoxStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Followers, Footing};
use crate::{
    backend::Upstreams,
    client::{StoreAddress, StoreKind},
    runtime::{
        ComponentStatus, Events, Hop, LogLine, LogsWanted, Order, UpEvent, UpFailure,
        docker::{Containers, Created, DockerError, Engine, EngineAbout, Glance},
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
    network: String,
    /// Published ports at the start.
    ports: Ports,
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
        let kept = made.components.iter().any(|made| made.kept);
        let footing = Footing { kept, ..footing(&order.stack, ports.clone(), network.clone()) };
        Ok((Self { containers, stack: order.stack.clone(), network, ports, created: made.created }, footing))
    }

    /// How the containers are now.
    pub(super) async fn states(&self) -> Vec<ComponentStatus> {
        match self.containers.states().await {
            Ok(states) => states,
            Err(error) => self
                .stack
                .components
                .iter()
                .map(|component| ComponentStatus::unknown(&component.name, &error.sentence()))
                .collect(),
        }
    }

    /// What the containers wrote.
    pub(super) fn logs(&self, wanted: &LogsWanted) -> BoxStream<'static, LogLine> {
        self.containers.logs(wanted).filter_map(|line| std::future::ready(line.ok())).boxed()
    }
    /// Tells whoever has to know what changes, for as long as it is asked to.
    pub(super) fn follow(&self, followers: Followers) -> impl Future<Output = ()> + Send + use<> {
        let containers = self.containers.clone();
        let mut watched = Watched {
            stack: self.stack.clone(),
            network: self.network.clone(),
            ports: self.ports.clone(),
            states: BTreeMap::new(),
            answered: true,
            followers,
        };
        async move {
            loop {
                clock::pause(LOOK).await;
                watched.look(containers.glance().await);
            }
        }
    }

    /// Removes what its start made.
    pub(super) async fn undo(self, events: &Events) {
        let undone = match self.containers.engine().answers().await {
            Ok(()) => self.containers.undo(self.created, events).await.map_err(|error| error.sentence()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = undone {
            events.tell(UpEvent::Warning { words: format!("not all of it could be removed: {error}; run `devstack down`") });
        }
    }

    /// Removes all of it. An engine that is silent is not waited for: whoever asked is told, and the next `down` finds the rest by label.
    pub(super) async fn end(&self, volumes: bool, events: &Events) -> Result<Vec<String>, UpFailure> {
        if let Err(error) = self.containers.engine().answers().await {
            return Err(not_removed(&error.to_string()));
        }
        let removed = self.containers.remove(volumes, events).await;
        removed.map(|removed| removed.left).map_err(|error| not_removed(&error.sentence()))
    }
}

/// The failure to remove containers.
pub(in crate::runtime) fn not_removed(why: &str) -> UpFailure {
    UpFailure::new(format!("the containers could not be removed: {why}"))
        .hint("once the engine answers, run `devstack down` again")
}

/// What is known of containers that are watched, and who is told of changes.
struct Watched {
    stack: Stack,
    network: String,
    ports: Ports,
    states: BTreeMap<String, String>,
    answered: bool,
    followers: Followers,
}

impl Watched {
    fn look(&mut self, seen: Result<BTreeMap<String, Glance>, DockerError>) {
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => {
                if std::mem::replace(&mut self.answered, false) {
                    self.followers.journal.note(&error.sentence());
                }
                return;
            }
        };
        if !std::mem::replace(&mut self.answered, true) {
            self.followers.journal.note("the engine answers again");
        }
        self.pass_on(&seen);
        self.tell_ports(&seen);
        self.tell_states(&seen);
    }

    /// The receiver passes on to where the next hop is now, and to nobody while it is gone.
    fn pass_on(&self, seen: &BTreeMap<String, Glance>) {
        let ports = seen.iter().map(|(name, glance)| (name.clone(), glance.ports.clone())).collect();
        let now = upstreams_of(&self.stack, &ports);
        self.followers.upstreams.send_if_modified(|before| {
            let changed = *before != now;
            if changed {
                self.followers.journal.note(&format!("passes on to {}", words(&now)));
                before.clone_from(&now);
            }
            changed
        });
    }

    /// Where everything is, when that has changed. Whoever does not run keeps the ports it had: they are where it was to be found.
    fn tell_ports(&mut self, seen: &BTreeMap<String, Glance>) {
        let mut ports = self.ports.clone();
        for (name, known) in &mut ports {
            if let Some(glance) = seen.get(name).filter(|glance| !glance.ports.is_empty()) {
                known.clone_from(&glance.ports);
            }
        }
        if ports != self.ports {
            self.ports.clone_from(&ports);
            // A supervisor that is ending does not need to know.
            let _ = self.followers.footing.send(footing(&self.stack, ports, self.network.clone()));
        }
    }

    fn tell_states(&mut self, seen: &BTreeMap<String, Glance>) {
        for component in &self.stack.components {
            let state = seen.get(&component.name).map_or("removed", |glance| glance.state.as_str());
            let before = self.states.insert(component.name.clone(), state.to_owned());
            if before.as_deref().unwrap_or("running") != state {
                self.followers.journal.note(&format!("{} is {state}", component.name));
            }
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
        kept: false,
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
