//! The owner's network, and the one of somebody else that the collector joins.
//!
//! Called by `make` before containers are made. Networks are named by id wherever it matters, because an engine may have two of one name.

use bollard::{
    models::{EndpointSettings, NetworkConnectRequest, NetworkCreateRequest},
    query_parameters::InspectNetworkOptions,
};

use super::{DockerError, Engine, Said, labels, seen};
use crate::runtime::Order;

/// What the collector is called on somebody else's network.
const ALIASES: [&str; 2] = ["collector", "devstack-collector"];

/// The id of the owner's network; made where there is none.
pub(super) async fn own(engine: &Engine, order: &Order, run: &str) -> Result<String, DockerError> {
    let name = labels::network(&order.owner);
    // By label and by name: an engine takes a second network of the same name without a word.
    let found = seen::networks(engine, labels::OWNER, Some(&order.owner.id)).await?;
    let found = found.into_iter().find(|network| network.name.as_deref() == Some(&name));
    if let Some(id) = found.and_then(|network| network.id) {
        return Ok(id);
    }
    let request = NetworkCreateRequest {
        name: name.clone(),
        driver: Some("bridge".to_owned()),
        labels: Some(labels::of_order(order, run)),
        ..NetworkCreateRequest::default()
    };
    let made = engine.api().create_network(request).await;
    made.map(|made| made.id).map_err(|error| DockerError::Network { name, source: error.into() })
}

/// The id of a network that must be there already; `None` where it is not.
pub(super) async fn existing(engine: &Engine, name: &str) -> Result<Option<String>, DockerError> {
    match engine.api().inspect_network(name, None::<InspectNetworkOptions>).await.map_err(Said::from) {
        Ok(found) => Ok(found.id),
        Err(said) if said.is_missing() => Ok(None),
        Err(source) => Err(DockerError::Inspect { name: name.to_owned(), source }),
    }
}

/// Attaches the collector to somebody else's network.
pub(super) async fn join(engine: &Engine, id: &str, name: &str, network: &str) -> Result<(), DockerError> {
    let endpoint = EndpointSettings { aliases: Some(ALIASES.map(ToOwned::to_owned).to_vec()), ..EndpointSettings::default() };
    let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config: Some(endpoint) };
    let joined = engine.api().connect_network(network, request).await;
    joined.map_err(|error| DockerError::Join { name: name.to_owned(), network: network.to_owned(), source: error.into() })
}
