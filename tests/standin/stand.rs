//! A stand-in for the Trigger.dev API and a receiver for its spans: what the tests beside it need.

use std::{sync::Arc, time::Duration};

use devstack::{
    backend::{self, Backend, Ledger},
    client::{EnqueuedClient, loopback},
    model::{Span, TraceId},
    standin::{Trigger, TriggerConfig},
    telemetry::Settings,
    webhook::{Secrets, secrets::TRIGGER_SECRET_KEY},
};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The key that lets callers in.
pub(super) const KEY: &str = "tr_dev_of_this_test";
/// As which service the stand-in goes on.
pub(super) const WORKER: &str = "acme-worker";
/// Long enough for a busy machine; a test that waits this long has failed.
const DEADLINE: Duration = Duration::from_secs(30);

/// Both, running.
pub(super) struct Stand {
    pub(super) url: String,
    pub(super) http: reqwest::Client,
    pub(super) enqueued: EnqueuedClient,
    ledger: Ledger,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
    receiver: CancellationToken,
}

impl Stand {
    pub(super) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(adjust: impl FnOnce(&mut TriggerConfig)) -> Self {
        let backend = Backend::bind(backend::Config::default()).await.unwrap();
        let (ledger, receiver) = (backend.ledger(), CancellationToken::new());
        let spans = Settings::new(WORKER).with_endpoint(&format!("http://{}", backend.otlp_http()));
        tokio::spawn(backend.run(receiver.clone()));
        let mut config = TriggerConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            secrets: Secrets::default().with(TRIGGER_SECRET_KEY, KEY),
            spans: Some(spans),
        };
        adjust(&mut config);
        let trigger = Trigger::bind(config).await.unwrap();
        let url = format!("http://{}", trigger.address());
        let (http, shutdown) = (loopback().unwrap(), CancellationToken::new());
        let running = tokio::spawn(trigger.run(shutdown.clone()));
        Self { enqueued: EnqueuedClient::new(http.clone(), &url), url, http, ledger, shutdown, running, receiver }
    }

    /// Posts JSON with the key; the status and the answer.
    pub(super) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(KEY).json(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Ends the stand-in, which hands over its spans, and then gives back the receiver's book.
    pub(super) async fn end(self) -> Ledger {
        self.shutdown.cancel();
        tokio::time::timeout(DEADLINE, self.running).await.expect("the stand-in ends").unwrap();
        self.receiver.cancel();
        self.ledger
    }
}

/// The spans that a receiver holds of a trace.
pub(super) fn spans(ledger: &Ledger, trace: TraceId) -> Vec<Arc<Span>> {
    ledger.view(trace).arrivals.into_iter().map(|arrival| arrival.span).collect()
}
