//! Predicates on values, from a checked tree.
//!
//! Called for every attribute, name, service and message of a pattern, and by `fixture` for responses.

use super::{
    super::spec::{AttributePattern, Literal, Predicate},
    formats, place_of,
    tables::TYPES,
};
use crate::support::{
    source::Problem,
    yaml::{Entry, Node, Value},
};

/// The predicate that `node` makes: equality with a bare value, or everything that a map names. `None` for what the check has refused;
/// what can never hold is added to `problems`.
pub fn predicate(node: &Node, problems: &mut Vec<Problem>) -> Option<Predicate> {
    if !matches!(node.value, Value::Map(_)) {
        return literal(node).map(Predicate::Equals);
    }
    contradiction(node, problems);
    let mut all: Vec<Predicate> = node.entries().iter().filter_map(|entry| one(&entry.key, &entry.value, problems)).collect();
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(Predicate::All(all)),
    }
}

/// The attribute patterns in a map of attributes.
pub fn attributes(node: Option<&Node>, problems: &mut Vec<Problem>) -> Vec<AttributePattern> {
    let pattern = |entry: &Entry| {
        let predicate = predicate(&entry.value, problems)?;
        Some(AttributePattern { key: entry.key.clone(), predicate, place: place_of(entry) })
    };
    node.map(Node::entries).unwrap_or_default().iter().filter_map(pattern).collect()
}

fn one(key: &str, value: &Node, problems: &mut Vec<Problem>) -> Option<Predicate> {
    let text = || value.text().map(str::to_owned);
    match key {
        "equals" => literal(value).map(Predicate::Equals),
        "not" => predicate(value, problems).map(|inner| Predicate::Not(Box::new(inner))),
        "in" => Some(Predicate::In(value.items().iter().filter_map(literal).collect())),
        "matches" => value.text().and_then(|text| formats::regex(text).ok()).map(Predicate::Matches),
        "contains" => literal(value).map(Predicate::Contains),
        "starts_with" => text().map(Predicate::StartsWith),
        "ends_with" => text().map(Predicate::EndsWith),
        "greater_than" => value.number().map(Predicate::GreaterThan),
        "at_least" => value.number().map(Predicate::AtLeast),
        "less_than" => value.number().map(Predicate::LessThan),
        "at_most" => value.number().map(Predicate::AtMost),
        "type" => value.text().and_then(|text| TYPES.names().find(|known| *known == text)).map(Predicate::Type),
        "exists" => value.bool().map(|exists| if exists { Predicate::Present } else { Predicate::Absent }),
        _ => None,
    }
}

fn literal(node: &Node) -> Option<Literal> {
    match &node.value {
        Value::String(text) => Some(Literal::String(text.clone())),
        Value::Bool(value) => Some(Literal::Bool(*value)),
        Value::Int(value) => Some(Literal::Int(*value)),
        Value::Double(value) => Some(Literal::Double(*value)),
        Value::List(items) => items.iter().map(literal).collect::<Option<_>>().map(Literal::List),
        Value::Null | Value::Map(_) => None,
    }
}

/// Reports what no value can satisfy.
fn contradiction(node: &Node, problems: &mut Vec<Problem>) {
    if let Some(exists) = node.entry("exists").filter(|entry| entry.value.bool() == Some(false))
        && let Some(other) = node.entries().iter().find(|entry| entry.key != "exists")
    {
        let message = format!("`{}` cannot hold of what must not exist", other.key);
        let label = format!("`exists: false` is on line {}", exists.key_place.line);
        problems.push(Problem::at(other.key_place, "contradiction", message).label(label));
    }
    let bound = |keys: [&'static str; 2]| keys.iter().find_map(|key| node.entry(key)).and_then(|e| Some((e, e.value.number()?)));
    let lower = bound(["at_least", "greater_than"]);
    let upper = bound(["at_most", "less_than"]);
    if let (Some((lower, least)), Some((upper, most))) = (lower, upper) {
        let strict = lower.key == "greater_than" || upper.key == "less_than";
        #[expect(clippy::float_cmp, reason = "only the very same number leaves no room between strict bounds")]
        let empty = least > most || (strict && least == most);
        if empty {
            let message = format!("no number is `{}: {least}` and `{}: {most}`", lower.key, upper.key);
            problems.push(Problem::at(upper.blame(), "contradiction", message).label("below the lower bound"));
        }
    }
}
