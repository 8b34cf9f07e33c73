//! Reads YAML text into a tree: anchors, aliases and merge keys resolved, duplicate keys and everything else that is wrong located.
//!
//! Fed with a file's text; the tree goes to [`super::check()`]. It stands on the event parser inside serde-saphyr, because its serde side
//! stops at the first duplicate key and has no places for keys of maps. The tree is built on a stack of its own, and depth and size
//! are bounded, so that a file of brackets or an alias bomb ends in an error.

use std::collections::HashMap;

use serde_yaml::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, options};

use super::{Entry, Node, Value, node::short, scalar};
use crate::support::source::{Place, Problem};

/// Collections inside collections; a fixture needs about 20.
const DEEPEST: usize = 64;

/// Values in one file with every alias written out; a large fixture has about a thousand.
const MOST_NODES: usize = 100_000;

/// Reads the one document in `text`. What is found wrong is added to `problems`; `None` when there is no tree to go on with.
pub fn read(text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let options = options! { emit_comments: false, flow_nesting_limit: DEEPEST, block_nesting_limit: DEEPEST };
    let mut builder = Builder::new(text);
    for event in Parser::new_from_str_with_options(text, options) {
        let go_on = match event {
            Ok((event, span)) => builder.event(&event, span),
            Err(error) => {
                builder.problems.push(syntax(text, &error));
                builder.broken = true;
                false
            }
        };
        if !go_on {
            break;
        }
    }
    let Builder { root, broken, problems: found, .. } = builder;
    problems.extend(found);
    if broken {
        return None;
    }
    let root = root.map(|built| built.node).filter(|node| node.value != Value::Null);
    if root.is_none() && problems.is_empty() {
        problems.push(Problem::of_file("empty-file", "the file is empty"));
    }
    root
}

/// A finished node; size and depth count what an alias to it would add.
#[derive(Clone)]
struct Built {
    node: Node,
    nodes: usize,
    depth: usize,
}

/// A collection that is not finished.
struct Frame {
    value: Open,
    place: Place,
    anchor: usize,
    nodes: usize,
    depth: usize,
}

enum Open {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<Key>, merged: Vec<Node> },
}

/// The key whose value comes next.
enum Key {
    Named(String, Place),
    /// `<<`.
    Merge(Place),
    /// One that has been complained about; its value is read and dropped.
    Refused,
}

struct Builder<'a> {
    text: &'a str,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Built>,
    root: Option<Built>,
    nodes: usize,
    problems: Vec<Problem>,
    /// The tree cannot be used.
    broken: bool,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, stack: Vec::new(), anchors: HashMap::new(), root: None, nodes: 0, problems: Vec::new(), broken: false }
    }

    /// Takes one event; `false` ends the reading.
    fn event(&mut self, event: &Event<'_>, span: Span) -> bool {
        let place = self.place(span);
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                let problem = Problem::at(place, "several-documents", "a second document begins").label("not read");
                self.problems.push(problem.help("one document a file: move it to a file of its own"));
                return false;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_ref().map(|tag| tag.core_suffix().map_or_else(|| Err(tag.original()), |tag| Ok(tag.to_owned())));
                let value = self.scalar(text, *style, tag, place);
                // A block scalar's span begins after its `|`.
                let built = Built { node: Node { value, place }, nodes: 1, depth: 0 };
                return self.finished(built, *anchor, Some((text, *style)));
            }
            Event::SequenceStart(_, anchor, _) => return self.open(Open::List(Vec::new()), place, *anchor),
            Event::MappingStart(_, anchor, _) => {
                let map = Open::Map { entries: Vec::new(), key: None, merged: Vec::new() };
                return self.open(map, place, *anchor);
            }
            Event::SequenceEnd | Event::MappingEnd => return self.close(place),
            Event::Alias(anchor) => return self.alias(*anchor, place),
            _ => {}
        }
        true
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<Result<String, String>>, place: Place) -> Value {
        let value = match tag {
            Some(Ok(tag)) if matches!(tag.as_str(), "str" | "int" | "float" | "bool" | "null") => scalar::tagged(&tag, text),
            Some(Ok(tag)) => Err(format!("`!!{tag}` does not fit a single value")),
            // `!` alone says "not plain".
            Some(Err(tag)) if tag == "!" => Ok(Value::String(text.to_owned())),
            Some(Err(tag)) => Err(format!("the tag `{}` means nothing here", short(&tag))),
            None if style == ScalarStyle::Plain => scalar::plain(text),
            None => Ok(Value::String(text.to_owned())),
        };
        value.unwrap_or_else(|message| {
            self.problems.push(Problem::at(place, "bad-value", message).help("quote it if it is text"));
            Value::String(text.to_owned())
        })
    }

    fn open(&mut self, value: Open, place: Place, anchor: usize) -> bool {
        if self.stack.len() >= DEEPEST {
            return self.too_much(place, format!("more than {DEEPEST} levels deep"));
        }
        self.stack.push(Frame { value, place, anchor, nodes: 1, depth: 0 });
        true
    }

    fn close(&mut self, end: Place) -> bool {
        let Some(frame) = self.stack.pop() else { return true };
        let value = match frame.value {
            Open::List(items) => Value::List(items),
            Open::Map { entries, merged, .. } => Value::Map(merge(entries, merged)),
        };
        let place = Place::of(self.text, frame.place.offset..(end.offset + end.length).max(frame.place.offset + 1));
        let node = Node { value, place };
        self.finished(Built { node, nodes: frame.nodes, depth: frame.depth + 1 }, frame.anchor, None)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> bool {
        let Some(mut built) = self.anchors.get(&anchor).cloned() else {
            self.problems.push(Problem::at(place, "alias", "the alias stands inside what it refers to"));
            self.broken = true;
            return false;
        };
        built.node.place = place;
        self.finished(built, 0, None)
    }

    /// Puts a finished value where it belongs: the root, a list, a key, or the value of a key. `raw` is the text of a scalar.
    fn finished(&mut self, built: Built, anchor: usize, raw: Option<(&str, ScalarStyle)>) -> bool {
        if anchor != 0 {
            self.anchors.insert(anchor, built.clone());
        }
        self.nodes += if raw.is_some() { 1 } else { built.nodes };
        if self.nodes > MOST_NODES {
            return self.too_much(built.node.place, format!("more than {MOST_NODES} values, aliases written out"));
        }
        if self.stack.len() + built.depth > DEEPEST {
            return self.too_much(built.node.place, format!("more than {DEEPEST} levels deep"));
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(built);
            return true;
        };
        frame.nodes += built.nodes;
        frame.depth = frame.depth.max(built.depth);
        match &mut frame.value {
            Open::List(items) => items.push(built.node),
            Open::Map { key: pending @ None, entries, .. } => {
                *pending = Some(key(&built.node, raw, entries, &mut self.problems));
            }
            Open::Map { entries, key: pending @ Some(_), merged } => match pending.take() {
                Some(Key::Named(key, key_place)) => entries.push(Entry { key, key_place, value: built.node }),
                Some(Key::Merge(place)) => merge_value(built.node, place, merged, &mut self.problems),
                Some(Key::Refused) | None => {}
            },
        }
        true
    }

    fn too_much(&mut self, place: Place, message: String) -> bool {
        self.problems.push(Problem::at(place, "too-large", message));
        self.broken = true;
        false
    }

    fn place(&self, span: Span) -> Place {
        let start = span.start.byte_offset().unwrap_or(0);
        let end = span.end.byte_offset().unwrap_or(start).max(start);
        let length =
            self.text.get(start..end).map_or(0, |text| text.split(['\n', '\r']).next().unwrap_or_default().trim_end().len());
        Place { line: span.start.line(), column: span.start.col() + 1, offset: start, length }
    }
}

/// The key that `node` makes, unless it cannot be one or is there already.
fn key(node: &Node, raw: Option<(&str, ScalarStyle)>, entries: &[Entry], problems: &mut Vec<Problem>) -> Key {
    let text = match (raw, &node.value) {
        (Some(("<<", ScalarStyle::Plain)), _) => return Key::Merge(node.place),
        (Some((text, _)), _) => text,
        // An alias.
        (None, Value::String(text)) => text,
        (None, _) => {
            problems.push(Problem::at(node.place, "bad-key", format!("a key must be text, found {}", node.found())));
            return Key::Refused;
        }
    };
    if let Some(first) = entries.iter().find(|entry| entry.key == text) {
        let label = format!("first on line {}", first.key_place.line);
        problems.push(Problem::at(node.place, "duplicate-key", format!("`{}` is there twice", short(text))).label(label));
        return Key::Refused;
    }
    Key::Named(text.to_owned(), node.place)
}

/// What a map says itself, and then what it merges, the first merged map before later ones.
fn merge(mut entries: Vec<Entry>, merged: Vec<Node>) -> Vec<Entry> {
    for map in merged {
        let Value::Map(more) = map.value else { continue };
        for entry in more {
            if entries.iter().all(|known| known.key != entry.key) {
                entries.push(entry);
            }
        }
    }
    entries
}

fn merge_value(node: Node, place: Place, merged: &mut Vec<Node>, problems: &mut Vec<Problem>) {
    match node.value {
        Value::Map(_) => merged.push(node),
        Value::List(items) if items.iter().all(|item| matches!(item.value, Value::Map(_))) => merged.extend(items),
        _ => problems.push(Problem::at(place, "merge", format!("`<<` merges maps, found {}", node.found()))),
    }
}

fn syntax(text: &str, error: &ScanError) -> Problem {
    let offset = error
        .marker()
        .byte_offset()
        .unwrap_or_else(|| text.char_indices().nth(error.marker().index()).map_or(text.len(), |(offset, _)| offset));
    // The end of the file is no place to put a caret under.
    let offset = if offset >= text.trim_end().len() { text.trim_end().len().saturating_sub(1) } else { offset };
    let offset = text.floor_char_boundary(offset);
    let token = text[offset..].find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}')).unwrap_or(text.len() - offset);
    let place = Place::of(text, offset..offset + token.clamp(1, 20));
    let info = error.info();
    let problem = Problem::at(place, "yaml", format!("not valid YAML: {}", info.lines().next().unwrap_or_default()));
    if info.contains("tabs") {
        problem.help("indent with spaces")
    } else if info.contains("block") || info.contains("mapping values") {
        problem.help("look at the indentation of this line")
    } else {
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, Value, read};
    use crate::support::source::Problem;

    fn ok(text: &str) -> Node {
        let mut problems = Vec::new();
        let node = read(text, &mut problems);
        assert_eq!(problems, []);
        node.expect("a tree")
    }

    fn wrong(text: &str) -> Vec<(usize, usize, String)> {
        let mut problems: Vec<Problem> = Vec::new();
        read(text, &mut problems);
        problems.into_iter().map(|p| (p.place.map_or(0, |p| p.line), p.place.map_or(0, |p| p.column), p.message)).collect()
    }

    /// Every key and scalar with the text at its place.
    fn places(text: &str, node: &Node, out: &mut Vec<(String, String)>) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    out.push((entry.key.clone(), text[entry.key_place.range()].to_owned()));
                    places(text, &entry.value, out);
                }
            }
            Value::List(items) => items.iter().for_each(|item| places(text, item, out)),
            Value::String(value) => out.push((value.clone(), text[node.place.range()].to_owned())),
            _ => {}
        }
    }

    #[test]
    fn every_place_covers_its_text() {
        let text = "näme: ä text\nlist:\n  - one\n  - { key: 'quo''ted', \"k2\": two words }\n";
        let mut found = Vec::new();
        places(text, &ok(text), &mut found);
        for (value, at) in found {
            assert!(at == value || at == format!("\"{value}\"") || at == "'quo''ted'", "{value:?} is said to stand at {at:?}");
        }
        let node = ok(text);
        let entry = &node.get("list").expect("list").items()[1].entries()[1];
        assert_eq!((entry.key_place.line, entry.key_place.column), (4, 24));
        assert_eq!((entry.value.place.line, entry.value.place.column), (4, 30));
    }

    #[test]
    fn aliases_and_merge_keys_are_written_out() {
        let node = ok("base: &base { a: 1, b: 2 }\nuse: { <<: *base, b: 3 }\nboth: { <<: [*base, { c: 4 }] }\n");
        assert_eq!(node.get("use").and_then(|n| n.get("a")).and_then(Node::int), Some(1));
        assert_eq!(node.get("use").and_then(|n| n.get("b")).and_then(Node::int), Some(3));
        assert_eq!(node.get("both").and_then(|n| n.get("c")).and_then(Node::int), Some(4));
    }

    #[test]
    fn every_duplicate_key_is_found() {
        let found = wrong("a: 1\na: 2\nb: { c: 1, c: 2 }\na: 3\n");
        let keys: Vec<(usize, usize)> = found.iter().map(|(line, column, _)| (*line, *column)).collect();
        assert_eq!(keys, [(2, 1), (3, 12), (4, 1)]);
    }

    #[test]
    fn what_is_no_single_document_is_refused() {
        assert_eq!(wrong(""), [(0, 0, "the file is empty".to_owned())]);
        assert_eq!(wrong("# only a comment\n"), [(0, 0, "the file is empty".to_owned())]);
        assert_eq!(wrong("a: 1\n---\nb: 2\n"), [(2, 1, "a second document begins".to_owned())]);
        assert_eq!(wrong("? [a]\n: 1\n"), [(1, 3, "a key must be text, found a list".to_owned())]);
        assert_eq!(wrong("a: &x [*x]\n"), [(1, 8, "the alias stands inside what it refers to".to_owned())]);
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let inner = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb = format!("{bomb}a{level}: &a{level} [{inner}]\n");
        }
        assert!(wrong(&bomb)[0].2.starts_with("more than 100000 values"));
        let mut ladder = "a0: &a0 [x]\n".to_owned();
        for level in 1..200 {
            ladder = format!("{ladder}a{level}: &a{level} [*a{}]\n", level - 1);
        }
        assert_eq!(wrong(&ladder)[0].2, "more than 64 levels deep");
        assert_eq!(wrong(&"[".repeat(20_000)).len(), 1);
    }
}
