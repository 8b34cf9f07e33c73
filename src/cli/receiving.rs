//! Where the telemetry of recorded deliveries arrives: at the stack that is up, at `devstack demo`, or at a receiver of one's own on the
//! ports of OTLP for as long as the command runs.
//!
//! Made for `record`.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Failure, live_trace::named};
use crate::{
    backend::{Backend, BackendError, Config},
    runtime::{
        Kept, Owner,
        supervisor::{self, Found},
    },
    stack::{Judge, OTLP_GRPC, OTLP_HTTP},
    support::project::Project,
};

/// A receiver, and what was started for it.
pub(super) struct Receiving {
    /// Base address of the ledger's API.
    pub(super) ledger: String,
    /// Base address of OTLP over HTTP.
    pub(super) otlp_http: String,
    /// What it is, in words.
    pub(super) words: String,
    own: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Receiving {
    /// Finds what is up, or takes the ports.
    pub(super) async fn find(project: &Project, free_ports: bool, http: &reqwest::Client) -> Result<Self, Failure> {
        if let Some(owner) = Owner::of(project) {
            match supervisor::find(&owner).map_err(|error| environment(&error))? {
                Found::Nothing => {}
                Found::Up(note) if note.judge == Judge::Stored => {
                    let words = format!(
                        "services do not export to devstack in {}, so the traces of deliveries cannot be followed",
                        named(&note)
                    );
                    return Err(Failure::environment(words).hint("`devstack from curl` and `trace ID --save-as` work without"));
                }
                Found::Up(note) => {
                    let words = named(&note);
                    return Ok(Self { ledger: note.ledger, otlp_http: note.otlp_http, words, own: None });
                }
                Found::Changing { .. } => {
                    return Err(Failure::environment("the stack is just changing").hint("`devstack status` says how far it is"));
                }
                Found::Dead(note) => {
                    return Err(Failure::environment(format!("the supervisor of the stack `{}` is gone", note.stack))
                        .hint("`devstack up` starts it again, `devstack down` clears it away"));
                }
            }
        }
        if let Some(folder) = project.state()
            && let Some(kept) = Kept::find(folder, http).await.map_err(|error| environment(&error))?
        {
            let words = format!("`devstack demo` (pid {})", kept.pid);
            return Ok(Self { ledger: kept.ledger, otlp_http: kept.otlp_http, words, own: None });
        }
        Self::own(free_ports).await
    }

    async fn own(free_ports: bool) -> Result<Self, Failure> {
        let at = |fixed: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, if free_ports { 0 } else { fixed }));
        let config = Config { otlp_grpc: at(OTLP_GRPC), otlp_http: at(OTLP_HTTP), ..Config::default() };
        let backend = Backend::bind(config).await.map_err(|error| match &error {
            BackendError::Taken { address, .. } => Failure::environment(format!(
                "no stack is up, and port {} is taken, where telemetry would be received",
                address.port()
            ))
            .hint("stop what holds it, or `devstack up --ports auto` first"),
            BackendError::Listen { .. } => environment(&error),
        })?;
        let (ledger, otlp_http) = (format!("http://{}", backend.api()), format!("http://{}", backend.otlp_http()));
        let words = format!("devstack record itself (gRPC at {})", backend.otlp_grpc());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(backend.run(shutdown.clone()));
        Ok(Self { ledger, otlp_http, words, own: Some((shutdown, task)) })
    }

    /// Ends what was started here.
    pub(super) async fn end(self) {
        if let Some((shutdown, task)) = self.own {
            shutdown.cancel();
            // A receiver that panicked has ended as well.
            let _ = task.await;
        }
    }
}

fn environment(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::environment(error as &dyn std::error::Error)
}
