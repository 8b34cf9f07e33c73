//! Names and labels of everything that devstack makes in an engine: by them alone it is found again and removed.
//!
//! Written by `create`, read by `seen`. A label holds what `status` and `down` need to know, so that they need no state file.

use std::collections::{BTreeMap, HashMap};

use crate::{
    runtime::{Order, Owner},
    stack::{Component, Probe},
};

/// Whose it is: [`Owner::id`].
pub(super) const OWNER: &str = "dev.devstack.owner";
/// The project's folder, for people.
pub(super) const PROJECT: &str = "dev.devstack.project";
/// The stack's name.
pub(super) const STACK: &str = "dev.devstack.stack";
/// The component's name.
pub(super) const COMPONENT: &str = "dev.devstack.component";
/// Digest of everything that a change of demands a new container.
pub(super) const CONFIG: &str = "dev.devstack.config";
/// The build that made it.
pub(super) const BUILD: &str = "dev.devstack.build";
/// The `up` that made it: what is taken back when that `up` fails.
pub(super) const RUN: &str = "dev.devstack.run";
/// Ports by name, as JSON: name → port in the container.
pub(super) const PORTS: &str = "dev.devstack.ports";
/// Readiness probes, as JSON.
pub(super) const READY: &str = "dev.devstack.ready";
/// How long it may take to stop, in milliseconds.
pub(super) const GRACE: &str = "dev.devstack.stop-grace-ms";

/// The owner's network.
pub(super) fn network(owner: &Owner) -> String {
    format!("devstack-{}", owner.id)
}

/// The container of a component.
pub(super) fn container(owner: &Owner, component: &str) -> String {
    format!("devstack-{}-{component}", owner.id)
}

/// A volume of a component.
pub(super) fn volume(owner: &Owner, component: &str, volume: &str) -> String {
    format!("devstack-{}-{component}-{volume}", owner.id)
}

/// Labels of whatever one `up` makes.
pub(super) fn of_order(order: &Order, run: &str) -> HashMap<String, String> {
    let pairs = [
        (OWNER, order.owner.id.clone()),
        (PROJECT, order.owner.root.display().to_string()),
        (STACK, order.stack.name.clone()),
        (BUILD, order.build.clone()),
        (RUN, run.to_owned()),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Labels of a component's container.
pub(super) fn of_component(order: &Order, run: &str, component: &Component, config: &str) -> HashMap<String, String> {
    let ports: BTreeMap<&String, u16> = component.ports.iter().map(|(name, port)| (name, port.container)).collect();
    let mut labels = of_order(order, run);
    let pairs = [
        (COMPONENT, component.name.clone()),
        (CONFIG, config.to_owned()),
        (PORTS, json(&ports)),
        (READY, json(&component.ready)),
        (GRACE, component.stop_grace.as_millis().to_string()),
    ];
    labels.extend(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)));
    labels
}

/// What a container's labels say of its ports.
pub(super) fn ports(labels: &HashMap<String, String>) -> BTreeMap<String, u16> {
    read(labels, PORTS).unwrap_or_default()
}

/// What a container's labels say of its readiness.
pub(super) fn ready(labels: &HashMap<String, String>) -> Vec<Probe> {
    read(labels, READY).unwrap_or_default()
}

/// The engine's filter for things with a label, of one value where it is given.
pub(super) fn filter(label: &str, value: Option<&str>) -> HashMap<String, Vec<String>> {
    let wanted = value.map_or_else(|| label.to_owned(), |value| format!("{label}={value}"));
    HashMap::from([("label".to_owned(), vec![wanted])])
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("ports and probes have only text keys")
}

/// A label that cannot be read is another build's: what it says is then unknown.
fn read<T: serde::de::DeserializeOwned>(labels: &HashMap<String, String>, key: &str) -> Option<T> {
    serde_json::from_str(labels.get(key)?).ok()
}
