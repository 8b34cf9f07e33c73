//! A service of the project's own as the target: one that `up` runs, or all of them started for the length of the run.
//!
//! Called by `target` for a name of `devstack.yaml`. Where they are started here, they export to a receiver on free ports, with short
//! delays, so that nothing else of the machine is in the way and verdicts come soon.

use tokio_util::sync::CancellationToken;

use super::{
    Stand, Started, Wishes, stack,
    way::{Takers, Way},
};
use crate::{
    check::Aim,
    cli::{
        Failure,
        services::{self, Otlp},
    },
    replay::Pace,
    runtime::{Note, Receiving},
    stack::Service,
    support::project::Project,
};

/// Finds it, or starts it with all the others.
pub(super) async fn find(
    service: &Service,
    wishes: &Wishes,
    project: &Project,
    note: Option<&Note>,
    http: &reqwest::Client,
    stop: &CancellationToken,
) -> Result<Stand, Failure> {
    if !service.has_address() {
        let message = format!("the service `{}` has no address to send to", service.name);
        return Err(Failure::usage(message).hint("give it a `port` or a `url` in devstack.yaml"));
    }
    match note {
        Some(note) => on_stack(service, wishes, project, note, http),
        None => for_the_run(service, wishes, project, http, stop).await,
    }
}

/// On a stack that is up, which runs it, or knows of somebody who does at its address.
fn on_stack(
    service: &Service,
    wishes: &Wishes,
    project: &Project,
    note: &Note,
    http: &reqwest::Client,
) -> Result<Stand, Failure> {
    let mut services = note.services.clone();
    if services.iter().all(|(name, _)| *name != service.otel_name) {
        let elsewhere = wishes.settings.services.iter().filter_map(|own| Some((own.otel_name.clone(), own.known_url()?)));
        services = elsewhere.collect();
    }
    let Some((_, url)) = services.iter().find(|(name, _)| *name == service.otel_name) else {
        let message = format!("the stack that is up does not run the service `{}`", service.name);
        return Err(Failure::environment(message).hint("`devstack up` starts what devstack.yaml has and does not run"));
    };
    let way = Way::of_note(format!("{} · {} at {url}", stack::in_words(note), service.name), note);
    let beside = Running { services, warnings: Vec::new() };
    Ok(stand(service, wishes, project, way, beside, http, Started::Nothing))
}

async fn for_the_run(
    service: &Service,
    wishes: &Wishes,
    project: &Project,
    http: &reqwest::Client,
    stop: &CancellationToken,
) -> Result<Stand, Failure> {
    let receiving = Receiving::start(0, 0).await.map_err(|failure| Failure::environment(failure.message))?;
    let otlp = Otlp { http: receiving.otlp_http(), grpc: receiving.otlp_grpc() };
    let beside = match services::start(&wishes.settings, project, &otlp, &wishes.secrets, stop).await {
        Ok(beside) => beside,
        Err(failure) => {
            receiving.stop().await;
            return Err(failure);
        }
    };
    let names: Vec<_> = wishes.settings.services.iter().map(|service| service.name.as_str()).collect();
    let words = format!("embedded stack · {}", names.join(", "));
    let way = Way::embedded(words, &receiving.ledger(), &receiving.otlp_http(), &receiving.otlp_grpc())
        .with_externals(beside.scripts.clone(), beside.enqueued.clone());
    let running = Running { services: beside.services.clone(), warnings: beside.warnings.clone() };
    let started = Started::Services(Box::new(beside), Box::new(receiving));
    Ok(stand(service, wishes, project, way, running, http, started))
}

/// What runs of the project.
struct Running {
    /// Name in traces → address.
    services: Vec<(String, String)>,
    /// What is worth a warning, in sentences.
    warnings: Vec<String>,
}

fn stand(
    service: &Service,
    wishes: &Wishes,
    project: &Project,
    way: Way,
    beside: Running,
    http: &reqwest::Client,
    started: Started,
) -> Stand {
    let name = &service.otel_name;
    let pace = wishes.wanted.rate.map(|rate| Pace::new(rate.spacing()));
    let aim = Aim { pace, ..Aim::at(service.name.clone(), name.clone()) };
    let takers = Takers {
        services: beside.services,
        externals: None,
        secrets: wishes.secrets.clone(),
        isolation: None,
        examiner: Some(way.examiner(project)),
    };
    Stand { grounds: way.grounds(aim, takers, http), started, warnings: beside.warnings }
}
