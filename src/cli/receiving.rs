//! Where the telemetry of recorded deliveries arrives: at the stack that is up, at `devstack demo`, or at a receiver of one's own on the
//! ports of OTLP for as long as the command runs.
//!
//! Made for `record`.

use super::{Failure, live_trace::named, project::stack_if_up};
use crate::{
    runtime::{self, Kept, UpFailure},
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
    own: Option<runtime::Receiving>,
}

impl Receiving {
    /// Finds what is up, or takes the ports.
    pub(super) async fn find(project: &Project, free_ports: bool, http: &reqwest::Client) -> Result<Self, Failure> {
        if let Some(note) = stack_if_up(project)? {
            let words = named(&note);
            if note.judge == Judge::Stored {
                let words =
                    format!("services do not export to devstack in {words}, so the traces of deliveries cannot be followed");
                return Err(Failure::environment(words).hint("`devstack from curl` and `trace ID --save-as` work without"));
            }
            return Ok(Self { ledger: note.ledger, otlp_http: note.otlp_http, words, own: None });
        }
        if let Some(folder) = project.state()
            && let Some(kept) =
                Kept::find(folder, http).await.map_err(|error| Failure::environment(&error as &dyn std::error::Error))?
        {
            let words = format!("`devstack demo` (pid {})", kept.pid);
            return Ok(Self { ledger: kept.ledger, otlp_http: kept.otlp_http, words, own: None });
        }
        Self::own(free_ports).await
    }

    async fn own(free_ports: bool) -> Result<Self, Failure> {
        let (grpc, http) = if free_ports { (0, 0) } else { (OTLP_GRPC, OTLP_HTTP) };
        let own = runtime::Receiving::start(grpc, http).await.map_err(taken)?;
        let words = format!("devstack record itself (gRPC at {})", own.otlp_grpc());
        Ok(Self { ledger: own.ledger(), otlp_http: own.otlp_http(), words, own: Some(own) })
    }

    /// Ends what was started here.
    pub(super) async fn end(self) {
        if let Some(own) = self.own {
            own.stop().await;
        }
    }
}

fn taken(failure: UpFailure) -> Failure {
    let message = std::iter::once(failure.message).chain(failure.details).collect::<Vec<_>>().join("\n  ");
    Failure::environment(message)
        .hint("without a stack telemetry is received on 4317 and 4318, where services export unless they are told otherwise")
        .hint("stop what holds the port, or `--ports auto`, and let the service export there")
}
