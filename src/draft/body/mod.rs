//! Bodies: JSON, forms and other text, read twice. The first time everything that must not get out is learned, the second time it is
//! replaced in place; all other bytes stay as they came.
//!
//! Called by [`super::redact()`].

mod form;
mod json;
mod pairs;

use super::{disguise::Disguise, keys, kind::Kind, provider::Sender, shapes};
use crate::webhook::{FieldKind, scan::Step};

/// What stands in the place of a number that is not shown.
const HIDDEN: [&str; 6] = ["anonymous", "restricted", "unavailable", "unknown", "private", "blocked"];

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    Json,
    Form,
    Text,
}

impl Format {
    /// Tells it by the body itself, then by what its media type says.
    pub(super) fn of(content_type: &str, body: &str) -> Self {
        let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media.as_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            _ if json::is_document(body) => Self::Json,
            _ => Self::Text,
        }
    }

    /// What its file is called at the end.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
            Self::Text => "txt",
        }
    }
}

/// Learns everything in a body that must not get out.
pub(super) fn learn(format: Format, sender: &Sender, body: &str, disguise: &mut Disguise) {
    match format {
        Format::Json => json::learn(sender, body, disguise),
        Format::Form => form::learn(sender, body, disguise),
        Format::Text => {
            shaped(body, disguise);
            pairs::learn(body, pairs::Depth::Lines, disguise);
        }
    }
}

/// The body with all of it replaced.
pub(super) fn rewritten(format: Format, sender: &Sender, body: &str, disguise: &mut Disguise) -> String {
    match format {
        Format::Json => json::rewritten(sender, body, disguise),
        Format::Form => form::rewritten(sender, body, disguise),
        Format::Text => disguise.applied(body),
    }
}

/// Learns what one named value is, and what stands in it. `ids` says that fields with the name of an id count as one.
pub(super) fn named(path: &[&str], value: &str, ids: bool, disguise: &mut Disguise) {
    if let Some(kind) = kind_of(path, value, ids) {
        disguise.learn(kind, value, false);
    }
    within(value, disguise);
}

/// What a named value is.
pub(super) fn kind_of(path: &[&str], value: &str, ids: bool) -> Option<Kind> {
    keys::kind_of(path, value).or_else(|| (ids && keys::is_id(path, value)).then_some(Kind::Id))
}

/// What a value is by the provider's table, and where that says nothing by its name.
fn kind_at(sender: &Sender, path: &[Step<'_>], names: &[&str], text: &str) -> Option<Kind> {
    match sender.field(path) {
        Some(field) => of_field(field, text),
        None => kind_of(names, text, !sender.has_table()),
    }
}

fn of_field(field: FieldKind, text: &str) -> Option<Kind> {
    match field {
        FieldKind::Phone if text.bytes().any(|byte| byte.is_ascii_digit()) => Some(Kind::Phone),
        // A caller who hides; else it is the name of somebody who calls otherwise, such as Twilio's `client:ana`.
        FieldKind::Phone if HIDDEN.contains(&text.to_ascii_lowercase().as_str()) => None,
        FieldKind::Phone | FieldKind::Name => Some(Kind::Name),
        FieldKind::Email => Some(Kind::Email),
        FieldKind::Text => Some(Kind::Text),
        FieldKind::Id => Some(Kind::Id),
        FieldKind::Time | FieldKind::Horizon => None,
    }
}

/// Learns what stands in a text without being named: by its shape, and as pairs of names and values.
fn within(text: &str, disguise: &mut Disguise) {
    shaped(text, disguise);
    if json::is_document(text) {
        json::learn(&Sender::default(), text, disguise);
    } else {
        pairs::learn(text, pairs::Depth::Inline, disguise);
    }
}

/// Learns what gives itself away.
pub(super) fn shaped(text: &str, disguise: &mut Disguise) {
    for (range, kind) in shapes::find(text) {
        disguise.learn(kind, &text[range], false);
    }
}
