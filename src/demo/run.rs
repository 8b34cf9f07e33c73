//! The whole demo in one process: all services on free ports, nothing between them but HTTP.
//!
//! Started by `runtime` (for a run, or beside a stack), by `cli` (`devstack demo`) and by tests.

use std::{collections::BTreeMap, net::SocketAddr};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    api::{Api, ApiConfig},
    config::{DemoConfig, any_port},
    error::DemoError,
    externals,
    names::{API, TRIGGER, WEB},
    trigger::{Trigger, TriggerConfig},
    web::{Web, WebConfig},
};

/// The running demo. Dropped without [`Demo::stop`] it ends too, but nobody waits for its telemetry.
#[derive(Debug)]
pub struct Demo {
    addresses: BTreeMap<&'static str, SocketAddr>,
    externals: SocketAddr,
    /// In the order in which they stop: first who sends work, last who answers.
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Demo {
    /// Starts all services; returns once each has its port.
    pub async fn start(config: DemoConfig) -> Result<Self, DemoError> {
        let externals = externals::bind(any_port(), config.clock).await?;
        let trigger = Trigger::bind(TriggerConfig {
            service: config.service(),
            externals_url: url_of(externals.address()),
            secrets: config.secrets.clone(),
            stores: config.stores.clone(),
        })
        .await?;
        let api = Api::bind(ApiConfig {
            service: config.service(),
            trigger_url: url_of(trigger.address()),
            secrets: config.secrets.clone(),
            stores: config.stores.clone(),
        })
        .await?;
        let web = Web::bind(WebConfig { service: config.service(), api_url: url_of(api.address()) }).await?;
        let addresses = BTreeMap::from([(API, api.address()), (TRIGGER, trigger.address()), (WEB, web.address())]);
        let control = externals.address();
        let parts = vec![
            Part::start(|shutdown| web.run(shutdown)),
            Part::start(|shutdown| api.run(shutdown)),
            Part::start(|shutdown| trigger.run(shutdown)),
            Part::start(|shutdown| externals.run(shutdown)),
        ];
        Ok(Self { addresses, externals: control, parts })
    }

    /// Every instrumented service by its `service.name`.
    pub fn addresses(&self) -> &BTreeMap<&'static str, SocketAddr> {
        &self.addresses
    }

    /// The base address of a service, `http://127.0.0.1:<port>`; `None` for a name that none has.
    pub fn url(&self, service: &str) -> Option<String> {
        self.addresses.get(service).map(|address| url_of(*address))
    }

    /// The base address of the externals, where scripts are put: `PUT /_devstack/scripts/{key}`.
    pub fn externals_url(&self) -> String {
        url_of(self.externals)
    }

    /// Stops every service in turn, each after its work is done and its telemetry is handed over.
    pub async fn stop(mut self) {
        for part in self.parts.drain(..) {
            part.shutdown.cancel();
            // A service that panicked has ended as well.
            let _ = part.task.await;
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.parts.iter().for_each(|part| part.shutdown.cancel());
    }
}

impl Part {
    fn start<F: Future<Output = ()> + Send + 'static>(run: impl FnOnce(CancellationToken) -> F) -> Self {
        let shutdown = CancellationToken::new();
        Self { task: tokio::spawn(run(shutdown.clone())), shutdown }
    }
}

fn url_of(address: SocketAddr) -> String {
    format!("http://{address}")
}
