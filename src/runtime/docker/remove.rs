//! Taking away what devstack made: all of an owner (`down`), or what one `up` made and could not finish.
//!
//! Called by `containers` and `make`. By label only, in parallel, and twice is as good as once: what is gone already is fine.

use std::{collections::BTreeSet, time::Duration};

use bollard::query_parameters::{
    InspectNetworkOptions, RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder, StopContainerOptionsBuilder,
    WaitContainerOptionsBuilder,
};
use futures_util::{StreamExt, future::join_all};

use super::{
    DockerError, Engine, Said,
    create::grace_seconds,
    labels,
    seen::{self, Seen},
};
use crate::runtime::{Events, Owner, Step};

/// How long a container that somebody else is removing may take to be gone.
const GOING: Duration = Duration::from_secs(10);

/// What was removed, and what had to stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// Components whose containers are gone.
    pub containers: Vec<String>,
    /// Names of networks that are gone.
    pub networks: Vec<String>,
    /// Names of volumes that are gone.
    pub volumes: Vec<String>,
    /// What is still there and why, a sentence each: a network that containers of others are attached to.
    pub left: Vec<String>,
}

/// How a container ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Asked to stop, with the time that its label gives it.
    Gently,
    /// At once.
    Hard,
}

/// Everything of an owner; volumes only when they are wanted gone.
pub(super) async fn everything(engine: &Engine, owner: &Owner, volumes: bool, events: &Events) -> Result<Removed, DockerError> {
    by_label(engine, (labels::OWNER, &owner.id), Way::Gently, volumes, events).await
}

/// Whatever one `up` made, data included: there was none before it.
pub(super) async fn of_run(engine: &Engine, run: &str, events: &Events) -> Result<Removed, DockerError> {
    by_label(engine, (labels::RUN, run), Way::Hard, true, events).await
}

async fn by_label(
    engine: &Engine,
    (label, value): (&str, &str),
    way: Way,
    volumes: bool,
    events: &Events,
) -> Result<Removed, DockerError> {
    let containers = seen::containers(engine, label, Some(value)).await?;
    let mut removed = Removed::default();
    let mut failure = None;
    let ends = join_all(containers.iter().map(|found| async move {
        let ended = container(engine, found, way).await;
        if ended.is_ok() {
            events.component(&found.component(), Step::Removed);
        }
        ended
    }));
    for (found, ended) in containers.iter().zip(ends.await) {
        match ended {
            Ok(()) => removed.containers.push(found.component()),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    // One that could not be removed must not keep the rest from being removed.
    networks(engine, label, value, &mut removed).await?;
    if volumes {
        remove_volumes(engine, label, value, &mut removed).await?;
    }
    failure.map_or(Ok(removed), Err)
}

/// One container and its anonymous volumes.
pub(super) async fn container(engine: &Engine, found: &Seen, way: Way) -> Result<(), DockerError> {
    let failed = |source| DockerError::Remove { name: found.name.clone(), source };
    if way == Way::Gently {
        stop(engine, found).await;
    }
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match engine.api().remove_container(&found.id, Some(options)).await.map_err(Said::from) {
        Ok(()) => Ok(()),
        Err(said) if said.is_missing() => Ok(()),
        Err(said) if said.is_conflict() && said.words.contains("already in progress") => {
            gone(engine, found).await.map_err(failed)
        }
        Err(said) => Err(failed(said)),
    }
}

/// Stops it within its time. Whatever comes of it: removing it by force is next.
async fn stop(engine: &Engine, found: &Seen) {
    if found.state == "paused" {
        // A frozen process cannot hear the request to stop.
        let _ = engine.api().unpause_container(&found.id).await;
    } else if !found.is_running() {
        return;
    }
    let grace =
        found.label(labels::GRACE).and_then(|text| text.parse().ok()).map_or(Duration::from_secs(10), Duration::from_millis);
    let options = StopContainerOptionsBuilder::default().t(grace_seconds(grace) as i32).build();
    let _ = engine.patient(grace).stop_container(&found.id, Some(options)).await;
}

/// Waits until a container that is being removed is gone.
async fn gone(engine: &Engine, found: &Seen) -> Result<(), Said> {
    let options = WaitContainerOptionsBuilder::default().condition("removed").build();
    let mut ends = std::pin::pin!(engine.api().wait_container(&found.id, Some(options)));
    // Its exit code and a 404 are both fine: it is gone.
    tokio::time::timeout(GOING, ends.next()).await.map(drop).map_err(|_| Said::silence(GOING))
}

async fn networks(engine: &Engine, label: &str, value: &str, removed: &mut Removed) -> Result<(), DockerError> {
    for network in seen::networks(engine, label, Some(value)).await? {
        let (Some(id), Some(name)) = (network.id, network.name) else { continue };
        match engine.api().remove_network(&id).await.map_err(Said::from) {
            Ok(()) => removed.networks.push(name),
            Err(said) if said.is_missing() => {}
            Err(source) => match others_on(engine, &id).await {
                others if others.is_empty() => return Err(DockerError::Remove { name, source }),
                others => removed.left.push(format!(
                    "the network {name} stays: {} of others {} attached to it",
                    others.join(", "),
                    if others.len() == 1 { "is" } else { "are" }
                )),
            },
        }
    }
    Ok(())
}

/// Names of containers that are attached to a network; ours are gone by now.
async fn others_on(engine: &Engine, network: &str) -> Vec<String> {
    let found = engine.api().inspect_network(network, None::<InspectNetworkOptions>).await;
    let attached = found.ok().and_then(|found| found.containers).unwrap_or_default();
    let names: BTreeSet<_> = attached.into_iter().map(|(id, about)| about.name.unwrap_or(id)).collect();
    names.into_iter().collect()
}

async fn remove_volumes(engine: &Engine, label: &str, value: &str, removed: &mut Removed) -> Result<(), DockerError> {
    let names = seen::volumes(engine, label, Some(value)).await?;
    let ends = join_all(names.iter().map(|name| {
        let options = RemoveVolumeOptionsBuilder::default().force(true).build();
        engine.api().remove_volume(name, Some(options))
    }));
    for (name, ended) in names.iter().zip(ends.await) {
        match ended.map_err(Said::from) {
            Ok(()) => removed.volumes.push(name.clone()),
            Err(said) if said.is_missing() => {}
            Err(said) if said.is_conflict() => removed.left.push(format!("the volume {name} stays: {}", said.words)),
            Err(source) => return Err(DockerError::Remove { name: name.clone(), source }),
        }
    }
    Ok(())
}
