//! All services of a project: started each when those that it waits for are ready, watched, ended in the other order.
//!
//! Made by `supervisor::standing` for a stack and by `cli::services` for a replay without one.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use regex::Regex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    book::{EndedBy, Starter},
    capture::{Output, Sink},
    process::{End, Input, Process},
    ready::{self, NotReady, host_and_port},
    resolve::{Given, Spec},
    state::ServiceState,
};
use crate::{
    runtime::{Events, Step, UpEvent, UpFailure},
    stack::{PortWish, Readiness, Service},
    support::{clock::Stopwatch, ports},
};

/// How long a service may take to be ready, at most; less where whoever starts it has less time.
const READY: Duration = Duration::from_mins(1);

/// Where services run, and for whom.
#[derive(Debug, Clone)]
pub struct Place {
    /// The project's state folder.
    pub state: PathBuf,
    /// Who starts them.
    pub by: Starter,
    /// This program, which becomes each of them (`launch`).
    pub launcher: PathBuf,
    /// How long each may take to be ready.
    pub deadline: Duration,
}

/// A service that ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub end: End,
    /// The last lines that it wrote.
    pub tail: Vec<String>,
}

/// Services that run; dropping them leaves them running.
pub struct Services {
    /// In the order of the start.
    slots: Vec<Slot>,
    place: Place,
    sink: Option<Sink>,
    deaths: mpsc::UnboundedSender<Death>,
    told: Mutex<Option<mpsc::UnboundedReceiver<Death>>>,
}

/// One service.
struct Slot {
    spec: Spec,
    ready: Readiness,
    after: Vec<String>,
    process: Mutex<Option<Process>>,
}

impl Services {
    /// Starts `services`, which stand in an order in which each comes after what it waits for. On failure or `stop` none is left.
    pub async fn start(
        services: &[Service],
        given: &Given,
        place: Place,
        sink: Option<Sink>,
        events: &Events,
        stop: &CancellationToken,
    ) -> Result<Self, UpFailure> {
        let slots = slots(services, given)?;
        for slot in &slots {
            for name in &slot.spec.overridden {
                let words = format!("`{}` sets `{name}` itself; that wins over what it would get from devstack", slot.spec.name);
                events.tell(UpEvent::Warning { words });
            }
        }
        let (deaths, told) = mpsc::unbounded_channel();
        let services = Self { slots, place, sink, deaths, told: Mutex::new(Some(told)) };
        match services.bring_up(events, stop).await {
            Ok(()) => Ok(services),
            Err(failure) => {
                services.stop_all(events).await;
                Err(failure)
            }
        }
    }

    /// Names in traces and addresses of those that have one, in the order of the start.
    pub fn addresses(&self) -> Vec<(String, String)> {
        let address = |slot: &Slot| Some((slot.spec.otel_name.clone(), slot.spec.url.clone()?));
        self.slots.iter().filter_map(address).collect()
    }

    /// How each is now.
    pub fn states(&self) -> Vec<ServiceState> {
        let state = |slot: &Slot| {
            let process = slot.process()?;
            Some(ServiceState {
                name: slot.spec.name.clone(),
                otel_name: slot.spec.otel_name.clone(),
                pid: process.pid(),
                url: slot.spec.url.clone(),
                since: process.started_at(),
                end: process.end(),
                by: None,
            })
        };
        self.slots.iter().filter_map(state).collect()
    }

    /// Those that end by themselves, from the start on; once.
    pub fn deaths(&self) -> Option<mpsc::UnboundedReceiver<Death>> {
        locked(&self.told).take()
    }

    /// Ends one and starts it anew, on the same port; returns when it is ready.
    pub async fn restart(&self, name: &str, events: &Events, stop: &CancellationToken) -> Result<(), UpFailure> {
        let slot = self.slots.iter().find(|slot| slot.spec.name == name);
        let slot = slot.ok_or_else(|| UpFailure::new(format!("there is no service `{name}`")))?;
        if let Some(process) = slot.process() {
            process.stop().await;
        }
        self.begin(slot, events, stop).await
    }

    /// Ends all, each before those that it waited for.
    pub async fn end(self, events: &Events) {
        self.stop_all(events).await;
    }

    async fn bring_up(&self, events: &Events, stop: &CancellationToken) -> Result<(), UpFailure> {
        let mut ready: Vec<&str> = Vec::new();
        let mut waiting: Vec<&Slot> = self.slots.iter().collect();
        let mut starting = FuturesUnordered::new();
        loop {
            let (now, later): (Vec<&Slot>, Vec<_>) =
                waiting.into_iter().partition(|slot| slot.after.iter().all(|name| ready.contains(&name.as_str())));
            waiting = later;
            for slot in &waiting {
                let on = slot.after.iter().filter(|name| !ready.contains(&name.as_str())).cloned().collect();
                events.component(&slot.spec.name, Step::Waiting { on });
            }
            starting.extend(now.into_iter().map(|slot| async move { self.begin(slot, events, stop).await.map(|()| slot) }));
            match starting.next().await {
                Some(slot) => ready.push(&slot?.spec.name),
                None => return self.still_there(),
            }
        }
    }

    /// One may have died while others were still on their way.
    fn still_there(&self) -> Result<(), UpFailure> {
        let dead = self.slots.iter().find_map(|slot| Some((slot, slot.process()?, slot.process()?.end()?)));
        dead.map_or(Ok(()), |(slot, process, end)| Err(died(slot, &process, end)))
    }

    async fn begin(&self, slot: &Slot, events: &Events, stop: &CancellationToken) -> Result<(), UpFailure> {
        let (name, clock) = (&slot.spec.name, Stopwatch::start());
        slot.port_is_free().await?;
        events.component(name, Step::Creating);
        let pattern = match &slot.ready {
            Readiness::Log(pattern) => Regex::new(pattern).ok(),
            _ => None,
        };
        let output = Output { sink: self.sink.clone(), raw: None };
        let process = Process::start(&slot.spec, &self.place, Input::Nothing, output, pattern)
            .map_err(|error| slot.failure(format!("could not be started: {error}")))?;
        *locked(&slot.process) = Some(process.clone());
        let deadline = self.place.deadline.min(READY);
        let seen = |last: &str| events.component(name, Step::Starting { last: last.to_owned() });
        match ready::wait(&slot.ready, slot.spec.url.as_deref(), &process, deadline, stop, seen).await {
            Ok(()) => {
                events.component(name, Step::Ready { address: slot.spec.url.clone(), after: clock.elapsed() });
                self.watch(slot, process);
                Ok(())
            }
            Err(NotReady::Cancelled) => Err(UpFailure::cancelled()),
            Err(NotReady::Ended(end)) => Err(died(slot, &process, end)),
            Err(NotReady::Late(last)) => {
                let failure = slot.failure(format!("{name} was not ready within {} s", deadline.as_secs_f64().ceil()));
                let failure = if last.is_empty() { failure } else { failure.detail(format!("last seen: {last}")) };
                Err(UpFailure { log_tail: process.tail(), ..failure })
            }
        }
    }

    /// Tells when it ends by itself.
    fn watch(&self, slot: &Slot, process: Process) {
        let (name, deaths) = (slot.spec.name.clone(), self.deaths.clone());
        tokio::spawn(async move {
            let end = process.ended().await;
            if end.by == EndedBy::Itself {
                // Nobody listens any more: then nobody needs to know.
                let _ = deaths.send(Death { name, end, tail: process.tail() });
            }
        });
    }

    async fn stop_all(&self, events: &Events) {
        let mut left: Vec<&Slot> = self.slots.iter().collect();
        while !left.is_empty() {
            let is_needed = |slot: &Slot| left.iter().any(|other| other.after.contains(&slot.spec.name));
            let (later, now): (Vec<&Slot>, Vec<_>) = left.iter().partition(|slot| is_needed(slot));
            let processes = now.into_iter().filter_map(Slot::process);
            let ending = processes.filter(|process| process.end().is_none()).map(|process| async move {
                process.stop().await;
                events.component(process.name(), Step::Stopped);
            });
            futures_util::future::join_all(ending).await;
            left = later;
        }
    }
}

impl Slot {
    fn process(&self) -> Option<Process> {
        locked(&self.process).clone()
    }

    fn failure(&self, message: String) -> UpFailure {
        UpFailure { component: Some(self.spec.name.clone()), ..UpFailure::new(message) }
    }

    /// What is there already would be taken for the service.
    async fn port_is_free(&self) -> Result<(), UpFailure> {
        let port = match (&self.ready, &self.spec.url) {
            (Readiness::Port(port), _) => Some(*port),
            (_, Some(url)) => host_and_port(url).filter(|(host, _)| is_here(host)).map(|(_, port)| port),
            _ => None,
        };
        let Some(port) = port.filter(|port| !ports::is_free((Ipv4Addr::LOCALHOST, *port).into())) else { return Ok(()) };
        let holder = tokio::task::spawn_blocking(move || ports::holder(port)).await.ok().flatten();
        let failure = self.failure(format!("port {port} is taken, and {} wants it", self.spec.name));
        let failure = match holder {
            Some(holder) => failure.detail(format!("by {holder}")),
            None => failure,
        };
        Err(failure.hint("stop it, or give the service another `port` (`auto` takes any free one)"))
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.slots.iter().map(|slot| &slot.spec.name)).finish()
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn died(slot: &Slot, process: &Process, end: End) -> UpFailure {
    let failure = slot.failure(format!("{} {}", slot.spec.name, end.how));
    UpFailure { log_tail: process.tail(), ..failure }
}

/// The services with their ports and addresses; what is wrong with one is told before any is started.
fn slots(services: &[Service], given: &Given) -> Result<Vec<Slot>, UpFailure> {
    let mut numbers = BTreeMap::new();
    // Held until all have one, so that no two get the same.
    let mut held = Vec::new();
    for service in services {
        match service.port {
            Some(PortWish::Fixed(port)) => drop(numbers.insert(service.name.as_str(), port)),
            Some(PortWish::Auto) => {
                let failed = |error| UpFailure::new(format!("there is no free port for `{}`: {error}", service.name));
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
                numbers.insert(service.name.as_str(), listener.local_addr().map_err(failed)?.port());
                held.push(listener);
            }
            None => {}
        }
    }
    drop(held);
    let address = |service: &Service| {
        let port = numbers.get(service.name.as_str());
        let url = service.url.clone().or_else(|| port.map(|port| format!("http://127.0.0.1:{port}")))?;
        Some((service.name.clone(), url))
    };
    let addresses: BTreeMap<String, String> = services.iter().filter_map(address).collect();
    let slot = |service: &Service| {
        let spec = Spec::of(service, numbers.get(service.name.as_str()).copied(), &addresses, given)?;
        Ok(Slot { spec, ready: service.ready.clone(), after: service.after.clone(), process: Mutex::new(None) })
    };
    services.iter().map(slot).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
