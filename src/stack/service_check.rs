//! What must hold between the services of a project: names that exist, ports that are free, an order without circles.
//!
//! Called by `services`.

use std::collections::BTreeMap;

use super::{
    check::{OTLP_GRPC, OTLP_HTTP},
    desk::Desk,
    settings::{External, PortWish, Readiness, Service},
};
use crate::support::{
    source::{Place, Problem},
    suggest,
    yaml::{Entry, Node},
};

/// Looks at all services and puts each after those that it waits for.
pub(super) fn all(
    node: Option<&Node>,
    layer: usize,
    services: Vec<Service>,
    externals: &[External],
    desk: &mut Desk,
) -> Vec<Service> {
    let part = |key: &str| node.and_then(|node| node.get(key)).map(Node::entries).unwrap_or_default();
    let mut problems = Vec::new();
    problems.extend(same_names(part("externals"), &services));
    problems.extend(ports(part("services"), part("externals")));
    for (entry, service) in part("services").iter().zip(&services) {
        problems.extend(unknown_after(entry, &services));
        problems.extend(asks_nothing(entry, service));
    }
    problems.extend(same_variable(part("externals"), externals));
    problems.extend(stand_ins(part("externals"), externals, &services));
    let (ordered, circle) = in_order(services);
    problems.extend(circle.map(|circle| circled(&circle, part("services"))));
    for problem in problems {
        desk.complain(layer, problem);
    }
    ordered
}

fn same_names(externals: &[Entry], services: &[Service]) -> Vec<Problem> {
    let both = externals.iter().filter(|entry| services.iter().any(|service| service.name == entry.key));
    both.map(|entry| Problem::at(entry.key_place, "same-name", format!("`{}` is a service already", entry.key))).collect()
}

fn same_variable(entries: &[Entry], externals: &[External]) -> Vec<Problem> {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for (entry, external) in entries.iter().zip(externals) {
        if let Some(other) = taken.insert(&external.variable, &external.name) {
            let place = entry.value.entry("variable").map_or(entry.key_place, Entry::blame);
            let problem = Problem::at(place, "same-variable", format!("two externals give `{}` a value", external.variable));
            problems.push(problem.label(format!("`{other}` does, too")).help("give one of them another `variable`"));
        }
    }
    problems
}

/// One of a sort, what is said of a stand-in only where there is one, and no spans under the name of a service that sends its own.
fn stand_ins(entries: &[Entry], externals: &[External], services: &[Service]) -> Vec<Problem> {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for (entry, external) in entries.iter().zip(externals) {
        let Some(of) = &external.stand_in else {
            let in_vain = ["service", "spans"].into_iter().filter_map(|key| entry.value.entry(key));
            problems.extend(in_vain.map(|key| {
                let problem = Problem::at(key.key_place, "no-stand-in", format!("`{}` says nothing here", key.key));
                problem.label("this external stands in for no worker").help("it goes with `stand_in`")
            }));
            continue;
        };
        let place = |key: &str| entry.value.entry(key).map_or(entry.key_place, Entry::blame);
        if let Some(other) = taken.insert(of, &external.name) {
            let problem = Problem::at(place("stand_in"), "same-stand-in", format!("two externals stand in for `{of}`"));
            problems.push(problem.label(format!("`{other}` does, too")).help("all services can call the same one"));
        }
        if external.spans && services.iter().any(|service| service.otel_name == external.service) {
            let message = format!("`{}` is a service of this project already", external.service);
            let problem = Problem::at(place("service"), "same-name", message);
            problems.push(problem.label("it sends spans of its own").help("`spans: false` leaves them to it"));
        }
    }
    problems
}

/// Each port once, and never one of devstack's own.
fn ports(services: &[Entry], externals: &[Entry]) -> Vec<Problem> {
    let mut taken: BTreeMap<i64, String> =
        [OTLP_GRPC, OTLP_HTTP].map(|port| (i64::from(port), "devstack's own receiver holds it".to_owned())).into();
    let mut problems = Vec::new();
    for entry in services.iter().chain(externals) {
        let Some(port) = entry.value.entry("port") else { continue };
        let Some(number) = port.value.int() else { continue };
        match taken.get(&number) {
            Some(holder) => {
                let problem = Problem::at(port.blame(), "port-clash", format!("port {number} is taken")).label(holder.clone());
                problems.push(problem.help("`port: auto` takes any free one"));
            }
            None => drop(taken.insert(number, format!("`{}` has it", entry.key))),
        }
    }
    problems
}

fn unknown_after(entry: &Entry, services: &[Service]) -> Vec<Problem> {
    let items = entry.value.get("after").map(Node::items).unwrap_or_default();
    let named = items.iter().filter_map(|node| Some((node, node.text()?)));
    let unknown = named.filter(|(_, name)| services.iter().all(|service| service.name != *name));
    let problem = |(node, name): (&Node, &str)| {
        let problem = Problem::at(node.place, "unknown-service", format!("there is no service `{name}`"));
        let others = services.iter().map(|service| service.name.as_str()).filter(|other| *other != entry.key);
        match suggest::nearest(name, others) {
            Some(near) => problem.label(format!("did you mean `{near}`?")),
            None => problem.label("not here"),
        }
    };
    unknown.map(problem).collect()
}

/// A path is asked for on an address.
fn asks_nothing(entry: &Entry, service: &Service) -> Option<Problem> {
    let ready = entry.value.entry("ready")?;
    if service.has_address() || !matches!(service.ready, Readiness::Http { .. }) {
        return None;
    }
    let problem = Problem::at(ready.blame(), "no-address", format!("`{}` has no address to ask", entry.key));
    Some(problem.label("it has neither `port` nor `url`").help("give it a `port`, or `port: auto`"))
}

/// Each after what it waits for, else as they are written; and a circle, where there is one.
fn in_order(mut left: Vec<Service>) -> (Vec<Service>, Option<Vec<String>>) {
    let mut ordered = Vec::with_capacity(left.len());
    loop {
        let waits = |service: &Service| service.after.iter().any(|name| left.iter().any(|other| other.name == *name));
        let Some(next) = left.iter().position(|service| !waits(service)) else { break };
        ordered.push(left.remove(next));
    }
    let circle = left.first().map(|first| circle(first, &left));
    ordered.extend(left);
    (ordered, circle)
}

/// Everyone here waits for somebody here, so the way never ends but in a circle.
fn circle(first: &Service, all: &[Service]) -> Vec<String> {
    let mut way: Vec<&Service> = vec![first];
    while let Some(next) =
        way.last().and_then(|last| last.after.iter().find_map(|name| all.iter().find(|other| other.name == *name)))
    {
        if let Some(begin) = way.iter().position(|known| known.name == next.name) {
            return way[begin..].iter().map(|service| service.name.clone()).collect();
        }
        way.push(next);
    }
    Vec::new()
}

fn circled(circle: &[String], entries: &[Entry]) -> Problem {
    let names: Vec<String> = circle.iter().chain(circle.first()).map(|name| format!("`{name}`")).collect();
    let after = entries.iter().find(|entry| Some(&entry.key) == circle.first()).and_then(|entry| entry.value.entry("after"));
    let next = circle.get(1).or(circle.first());
    let item = after.and_then(|after| after.value.items().iter().find(|node| node.text() == next.map(String::as_str)));
    let place: Place = item.map(|node| node.place).or(after.map(Entry::blame)).unwrap_or_default();
    Problem::at(place, "circle", names.join(" waits for ")).label("so none of them would start")
}

impl PortWish {
    /// The port, where it is a certain one.
    pub fn fixed(self) -> Option<u16> {
        match self {
            Self::Fixed(port) => Some(port),
            Self::Auto => None,
        }
    }
}
