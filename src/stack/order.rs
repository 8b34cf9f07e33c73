//! The order of components: each after what it waits for, else as they are written; and circles, which have none.
//!
//! Called by `load`.

use super::{desk::Desk, merge::Map, plan::Component};
use crate::support::{
    source::{Place, Problem},
    yaml::Node,
};

/// Puts each component after those that it waits for. Circles are complained of and leave the order as it is.
pub(super) fn order(mut components: Vec<Component>, said: &Map, desk: &mut Desk) -> Vec<Component> {
    let mut ordered: Vec<Component> = Vec::with_capacity(components.len());
    loop {
        let waits = |component: &Component| component.after.iter().any(|name| components.iter().any(|other| other.name == *name));
        let Some(next) = components.iter().position(|component| !waits(component)) else { break };
        ordered.push(components.remove(next));
    }
    for circle in circles(&components) {
        complain(&circle, said, desk);
    }
    ordered.extend(components);
    ordered
}

/// The circles among components that all wait for each other or for such; each once.
fn circles(components: &[Component]) -> Vec<Vec<&str>> {
    let mut circles: Vec<Vec<&str>> = Vec::new();
    for start in components {
        // Everyone here waits for somebody here, so the way never ends but in a circle.
        let mut way: Vec<&Component> = vec![start];
        while let Some(next) = way.last().and_then(|last| first_awaited(last, components)) {
            if let Some(begin) = way.iter().position(|known| known.name == next.name) {
                let circle: Vec<&str> = way[begin..].iter().map(|component| component.name.as_str()).collect();
                if !circles.iter().any(|known| known.contains(&circle[0])) {
                    circles.push(circle);
                }
                break;
            }
            way.push(next);
        }
    }
    circles
}

fn first_awaited<'a>(component: &Component, components: &'a [Component]) -> Option<&'a Component> {
    component.after.iter().find_map(|name| components.iter().find(|other| other.name == *name))
}

fn complain(circle: &[&str], said: &Map, desk: &mut Desk) {
    let next = circle.get(1).unwrap_or(&circle[0]);
    let mut names: Vec<String> = circle.iter().map(|name| format!("`{name}`")).collect();
    names.extend(names.first().cloned());
    let Some(after) = said.get(circle[0]).and_then(|said| said.get("after")) else { return };
    let items = after.leaf().map(Node::items).unwrap_or_default();
    let place: Place = items.iter().find(|node| node.text() == Some(next)).map_or(after.blame, |node| node.place);
    let problem = Problem::at(place, "circle", names.join(" waits for ")).label("so none of them would start");
    desk.complain(after.layer, problem);
}
