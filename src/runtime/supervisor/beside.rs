//! The project's services and externals beside a stack: started last, told to `status` and `logs`, ended first.
//!
//! Owned by `standing`. Services that others run (`devstack run`) are told, too, and left alone.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream::BoxStream};
use tokio_util::sync::CancellationToken;

use super::journal::Journal;
use crate::{
    runtime::{
        ComponentStatus, Events, LogLine, LogsWanted, Note, Order, Owner, UpEvent, UpFailure, service_settings,
        services::{self, ExternalAt, Given, Place, Playing, ServiceState, Services, Starter, StarterKind},
    },
    support::clock,
};

/// What runs beside a stack.
pub(super) struct Beside {
    owner: Owner,
    services: Services,
    externals: Playing,
}

impl Beside {
    /// Ends what a supervisor that died has left, plays the externals, starts the services, and writes into the note where they are.
    pub(super) async fn start(
        order: &Order,
        note: &mut Note,
        events: &Events,
        stop: &CancellationToken,
    ) -> Result<Self, UpFailure> {
        leftovers(&order.owner, events).await;
        let externals = services::play(&order.settings.externals, &note.secrets, &note.otlp_http).await?;
        let given = Given {
            otel: service_settings(&note.otlp_http),
            otlp_grpc: note.otlp_grpc.clone(),
            variables: externals.variables.clone(),
            secrets: note.secrets.variables().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            externals: externals.at.clone(),
        };
        let place = Place {
            state: order.owner.state.clone(),
            by: Starter::this(StarterKind::Up),
            launcher: std::env::current_exe()
                .map_err(|error| UpFailure::new(format!("devstack does not find itself: {error}")))?,
            deadline: order.deadline,
        };
        match Services::start(&order.settings.services, &given, place, None, events, stop).await {
            Ok(services) => {
                note.services = services.addresses();
                note.externals.clone_from(&externals.at);
                note.scripts.clone_from(&externals.scripts);
                note.enqueued.clone_from(&externals.enqueued);
                Ok(Self { owner: order.owner.clone(), services, externals })
            }
            Err(failure) => {
                externals.end().await;
                Err(failure)
            }
        }
    }

    /// How each service is, those of `devstack run` among them, and each external.
    pub(super) fn states(&self) -> Vec<ComponentStatus> {
        let own = self.services.states();
        let others = services::alive(&self.owner.state).into_iter().map(ServiceState::from);
        let others: Vec<_> = others.filter(|other| own.iter().all(|own| own.pid != other.pid)).collect();
        let orphans = services::orphans(&self.owner.state).into_iter().map(status);
        let externals = self.externals.at.iter().map(|at| played(at, &self.externals));
        own.into_iter().chain(others).map(of).chain(orphans).chain(externals).collect()
    }

    /// Whether there is a service of this name whose output is kept.
    pub(super) fn has_log(&self, name: &str) -> bool {
        services::log_names(&self.owner.state).contains(name)
    }

    /// What services wrote.
    pub(super) fn logs(&self, wanted: &LogsWanted) -> BoxStream<'static, LogLine> {
        services::follow_logs(&self.owner.state, wanted).boxed()
    }

    /// Writes into the journal which of them end by themselves.
    pub(super) fn watch(&self, journal: Journal) -> impl Future<Output = ()> + Send + use<> {
        let deaths = self.services.deaths();
        async move {
            let Some(mut deaths) = deaths else { return };
            while let Some(death) = deaths.recv().await {
                journal.note(&format!("{} {}", death.name, death.end.how));
                for line in death.tail.iter().rev().take(LAST_LINES).rev() {
                    journal.note(&format!("{}: {line}", death.name));
                }
            }
            // The others go on.
            std::future::pending::<()>().await;
        }
    }

    /// Ends the services, each before those that it waited for, then the externals.
    pub(super) async fn end(self, events: &Events) {
        self.services.end(events).await;
        self.externals.end().await;
    }
}

/// Ends services whose starter has died, and says so.
pub(super) async fn leftovers(owner: &Owner, events: &Events) {
    for left in services::end_leftovers(&owner.state).await {
        let words = format!("{} (pid {}) was left by a devstack that died; it is ended", left.name, left.pid);
        events.tell(UpEvent::Warning { words });
    }
}

/// How many of the last lines of a service that died go into the journal.
const LAST_LINES: usize = 5;

/// A service that still runs although nobody looks after it.
pub(super) fn status(orphan: services::Alive) -> ComponentStatus {
    ComponentStatus {
        healthy: false,
        health: Some("was left by a devstack that died".to_owned()),
        ..of(ServiceState { by: None, ..orphan.into() })
    }
}

/// An external, which is a stand-in whatever it plays.
fn played(at: &ExternalAt, playing: &Playing) -> ComponentStatus {
    let (runs, since) = (playing.runs(&at.name), (clock::unix_seconds() - playing.since).max(0) as u64);
    ComponentStatus {
        name: at.name.clone(),
        state: if runs { "running".to_owned() } else { "ended".to_owned() },
        healthy: runs,
        health: None,
        address: Some(at.url.clone()),
        ports: port(&at.url),
        uptime_s: runs.then_some(since),
        image: None,
        container: None,
        pid: None,
        stand_in: Some(at.stand_in.clone().unwrap_or_else(|| at.name.clone())),
    }
}

fn port(url: &str) -> BTreeMap<String, u16> {
    let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    port.map(|port| BTreeMap::from([("http".to_owned(), port)])).unwrap_or_default()
}

fn of(state: ServiceState) -> ComponentStatus {
    let (running, since) = (state.end.is_none(), (clock::unix_seconds() - state.since).max(0) as u64);
    ComponentStatus {
        name: state.name,
        state: if running { "running".to_owned() } else { "ended".to_owned() },
        healthy: running,
        health: state.end.map(|end| end.how.to_string()).or(state.by.map(|by| format!("by {by}"))),
        ports: state.url.as_deref().map(port).unwrap_or_default(),
        address: state.url,
        uptime_s: running.then_some(since),
        image: None,
        container: None,
        pid: Some(state.pid),
        stand_in: None,
    }
}
