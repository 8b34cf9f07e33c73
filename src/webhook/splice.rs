//! A recorded body made fresh: new ids, times moved to now, personal values that can be searched for, all other bytes untouched.
//!
//! Called by `replay` for every delivery before it is signed; [`Replacement`]s tell `replay` what to capture and `check` what must not
//! show in telemetry. Values are replaced in place in the raw bytes: white space, key order and number forms stay as the provider
//! sent them, because the signature is over bytes and parsers differ.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::Provider;
use super::definition::Content;
use super::fields::FieldKind;
use super::form;
use super::fresh::Supply;
use super::moment::Moment;
use super::scan::{Scalar, ScanError, Sort, Step, json_path, scan};

/// Characters an id must have for equal values elsewhere in the body to be taken for it; a shorter one may be equal by chance.
const TELLING_LENGTH: usize = 5;
/// Digits of a phone number that are looked for: enough to be unique, and the same with or without a country code.
const PHONE_NEEDLE_DIGITS: usize = 9;
/// Digits below which it is no person's number but a short code, and would be found everywhere.
const PHONE_NEEDLE_LEAST: usize = 7;
/// Characters of a text's beginning that are looked for, because a cut-off text has lost its marker.
const TEXT_NEEDLE_CHARS: usize = 20;
/// Letters from which a single word of a name is looked for on its own.
const NAME_NEEDLE_CHARS: usize = 7;

/// Whether values are made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Renewal {
    /// Unique for this case.
    #[default]
    Fresh,
    /// As recorded.
    Keep,
}

/// What becomes of the times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shift {
    /// The newest becomes now, the others keep their distance to it.
    #[default]
    Now,
    /// As recorded.
    Keep,
    /// The newest becomes now plus so many seconds; negative for a delivery that comes late.
    Offset(i64),
}

/// How a delivery is to be made fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// Ids.
    pub ids: Renewal,
    /// Times.
    pub time: Shift,
    /// Phone numbers, names, e-mail addresses, and markers in texts.
    pub personal: Renewal,
    /// Unix seconds of the sending.
    pub now: i64,
    /// Different for every case and repetition of a run. Count up from a random number below 2^32: runs differ, and cases of one run
    /// never share a value. The same nonce gives the same values, which is how a delivery is repeated.
    pub nonce: u64,
}

/// A body that is ready to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The bytes to sign and send.
    pub body: Vec<u8>,
    /// What was replaced, in the order of the body.
    pub replaced: Vec<Replacement>,
}

/// One replaced value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Where, as `JSONPath` writes it.
    pub path: String,
    /// What it is.
    pub kind: FieldKind,
    /// The value before, as text without quotes.
    pub old: String,
    /// The value now.
    pub new: String,
}

impl Replacement {
    /// The texts whose appearance anywhere in the telemetry of this case is a leak; empty for what is not personal.
    ///
    /// A phone number is looked for by its last nine digits, a name whole and word by word, an address whole and by its local part, a
    /// text by its marker and by its beginning.
    pub fn needles(&self) -> Vec<String> {
        match self.kind {
            FieldKind::Phone => {
                let digits: String = self.new.chars().filter(char::is_ascii_digit).collect();
                let telling = digits.len() >= PHONE_NEEDLE_LEAST;
                telling.then(|| digits[digits.len().saturating_sub(PHONE_NEEDLE_DIGITS)..].to_owned()).into_iter().collect()
            }
            FieldKind::Name => {
                let words = self.new.split(' ').filter(|word| word.chars().count() >= NAME_NEEDLE_CHARS && *word != self.new);
                std::iter::once(self.new.as_str()).chain(words).map(str::to_owned).collect()
            }
            FieldKind::Email => {
                let local = self.new.rsplit_once('@').map(|(local, _)| local.to_owned());
                std::iter::once(self.new.clone()).chain(local).collect()
            }
            FieldKind::Text => {
                let marker = self.new.rsplit(' ').next().unwrap_or_default().to_owned();
                let beginning: String = self.old.chars().take(TEXT_NEEDLE_CHARS).collect();
                let telling = beginning.chars().count() == TEXT_NEEDLE_CHARS;
                std::iter::once(marker).chain(telling.then_some(beginning)).collect()
            }
            FieldKind::Id | FieldKind::Time | FieldKind::Horizon => Vec::new(),
        }
    }
}

/// Why a body cannot be made fresh. Whoever wants to send it anyway sends it as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// It is not JSON.
    #[error("the body is not JSON")]
    NotJson {
        /// What is wrong where.
        source: ScanError,
    },
    /// It is not text, and so no form.
    #[error("the body is not a form")]
    NotForm {
        /// What is wrong where.
        source: ScanError,
    },
}

/// Makes a body fresh.
pub fn freshen(provider: &Provider, body: &[u8], how: Freshness) -> Result<Prepared, SpliceError> {
    let content = provider.content();
    let unread = |source| match content {
        Content::Json => SpliceError::NotJson { source },
        Content::Form => SpliceError::NotForm { source },
    };
    let fields = find_fields(provider, body).map_err(unread)?;
    let mut renewal = Renewing { how, delta: delta(&fields, how), supply: Supply::new(how.nonce) };
    let mut edits: Vec<Edit> = fields.iter().filter_map(|field| renewal.edit(field)).collect();
    edits.extend(echoes(content, body, &edits).map_err(unread)?);
    edits.sort_by_key(|edit| edit.span.start);
    Ok(apply(body, edits))
}

/// Shows every value of a body to `visit`.
fn walk<'a>(content: Content, body: &'a [u8], visit: &mut dyn FnMut(&[Step<'a>], Scalar<'a>)) -> Result<(), ScanError> {
    match content {
        Content::Json => scan(body, visit),
        Content::Form => form::scan(body, visit),
    }
}

/// A value that the provider's table names.
struct Field<'a> {
    path: String,
    kind: FieldKind,
    scalar: Scalar<'a>,
    text: Cow<'a, str>,
}

/// A replacement and the bytes it stands for.
struct Edit {
    span: Range<usize>,
    raw: String,
    replacement: Replacement,
}

/// What one case's values are made with.
struct Renewing {
    how: Freshness,
    delta: Option<i64>,
    supply: Supply,
}

fn find_fields<'a>(provider: &Provider, body: &'a [u8]) -> Result<Vec<Field<'a>>, ScanError> {
    let mut fields = Vec::new();
    walk(provider.content(), body, &mut |path, scalar| {
        let kind = provider.fields().kind_at(path).filter(|_| scalar.sort != Sort::Word);
        if let Some((kind, text)) = kind.and_then(|kind| Some((kind, scalar.text()?))).filter(|(_, text)| !text.is_empty()) {
            fields.push(Field { path: json_path(path), kind, scalar, text });
        }
    })?;
    Ok(fields)
}

/// How far the times move; `None` when they stay, or when there is none to go by.
fn delta(fields: &[Field<'_>], how: Freshness) -> Option<i64> {
    let target = match how.time {
        Shift::Now => how.now,
        Shift::Offset(seconds) => how.now.saturating_add(seconds),
        Shift::Keep => return None,
    };
    let events = fields.iter().filter(|field| field.kind == FieldKind::Time);
    let newest = events.filter_map(|field| Moment::parse(&field.text)?.unix_seconds()).max()?;
    Some(target.saturating_sub(newest))
}

impl Renewing {
    fn edit(&mut self, field: &Field<'_>) -> Option<Edit> {
        let number = field.scalar.sort == Sort::Number;
        let new = match field.kind {
            kind if kind.is_time() => Moment::parse(&field.text)?.later(self.delta?)?,
            FieldKind::Id if self.how.ids == Renewal::Keep => return None,
            kind if kind.is_personal() && self.how.personal == Renewal::Keep => return None,
            _ if number && !field.text.bytes().all(|byte| byte.is_ascii_digit()) => return None,
            FieldKind::Text => format!("{} {}", field.text, self.supply.fresh(FieldKind::Text, &field.text, false)),
            kind => self.supply.fresh(kind, &field.text, number),
        };
        // A caller who hides sends `anonymous` where others send a number.
        if new == field.text {
            return None;
        }
        let raw = match field.scalar.sort {
            Sort::Number | Sort::Word => new.clone(),
            Sort::String => requoted(field, &new),
            Sort::Field => reencoded(field, &new),
        };
        let replacement = Replacement { path: field.path.clone(), kind: field.kind, old: field.text.clone().into_owned(), new };
        Some(Edit { span: field.scalar.span.clone(), raw, replacement })
    }
}

/// The new value as a JSON string. A text keeps its own escapes: only what is new is put before the closing quote.
fn requoted(field: &Field<'_>, new: &str) -> String {
    match new.strip_prefix(field.text.as_ref()) {
        Some(added) if field.kind == FieldKind::Text => format!("{}{added}\"", &field.scalar.raw[..field.scalar.raw.len() - 1]),
        _ => quoted(new),
    }
}

/// The new value as a field of a form; a text keeps its own escapes.
fn reencoded(field: &Field<'_>, new: &str) -> String {
    match new.strip_prefix(field.text.as_ref()) {
        Some(added) if field.kind == FieldKind::Text => format!("{}{}", field.scalar.raw, form::encode(added)),
        _ => form::encode(new),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Strings elsewhere in the body that equal a replaced id, phone number or address, such as a payment's id in `metadata`.
fn echoes(content: Content, body: &[u8], edits: &[Edit]) -> Result<Vec<Edit>, ScanError> {
    let telling = |replacement: &&Replacement| {
        matches!(replacement.kind, FieldKind::Id | FieldKind::Phone | FieldKind::Email)
            && replacement.old.chars().count() >= TELLING_LENGTH
    };
    let known: HashMap<&str, &Replacement> = edits
        .iter()
        .map(|edit| &edit.replacement)
        .filter(telling)
        .map(|replacement| (replacement.old.as_str(), replacement))
        .collect();
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let taken: std::collections::HashSet<usize> = edits.iter().map(|edit| edit.span.start).collect();
    let mut found = Vec::new();
    let mut visit = |path: &[Step<'_>], scalar: Scalar<'_>| {
        if !matches!(scalar.sort, Sort::String | Sort::Field) || taken.contains(&scalar.span.start) {
            return;
        }
        if let Some(same) = scalar.text().and_then(|text| known.get(text.as_ref()).copied()) {
            let replacement = Replacement { path: json_path(path), ..same.clone() };
            let raw = if scalar.sort == Sort::Field { form::encode(&same.new) } else { quoted(&same.new) };
            found.push(Edit { span: scalar.span.clone(), raw, replacement });
        }
    };
    walk(content, body, &mut visit)?;
    Ok(found)
}

fn apply(body: &[u8], edits: Vec<Edit>) -> Prepared {
    let mut fresh = Vec::with_capacity(body.len() + 64);
    let mut replaced = Vec::with_capacity(edits.len());
    let mut copied = 0;
    for edit in edits {
        fresh.extend_from_slice(&body[copied..edit.span.start]);
        fresh.extend_from_slice(edit.raw.as_bytes());
        copied = edit.span.end;
        replaced.push(edit.replacement);
    }
    fresh.extend_from_slice(&body[copied..]);
    Prepared { body: fresh, replaced }
}
