//! The project's services and externals for the length of a command: what `replay` without a stack stands on besides its receiver.
//!
//! Read by `stand`. Nothing of it outlives the command, not even where that is killed: the next one ends what was left.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Failure, commands::up, project::owner};
use crate::{
    runtime::{
        Events, UpEvent, service_settings,
        services::{self, Given, Place, Playing, Services, Starter, StarterKind},
    },
    stack::Settings,
    support::project::Project,
    term::Look,
    webhook::Secrets,
};

/// How long a service may take to be ready.
const READY: Duration = Duration::from_mins(1);

/// Where the receiver of OTLP is.
#[derive(Debug, Clone)]
pub(super) struct Otlp {
    /// Base address of OTLP over HTTP.
    pub(super) http: String,
    /// Base address of OTLP over gRPC.
    pub(super) grpc: String,
}

/// Services and externals that run.
pub(super) struct Beside {
    /// Those that have an address: name in traces → address.
    pub(super) services: Vec<(String, String)>,
    /// Base address at which scripts of the scripted externals are put.
    pub(super) scripts: Option<String>,
    /// Base address of the stand-in for the Trigger.dev API.
    pub(super) enqueued: Option<String>,
    /// What is worth a warning, in sentences.
    pub(super) warnings: Vec<String>,
    running: Services,
    playing: Playing,
}

/// Starts them; on failure or `stop` nothing is left.
pub(super) async fn start(
    settings: &Settings,
    project: &Project,
    otlp: &Otlp,
    secrets: &Secrets,
    stop: &CancellationToken,
) -> Result<Beside, Failure> {
    let state = owner(project)?.state;
    let (events, mut told) = Events::channel();
    for left in services::end_leftovers(&state).await {
        let words = format!("{} (pid {}) was left by a devstack that died; it is ended", left.name, left.pid);
        events.tell(UpEvent::Warning { words });
    }
    let drawn = |failure| up::told(&failure, &Look::plain());
    let playing = services::play(&settings.externals, secrets, &otlp.http).await.map_err(drawn)?;
    let given = Given {
        otel: service_settings(&otlp.http),
        otlp_grpc: otlp.grpc.clone(),
        variables: playing.variables.clone(),
        secrets: secrets.variables().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        externals: playing.at.clone(),
    };
    let launcher = std::env::current_exe().map_err(|error| Failure::environment(&error as &dyn std::error::Error))?;
    let place = Place { state, by: Starter::this(StarterKind::Replay), launcher, deadline: READY };
    let running = match Services::start(&settings.services, &given, place, None, &events, stop).await {
        Ok(running) => running,
        Err(failure) => {
            playing.end().await;
            return Err(drawn(failure));
        }
    };
    drop(events);
    let mut warnings = Vec::new();
    while let Some(event) = told.recv().await {
        if let UpEvent::Warning { words } = event {
            warnings.push(words);
        }
    }
    Ok(Beside {
        services: running.addresses(),
        scripts: playing.scripts.clone(),
        enqueued: playing.enqueued.clone(),
        warnings,
        running,
        playing,
    })
}

impl Beside {
    /// Ends them, each before those that it waited for, so that they send what they have.
    pub(super) async fn end(self) {
        let (events, _) = Events::channel();
        self.running.end(&events).await;
        self.playing.end().await;
    }
}
