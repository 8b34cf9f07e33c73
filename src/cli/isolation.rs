//! Demo services of its own for each case that says `isolated: true`.
//!
//! Handed to `check` by `replay`; starts them with `runtime` beside the services of the run.

use std::{error::Error, sync::Arc};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::sync::Semaphore;

use crate::{
    check::{Isolated, Isolation, ServiceAddress},
    runtime::{EmbeddedConfig, ExtraDemo},
    webhook::Secrets,
};

/// Sets of services at once: each has four servers and a database, and a run may repeat such a case hundreds of times.
const AT_ONCE: usize = 8;

/// Starts demo services beside those of the run.
#[derive(Debug)]
pub(super) struct DemoIsolation {
    config: Arc<EmbeddedConfig>,
    otlp_http: String,
    secrets: Secrets,
    slots: Arc<Semaphore>,
}

impl DemoIsolation {
    /// Services like those of `config`, exporting to `otlp_http`, with the secrets of the run.
    pub(super) fn new(config: EmbeddedConfig, otlp_http: String, secrets: Secrets) -> Self {
        Self { config: Arc::new(config), otlp_http, secrets, slots: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Isolation for DemoIsolation {
    fn start(&self) -> BoxFuture<'static, Result<Isolated, String>> {
        let (config, slots) = (Arc::clone(&self.config), Arc::clone(&self.slots));
        let (otlp_http, secrets) = (self.otlp_http.clone(), self.secrets.clone());
        async move {
            let slot = slots.acquire_owned().await.map_err(|closed| closed.to_string())?;
            let demo = ExtraDemo::start(&config, &otlp_http, secrets).await.map_err(|error| chain(&error))?;
            let services = demo.services().into_iter().map(|(name, url)| ServiceAddress { name, url }).collect();
            let externals = demo.externals();
            let stop = async move {
                demo.stop().await;
                drop(slot);
            };
            Ok(Isolated { services, externals, stop: stop.boxed() })
        }
        .boxed()
    }
}

/// An error and what caused it, on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
