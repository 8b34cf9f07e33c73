//! `--set PATH=VALUE`: one change on the command line, as a layer of its own.
//!
//! Called by `load`. All `--set`s of a command are the lines of one text, the pseudo file `--set`, so that a caret can point into them.

use std::{path::Path, sync::Arc};

use super::{
    desk::{Desk, Layer},
    merge::Map,
    shelf::Shelf,
    tables::OVERRIDE,
};
use crate::support::{
    source::{Place, Problem},
    yaml::{self, Entry, Node, Value, shape::Shape},
};

/// The name of the pseudo file.
pub(super) const FILE: &str = "--set";

/// A part of a path, with its place in the text.
struct Segment {
    key: String,
    place: Place,
}

/// Puts each of `sets` over what is there; files in them are relative to `root`.
pub(super) fn apply(sets: &[String], root: &Path, merged: &mut Map, desk: &mut Desk) {
    let source: Arc<str> = Arc::from(sets.join("\n"));
    let mut start = 0;
    for set in sets {
        let mut problems = Vec::new();
        let node = read(&source, start, set, merged, &mut problems);
        if let Some(node) = &node {
            yaml::check(node, &Shape::Object(&OVERRIDE), &mut problems);
        }
        let entries = node.as_ref().map(|node| node.entries().to_vec()).unwrap_or_default();
        let layer =
            Layer { file: FILE.to_owned(), source: Arc::clone(&source), shelf: Shelf::Disk, folder: root.to_owned(), node };
        let layer = desk.add(layer, problems);
        desk.put(merged, &entries, layer);
        start += set.len() + 1;
    }
}

/// The tree that a `--set` stands for: a map in a map for each part of its path.
fn read(source: &str, start: usize, set: &str, merged: &Map, problems: &mut Vec<Problem>) -> Option<Node> {
    let whole = Place::of(source, start..start + set.len());
    let Some((parts, equals)) = split(set) else {
        let problem = Problem::at(whole, "bad-set", "a `--set` without `=`").label("no value");
        problems.push(problem.help("write `--set components.tempo.image=grafana/tempo:3.0.3`"));
        return None;
    };
    if parts.iter().any(|part| part.key.is_empty()) {
        problems.push(Problem::at(whole, "bad-set", "a part of this path is empty").label("a dot too many"));
        return None;
    }
    let value = value(source, start + equals + 1, &set[equals + 1..], whole, problems)?;
    let segments = joined(&parts, source, start, merged);
    Some(segments.into_iter().rev().fold(value, |value, Segment { key, place }| {
        let place_of_map = Place::of(source, place.offset..start + set.len());
        Node { value: Value::Map(vec![Entry { key, key_place: place, value }]), place: place_of_map }
    }))
}

/// A part of the path as it is written: the key, and its bytes in the `--set`.
struct Part {
    key: String,
    from: usize,
    to: usize,
    quoted: bool,
}

/// The parts of the path and where the `=` stands; dots and signs in quotes belong to a key.
fn split(set: &str) -> Option<(Vec<Part>, usize)> {
    let mut parts = Vec::new();
    let mut part = Part { key: String::new(), from: 0, to: 0, quoted: false };
    let mut quote = None;
    for (at, ch) in set.char_indices() {
        match ch {
            _ if quote == Some(ch) => quote = None,
            _ if quote.is_some() => part.key.push(ch),
            '"' | '\'' if part.from == at => (quote, part.quoted) = (Some(ch), true),
            '.' | '=' => {
                part.to = at;
                parts.push(std::mem::replace(&mut part, Part { key: String::new(), from: at + 1, to: 0, quoted: false }));
                if ch == '=' {
                    return Some((parts, at));
                }
            }
            _ => part.key.push(ch),
        }
    }
    None
}

/// The parts as keys: as many of them as make a key that is there already, else everything below `files`, else one.
fn joined(parts: &[Part], source: &str, start: usize, merged: &Map) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut there = Some(merged);
    let mut rest = parts;
    while let Some(first) = rest.first() {
        let plain = rest.iter().take_while(|part| !part.quoted).count().max(1);
        let join = |count: usize| rest[..count].iter().map(|part| part.key.as_str()).collect::<Vec<_>>().join(".");
        let in_files = segments.len() == 3 && segments[0].key == "components" && segments[2].key == "files";
        let is_known = |count: &usize| there.is_some_and(|map| map.get(&join(*count)).is_some());
        let count = if in_files && !first.quoted {
            // A path is the whole rest, unless the text of a file that is there is meant.
            let of_text = plain - 1;
            if rest.len() == plain && rest[of_text].key == "text" && of_text > 0 && is_known(&of_text) { of_text } else { plain }
        } else {
            (1..=plain).rev().find(is_known).unwrap_or(1)
        };
        let key = join(count);
        let place = Place::of(source, start + first.from..start + rest[count - 1].to);
        there = there.and_then(|map| map.get(&key)).and_then(|said| said.map());
        segments.push(Segment { key, place });
        rest = &rest[count..];
    }
    segments
}

/// The value as YAML, with places in the whole text.
fn value(source: &str, start: usize, text: &str, whole: Place, problems: &mut Vec<Problem>) -> Option<Node> {
    let place = Place::of(source, start..start + text.len());
    match text.trim() {
        "" => {
            let problem = Problem::at(whole, "bad-set", "nothing after the `=`").label("no value");
            problems.push(problem.help("`null` takes away, `''` is empty text"));
            return None;
        }
        "null" | "~" => return Some(Node { value: Value::Null, place }),
        _ => {}
    }
    let moved = |at: Place| {
        let first_line = at.line == 1;
        Place {
            line: place.line + at.line - 1,
            column: if first_line { place.column + at.column - 1 } else { at.column },
            offset: start + at.offset,
            length: at.length,
        }
    };
    let mut found = Vec::new();
    let node = yaml::read(text, &mut found);
    problems.extend(found.into_iter().map(|problem| Problem { place: Some(problem.place.map_or(place, moved)), ..problem }));
    node.map(|node| shifted(node, &moved))
}

fn shifted(node: Node, moved: &impl Fn(Place) -> Place) -> Node {
    let value = match node.value {
        Value::List(items) => Value::List(items.into_iter().map(|item| shifted(item, moved)).collect()),
        Value::Map(entries) => {
            let entry =
                |Entry { key, key_place, value }| Entry { key, key_place: moved(key_place), value: shifted(value, moved) };
            Value::Map(entries.into_iter().map(entry).collect())
        }
        value => value,
    };
    Node { value, place: moved(node.place) }
}
