//! What the demo services are told at start: where to listen, whom to call, where telemetry goes, which secrets, which faults.
//!
//! Filled by `cli` (flags and environment), by `demo::run` and by tests; read at bind.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::faults::{Fault, Faults};
use crate::{
    support::{clock::TimerClock, random},
    telemetry::Settings,
    webhook::{Secrets, secrets::OF_DEMO},
};

/// How much timers of the demo are shortened: a second of back-off lasts ten milliseconds.
pub const DEMO_TIME_SCALE: f64 = 0.01;

/// Where nobody listens: TCP port 9, RFC 863's discard service, which no system runs any more.
const NOWHERE: &str = "http://127.0.0.1:9";

/// What every instrumented service is told.
#[derive(Debug, Clone)]
pub struct ServiceConfig {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where telemetry goes and how. Name, instance and work endpoint are filled in by the service itself.
    pub telemetry: Settings,
    /// Clock of back-off, breakers and time-outs.
    pub clock: TimerClock,
    /// Deliberate faults.
    pub faults: Faults,
}

/// Which stores a service uses.
#[derive(Debug, Clone, Default)]
pub struct Stores {
    /// `postgres://…` or `sqlite:…`; `None` embeds a database in memory.
    pub database_url: Option<String>,
    /// `redis://…`; `None` embeds a small server.
    pub redis_url: Option<String>,
}

/// The whole demo in one process.
#[derive(Debug, Clone)]
pub struct DemoConfig {
    /// Telemetry of all services; each gets its own name and instance.
    pub telemetry: Settings,
    /// Secrets they share with whoever sends webhooks.
    pub secrets: Secrets,
    /// Clock of their timers.
    pub clock: TimerClock,
    /// Their stores.
    pub stores: Stores,
    /// Deliberate faults of all of them.
    pub faults: Faults,
}

/// Loopback, any free port.
pub fn any_port() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
}

impl ServiceConfig {
    /// A service on any free port with the demo's clock and no faults.
    pub fn new(telemetry: Settings) -> Self {
        Self { listen: any_port(), telemetry, clock: TimerClock::scaled(DEMO_TIME_SCALE), faults: Faults::default() }
    }

    /// The settings of the service's telemetry, once it is known what it is called and where it listens.
    pub(crate) fn telemetry_of(&self, service: &str, address: SocketAddr) -> Settings {
        let settings = Settings {
            service: service.to_owned(),
            instance: random::uuid(),
            work_endpoint: Some(format!("http://{address}")),
            ..self.telemetry.clone()
        };
        if self.faults.has(Fault::Silent) { settings.with_endpoint(NOWHERE) } else { settings }
    }
}

impl DemoConfig {
    /// Fresh secrets, the demo's clock, embedded stores, no faults.
    pub fn new(telemetry: Settings) -> Self {
        Self {
            telemetry,
            secrets: Secrets::generated(OF_DEMO),
            clock: TimerClock::scaled(DEMO_TIME_SCALE),
            stores: Stores::default(),
            faults: Faults::default(),
        }
    }

    /// What one of the services is told.
    pub(crate) fn service(&self) -> ServiceConfig {
        ServiceConfig { listen: any_port(), telemetry: self.telemetry.clone(), clock: self.clock, faults: self.faults.clone() }
    }
}
