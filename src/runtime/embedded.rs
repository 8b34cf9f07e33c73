//! The embedded runtime: a backend and the demo services in this process, on free ports or kept ones.
//!
//! Started by `cli` for the length of a run (`replay`) or until Ctrl-C (`demo`). Everything speaks HTTP to everything else, as it would
//! between processes.

use std::{net::SocketAddr, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Kept;
use crate::{
    backend::{Backend, BackendError, Config},
    demo::{DEMO_TIME_SCALE, Demo, DemoConfig, DemoError, Fault, Stores},
    support::{clock::TimerClock, env::Env},
    telemetry::{Protocol, Settings},
    webhook::{Providers, Secrets, secrets::OF_DEMO},
};

/// How often the demo services export on their own. They export at once when they are asked for their work, so this only bounds what
/// nobody asks for.
const EXPORT_DELAY: Duration = Duration::from_millis(50);

/// How often the demo services export metrics.
const METRIC_INTERVAL: Duration = Duration::from_secs(1);

/// What an embedded stack with demo services is told.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// Scale of the services' timers.
    pub time_scale: f64,
    /// Deliberate faults.
    pub faults: Vec<Fault>,
    /// Where the services keep their data; embedded by default.
    pub stores: Stores,
    /// What deliveries are signed with.
    pub secrets: Secrets,
    /// The backend's ports and bounds.
    pub backend: Config,
}

impl EmbeddedConfig {
    /// Free ports, the demo's timers, no faults; stores as `DATABASE_URL` and `REDIS_URL` say; secrets of every built-in provider from the
    /// environment, those of the demo that it does not name made anew.
    pub fn from_env(env: &dyn Env) -> Self {
        let stores = Stores { database_url: env.get("DATABASE_URL"), redis_url: env.get("REDIS_URL") };
        let providers = Providers::built_in();
        let known = providers.variables().into_iter().chain(OF_DEMO);
        let secrets = Secrets::from_env(env, known).or_generated(OF_DEMO);
        Self { time_scale: DEMO_TIME_SCALE, faults: Vec::new(), stores, secrets, backend: Config::default() }
    }

    /// The demo services of this configuration, exporting to a backend at `otlp_http`.
    fn demo(&self, otlp_http: &str, secrets: Secrets) -> DemoConfig {
        DemoConfig {
            secrets,
            clock: TimerClock::scaled(self.time_scale),
            stores: self.stores.clone(),
            faults: self.faults.iter().copied().collect(),
            ..DemoConfig::new(exporting_to(otlp_http))
        }
    }
}

/// Why it could not start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The backend could not.
    #[error("the embedded backend could not start")]
    Backend(#[from] BackendError),
    /// A service alone does not know whom to call.
    #[error("`{service}` needs the address of a service that it calls: `{option} http://HOST:PORT`")]
    AddressNeeded {
        /// The service.
        service: &'static str,
        /// The option that gives the address.
        option: &'static str,
    },
    /// The demo services could not.
    #[error("the demo services could not start")]
    Demo(#[from] DemoError),
}

/// A running embedded stack.
#[derive(Debug)]
pub struct Embedded {
    demo: Demo,
    backend: JoinHandle<()>,
    shutdown: CancellationToken,
    addresses: Kept,
}

impl Embedded {
    /// Starts the backend, then the services that export to it.
    pub async fn start(config: EmbeddedConfig) -> Result<Self, RuntimeError> {
        let backend = Backend::bind(config.backend.clone()).await?;
        let (ledger, otlp_http) = (url(backend.api()), url(backend.otlp_http()));
        let secrets = config.secrets.clone();
        let demo = Demo::start(config.demo(&otlp_http, secrets.clone()));
        let shutdown = CancellationToken::new();
        let backend = tokio::spawn(backend.run(shutdown.clone()));
        let demo = demo.await?;
        let addresses = Kept {
            pid: std::process::id(),
            ledger,
            otlp_http,
            services: services_of(&demo),
            externals: demo.externals_url(),
            secrets,
        };
        Ok(Self { demo, backend, shutdown, addresses })
    }

    /// Where everything is.
    pub fn addresses(&self) -> &Kept {
        &self.addresses
    }

    /// Stops the services, each after its work is done and exported, then the backend that received it.
    pub async fn stop(self) {
        self.demo.stop().await;
        self.shutdown.cancel();
        // A backend that panicked has ended as well.
        let _ = self.backend.await;
    }
}

/// Demo services beside those that run already: they export to the same backend and take the same signatures.
#[derive(Debug)]
pub struct ExtraDemo {
    demo: Demo,
}

impl ExtraDemo {
    /// Starts them, exporting to a receiver at `otlp_http`, with the secrets that deliveries are signed with.
    pub async fn start(config: &EmbeddedConfig, otlp_http: &str, secrets: Secrets) -> Result<Self, RuntimeError> {
        let demo = Demo::start(config.demo(otlp_http, secrets)).await?;
        Ok(Self { demo })
    }

    /// Services and their addresses.
    pub fn services(&self) -> Vec<(String, String)> {
        services_of(&self.demo)
    }

    /// Control address of their externals.
    pub fn externals(&self) -> String {
        self.demo.externals_url()
    }

    /// Stops them, each after its work is done and exported.
    pub async fn stop(self) {
        self.demo.stop().await;
    }
}

fn services_of(demo: &Demo) -> Vec<(String, String)> {
    demo.addresses().iter().map(|(name, address)| ((*name).to_owned(), url(*address))).collect()
}

/// Settings of services whose exports should be seen within milliseconds.
fn exporting_to(otlp_http: &str) -> Settings {
    Settings::new("medicalcor")
        .with_endpoint(otlp_http)
        .with_protocol(Protocol::HttpProtobuf)
        .with_schedule_delay(EXPORT_DELAY)
        .with_metric_interval(METRIC_INTERVAL)
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}
