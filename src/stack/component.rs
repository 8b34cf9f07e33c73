//! One component of the merged tree as it is to run: short forms spelt out, files read, defaults filled in.
//!
//! Called by `load` for each; what is wrong in form has been complained about and is skipped here. What must hold between the parts is
//! looked at by `check`.

use std::{collections::BTreeMap, time::Duration};

use super::{
    configs::Configs,
    desk::Desk,
    formats::memory,
    merge::Said,
    plan::{Component, Port, Probe, Role},
};
use crate::support::{
    source::Problem,
    yaml::{Node, Value, formats::duration},
};

/// How long a component may take to stop where nobody says: Docker's own default.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// The component `name`.
pub(super) fn component(name: &str, said: &Said, desk: &mut Desk, configs: &mut Configs) -> Component {
    let text = |key: &str| said.get(key).and_then(Said::text).map(str::to_owned);
    Component {
        name: name.to_owned(),
        role: role(name, said),
        image: text("image").unwrap_or_default(),
        command: texts(said.get("command")),
        environment: environment(said, desk, configs),
        files: said.get("files").map(|files| configs.files(files, desk)).unwrap_or_default(),
        ports: part(said, "ports", port),
        volumes: part(said, "volumes", |said| said.text().map(str::to_owned)),
        user: said.get("user").and_then(Said::leaf).and_then(user),
        memory: text("memory").and_then(|text| memory(&text).ok()),
        after: texts(said.get("after")),
        ready: probes(said.get("ready")).iter().filter_map(|node| probe(node, said, desk)).collect(),
        stop_grace: text("stop_grace").and_then(|text| duration(&text).ok()).unwrap_or(STOP_GRACE),
    }
}

/// What it says it is, else what its name says.
pub(super) fn role(name: &str, said: &Said) -> Role {
    match said.get("role").and_then(Said::text).unwrap_or(name) {
        "collector" => Role::Collector,
        "tempo" => Role::Tempo,
        "jaeger" => Role::Jaeger,
        "prometheus" => Role::Prometheus,
        "grafana" => Role::Grafana,
        _ => Role::Other,
    }
}

/// The probes as they are written: one alone or several.
pub(super) fn probes(said: Option<&Said>) -> Vec<Node> {
    match said.and_then(Said::leaf) {
        Some(node) if matches!(node.value, Value::Map(_)) => vec![node.clone()],
        Some(node) => node.items().to_vec(),
        None => Vec::new(),
    }
}

fn texts(said: Option<&Said>) -> Vec<String> {
    let items = said.and_then(Said::leaf).map(Node::items).unwrap_or_default();
    items.iter().filter_map(Node::text).map(str::to_owned).collect()
}

fn part<T>(said: &Said, key: &str, value: impl Fn(&Said) -> Option<T>) -> BTreeMap<String, T> {
    let entries = said.get(key).into_iter().flat_map(Said::entries);
    entries.filter_map(|(name, said)| Some((name.to_owned(), value(said)?))).collect()
}

fn environment(said: &Said, desk: &mut Desk, configs: &mut Configs) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for (name, said) in said.get("environment").into_iter().flat_map(Said::entries) {
        let Some(node) = said.leaf() else { continue };
        let value = match &node.value {
            Value::String(text) => Some(text.clone()),
            // As it is written: `010` and `1.0` are text to a program.
            Value::Bool(_) | Value::Int(_) | Value::Double(_) => {
                desk.layer(said.layer).source.get(node.place.range()).map(str::to_owned)
            }
            _ => node.entry("file").and_then(|entry| configs.text(entry, said.layer, desk)),
        };
        environment.extend(value.map(|value| (name.to_owned(), value)));
    }
    environment
}

fn port(said: &Said) -> Option<Port> {
    let number = |said: &Said| said.leaf().and_then(Node::int).and_then(|number| u16::try_from(number).ok());
    if said.map().is_none() {
        return Some(Port { container: number(said)?, host: None });
    }
    Some(Port { container: number(said.get("container")?)?, host: said.get("host").and_then(number) })
}

fn user(node: &Node) -> Option<String> {
    node.text().map(str::to_owned).or_else(|| node.int().map(|number| number.to_string()))
}

fn probe(node: &Node, component: &Said, desk: &mut Desk) -> Option<Probe> {
    let layer = component.get("ready").map_or(component.layer, |ready| ready.layer);
    if node.get("http").is_none() {
        for entry in ["path", "status"].iter().filter_map(|key| node.entry(key)) {
            let problem = Problem::at(entry.key_place, "conflict", format!("`{}` goes with `http`", entry.key));
            desk.complain(layer, problem.label("no `http` here"));
        }
    }
    if let Some(entry) = node.entry("health").filter(|entry| entry.value.bool() == Some(false)) {
        let problem = Problem::at(entry.blame(), "bad-value", "`health` is `true` or not there").label("leave it out");
        desk.complain(layer, problem);
    }
    if let Some(port) = node.get("http").and_then(Node::text) {
        let path = node.get("path").and_then(Node::text).unwrap_or("/").to_owned();
        let status = node.get("status").and_then(Node::int).and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
        return Some(Probe::Http { port: port.to_owned(), path, status });
    }
    if let Some(pattern) = node.get("log").and_then(Node::text) {
        return Some(Probe::Log(pattern.to_owned()));
    }
    node.get("health").map(|_| Probe::Health)
}
