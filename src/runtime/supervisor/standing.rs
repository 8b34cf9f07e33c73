//! A stack that stands: the receiver, what is beneath it, and the services beside it, the demo's and the project's own.
//!
//! Brought up from an [`Order`] by the supervisor, which then answers from it for `status` and `logs` until it is taken down.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{StreamExt, stream, stream::BoxStream};
use tokio::sync::{RwLock, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{beside::Beside, canaries, files, journal, journal::Journal, receiver::Receiver};
use crate::{
    backend::Upstreams,
    client::{StoreAddress, StoreKind},
    model::Happening,
    runtime::{
        ComponentStatus, DemoNote, EmbeddedConfig, Events, ExtraDemo, LogLine, LogsWanted, NOTE_VERSION, Note, Order, Owner,
        RuntimeKind, STATUS_VERSION, StackState, Status, UNKNOWN, UpFailure,
        base::{Base, Followers, Footing},
    },
    support::{address::Address, clock, env::Os, process},
    webhook::Secrets,
};

/// A stack that stands.
pub(super) struct Standing {
    /// Where everything is; ports of containers change.
    note: Arc<Mutex<Note>>,
    order: Order,
    journal: Journal,
    base: Base,
    receiver: Receiver,
    demo: Option<ExtraDemo>,
    beside: Beside,
    upstreams: watch::Sender<Upstreams>,
}

/// A stack that stands until somebody ends it; questions in the meantime share it.
pub(super) type Shared = Arc<RwLock<Option<Standing>>>;

impl Standing {
    /// Brings a stack up: the receiver, what is beneath it, the canaries, the demo, the project's services. On failure or `stop` nothing is
    /// left.
    pub(super) async fn bring_up(
        order: Order,
        events: &Events,
        journal: Journal,
        stop: &CancellationToken,
    ) -> Result<Self, UpFailure> {
        let (upstreams, passed_on_to) = watch::channel(Upstreams::default());
        let receiver = Receiver::start(&order, passed_on_to).await?;
        let (base, footing) = match Base::start(&order, &upstreams, events, stop).await {
            Ok(up) => up,
            Err(failure) => {
                receiver.end().await;
                return Err(failure);
            }
        };
        let rest = async {
            let mut note = note(&order, &receiver, &footing)?;
            canaries::fly(&order, &note, &footing, events, stop).await?;
            let config = EmbeddedConfig::from_env(&Os);
            let asked = || order.settings.secrets.iter().map(String::as_str);
            note.secrets = config.secrets.clone().or(&Secrets::from_env(&Os, asked())).or_generated(asked());
            let demo = demo(&order, &receiver, &config).await?;
            note.demo = demo.as_ref().map(|(_, note)| note.clone());
            let demo = demo.map(|(demo, _)| demo);
            match Beside::start(&order, &mut note, events, stop).await {
                Ok(beside) => Ok((note, demo, beside)),
                Err(failure) => {
                    if let Some(demo) = demo {
                        demo.stop().await;
                    }
                    Err(failure)
                }
            }
        };
        match rest.await {
            Ok((note, demo, beside)) => {
                Ok(Self { note: Arc::new(Mutex::new(note)), order, journal, base, receiver, demo, beside, upstreams })
            }
            Err(failure) => {
                base.undo(events).await;
                receiver.end().await;
                Err(failure)
            }
        }
    }

    /// Where everything is.
    pub(super) fn note(&self) -> Note {
        locked(&self.note).clone()
    }

    /// How everything is now.
    pub(super) async fn status(&self) -> Status {
        let parts = self.base.states().await;
        let note = self.note();
        let missing = self.missing(&parts);
        let services = self.beside.states();
        let bad = reasons(parts.iter().chain(&missing).chain(&services).filter(|part| !part.healthy));
        let components = std::iter::once(own_status(&note)).chain(parts).chain(missing).chain(services).collect();
        let seconds = clock::unix_seconds() - note.since;
        Status {
            version: STATUS_VERSION,
            state: if bad.is_empty() { StackState::Up } else { StackState::Degraded },
            reason: (!bad.is_empty()).then(|| bad.join("; ")),
            runtime: Some(self.order.runtime),
            stack: Some(self.order.stack.name.clone()),
            pid: Some(note.pid),
            uptime_s: Some(seconds.max(0) as u64),
            other_build: None,
            components,
            traffic: Some(self.receiver.traffic()),
        }
    }

    /// What its parts wrote, and the supervisor itself.
    pub(super) fn logs(&self, wanted: &LogsWanted) -> BoxStream<'static, LogLine> {
        let own = wanted.names.is_empty() || wanted.names.iter().any(|name| name == journal::NAME);
        let own = if own { journal::lines(&files::journal(&self.order.owner), wanted.since, wanted.tail) } else { Vec::new() };
        let of = |names: Vec<String>| LogsWanted { names, ..wanted.clone() };
        let others = wanted.names.iter().filter(|name| *name != journal::NAME).cloned();
        let (services, others): (Vec<_>, Vec<_>) = others.partition(|name| self.beside.has_log(name));
        let all = wanted.names.is_empty();
        let parts = if all || !others.is_empty() { self.base.logs(&of(others)) } else { stream::empty().boxed() };
        let services = if all || !services.is_empty() { self.beside.logs(&of(services)) } else { stream::empty().boxed() };
        let both = if wanted.follow { stream::select(parts, services).boxed() } else { parts.chain(services).boxed() };
        stream::iter(own).chain(both).boxed()
    }

    /// Looks after it until `stop`: addresses that change, problems worth a line in the journal.
    pub(super) fn care(&self, stop: &CancellationToken) -> impl Future<Output = ()> + Send + use<> {
        let (footing, moved) = mpsc::unbounded_channel();
        let followers = Followers { upstreams: self.upstreams.clone(), footing, journal: self.journal.clone() };
        let following = self.base.follow(followers);
        let noting = keep_note(self.order.owner.clone(), Arc::clone(&self.note), self.journal.clone(), moved);
        let happenings = self.receiver.feed().subscribe();
        let watching = self.beside.watch(self.journal.clone());
        let (journal, stop) = (self.journal.clone(), stop.clone());
        async move {
            let problems = happenings.for_each(|happening| {
                if let Happening::Problem { words, service, .. } = happening {
                    journal.note(&format!("{}: {words}", service.as_deref().unwrap_or("a sender")));
                }
                std::future::ready(())
            });
            tokio::select! {
                _ = async { tokio::join!(following, problems, noting, watching) } => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Takes it down: who sends first, then what is beneath, then the receiver. Gives sentences about what others keep there; fails where
    /// something of ours is left.
    pub(super) async fn end(self, volumes: bool, events: &Events) -> Result<Vec<String>, UpFailure> {
        self.beside.end(events).await;
        if let Some(demo) = self.demo {
            demo.stop().await;
        }
        let left = self.base.end(volumes, events).await;
        self.receiver.end().await;
        left
    }

    /// Lets go of everything and leaves the containers to the next supervisor.
    pub(super) async fn release(self, events: &Events) {
        self.beside.end(events).await;
        if let Some(demo) = self.demo {
            demo.stop().await;
        }
        self.receiver.end().await;
    }

    /// Components of the stack whose containers are gone.
    fn missing(&self, parts: &[ComponentStatus]) -> Vec<ComponentStatus> {
        let gone = |name: &str| parts.iter().all(|part| part.name != name);
        let missing = self.order.stack.components.iter().filter(|component| gone(&component.name));
        let status = |component: &crate::stack::Component| ComponentStatus {
            name: component.name.clone(),
            state: "removed".to_owned(),
            healthy: false,
            health: None,
            address: None,
            ports: BTreeMap::new(),
            uptime_s: None,
            image: Some(component.image.clone()),
            container: None,
            pid: None,
            stand_in: None,
        };
        if self.order.runtime == RuntimeKind::Docker { missing.map(status).collect() } else { Vec::new() }
    }
}

/// The receiver, which is the supervisor itself.
fn own_status(note: &Note) -> ComponentStatus {
    let port = |url: &str| url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_default();
    let mut ports =
        BTreeMap::from([("otlp_grpc".to_owned(), port(&note.otlp_grpc)), ("otlp_http".to_owned(), port(&note.otlp_http))]);
    ports.insert("api".to_owned(), port(&note.ledger));
    ComponentStatus {
        name: journal::NAME.to_owned(),
        state: "running".to_owned(),
        healthy: true,
        health: Some("ready".to_owned()),
        address: Some(note.otlp_http.clone()),
        ports,
        uptime_s: Some((clock::unix_seconds() - note.since).max(0) as u64),
        image: None,
        container: None,
        pid: None,
        stand_in: None,
    }
}

/// Writes the note anew whenever something is somewhere else: whoever reads it later must find it.
async fn keep_note(owner: Owner, note: Arc<Mutex<Note>>, journal: Journal, mut moved: mpsc::UnboundedReceiver<Footing>) {
    while let Some(footing) = moved.recv().await {
        let now = {
            let mut note = locked(&note);
            let Footing { store, prometheus, grafana, hops, components, .. } = footing;
            *note = Note { store, prometheus, grafana, hops, components, ..note.clone() };
            note.clone()
        };
        if let Err(error) = files::write_note(&owner, &now) {
            journal.note(&format!("addresses have changed, and nobody can be told: {error}"));
        }
    }
}

fn locked(note: &Mutex<Note>) -> MutexGuard<'_, Note> {
    note.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why parts are not as they should be. What the engine cannot tell it cannot tell of any: that is said once.
fn reasons<'a>(bad: impl Iterator<Item = &'a ComponentStatus>) -> Vec<String> {
    let (unknown, others): (Vec<_>, Vec<_>) = bad.partition(|part| part.state == UNKNOWN);
    let names: Vec<_> = unknown.iter().map(|part| part.name.as_str()).collect();
    let why = unknown.first().and_then(|part| part.health.as_deref()).unwrap_or_default();
    let unknown = (!names.is_empty()).then(|| format!("nothing is known of {}: {why}", names.join(", ")));
    unknown.into_iter().chain(others.into_iter().map(reason)).collect()
}

fn reason(part: &ComponentStatus) -> String {
    match &part.health {
        Some(health) if part.pid.is_some() => format!("{} {health}", part.name),
        Some(health) if part.state == "running" || part.state == "remote" => format!("{} says {health}", part.name),
        _ => format!("{} is {}", part.name, part.state),
    }
}

fn note(order: &Order, receiver: &Receiver, footing: &Footing) -> Result<Note, UpFailure> {
    let control = files::control_socket(&order.owner).map_err(|error| UpFailure::new(error.to_string()))?;
    let pid = std::process::id();
    let own_store = || StoreAddress { kind: StoreKind::Tempo, at: Address::plain(&receiver.api) };
    let store = if order.runtime == RuntimeKind::Embedded { Some(own_store()) } else { footing.store.clone() };
    Ok(Note {
        version: NOTE_VERSION,
        build: order.build.clone(),
        pid,
        pid_started: process::started(pid).unwrap_or_default(),
        since: clock::unix_seconds(),
        runtime: order.runtime,
        stack: order.stack.name.clone(),
        digest: order.digest(),
        control,
        otlp_grpc: receiver.otlp_grpc.clone(),
        otlp_http: receiver.otlp_http.clone(),
        ledger: receiver.api.clone(),
        judge: order.stack.judge,
        store,
        prometheus: footing.prometheus.clone(),
        grafana: footing.grafana.clone(),
        hops: footing.hops.clone(),
        components: footing.components.clone(),
        network: footing.network.clone(),
        demo: None,
        services: Vec::new(),
        externals: Vec::new(),
        scripts: None,
        enqueued: None,
        secrets: crate::webhook::Secrets::default(),
    })
}

/// The demo services, where the order asks for them.
async fn demo(order: &Order, receiver: &Receiver, config: &EmbeddedConfig) -> Result<Option<(ExtraDemo, DemoNote)>, UpFailure> {
    if !order.demo {
        return Ok(None);
    }
    let secrets = config.secrets.clone();
    let failed = |error: super::super::RuntimeError| UpFailure::new(error.to_string());
    let demo = ExtraDemo::start(config, &receiver.otlp_http, secrets.clone()).await.map_err(failed)?;
    let note = DemoNote { services: demo.services(), externals: demo.externals(), secrets };
    Ok(Some((demo, note)))
}
