//! The stand-in itself: configuration, routes, and how it runs and ends.
//!
//! Bound and run by `runtime` and by tests.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{get, post},
};
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    BearerKey, batch,
    book::Book,
    endpoint::{self, Endpoint},
};
use crate::{
    model::enqueued::ENQUEUED_PATH,
    standin::{StandInError, http as server},
    support::{random, stand_in},
    telemetry::{Carrier, Settings, Severity, TaskRun, Telemetry, Tracer, WorkQuery, with_task_span, work_routes},
    webhook::{Secrets, secrets::TRIGGER_SECRET_KEY},
};

/// How long its telemetry may take to be handed over at the end.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);
/// How long a caller is kept waiting for a receiver that does not answer.
const EXPORT_WITHIN: Duration = Duration::from_secs(1);

/// How the stand-in for the Trigger.dev API runs.
#[derive(Debug, Clone)]
pub struct TriggerConfig {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Among them the bearer token, `TRIGGER_SECRET_KEY`.
    pub secrets: Secrets,
    /// How and as which service it goes on with the trace of each run: one CONSUMER span, ended at once. `None` where a real worker does.
    /// Instance, work endpoint and the mark of a stand-in are filled in.
    pub spans: Option<Settings>,
}

/// The stand-in for the Trigger.dev API, listening.
#[derive(Debug)]
pub struct Trigger {
    listener: TcpListener,
    address: SocketAddr,
    endpoint: Arc<Endpoint>,
}

/// Goes on with the trace of each run, as a worker would at the least.
#[derive(Debug)]
pub(super) struct Continuation {
    telemetry: Telemetry,
    tracer: Tracer,
}

impl Trigger {
    /// Takes the port and starts telemetry.
    ///
    /// # Errors
    /// The port is taken, there is no key, or the telemetry's settings cannot be used.
    pub async fn bind(config: TriggerConfig) -> Result<Self, StandInError> {
        let key = BearerKey::of(&config.secrets);
        if key.is_unset() {
            return Err(StandInError::NoKey { variable: TRIGGER_SECRET_KEY });
        }
        let wrap = |source| StandInError::Listen { name: "the Trigger.dev API".to_owned(), address: config.listen, source };
        let (listener, address) = server::listen(config.listen).await.map_err(wrap)?;
        let continuation = config.spans.map(|settings| Continuation::start(settings, address)).transpose()?;
        let endpoint = Arc::new(Endpoint { key, book: Book::default(), continuation });
        Ok(Self { listener, address, endpoint })
    }

    /// Where it listens; `TRIGGER_API_URL` is `http://` and this.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`, then finishes what is being answered and hands its spans over.
    pub async fn run(self, shutdown: CancellationToken) {
        let router = routes(&self.endpoint);
        let server = axum::serve(self.listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
        server::serve(server, shutdown).await;
        if let Some(Continuation { telemetry, .. }) = &self.endpoint.continuation
            && let Err(error) = telemetry.shutdown(FLUSH_WITHIN).await
        {
            telemetry.log(Severity::Error, error.to_string(), []);
        }
    }
}

fn routes(endpoint: &Arc<Endpoint>) -> Router {
    let router = Router::new()
        .route("/api/v1/tasks/{id}/trigger", post(endpoint::trigger))
        .route("/api/v1/tasks/{id}/batch", post(batch::of_task))
        .route("/api/v1/tasks/batch", post(batch::v1))
        .route("/api/v2/tasks/batch", post(batch::v2))
        .route(ENQUEUED_PATH, get(endpoint::enqueued))
        .fallback(endpoint::not_found)
        .with_state(Arc::clone(endpoint));
    let router = match &endpoint.continuation {
        Some(continuation) => router.merge(work_routes(&continuation.telemetry)),
        None => router,
    };
    server::local_only(router)
}

impl Continuation {
    fn start(settings: Settings, address: SocketAddr) -> Result<Self, StandInError> {
        let mut settings = Settings { instance: random::uuid(), work_endpoint: Some(format!("http://{address}")), ..settings };
        settings.resource.push((stand_in::ATTRIBUTE.to_owned(), "true".to_owned()));
        let wrap = |source| StandInError::Telemetry { service: settings.service.clone(), source };
        let telemetry = Telemetry::start(&settings).map_err(wrap)?;
        Ok(Self { tracer: telemetry.tracer("trigger-stand-in"), telemetry })
    }

    /// One CONSUMER span, below the one that the payload names. It is handed over before the call that brought the run is answered: whoever
    /// knows that the caller is done may then take what has arrived for all there is, though nobody told him of this process.
    pub(super) async fn go_on(&self, task: &str, run_id: &str, fields: &Map<String, Value>) {
        let at = TaskRun { run_id: Some(run_id), attempt: Some(1), queue: None };
        let correlation_id = Carrier::from_payload(fields).correlation_id;
        let Ok(trace) = with_task_span(&self.tracer, task, fields, at, |span| {
            let under_way = self.telemetry.work().begin(span.trace_id(), correlation_id.as_deref());
            async move {
                drop(under_way);
                Ok::<_, Infallible>(span.trace_id())
            }
        })
        .await;
        self.telemetry.work().wait_idle(&WorkQuery::Trace(trace), EXPORT_WITHIN).await;
    }
}
