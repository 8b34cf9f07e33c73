//! Names and values in text of no known form: broken JSON, XML, multipart, lines of `name: value`, queries inside of addresses.

use std::sync::LazyLock;

use regex::Regex;

use super::{Disguise, kind_of, shaped};
use crate::draft::forms::{json_unescaped, percent_decoded};

/// How much of a text is read as pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// What cannot be anything else.
    Inline,
    /// Also lines such as `Name: value`; for a body that is nothing but text.
    Lines,
}

static JSON_LIKE: LazyLock<Regex> = LazyLock::new(|| regex(r#""([^"\\]{1,80})"\s*:\s*(?:"((?:[^"\\]|\\.)*)|(-?\d[\d.]*))"#));
static QUERY_LIKE: LazyLock<Regex> = LazyLock::new(|| regex(r#"(?:^|[?&;\s])([\w.\[\]%-]{1,80})=([^&;\s"'<>]+)"#));
static XML_LIKE: LazyLock<Regex> = LazyLock::new(|| regex(r"<([\w:.-]{1,80})(?:\s[^<>]*)?>(?:<!\[CDATA\[)?([^<>]+?)(?:\]\]>)?<"));
static XML_ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| regex(r#"\s([\w:.-]{1,80})=["']([^"']+)["']"#));
static PART_LIKE: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?s)name="([^"]{1,80})"[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n(.*?)\r?\n--"#));
static LINE_LIKE: LazyLock<Regex> = LazyLock::new(|| regex(r"(?m)^\s*-?\s*([A-Za-z][\w .-]{0,60}?)\s*[:=]\s*(\S.*?)\s*$"));

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is one")
}

/// Learns what the names say of the values.
pub(super) fn learn(text: &str, depth: Depth, disguise: &mut Disguise) {
    let inline: [&LazyLock<Regex>; 4] = [&JSON_LIKE, &QUERY_LIKE, &XML_LIKE, &XML_ATTRIBUTE];
    let lines: [&LazyLock<Regex>; 2] = [&PART_LIKE, &LINE_LIKE];
    let patterns = inline.iter().chain(lines.iter().filter(|_| depth == Depth::Lines));
    for pattern in patterns {
        for found in pattern.captures_iter(text) {
            let value = found.iter().skip(2).flatten().next().map_or("", |value| value.as_str());
            learn_pair(&found[1], value, disguise);
        }
    }
}

fn learn_pair(name: &str, raw: &str, disguise: &mut Disguise) {
    let steps: Vec<&str> = name.split(['[', ']', '.', ':']).filter(|step| !step.is_empty()).collect();
    let value = percent_decoded(&json_unescaped(raw), false);
    for value in [raw, value.as_str(), value.replace('+', " ").trim()] {
        let value = value.trim_matches(|sign: char| sign.is_whitespace() || "\"',".contains(sign));
        if let Some(kind) = kind_of(&steps, value, true) {
            disguise.learn(kind, value, false);
        }
        shaped(value, disguise);
    }
}
