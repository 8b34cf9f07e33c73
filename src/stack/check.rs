//! What must hold between the parts of a merged stack: names that exist, ports and paths that are free, what a role needs.
//!
//! Called by `load`; each look goes through all components and complains where the wrong thing was said.

use std::collections::BTreeMap;

use super::{
    component::{probes, role},
    desk::Desk,
    merge::{Map, Said},
    plan::Role,
};
use crate::support::{
    source::{Place, Problem},
    suggest,
    yaml::Node,
};

/// The host port of OTLP over gRPC that devstack's own receiver holds (OpenTelemetry Protocol Specification, default port).
pub const OTLP_GRPC: u16 = 4317;

/// The host port of OTLP over HTTP that devstack's own receiver holds (the same).
pub const OTLP_HTTP: u16 = 4318;

/// Looks at all components.
pub(super) fn components(components: &Map, desk: &mut Desk) {
    for (name, said) in components.entries() {
        if said.map().is_none() {
            continue;
        }
        image(name, said, components, desk);
        role_ports(name, said, desk);
        container_ports(said, desk);
        probed_ports(said, desk);
        volume_paths(said, desk);
        waited_for(name, said, components, desk);
    }
    host_ports(components, desk);
}

fn image(name: &str, said: &Said, components: &Map, desk: &mut Desk) {
    if said.get("image").is_some() {
        return lonely(name, said, components, desk);
    }
    let problem = Problem::at(said.key, "missing-key", format!("the component `{name}` has no image"));
    // A change to a component that is not there makes a new one of a few keys.
    let others = components.entries().filter(|(_, other)| other.get("image").is_some()).map(|(name, _)| name);
    let problem = match suggest::nearest(name, others) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None => problem.label("`image` is missing here"),
    };
    desk.complain(said.layer, problem.help("`image`: the image with its tag or digest"));
}

/// A change to the image of a component that is not there makes a new one of nothing else: allowed, and hardly meant.
fn lonely(name: &str, said: &Said, components: &Map, desk: &mut Desk) {
    if said.entries().count() > 1 || role(name, said) != Role::Other {
        return;
    }
    let others = components.entries().filter(|(_, other)| other.entries().count() > 1).map(|(name, _)| name);
    if let Some(near) = suggest::nearest(name, others) {
        let problem = Problem::at(said.key, "lonely-component", format!("`{name}` is a new component of nothing but an image"));
        desk.complain(said.layer, problem.label(format!("did you mean `{near}`?")).warning());
    }
}

fn role_ports(name: &str, said: &Said, desk: &mut Desk) {
    let (wanted, of): (&[&str], _) = match role(name, said) {
        Role::Collector => (&["otlp_http", "otlp_grpc"], "a collector"),
        Role::Tempo | Role::Jaeger | Role::Prometheus => (&["api"], "a store"),
        Role::Grafana => (&["http"], "a Grafana"),
        Role::Other => return,
    };
    let ports = said.get("ports");
    if wanted.iter().any(|wanted| ports.is_some_and(|ports| ports.get(wanted).is_some())) {
        return;
    }
    let (layer, place) = ports.map_or((said.layer, said.key), |ports| (ports.layer, ports.key));
    let names = wanted.iter().map(|wanted| format!("`{wanted}`")).collect::<Vec<_>>().join(" or ");
    let problem =
        Problem::at(place, "missing-port", format!("{of} needs a port named {names}")).label(format!("`{name}` has none"));
    desk.complain(layer, problem.help("`role: other` needs none"));
}

fn container_ports(said: &Said, desk: &mut Desk) {
    for (name, port) in said.get("ports").into_iter().flat_map(Said::entries) {
        // One with a misspelt key has been complained about.
        let lacks = |map: &Map| map.keys().all(|key| key == "host");
        if port.map().is_some_and(lacks) {
            let problem = Problem::at(port.key, "missing-key", format!("the port `{name}` lacks the container's port"));
            desk.complain(port.layer, problem.label("`container` is missing here"));
        }
    }
}

fn probed_ports(said: &Said, desk: &mut Desk) {
    let Some(ready) = said.get("ready") else { return };
    let known: Vec<&str> = said.get("ports").into_iter().flat_map(Said::entries).map(|(name, _)| name).collect();
    for node in probes(Some(ready)) {
        let Some(entry) = node.entry("http") else { continue };
        let Some(name) = entry.value.text().filter(|name| !known.contains(name)) else { continue };
        let problem = Problem::at(entry.blame(), "unknown-port", format!("there is no port `{name}`"));
        desk.complain(ready.layer, unknown(problem, name, &known, "its ports:"));
    }
}

fn volume_paths(said: &Said, desk: &mut Desk) {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, volume) in said.get("volumes").into_iter().flat_map(Said::entries) {
        let Some(path) = volume.text() else { continue };
        match taken.get(path) {
            Some(other) => {
                let problem = Problem::at(volume.blame, "same-path", format!("two volumes at `{path}`"));
                desk.complain(volume.layer, problem.label(format!("`{other}` is there already")));
            }
            None => drop(taken.insert(path, name)),
        }
    }
}

fn waited_for(name: &str, said: &Said, components: &Map, desk: &mut Desk) {
    let known: Vec<&str> = components.keys().filter(|other| *other != name).collect();
    let Some(after) = said.get("after") else { return };
    for node in after.leaf().map(Node::items).unwrap_or_default() {
        let Some(other) = node.text() else { continue };
        // Itself is a circle, which `order` names.
        if other != name && !known.contains(&other) {
            let problem = Problem::at(node.place, "unknown-component", format!("there is no component `{other}`"));
            desk.complain(after.layer, unknown(problem, other, &known, "known here:"));
        }
    }
}

fn unknown(problem: Problem, name: &str, known: &[&str], there: &str) -> Problem {
    match suggest::nearest(name, known.iter().copied()) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None if known.is_empty() => problem.label("there is none at all"),
        None => {
            let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            problem.label("not there").help(format!("{there} {known}"))
        }
    }
}

/// A host port that is asked for.
struct Asked<'a> {
    port: u16,
    layer: usize,
    place: Place,
    component: &'a str,
    name: &'a str,
}

/// Each host port once. Of two that want the same the later one is told, which is the one of the outer layer.
fn host_ports(components: &Map, desk: &mut Desk) {
    let mut asked: Vec<Asked<'_>> = Vec::new();
    for (component, said) in components.entries() {
        for (name, port) in said.get("ports").into_iter().flat_map(Said::entries) {
            let Some(host) = port.get("host") else { continue };
            let number = host.leaf().and_then(Node::int).and_then(|number| u16::try_from(number).ok());
            asked.extend(number.map(|port| Asked { port, layer: host.layer, place: host.blame, component, name }));
        }
    }
    asked.sort_by_key(|asked| desk.rank(asked.layer));
    let mut taken: BTreeMap<u16, String> =
        [OTLP_GRPC, OTLP_HTTP].map(|port| (port, "devstack's own receiver holds it".to_owned())).into();
    for Asked { port, layer, place, component, name } in asked {
        if let Some(holder) = taken.get(&port) {
            let problem = Problem::at(place, "port-clash", format!("host port {port} is taken")).label(holder.clone());
            desk.complain(layer, problem.help("leave `host` out for any free port"));
        } else {
            taken.insert(port, format!("`{component}` has it as `{name}`"));
        }
    }
}
