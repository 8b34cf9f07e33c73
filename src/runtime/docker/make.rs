//! Making a stack's containers: the story of `up`, and its way back.
//!
//! Called through `containers`. Calls to the engine that make something are never broken off, only the waits between them are; so
//! whatever was begun carries this run's label, and taking it back finds all of it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::{
    DockerError, Engine,
    component::{Part, Shared},
    failure,
    images::{self, ImagesError},
    labels, network,
    ready::Prober,
    remove::{self, Way},
    seen::{self, Seen},
};
use crate::{
    runtime::{Events, Order, Pull, UpEvent, UpFailure},
    stack::{Component, Role},
    support::{clock, random},
};

/// A stack whose containers run and answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its components, in the order of the stack.
    pub components: Vec<MadeComponent>,
    /// The name of its network.
    pub network: String,
    /// What this run made of it, to be taken back where a later step fails.
    pub created: Created,
}

/// A component that runs and answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeComponent {
    /// Its name.
    pub name: String,
    /// The engine's id of its container.
    pub container: String,
    /// Published ports on 127.0.0.1, by name.
    pub ports: BTreeMap<String, u16>,
    /// Its main address (the port `api`, `http` or `otlp_http`), where it has one: `http://127.0.0.1:3200`.
    pub address: Option<String>,
    /// Whether it ran already, just so.
    pub kept: bool,
    /// From the creation of its container until it was ready, without what it waited for others; zero where it was kept.
    pub after: Duration,
}

/// What one run has made: everything in the engine that carries its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    pub(super) run: String,
}

/// One run of `up`.
pub(super) struct Making<'a> {
    pub(super) engine: &'a Engine,
    pub(super) prober: &'a Prober,
    pub(super) order: &'a Order,
    pub(super) events: &'a Events,
    /// The label of everything that it makes.
    pub(super) run: String,
    /// Cancelled from outside.
    stop: &'a CancellationToken,
    /// Cancelled when any part has failed, or from outside.
    pub(super) halt: CancellationToken,
    /// Containers that ran before and had to go.
    replaced: Mutex<Vec<String>>,
}

pub(super) async fn make(
    engine: &Engine,
    prober: &Prober,
    order: &Order,
    events: &Events,
    stop: &CancellationToken,
) -> Result<Made, UpFailure> {
    let making =
        Making { engine, prober, order, events, run: random::uuid(), stop, halt: stop.child_token(), replaced: Mutex::default() };
    match making.everything().await {
        Ok(made) => Ok(made),
        Err(failure) => Err(making.back(failure).await),
    }
}

impl Making<'_> {
    async fn everything(&self) -> Result<Made, UpFailure> {
        if self.is_halted() {
            return Err(cancelled());
        }
        let (found, joined) = tokio::join!(self.found(), self.joined());
        let (found, joined) = (found?, joined?);
        // The engine takes a moment for a network; images are looked at meanwhile.
        let (network, images) = tokio::join!(self.network(), self.images());
        let (network, images) = (network?, images?);
        if self.is_halted() {
            return Err(cancelled());
        }
        self.remove_strays(&found).await?;
        let shared = Shared {
            found: &found,
            images: &images,
            network: &network,
            joined: joined.as_deref(),
            deadline: self.deadline(),
            ready: self.order.stack.components.iter().map(|part| (part.name.as_str(), CancellationToken::new())).collect(),
        };
        let parts = self.order.stack.components.iter().map(|component| Part { making: self, component, shared: &shared }.make());
        let (components, failures) = sorted(join_all(parts).await);
        if let Some(failure) = cause(failures) {
            return Err(failure);
        }
        self.still_running(&components).await?;
        if self.is_halted() {
            return Err(cancelled());
        }
        let network = labels::network(&self.order.owner);
        Ok(Made { components, network, created: Created { run: self.run.clone() } })
    }

    /// Whether this is to end: somebody asked for it, or a part has failed.
    pub(super) fn is_halted(&self) -> bool {
        self.halt.is_cancelled()
    }

    /// The order's time begins when the images are there: how long they take is the network's affair, and silence ends them.
    fn deadline(&self) -> Instant {
        clock::monotonic() + self.order.deadline
    }

    async fn found(&self) -> Result<Vec<Seen>, UpFailure> {
        let found = seen::containers(self.engine, labels::OWNER, Some(&self.order.owner.id)).await;
        self.or_failure(found).await
    }

    /// The id of the network of somebody else that the collector joins.
    async fn joined(&self) -> Result<Option<String>, UpFailure> {
        let Some(name) = &self.order.network else { return Ok(None) };
        let found = network::existing(self.engine, name).await;
        let missing = || UpFailure::new(format!("there is no network `{name}` for the collector to join"));
        let found = self.or_failure(found).await?;
        found.map(Some).ok_or_else(|| missing().hint("`docker network ls` lists those there are"))
    }

    /// The id of the stack's own network. Nobody waits for images where it cannot be had.
    async fn network(&self) -> Result<String, UpFailure> {
        let own = network::own(self.engine, self.order, &self.run).await;
        if own.is_err() {
            self.halt.cancel();
        }
        self.or_failure(own).await
    }

    /// Fetches what is to be fetched; gives the id of each image.
    async fn images(&self) -> Result<BTreeMap<String, String>, UpFailure> {
        let mut wanted: Vec<_> = self.order.stack.components.iter().map(|component| component.image.clone()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let there = images::list(self.engine, &wanted).await.map_err(|error| self.image_failure(&error))?;
        let missing: Vec<_> = there.iter().filter(|image| !image.present).map(|image| image.reference.clone()).collect();
        let pulled = match self.order.pull {
            Pull::Always => wanted.clone(),
            Pull::Missing => missing,
            Pull::Never => match missing.first() {
                Some(image) => return Err(self.blame(image, failure::missing_image(image))),
                None => Vec::new(),
            },
        };
        if pulled.is_empty() {
            return Ok(ids(there));
        }
        let tell = |step: images::Step| {
            let images::Step { image, layer, status, current, total } = step;
            self.events.tell(UpEvent::Pulling { image, layer, status, current, total });
        };
        let pull = tokio::select! {
            biased;
            () = self.halt.cancelled() => return Err(cancelled()),
            pull = images::pull(self.engine, &pulled, &tell) => pull,
        };
        pull.map_err(|error| self.image_failure(&error))?;
        Ok(ids(images::list(self.engine, &wanted).await.map_err(|error| self.image_failure(&error))?))
    }

    fn image_failure(&self, error: &ImagesError) -> UpFailure {
        match error {
            ImagesError::Pull { image, source } => self.blame(image, failure::not_pulled(image, source)),
            other => {
                let words = std::error::Error::source(other).map(ToString::to_string);
                words.into_iter().fold(UpFailure::new(other.to_string()), UpFailure::detail)
            }
        }
    }

    /// The failure with the component that wants the image.
    fn blame(&self, image: &str, mut failure: UpFailure) -> UpFailure {
        let wants = self.order.stack.components.iter().find(|component| component.image == image);
        failure.component = wants.map(|component| component.name.clone());
        failure
    }

    /// Containers of ours that are no component of this stack any more.
    async fn remove_strays(&self, found: &[Seen]) -> Result<(), UpFailure> {
        let strays = found.iter().filter(|seen| !self.order.stack.components.iter().any(|component| self.is(seen, component)));
        let ends = join_all(strays.map(|stray| async move {
            remove::container(self.engine, stray, Way::Gently).await?;
            self.events.component(&stray.component(), crate::runtime::Step::Removed);
            self.note_replaced(stray);
            Ok(())
        }));
        for end in ends.await {
            self.or_failure(end).await?;
        }
        Ok(())
    }

    /// Whether a container is the one of this component.
    pub(super) fn is(&self, seen: &Seen, component: &Component) -> bool {
        seen.component() == component.name && seen.name == labels::container(&self.order.owner, &component.name)
    }

    /// What the collector joins besides the stack's network.
    pub(super) fn joins(&self, component: &Component) -> bool {
        component.role == Role::Collector && self.order.network.is_some()
    }

    pub(super) fn note_replaced(&self, seen: &Seen) {
        if seen.is_running() {
            self.replaced.lock().unwrap_or_else(PoisonError::into_inner).push(seen.component());
        }
    }

    /// A component that said that it was ready and then ended is not up.
    async fn still_running(&self, components: &[MadeComponent]) -> Result<(), UpFailure> {
        let now = self.found().await?;
        let runs = |made: &&MadeComponent| now.iter().any(|seen| seen.id == made.container && seen.is_running());
        match components.iter().find(|made| !runs(made)) {
            None => Ok(()),
            Some(made) => Err(super::component::ended(self, &made.name, &made.container, "").await),
        }
    }

    async fn or_failure<T>(&self, result: Result<T, DockerError>) -> Result<T, UpFailure> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(failure::of(self.engine, None, &error).await),
        }
    }

    /// Takes back what this run made; the failure says what could not be taken back, and what is not there any more.
    async fn back(&self, mut failure: UpFailure) -> UpFailure {
        failure.cancelled = self.stop.is_cancelled();
        self.events.tell(UpEvent::RollingBack);
        let removed = match self.engine.answers().await {
            Ok(()) => remove::of_run(self.engine, &self.run, self.events).await.map_err(|error| error.sentence()),
            Err(error) => Err(error.to_string()),
        };
        match removed {
            Ok(removed) => failure.details.extend(removed.left),
            Err(why) => {
                failure = failure.detail(format!("not everything could be taken back: {why}"));
                failure = failure.hint("`devstack down` removes what is left");
            }
        }
        let replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner).join(", ");
        if replaced.is_empty() { failure } else { failure.detail(format!("ran before and is gone now: {replaced}")) }
    }
}

/// A failure that is none: somebody asked for the end.
pub(super) fn cancelled() -> UpFailure {
    UpFailure { cancelled: true, ..UpFailure::new("interrupted") }
}

fn sorted(parts: Vec<Result<MadeComponent, UpFailure>>) -> (Vec<MadeComponent>, Vec<UpFailure>) {
    let mut made = Vec::new();
    let mut failures = Vec::new();
    for part in parts {
        match part {
            Ok(component) => made.push(component),
            Err(failure) => failures.push(failure),
        }
    }
    (made, failures)
}

/// The failure that made the others end, where there is one.
fn cause(mut failures: Vec<UpFailure>) -> Option<UpFailure> {
    let real = failures.iter().position(|failure| !failure.cancelled).unwrap_or(0);
    (!failures.is_empty()).then(|| failures.swap_remove(real))
}

fn ids(images: Vec<images::ImageState>) -> BTreeMap<String, String> {
    images.into_iter().map(|image| (image.reference, image.id.unwrap_or_default())).collect()
}
