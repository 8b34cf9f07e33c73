//! What the engine has that is devstack's: containers, networks and volumes by label.
//!
//! Asked by everything else of this room before it changes anything; nothing is ever found by name alone.

use std::collections::{BTreeMap, HashMap};

use bollard::{
    models::{ContainerInspectResponse, ContainerSummary, Network, PortMap},
    query_parameters::{
        InspectContainerOptions, ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    },
};

use super::{DockerError, Engine, labels};

/// A container of ours.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) image: Option<String>,
    /// The engine's word: `running`, `exited`, `paused`.
    pub(super) state: String,
    pub(super) labels: HashMap<String, String>,
    /// Published ports: in the container → on the host.
    pub(super) published: BTreeMap<u16, u16>,
}

impl Seen {
    pub(super) fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// The component it is, by its label.
    pub(super) fn component(&self) -> String {
        self.label(labels::COMPONENT).map_or_else(|| self.name.clone(), ToOwned::to_owned)
    }

    pub(super) fn is_running(&self) -> bool {
        self.state == "running"
    }

    /// Published ports by the names that its labels give them.
    pub(super) fn ports(&self) -> BTreeMap<String, u16> {
        let named = labels::ports(&self.labels);
        named.into_iter().filter_map(|(name, inside)| Some((name, *self.published.get(&inside)?))).collect()
    }
}

/// Containers with this label, running or not.
pub(super) async fn containers(engine: &Engine, label: &str, value: Option<&str>) -> Result<Vec<Seen>, DockerError> {
    let options = ListContainersOptionsBuilder::default().all(true).filters(&labels::filter(label, value)).build();
    let listed = engine.api().list_containers(Some(options)).await;
    let listed = listed.map_err(|error| DockerError::List { what: "containers", source: error.into() })?;
    Ok(listed.into_iter().map(seen).collect())
}

/// Every container that runs, whoever's it is: for who holds a port.
pub(super) async fn everybody(engine: &Engine) -> Result<Vec<Seen>, DockerError> {
    let listed = engine.api().list_containers(Some(ListContainersOptionsBuilder::default().build())).await;
    let listed = listed.map_err(|error| DockerError::List { what: "containers", source: error.into() })?;
    Ok(listed.into_iter().map(seen).collect())
}

/// Networks with this label.
pub(super) async fn networks(engine: &Engine, label: &str, value: Option<&str>) -> Result<Vec<Network>, DockerError> {
    let options = ListNetworksOptionsBuilder::default().filters(&labels::filter(label, value)).build();
    let listed = engine.api().list_networks(Some(options)).await;
    listed.map_err(|error| DockerError::List { what: "networks", source: error.into() })
}

/// Names of volumes with this label.
pub(super) async fn volumes(engine: &Engine, label: &str, value: Option<&str>) -> Result<Vec<String>, DockerError> {
    let options = ListVolumesOptionsBuilder::default().filters(&labels::filter(label, value)).build();
    let listed = engine.api().list_volumes(Some(options)).await;
    let listed = listed.map_err(|error| DockerError::List { what: "volumes", source: error.into() })?;
    Ok(listed.volumes.unwrap_or_default().into_iter().map(|volume| volume.name).collect())
}

/// Everything about one container; `None` when it is gone.
pub(super) async fn inspect(engine: &Engine, id: &str, name: &str) -> Result<Option<ContainerInspectResponse>, DockerError> {
    match engine.api().inspect_container(id, None::<InspectContainerOptions>).await {
        Ok(found) => Ok(Some(found)),
        Err(error) => {
            let source = super::Said::from(error);
            if source.is_missing() { Ok(None) } else { Err(DockerError::Inspect { name: name.to_owned(), source }) }
        }
    }
}

/// Published ports as inspecting shows them: in the container → on the host.
pub(super) fn published(ports: &PortMap) -> BTreeMap<u16, u16> {
    let one = |(inside, bindings): (&String, &Option<Vec<bollard::models::PortBinding>>)| {
        let inside: u16 = inside.split('/').next()?.parse().ok()?;
        let host = bindings.as_ref()?.iter().find_map(|binding| binding.host_port.as_ref()?.parse().ok())?;
        Some((inside, host))
    };
    ports.iter().filter_map(one).collect()
}

fn seen(summary: ContainerSummary) -> Seen {
    let id = summary.id.unwrap_or_default();
    let names = summary.names.unwrap_or_default();
    // A container in a link has several names; its own has no further slash.
    let own = names.iter().map(|name| name.trim_start_matches('/')).find(|name| !name.contains('/'));
    let ports = summary.ports.unwrap_or_default();
    Seen {
        name: own.map_or_else(|| id.clone(), ToOwned::to_owned),
        id,
        image: summary.image,
        state: summary.state.map(|state| state.to_string()).unwrap_or_default(),
        labels: summary.labels.unwrap_or_default(),
        published: ports.iter().filter_map(|port| Some((port.private_port, port.public_port?))).collect(),
    }
}
