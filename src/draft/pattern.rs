//! One span of a proposal: what is said of it, whether a span is so, and how it is written.
//!
//! Made by [`super::proposal`], written by [`super::text`].

use std::fmt::Write as _;

use super::yaml;
use crate::model::{Span, SpanKind, Value};

/// What is said of a span and of those below it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    pub(super) line: Line,
    /// Written where there is more than one.
    pub(super) count: Option<usize>,
    /// Direct children.
    pub(super) children: Vec<Self>,
    /// Further below.
    pub(super) below: Vec<Self>,
}

/// What is said of the span itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) kind: SpanKind,
    pub(super) name: Name,
    /// Said where it is another than that of the span above.
    pub(super) service: Option<String>,
    pub(super) attributes: Vec<(String, Value)>,
}

/// What is said of its name.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Name {
    Is(String),
    StartsWith(String),
    Any,
}

impl Line {
    /// Whether a span is as the line says.
    pub(super) fn fits(&self, span: &Span) -> bool {
        let named = match &self.name {
            Name::Is(name) => *name == span.name,
            Name::StartsWith(beginning) => span.name.starts_with(beginning.as_str()),
            Name::Any => true,
        };
        named
            && self.kind == span.kind
            && self.service.as_ref().is_none_or(|service| service == span.service())
            && self.attributes.iter().all(|(key, value)| span.attribute(key) == Some(value))
    }
}

impl Pattern {
    /// The pattern as an item of a list at this depth.
    pub(super) fn write(&self, depth: usize, text: &mut String) {
        let indent = "  ".repeat(depth);
        let name = match &self.line.name {
            Name::Is(name) => yaml::scalar(name),
            Name::StartsWith(beginning) => yaml::map(&[("starts_with".to_owned(), yaml::scalar(beginning))]),
            Name::Any => "{ exists: true }".to_owned(),
        };
        let _ = writeln!(text, "{indent}- {}: {name}", self.line.kind);
        if let Some(service) = &self.line.service {
            let _ = writeln!(text, "{indent}  service: {}", yaml::scalar(service));
        }
        if let Some(count) = self.count {
            let _ = writeln!(text, "{indent}  count: {count}");
        }
        if !self.line.attributes.is_empty() {
            let pairs: Vec<_> = self.line.attributes.iter().map(|(key, value)| (key.clone(), literal(value))).collect();
            let _ = writeln!(text, "{indent}  attributes: {}", yaml::map(&pairs));
        }
        for (key, patterns) in [("children", &self.children), ("below", &self.below)] {
            if !patterns.is_empty() {
                let _ = writeln!(text, "{indent}  {key}:");
                for pattern in patterns {
                    pattern.write(depth + 2, text);
                }
            }
        }
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => yaml::scalar(text),
        other => other.to_string(),
    }
}
