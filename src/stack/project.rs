//! A project's changes under another stack than its own: those that fit stay, the others are left out with a warning.
//!
//! Called by `load` when `--stack` names the stack. A project that gives its Tempo more memory can still be run on Jaeger.

use super::{desk::Desk, layers, merge::Map};
use crate::support::{
    source::Problem,
    yaml::{Entry, Node, Value},
};

/// What of the project's file in `layer` fits the stack in `merged`.
pub(super) fn fitting(layer: usize, merged: &Map, desk: &mut Desk) -> Vec<Entry> {
    let mut fitting = layers::entries(desk, layer);
    let other = |key: &str| match key {
        "components" => merged.get("endpoints").is_some(),
        "endpoints" => merged.get("components").is_some(),
        _ => false,
    };
    let mut left_out = Vec::new();
    fitting.retain(|entry| {
        let fits = !other(&entry.key);
        if !fits {
            left_out.push((entry.key_place, format!("`{}` does not go with the stack of `--stack`", entry.key)));
        }
        fits
    });
    for entry in fitting.iter_mut().filter(|entry| entry.key == "components") {
        let Value::Map(components) = &mut entry.value.value else { continue };
        components.retain(|component| {
            let fits =
                merged.get("components").is_some_and(|known| known.get(&component.key).is_some()) || is_whole(&component.value);
            if !fits {
                left_out.push((component.key_place, format!("the stack of `--stack` has no `{}` to change", component.key)));
            }
            fits
        });
    }
    for (place, message) in left_out {
        desk.complain(layer, Problem::at(place, "left-out", message).label("left out").warning());
    }
    fitting
}

/// Whether it is a component by itself rather than a change to one: a change of the image alone is a change.
fn is_whole(component: &Node) -> bool {
    component.get("image").is_some() && component.entries().len() > 1
}
