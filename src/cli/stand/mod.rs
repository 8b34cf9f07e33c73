//! What a replay stands on: a stack that is up, or an embedded one for the length of the run; and who takes the requests, the demo services
//! or a target that runs already.
//!
//! Made for `replay`, which gives the [`Grounds`] to `check` and stops afterwards what was started here.

mod demo;
mod own;
mod stack;
mod target;
mod way;

use tokio_util::sync::CancellationToken;

use super::{Failure, commands::up::RuntimeOption, services::Beside, target::Wanted};
use crate::{
    check::Grounds,
    demo::Fault,
    fixture::Target,
    runtime::{Embedded, ExtraDemo, Receiving},
    stack::Settings,
    support::project::Project,
    webhook::Secrets,
};

/// What the options and the suites say about it.
#[derive(Debug)]
pub(super) struct Wishes {
    /// `--runtime`: insists on this kind.
    pub(super) runtime: Option<RuntimeOption>,
    /// `--stack`: insists on this one.
    pub(super) stack: Option<String>,
    /// `--time-scale` of the demo services.
    pub(super) time_scale: Option<f64>,
    /// `--fault`s of the demo services.
    pub(super) faults: Vec<Fault>,
    /// What the requests are sent to.
    pub(super) wanted: Wanted,
    /// What the project says of its services.
    pub(super) settings: Settings,
    /// What deliveries to a target are signed with; the demo services have their own.
    pub(super) secrets: Secrets,
    /// Where the telemetry of a target comes in when no stack is up: OTLP over gRPC and over HTTP.
    pub(super) otlp_ports: (u16, u16),
}

/// Grounds, and what was started for them.
pub(super) struct Stand {
    /// What the run stands on.
    pub(super) grounds: Grounds,
    /// What is worth a warning, in sentences.
    pub(super) warnings: Vec<String>,
    started: Started,
}

/// What ends with the run.
enum Started {
    /// Nothing: it was there and stays.
    Nothing,
    /// A whole stack.
    Embedded(Box<Embedded>),
    /// Demo services beside a stack.
    Demo(Box<ExtraDemo>),
    /// A receiver for a target that runs already.
    Receiving(Box<Receiving>),
    /// The project's services, and a receiver for them.
    Services(Box<Beside>, Box<Receiving>),
}

impl Stand {
    /// Finds or starts it. A stack that is up is used or refused, never passed over.
    pub(super) async fn find(
        wishes: &Wishes,
        project: &Project,
        http: &reqwest::Client,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        let note = stack::up(wishes, project).await?;
        if note.is_none() {
            stack::may_be_missing(wishes)?;
        }
        match wishes.wanted.target {
            Target::Demo => demo::find(wishes, note.as_ref(), project, http).await,
            Target::Url(_) | Target::Service(_) => target::find(wishes, project, note.as_ref(), http, stop).await,
        }
    }

    /// Ends what was started for the run, each after what it has to hand over.
    pub(super) async fn end(self) {
        match self.started {
            Started::Nothing => {}
            Started::Embedded(embedded) => embedded.stop().await,
            Started::Demo(demo) => demo.stop().await,
            Started::Receiving(receiving) => receiving.stop().await,
            Started::Services(services, receiving) => {
                services.end().await;
                receiving.stop().await;
            }
        }
    }
}

fn environment(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::environment(error as &dyn std::error::Error)
}
