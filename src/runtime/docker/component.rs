//! One component on its way up: kept where it runs just so, else made, started and waited for.
//!
//! Driven by `make`, one of these a component, all at once as far as `after` allows.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use bollard::{
    models::ContainerInspectResponse,
    query_parameters::{StartContainerOptions, WaitContainerOptions},
};
use futures_util::StreamExt;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::{
    DockerError,
    create::{self, Ground},
    failure, labels,
    make::{MadeComponent, Making, cancelled},
    network,
    ready::Asked,
    remove::{self, Way},
    seen::{self, Seen},
    tail::tail,
};
use crate::{
    runtime::{Step, UpFailure},
    stack::Component,
    support::clock::{self, Stopwatch},
};

/// How long a container that ran before may take to answer, before a new one takes its place.
const KEPT_ANSWERS: Duration = Duration::from_secs(2);

/// How long the engine may take to say which ports it gave to a container that it has started.
const PORTS: Duration = Duration::from_secs(2);

/// Between two questions to the engine about the same container.
const AGAIN: Duration = Duration::from_millis(20);

/// How long the engine may be gone while a container is waited for: it may be starting anew itself.
const GONE: Duration = Duration::from_secs(5);

/// The exit code of a process that got SIGKILL.
const KILLED: i64 = 137;

/// The ports that are a component's main address, in this order.
const MAIN: [&str; 3] = ["api", "http", "otlp_http"];

/// What all components of one run share.
pub(super) struct Shared<'a> {
    /// Containers of the owner that were there before.
    pub(super) found: &'a [Seen],
    /// Ids of images by reference.
    pub(super) images: &'a BTreeMap<String, String>,
    /// The id of the owner's network.
    pub(super) network: &'a str,
    /// The id of the network that the collector joins.
    pub(super) joined: Option<&'a str>,
    /// When all have to be ready.
    pub(super) deadline: Instant,
    /// Cancelled for each that is ready.
    pub(super) ready: BTreeMap<&'a str, CancellationToken>,
}

/// One of them.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) making: &'a Making<'a>,
    pub(super) component: &'a Component,
    pub(super) shared: &'a Shared<'a>,
}

/// How the wait for a started container ended, where it did not end well.
enum Never {
    Halted,
    Ended,
    Late,
    Hopeless(String),
}

impl Part<'_> {
    /// Makes it; the others end when it fails.
    pub(super) async fn make(self) -> Result<MadeComponent, UpFailure> {
        let made = self.kept_or_new().await;
        match &made {
            Ok(_) => self.shared.ready.get(self.component.name.as_str()).into_iter().for_each(CancellationToken::cancel),
            Err(_) => self.making.halt.cancel(),
        }
        made
    }

    async fn kept_or_new(self) -> Result<MadeComponent, UpFailure> {
        let config = self.config();
        let before = self.shared.found.iter().find(|seen| self.making.is(seen, self.component));
        if let Some(before) = before {
            if let Some(kept) = self.kept(before, &config).await? {
                return Ok(kept);
            }
            if self.making.is_halted() {
                return Err(cancelled());
            }
            let removed = remove::container(self.making.engine, before, Way::Gently).await;
            self.making.note_replaced(before);
            self.or_failure(removed).await?;
        }
        self.anew(&config).await
    }

    /// The digest of everything that a change of demands a new container: what the stack says, and what stands behind its names.
    fn config(self) -> String {
        let mut digest = Sha256::new();
        digest.update(self.component.digest());
        digest.update(self.shared.images.get(&self.component.image).map_or("", String::as_str));
        if self.making.joins(self.component) {
            digest.update(self.shared.joined.unwrap_or_default());
        }
        const_hex::encode(digest.finalize())[..16].to_owned()
    }

    /// The container as it is, where it runs just as it should and answers.
    async fn kept(self, before: &Seen, config: &str) -> Result<Option<MadeComponent>, UpFailure> {
        if !before.is_running() || before.label(labels::CONFIG) != Some(config) {
            return Ok(None);
        }
        let found = seen::inspect(self.making.engine, &before.id, &before.name).await;
        let Some(found) = self.or_failure(found).await? else { return Ok(None) };
        let ports = self.named_ports(&found);
        if ports.len() < self.component.ports.len() || !self.is_attached(&found) {
            return Ok(None);
        }
        let asked = Asked { id: &before.id, name: &before.name, ports: &ports };
        let answers = tokio::time::timeout(KEPT_ANSWERS, self.making.prober.wait(&self.component.ready, asked, |_| ()));
        let answers = tokio::select! {
            biased;
            () = self.making.halt.cancelled() => return Err(cancelled()),
            answers = answers => answers,
        };
        if !matches!(answers, Ok(Ok(()))) {
            return Ok(None);
        }
        let made = self.made(before.id.clone(), ports, Duration::ZERO, true);
        self.tell(Step::Kept { address: made.address.clone() });
        Ok(Some(made))
    }

    async fn anew(self, config: &str) -> Result<MadeComponent, UpFailure> {
        if self.making.is_halted() {
            return Err(cancelled());
        }
        self.tell(Step::Creating);
        let watch = Stopwatch::start();
        let making = self.making;
        let ground = Ground { order: making.order, run: &making.run, network: self.shared.network, config };
        let id = self.or_failure(create::create(making.engine, self.component, ground).await).await?;
        let name = labels::container(&making.order.owner, &self.component.name);
        if let Some(joined) = self.shared.joined.filter(|_| making.joins(self.component)) {
            self.or_failure(network::join(making.engine, &id, &name, joined).await).await?;
        }
        let waited = self.wait_for_others().await?;
        let started = making.engine.api().start_container(&id, None::<StartContainerOptions>).await;
        let started = started.map_err(|error| DockerError::Start { name: name.clone(), source: error.into() });
        self.or_failure(started).await?;
        self.tell(Step::Starting { last: "started".to_owned() });
        let last = Mutex::new(String::new());
        let ports = match self.ready(&id, &name, &last).await {
            Ok(ports) => ports,
            Err(never) => {
                let last = last.into_inner().unwrap_or_default();
                return Err(self.never(never, &id, &last).await);
            }
        };
        let made = self.made(id, ports, watch.elapsed().saturating_sub(waited), false);
        self.tell(Step::Ready { address: made.address.clone(), after: made.after });
        Ok(made)
    }

    /// Waits until those are ready that it comes after; gives how long that took.
    async fn wait_for_others(self) -> Result<Duration, UpFailure> {
        let watch = Stopwatch::start();
        let others = self.component.after.iter().filter_map(|name| Some((name, self.shared.ready.get(name.as_str())?)));
        let open: Vec<_> = others.filter(|(_, ready)| !ready.is_cancelled()).collect();
        if !open.is_empty() {
            self.tell(Step::Waiting { on: open.iter().map(|(name, _)| (*name).clone()).collect() });
        }
        for (_, ready) in open {
            // No deadline of its own: whoever is waited for has one, and halts everybody.
            tokio::select! {
                biased;
                () = self.making.halt.cancelled() => return Err(cancelled()),
                () = ready.cancelled() => {}
            }
        }
        if self.making.is_halted() {
            return Err(cancelled());
        }
        Ok(watch.elapsed())
    }

    /// Waits until a started container answers as it should; gives its ports.
    async fn ready(self, id: &str, name: &str, last: &Mutex<String>) -> Result<BTreeMap<String, u16>, Never> {
        let answers = async {
            let ports = self.ports(id, name).await?;
            let seen = |words: &str| {
                words.clone_into(&mut last.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
                self.tell(Step::Starting { last: words.to_owned() });
            };
            let asked = Asked { id, name, ports: &ports };
            self.making.prober.wait(&self.component.ready, asked, seen).await.map_err(Never::Hopeless)?;
            Ok(ports)
        };
        let deadline = tokio::time::sleep_until(self.shared.deadline.into());
        tokio::select! {
            biased;
            () = self.making.halt.cancelled() => Err(Never::Halted),
            answered = answers => answered,
            never = self.end(id, name) => Err(never),
            () = deadline => Err(Never::Late),
        }
    }

    /// The ports that the engine gave to a container that it has started.
    async fn ports(self, id: &str, name: &str) -> Result<BTreeMap<String, u16>, Never> {
        let watch = Stopwatch::start();
        loop {
            let found = seen::inspect(self.making.engine, id, name).await.map_err(|error| Never::Hopeless(error.sentence()))?;
            let found = found.ok_or(Never::Ended)?;
            let ports = self.named_ports(&found);
            if ports.len() == self.component.ports.len() {
                return Ok(ports);
            }
            if !is_running(&found) {
                return Err(Never::Ended);
            }
            if watch.elapsed() > PORTS {
                return Err(Never::Hopeless("the engine does not say which ports it gave to it".to_owned()));
            }
            clock::pause(AGAIN).await;
        }
    }

    /// Comes back when the container does not run any more, or when the engine is gone that could tell.
    async fn end(self, id: &str, name: &str) -> Never {
        use bollard::errors::Error as Raw;
        let mut heard = Stopwatch::start();
        loop {
            let mut ends = std::pin::pin!(self.making.engine.api().wait_container(id, None::<WaitContainerOptions>));
            let asked = Stopwatch::start();
            let word = ends.next().await;
            if asked.elapsed() > GONE {
                // It waited all the while.
                heard = Stopwatch::start();
            }
            match word {
                Some(Ok(_) | Err(Raw::DockerContainerWaitError { .. })) => return Never::Ended,
                // The engine gave up waiting, or cannot wait: look.
                _ => match seen::inspect(self.making.engine, id, name).await {
                    Ok(Some(found)) if is_running(&found) => heard = Stopwatch::start(),
                    Ok(_) => return Never::Ended,
                    Err(error) if heard.elapsed() > GONE => return Never::Hopeless(error.said().words.clone()),
                    Err(_) => {}
                },
            }
            clock::pause(AGAIN).await;
        }
    }

    async fn never(self, never: Never, id: &str, last: &str) -> UpFailure {
        let name = &self.component.name;
        let deadline = self.making.order.deadline.as_secs_f64();
        let failure = match never {
            Never::Halted => return cancelled(),
            Never::Ended => return ended(self.making, name, id, last).await,
            Never::Hopeless(words) => UpFailure::new(format!("{name} cannot become ready: {words}")),
            Never::Late => {
                UpFailure::new(format!("{name} is not ready after {deadline} s")).hint("`--timeout` gives it more time")
            }
        };
        let failure = if last.is_empty() { failure } else { failure.detail(format!("last seen: {last}")) };
        UpFailure { component: Some(name.clone()), log_tail: tail(self.making.engine, id).await, ..failure }
    }

    fn named_ports(self, found: &ContainerInspectResponse) -> BTreeMap<String, u16> {
        let settings = found.network_settings.as_ref();
        let published = settings.and_then(|settings| settings.ports.as_ref()).map(seen::published).unwrap_or_default();
        let named = self.component.ports.iter();
        named.filter_map(|(name, port)| Some((name.clone(), *published.get(&port.container)?))).collect()
    }

    /// Whether it is on the networks that it should be on; somebody may have made them anew.
    fn is_attached(self, found: &ContainerInspectResponse) -> bool {
        let networks = found.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
        let on = |id: &str| networks.is_some_and(|networks| networks.values().any(|one| one.network_id.as_deref() == Some(id)));
        let joined = self.shared.joined.filter(|_| self.making.joins(self.component));
        on(self.shared.network) && joined.is_none_or(on)
    }

    fn made(self, container: String, ports: BTreeMap<String, u16>, after: Duration, kept: bool) -> MadeComponent {
        let address = main_address(&ports);
        MadeComponent { name: self.component.name.clone(), container, ports, address, kept, after }
    }

    fn tell(self, step: Step) {
        self.making.events.component(&self.component.name, step);
    }

    async fn or_failure<T>(self, result: Result<T, DockerError>) -> Result<T, UpFailure> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => {
                let failure = failure::of(self.making.engine, Some(self.component), &error).await;
                Err(UpFailure { component: Some(self.component.name.clone()), ..failure })
            }
        }
    }
}

/// The failure of a component that ended before it was ready, or right after.
pub(super) async fn ended(making: &Making<'_>, name: &str, id: &str, last: &str) -> UpFailure {
    let found = seen::inspect(making.engine, id, name).await.ok().flatten();
    let state = found.and_then(|found| found.state);
    let mut failure = match &state {
        None => UpFailure::new(format!("{name} was removed by somebody before it was ready")),
        Some(state) => UpFailure::new(format!("{name} ended before it was ready (exit code {})", state.exit_code.unwrap_or(-1))),
    };
    let memory = making.order.stack.component(name).and_then(|component| component.memory);
    if state.as_ref().and_then(|state| state.oom_killed).unwrap_or(false) {
        failure = failure.detail("it needed more memory than it may have").hint("give it more: `memory:` in the stack file");
    } else if let (Some(KILLED), Some(bytes)) = (state.as_ref().and_then(|state| state.exit_code), memory) {
        // Some engines cannot tell why the kernel did it.
        let words = format!("it was killed, perhaps because it needed more than its {} MiB of memory", bytes >> 20);
        failure = failure.detail(words).hint("give it more: `memory:` in the stack file");
    }
    if let Some(words) = state.and_then(|state| state.error).filter(|words| !words.is_empty()) {
        failure = failure.detail(words);
    }
    if !last.is_empty() {
        failure = failure.detail(format!("last seen: {last}"));
    }
    UpFailure { component: Some(name.to_owned()), log_tail: tail(making.engine, id).await, ..failure }
}

/// A component's main address, where it has one.
pub(super) fn main_address(ports: &BTreeMap<String, u16>) -> Option<String> {
    MAIN.iter().find_map(|name| ports.get(*name)).map(|port| format!("http://127.0.0.1:{port}"))
}

fn is_running(found: &ContainerInspectResponse) -> bool {
    found.state.as_ref().and_then(|state| state.running).unwrap_or(false)
}
