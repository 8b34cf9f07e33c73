//! Holds a tree against a table and reports everything that does not fit: unknown, missing and wrongly typed, all at once.
//!
//! Fed with what `read` made; after it, a reader may take what it needs and skip what is not as it should be.

use super::{
    Entry, Node, Value,
    node::short,
    shape::{Complaint, Group, MapShape, Need, Object, Shape, Words, join},
};
use crate::support::{
    source::{Place, Problem},
    suggest,
};

/// Reports everything in `node` that does not fit `shape`.
pub fn check(node: &Node, shape: &Shape, problems: &mut Vec<Problem>) {
    check_with(node, shape, &More::default(), problems);
}

/// The same where an object takes more keys than its table has.
pub fn check_with(node: &Node, shape: &Shape, more: &More<'_>, problems: &mut Vec<Problem>) {
    value(node, Site { key: None, blame: node.place }, shape, more, problems);
}

/// Keys that an object takes beside those of its table, because another file names them. Each is like one that the table has: of the
/// same shape, and in the same groups.
#[derive(Debug, Clone, Copy, Default)]
pub struct More<'a> {
    /// The name of the object.
    pub object: &'a str,
    /// The key of its table that they are like.
    pub like: &'a str,
    /// The keys.
    pub keys: &'a [&'a str],
}

impl More<'_> {
    /// The key of `table` that `key` is, or is like.
    fn known<'k>(&self, table: &Object, key: &'k str) -> &'k str
    where
        Self: 'k,
    {
        if self.of(table).contains(&key) { self.like } else { key }
    }

    /// Those of `table`.
    fn of(&self, table: &Object) -> &[&str] {
        if table.name == self.object { self.keys } else { &[] }
    }
}

/// Where a value stands: under which key, and the place to point at when it is wrong.
#[derive(Clone, Copy)]
struct Site<'a> {
    key: Option<&'a str>,
    blame: Place,
}

impl<'a> Site<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self { key: Some(&entry.key), blame: entry.blame() }
    }

    /// The key, for a message.
    fn key(self) -> String {
        self.key.map_or_else(|| "this file".to_owned(), |key| format!("`{}`", short(key)))
    }
}

fn value(node: &Node, site: Site<'_>, shape: &Shape, more: &More<'_>, problems: &mut Vec<Problem>) {
    let blame = site.blame;
    if !accepts(shape, node) {
        return problems.push(wrong_type(node, site, shape));
    }
    match (shape, &node.value) {
        (Shape::Text, Value::String(text)) if text.trim().is_empty() => {
            problems.push(Problem::at(blame, "empty", format!("{} is empty", site.key())).label("wanted: text"));
        }
        (Shape::Int(least, most), Value::Int(found)) if !(least..=most).contains(&found) => {
            let message = format!("`{found}` is out of range");
            problems.push(Problem::at(blame, "out-of-range", message).label(range(*least, *most)));
        }
        (Shape::Number, Value::Double(found)) if !found.is_finite() => {
            problems.push(Problem::at(blame, "out-of-range", "not a finite number"));
        }
        (Shape::Word(words), Value::String(text)) if !words.has(text) => problems.push(unknown_word(text, blame, words)),
        (Shape::Format(format), Value::String(text)) => {
            if let Err(complaint) = (format.check)(text) {
                problems.push(complaint.at(blame));
            }
        }
        (Shape::List(_), Value::List(items)) if items.is_empty() => {
            let problem = Problem::at(blame, "empty", format!("{} is an empty list", site.key()));
            problems.push(problem.label("nothing in it").help("put something in, or leave it out"));
        }
        (Shape::List(item) | Shape::AnyList(item), Value::List(items)) => {
            for node in items {
                value(node, Site { blame: node.place, ..site }, item, more, problems);
            }
        }
        (Shape::Map(map), Value::Map(entries)) => free_map(entries, map, more, problems),
        (Shape::Object(table), Value::Map(entries)) => object(entries, blame, table, more, problems),
        (Shape::Either(shapes), _) => {
            if let Some(shape) = shapes.iter().find(|shape| accepts(shape, node)) {
                value(node, site, shape, more, problems);
            }
        }
        _ => {}
    }
}

/// Whether a value of this sort can be of `shape`, whatever it says.
pub(super) fn accepts(shape: &Shape, node: &Node) -> bool {
    match shape {
        Shape::Text | Shape::AnyText | Shape::Word(_) | Shape::Format(_) => matches!(node.value, Value::String(_)),
        Shape::Bool => matches!(node.value, Value::Bool(_)),
        Shape::Int(..) => matches!(node.value, Value::Int(_)),
        Shape::Number => matches!(node.value, Value::Int(_) | Value::Double(_)),
        Shape::Scalar => matches!(node.value, Value::String(_) | Value::Bool(_) | Value::Int(_) | Value::Double(_)),
        Shape::Any => true,
        Shape::Nothing => node.value == Value::Null,
        Shape::List(_) | Shape::AnyList(_) => matches!(node.value, Value::List(_)),
        Shape::Map(_) | Shape::Object(_) => matches!(node.value, Value::Map(_)),
        Shape::Either(shapes) => shapes.iter().any(|shape| accepts(shape, node)),
    }
}

fn wrong_type(node: &Node, site: Site<'_>, shape: &Shape) -> Problem {
    let message = format!("{} takes {}, not {}", site.key(), shape.wanted(), node.found());
    let problem = Problem::at(site.blame, "wrong-type", message).label("wrong type");
    let text = match &node.value {
        Value::Int(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Bool(value) => value.to_string(),
        _ => return problem,
    };
    // A number where text is wanted: either text in quotes, or text of a form that the number lacks.
    match shape.formats().next().map(|format| (format.check)(&text)) {
        Some(Err(complaint)) => {
            let problem = problem.label(complaint.label);
            complaint.help.into_iter().fold(problem, Problem::help)
        }
        Some(Ok(())) => problem.help("quote it to make it text"),
        None if shape.takes_text() => problem.help("quote it to make it text"),
        None => problem,
    }
}

fn range(least: i64, most: i64) -> String {
    match (least, most) {
        (least, i64::MAX) => format!("at least {least}"),
        (least, most) => format!("from {least} to {most}"),
    }
}

fn unknown_word(text: &str, place: Place, words: &Words) -> Problem {
    let problem = Problem::at(place, "unknown-word", format!("`{}` is not {}", short(text), words.what));
    let known = join(words.names().map(|word| format!("`{word}`")));
    match suggest::nearest(text, words.names()) {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None if words.words.len() == 1 => problem.label(format!("only {known}")),
        None => problem.label("unknown").help(format!("one of {known}")),
    }
}

fn free_map(entries: &[Entry], map: &MapShape, more: &More<'_>, problems: &mut Vec<Problem>) {
    for entry in entries {
        if let Some(Err(complaint)) = map.form.map(|form| (form.check)(&entry.key)) {
            problems.push(complaint.at(entry.key_place));
        }
        value(&entry.value, Site::of(entry), map.value, more, problems);
    }
}

fn object(entries: &[Entry], blame: Place, table: &Object, more: &More<'_>, problems: &mut Vec<Problem>) {
    let known = |entry: &Entry| more.known(table, &entry.key).to_owned();
    let in_group = |group: &Group, entry: &Entry| group.keys.contains(&known(entry).as_str());
    let is_open = |group: &&Group| group.need != Need::AtMostOne && !entries.iter().any(|entry| in_group(group, entry));
    let mut open: Vec<&Group> = table.groups.iter().filter(is_open).collect();
    for entry in entries {
        match table.keys.iter().find(|key| key.name == known(entry)) {
            Some(key) => value(&entry.value, Site::of(entry), key.shape, more, problems),
            None => problems.push(unknown_key(entry, table, more, &mut open)),
        }
    }
    for key in table.keys.iter().filter(|key| key.required) {
        if entries.iter().all(|entry| entry.key != key.name) {
            let problem = Problem::at(blame, "missing-key", format!("missing key `{}`", key.name));
            problems.push(problem.label(format!("in this {}", table.name)).help(format!("`{}`: {}", key.name, key.doc)));
        }
    }
    if entries.is_empty() && !open.is_empty() {
        let problem = Problem::at(blame, "empty", format!("this {} is empty", table.name)).label("nothing in it");
        return problems.push(problem.help(format!("known here: {}", known_keys(table, more))));
    }
    // What it lacks may be what a later version brings.
    let excused = entries.iter().any(|entry| table.later.contains(&entry.key.as_str()));
    for group in open.into_iter().filter(|_| !excused) {
        let others = more.of(table).iter().filter(|_| group.keys.contains(&more.like));
        let keys = join(group.keys.iter().chain(others).map(|key| format!("`{key}`")));
        let problem =
            Problem::at(blame, "missing-key", format!("this {} lacks {}", table.name, group.what)).label("it is missing here");
        problems.push(problem.help(format!("one of {keys}")));
    }
    for group in table.groups.iter().filter(|group| group.need != Need::Some) {
        let mut there = entries.iter().filter(|entry| in_group(group, entry));
        let Some(first) = there.next() else { continue };
        for entry in there {
            let message = format!("`{}` does not go with `{}`", entry.key, first.key);
            let label = format!("`{}` is on line {}", first.key, first.key_place.line);
            problems.push(Problem::at(entry.key_place, "conflict", message).label(label));
        }
    }
}

/// An unknown key; in a group that still lacks one it is taken for a misspelt member, and the lack is not told a second time.
fn unknown_key(entry: &Entry, table: &Object, more: &More<'_>, open: &mut Vec<&Group>) -> Problem {
    let key = short(&entry.key);
    if table.later.contains(&entry.key.as_str()) {
        let problem = Problem::at(entry.key_place, "later", format!("`{key}:` comes in a later version"));
        return problem.label("not yet").help("take it out for now");
    }
    let near = suggest::nearest(&entry.key, table.keys.iter().map(|key| key.name).chain(more.of(table).iter().copied()));
    let group = open.iter().position(|group| near.is_none_or(|near| group.keys.contains(&more.known(table, near))));
    let message = match group.map(|index| open.remove(index)) {
        Some(group) => format!("`{key}` is not {}", group.what),
        None => format!("unknown key `{key}`"),
    };
    let problem = Problem::at(entry.key_place, "unknown-key", message);
    match near {
        Some(near) => problem.label(format!("did you mean `{near}`?")),
        None => {
            problem.label(format!("not a key of this {}", table.name)).help(format!("known here: {}", known_keys(table, more)))
        }
    }
}

fn known_keys(table: &Object, more: &More<'_>) -> String {
    let names = table.keys.iter().map(|key| key.name).chain(more.of(table).iter().copied());
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Complaint {
    /// The complaint at a place.
    pub fn at(self, place: Place) -> Problem {
        let problem = Problem::at(place, "bad-value", self.message).label(self.label);
        match self.help {
            Some(help) => problem.help(help),
            None => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            read,
            shape::{Group, Key, MapShape, Need, Object, Shape, Words},
        },
        check,
    };

    static WORDS: Words = Words { what: "a colour", words: &[("red", "like blood"), ("green", "like grass")] };
    static TABLE: Object = Object {
        name: "thing",
        doc: "A thing.",
        keys: &[
            Key::required("name", &Shape::Text, "What it is called."),
            Key::new("colour", &Shape::Word(&WORDS), "How it looks."),
            Key::new(
                "size",
                &Shape::Either(&[Shape::Int(1, 9), Shape::Map(&MapShape { key: "side", form: None, value: &Shape::Number })]),
                "How big.",
            ),
            Key::new("parts", &Shape::List(&Shape::Object(&TABLE)), "Things in it."),
            Key::new("left", &Shape::Bool, "On the left."),
            Key::new("right", &Shape::Bool, "On the right."),
        ],
        groups: &[Group { keys: &["left", "right"], need: Need::One, what: "a side" }],
        later: &["weight"],
    };

    fn wrong(text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let node = read(text, &mut problems).expect("valid YAML");
        check(&node, &Shape::Object(&TABLE), &mut problems);
        problems.sort();
        problems
            .iter()
            .map(|p| {
                let place = p.place.expect("a place");
                format!("{} [{}] {}", p.message, &text[place.range()], p.label)
            })
            .collect()
    }

    #[test]
    fn what_fits_passes() {
        assert_eq!(
            wrong("{ name: x, colour: red, size: { height: 1.5 }, left: true, parts: [{ name: y, right: false }] }"),
            [""; 0]
        );
    }

    #[test]
    fn everything_that_does_not_fit_is_reported_at_once() {
        insta::assert_debug_snapshot!(wrong("{ colour: blue, size: 12, letf: true, weight: 3, parts: [{ name: [], left: 1, right: true }, 7] }"), @r#"
        [
            "missing key `name` [{ colour: blue, size: 12, letf: true, weight: 3, parts: [{ name: [], left: 1, right: true }, 7] }] in this thing",
            "`blue` is not a colour [blue] unknown",
            "`12` is out of range [12] from 1 to 9",
            "`letf` is not a side [letf] did you mean `left`?",
            "`weight:` comes in a later version [weight] not yet",
            "`name` takes text, not a list [[]] wrong type",
            "`left` takes `true` or `false`, not the number `1` [1] wrong type",
            "`right` does not go with `left` [right] `left` is on line 1",
            "`parts` takes a map (thing), not the number `7` [7] wrong type",
        ]
        "#);
    }

    #[test]
    fn a_strange_key_in_a_group_that_lacks_one_is_told_once() {
        assert_eq!(wrong("{ name: x, middle: true }"), ["`middle` is not a side [middle] not a key of this thing"]);
        assert_eq!(wrong("{ name: x, left: true, middle: true }"), ["unknown key `middle` [middle] not a key of this thing"]);
        assert_eq!(wrong("{ name: x }"), ["this thing lacks a side [{ name: x }] it is missing here"]);
    }
}
