//! Single demo services in a process of their own, as they would run in life: addresses of the others given, telemetry as `OTEL_*` says.
//!
//! Started by `cli` for `devstack demo SERVICE…`. No backend comes with them: they export to whatever the environment names.

use std::{net::SocketAddr, str::FromStr};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::RuntimeError;
use crate::{
    demo::{
        API, Api, ApiConfig, Faults, ServiceConfig, Stores, TRIGGER, Trigger, TriggerConfig, WEB, Web, WebConfig, any_port,
        externals,
    },
    support::{clock::TimerClock, suggest},
    telemetry::Settings,
    webhook::Secrets,
};

/// The name of the externals on the command line; they are not instrumented and so have no `service.name`.
const EXTERNALS: &str = "externals";

/// One service of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DemoService {
    /// HubSpot, WhatsApp, OpenAI, Stripe.
    Externals,
    /// `medicalcor-trigger`.
    Trigger,
    /// `medicalcor-api`.
    Api,
    /// `medicalcor-web`.
    Web,
}

/// What services alone are told.
#[derive(Debug, Clone)]
pub struct AloneConfig {
    /// Which ones.
    pub services: Vec<DemoService>,
    /// Where to listen; only for a single service. Otherwise, and by default, any free port.
    pub listen: Option<SocketAddr>,
    /// Where `medicalcor-api` is, for the web application.
    pub api_url: Option<String>,
    /// Where `medicalcor-trigger` is, for the API.
    pub trigger_url: Option<String>,
    /// Where the externals are, for the worker.
    pub externals_url: Option<String>,
    /// Telemetry of all of them; each gets its own name.
    pub telemetry: Settings,
    /// Shared with whoever sends webhooks, and between API and worker.
    pub secrets: Secrets,
    /// Scale of their timers.
    pub time_scale: f64,
    /// Their stores.
    pub stores: Stores,
    /// Deliberate faults.
    pub faults: Faults,
}

/// Services that run.
#[derive(Debug)]
pub struct Alone {
    addresses: Vec<(&'static str, String)>,
    /// In the order in which they stop: first who sends work, last who answers.
    parts: Vec<(CancellationToken, JoinHandle<()>)>,
}

impl DemoService {
    const ALL: [Self; 4] = [Self::Externals, Self::Trigger, Self::Api, Self::Web];

    /// Its name on the command line, `service.name` where it has one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Externals => EXTERNALS,
            Self::Trigger => TRIGGER,
            Self::Api => API,
            Self::Web => WEB,
        }
    }
}

impl FromStr for DemoService {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.map(Self::name);
        let nearest = suggest::nearest(name, known).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        let unknown = || format!("there is {}{nearest}", known.join(", "));
        Self::ALL.into_iter().find(|service| service.name() == name).ok_or_else(unknown)
    }
}

impl Alone {
    /// Binds the services, those that are called first, and starts them.
    pub async fn start(mut config: AloneConfig) -> Result<Self, RuntimeError> {
        let mut services = config.services.clone();
        services.sort_unstable();
        services.dedup();
        let mut alone = Self { addresses: Vec::new(), parts: Vec::new() };
        for service in services {
            let address = alone.start_one(service, &config).await?;
            let url = format!("http://{address}");
            // Later ones find it here unless the command line says otherwise.
            let known = match service {
                DemoService::Externals => &mut config.externals_url,
                DemoService::Trigger => &mut config.trigger_url,
                DemoService::Api => &mut config.api_url,
                DemoService::Web => &mut None,
            };
            known.get_or_insert_with(|| url.clone());
            alone.addresses.push((service.name(), url));
        }
        alone.parts.reverse();
        Ok(alone)
    }

    /// Names and addresses, in order of start.
    pub fn addresses(&self) -> &[(&'static str, String)] {
        &self.addresses
    }

    /// Stops them in turn, each after its work is done and its telemetry is handed over.
    pub async fn stop(self) {
        for (shutdown, task) in self.parts {
            shutdown.cancel();
            // A service that panicked has ended as well.
            let _ = task.await;
        }
    }

    async fn start_one(&mut self, service: DemoService, config: &AloneConfig) -> Result<SocketAddr, RuntimeError> {
        let listen = config.listen.unwrap_or_else(any_port);
        let clock = TimerClock::scaled(config.time_scale);
        let told = ServiceConfig { listen, clock, faults: config.faults.clone(), ..ServiceConfig::new(config.telemetry.clone()) };
        let address = match service {
            DemoService::Externals => {
                let externals = externals::bind(listen, clock).await?;
                self.run(externals.address(), |shutdown| externals.run(shutdown))
            }
            DemoService::Trigger => {
                let externals_url = needed(service, config.externals_url.as_ref(), "--externals-url")?;
                let (secrets, stores) = (config.secrets.clone(), config.stores.clone());
                let trigger = Trigger::bind(TriggerConfig { service: told, externals_url, secrets, stores }).await?;
                self.run(trigger.address(), |shutdown| trigger.run(shutdown))
            }
            DemoService::Api => {
                let trigger_url = needed(service, config.trigger_url.as_ref(), "--trigger-url")?;
                let (secrets, stores) = (config.secrets.clone(), config.stores.clone());
                let api = Api::bind(ApiConfig { service: told, trigger_url, secrets, stores }).await?;
                self.run(api.address(), |shutdown| api.run(shutdown))
            }
            DemoService::Web => {
                let api_url = needed(service, config.api_url.as_ref(), "--api-url")?;
                let web = Web::bind(WebConfig { service: told, api_url }).await?;
                self.run(web.address(), |shutdown| web.run(shutdown))
            }
        };
        Ok(address)
    }

    fn run<F>(&mut self, address: SocketAddr, service: impl FnOnce(CancellationToken) -> F) -> SocketAddr
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let shutdown = CancellationToken::new();
        self.parts.push((shutdown.clone(), tokio::spawn(service(shutdown))));
        address
    }
}

fn needed(service: DemoService, given: Option<&String>, option: &'static str) -> Result<String, RuntimeError> {
    given.cloned().ok_or(RuntimeError::AddressNeeded { service: service.name(), option })
}
