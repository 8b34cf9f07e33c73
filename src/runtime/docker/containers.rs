//! The containers of one owner: made, looked at, listened to, removed.
//!
//! The face of this room to the supervisor; without a supervisor, `status`, `logs` and `down` use it themselves, because everything it
//! needs stands in labels.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use futures_util::{Stream, future::join_all};
use tokio_util::sync::CancellationToken;

use super::{
    DockerError, Engine, Said,
    component::main_address,
    labels, logs,
    make::{self, Created, Made},
    ready::{Asked, Prober},
    remove::{self, Removed},
    seen::{self, Seen},
};
use crate::{
    runtime::{ComponentStatus, Events, LogLine, LogsWanted, Order, Owner, UpFailure},
    support::clock,
};

/// How long the engine and the components may take to say how they are.
const ANSWER: Duration = Duration::from_secs(4);

/// The containers of one owner.
#[derive(Debug, Clone)]
pub struct Containers {
    engine: Engine,
    owner: Owner,
    prober: Prober,
}

/// A component at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// The engine's word: `running`, `exited`, `paused`.
    pub state: String,
    /// Published ports on 127.0.0.1, by name; none while it does not run.
    pub ports: BTreeMap<String, u16>,
}

/// An owner that has containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOver {
    /// Its id.
    pub owner: String,
    /// The project's folder, as it was written down.
    pub project: Option<PathBuf>,
    /// The stack's name.
    pub stack: Option<String>,
    /// How many containers there are.
    pub containers: usize,
    /// How many of them run.
    pub running: usize,
}

impl Containers {
    /// The containers of `owner` in `engine`.
    pub fn new(engine: Engine, owner: Owner) -> Self {
        let prober = Prober::new(engine.clone());
        Self { engine, owner, prober }
    }

    /// The engine they are in.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Brings the containers to where the order wants them: fetches images, keeps what runs just so, replaces what differs, removes what
    /// belongs to no component, and comes back when everything answers. Where that fails, or `stop` is cancelled, everything that this
    /// call made is gone again; what it replaced does not come back, and the failure says so.
    ///
    /// The order's deadline counts from when the images are there; fetching them ends when the engine is silent for too long.
    /// Must not be dropped half-way: cancel `stop` instead.
    pub async fn make(&self, order: &Order, events: &Events, stop: &CancellationToken) -> Result<Made, UpFailure> {
        // It is large, and whoever calls it should not be.
        Box::pin(make::make(&self.engine, &self.prober, order, events, stop)).await
    }

    /// Takes back what one [`Containers::make`] made.
    pub async fn undo(&self, created: Created, events: &Events) -> Result<Removed, DockerError> {
        remove::of_run(&self.engine, &created.run, events).await
    }

    /// How each component is now, by name. An engine that does not say within a few seconds is an error: somebody waits for the answer.
    pub async fn states(&self) -> Result<Vec<ComponentStatus>, DockerError> {
        let late = |_| Err(DockerError::List { what: "containers", source: Said::silence(ANSWER) });
        tokio::time::timeout(ANSWER, self.states_now()).await.unwrap_or_else(late)
    }

    async fn states_now(&self) -> Result<Vec<ComponentStatus>, DockerError> {
        let found = self.found().await?;
        let states = join_all(found.iter().map(|seen| self.state(seen))).await;
        let mut states: Vec<_> = states.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        states.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(states)
    }

    /// Each component's state in the engine's word and its published ports, as they are now: ports that the engine chose change when a
    /// container is started again. One question to the engine, and none to the components.
    pub async fn glance(&self) -> Result<BTreeMap<String, Glance>, DockerError> {
        let late = |_| Err(DockerError::List { what: "containers", source: Said::silence(ANSWER) });
        let found = tokio::time::timeout(ANSWER, self.found()).await.unwrap_or_else(late)?;
        Ok(found.iter().map(|seen| (seen.component(), Glance { state: seen.state.clone(), ports: seen.ports() })).collect())
    }

    /// Stops and removes everything of this owner, its network and, where `volumes` says so, its data. Nobody else's is touched, and
    /// removing nothing is fine.
    pub async fn remove(&self, volumes: bool, events: &Events) -> Result<Removed, DockerError> {
        remove::everything(&self.engine, &self.owner, volumes, events).await
    }

    /// What the components write, merged: what there is in the order of its time, then, where it is wanted, whatever comes, over restarts
    /// of the containers and new ones in their place, until it is dropped.
    pub fn logs(&self, wanted: &LogsWanted) -> impl Stream<Item = Result<LogLine, DockerError>> + Send + use<> {
        logs::logs(self.engine.clone(), self.owner.id.clone(), wanted.clone())
    }

    async fn found(&self) -> Result<Vec<Seen>, DockerError> {
        seen::containers(&self.engine, labels::OWNER, Some(&self.owner.id)).await
    }

    /// `None` when it went away meanwhile.
    async fn state(&self, seen: &Seen) -> Result<Option<ComponentStatus>, DockerError> {
        let Some(found) = seen::inspect(&self.engine, &seen.id, &seen.name).await? else { return Ok(None) };
        let state = found.state.unwrap_or_default();
        let ports = seen.ports();
        let running = seen.is_running();
        let mut health = None;
        if running {
            let probes = labels::ready(&seen.labels);
            let asked = Asked { id: &seen.id, name: &seen.name, ports: &ports };
            let holds = self.prober.holds(&probes, asked).await;
            health = (!probes.is_empty()).then(|| holds.err().unwrap_or_else(|| "ready".to_owned()));
        }
        let word = match (seen.state.as_str(), state.exit_code) {
            ("exited" | "dead", Some(code)) if state.oom_killed == Some(true) => {
                format!("{} ({code}, out of memory)", seen.state)
            }
            ("exited" | "dead", Some(code)) => format!("{} ({code})", seen.state),
            (word, _) => word.to_owned(),
        };
        let started = state.started_at.and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let since = |at: jiff::Timestamp| clock::unix_seconds().saturating_sub(at.as_second()).max(0) as u64;
        Ok(Some(ComponentStatus {
            name: seen.component(),
            state: word,
            healthy: running && health.as_deref().is_none_or(|words| words == "ready"),
            health,
            address: main_address(&ports),
            ports,
            uptime_s: started.filter(|_| running).map(since),
            image: seen.image.clone(),
            container: Some(seen.id.clone()),
            pid: None,
            stand_in: None,
        }))
    }
}

/// Owners that have containers in this engine, whoever they are: for `doctor`.
pub async fn left_over(engine: &Engine) -> Result<Vec<LeftOver>, DockerError> {
    let mut owners: BTreeMap<String, LeftOver> = BTreeMap::new();
    for seen in seen::containers(engine, labels::OWNER, None).await? {
        let Some(owner) = seen.label(labels::OWNER).map(ToOwned::to_owned) else { continue };
        let entry = owners.entry(owner.clone()).or_insert_with(|| LeftOver {
            owner,
            project: seen.label(labels::PROJECT).map(PathBuf::from),
            stack: seen.label(labels::STACK).map(ToOwned::to_owned),
            containers: 0,
            running: 0,
        });
        entry.containers += 1;
        entry.running += usize::from(seen.is_running());
    }
    Ok(owners.into_values().collect())
}
