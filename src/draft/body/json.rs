//! JSON bodies: each scalar by the provider's table, by the name of its field, and by its shape.

use std::{borrow::Cow, collections::BTreeSet};

use super::{Disguise, Kind, Sender, kind_at, shaped, within};
use crate::webhook::scan::{Scalar, Sort, Step, scan};

/// Whether a text is a JSON object or list.
pub(super) fn is_document(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && scan(text.as_bytes(), &mut |_, _| ()).is_ok()
}

/// Learns what must not get out, and which words are names of fields.
pub(super) fn learn(sender: &Sender, body: &str, disguise: &mut Disguise) {
    let mut keys = BTreeSet::new();
    let mut visit = |path: &[Step<'_>], scalar: Scalar<'_>| {
        keys.extend(path.iter().filter_map(|step| if let Step::Key(key) = step { Some(key.to_string()) } else { None }));
        let Some(text) = scalar.text().filter(|text| !text.is_empty()) else { return };
        if let Some(kind) = of_scalar(sender, path, &scalar, &text) {
            disguise.learn(kind, &text, scalar.sort == Sort::Number);
        }
        if scalar.sort == Sort::String {
            within(&text, disguise);
        }
    };
    // What is no JSON has been told apart before.
    let _ = scan(body.as_bytes(), &mut visit);
    for key in keys {
        disguise.word(&key);
        shaped(&key, disguise);
    }
}

/// The document with all of it replaced.
pub(super) fn rewritten(sender: &Sender, body: &str, disguise: &mut Disguise) -> String {
    let mut made = String::with_capacity(body.len());
    let mut copied = 0;
    let mut keys = BTreeSet::new();
    let mut visit = |path: &[Step<'_>], scalar: Scalar<'_>| {
        keys.extend(path.iter().filter_map(|step| if let Step::Key(key) = step { Some(key.to_string()) } else { None }));
        if let Some(raw) = replacement(sender, path, &scalar, disguise) {
            made.push_str(&body[copied..scalar.span.start]);
            made.push_str(&raw);
            copied = scalar.span.end;
        }
    };
    let _ = scan(body.as_bytes(), &mut visit);
    made.push_str(&body[copied..]);
    for key in keys {
        let new = disguise.applied(&key);
        if new != key {
            made = made.replace(&quoted(&key), &quoted(&new));
        }
    }
    made
}

fn replacement(sender: &Sender, path: &[Step<'_>], scalar: &Scalar<'_>, disguise: &mut Disguise) -> Option<String> {
    let text = scalar.text().filter(|text| !text.is_empty() && scalar.sort != Sort::Word)?;
    let number = scalar.sort == Sort::Number;
    let new = match of_scalar(sender, path, scalar, &text) {
        Some(kind) => disguise.fresh(kind, &text, number),
        None if !number && is_document(&text) => rewritten(&Sender::default(), &text, disguise),
        None => disguise.applied(&text),
    };
    if new == text {
        return None;
    }
    if number { serde_json::from_str::<serde_json::Number>(&new).is_ok().then_some(new) } else { Some(quoted(&new)) }
}

/// What a scalar is. A number can only be what is written in digits.
fn of_scalar(sender: &Sender, path: &[Step<'_>], scalar: &Scalar<'_>, text: &str) -> Option<Kind> {
    if scalar.sort == Sort::Word {
        return None;
    }
    let kind = kind_at(sender, path, &names(path), text)?;
    if scalar.sort == Sort::String {
        return Some(kind);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match kind {
        Kind::Phone | Kind::Id | Kind::Number if digits => Some(kind),
        Kind::Secret if digits => Some(Kind::Number),
        Kind::Address | Kind::Birth if !text.contains(['e', 'E']) => Some(kind),
        _ => None,
    }
}

/// The keys that lead to a scalar; an index says nothing.
fn names<'a>(path: &'a [Step<'_>]) -> Vec<&'a str> {
    let name = |step: &'a Step<'_>| match step {
        Step::Key(Cow::Borrowed(key)) => Some(*key),
        Step::Key(Cow::Owned(key)) => Some(key.as_str()),
        Step::Index(_) => None,
    };
    path.iter().filter_map(name).collect()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
