//! A delivery without what tells of a person and without secrets; the only form in which one is kept, written or shown.
//!
//! Called by the recorder as soon as an answer is out, and by every other way to a draft. Read by [`super::text`], which writes it down, and
//! by [`super::kept`], which keeps it for `trace --save-as`.

use http::{HeaderMap, HeaderName, header};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    Delivery,
    body::{self, Format},
    delivery::Answer,
    disguise::{Disguise, MOST},
    event,
    kind::{Counts, Kind},
    provider::Sender,
    stable,
};
use crate::{
    support::clock,
    webhook::{PLAIN, Providers},
};

/// Words of header names that tell of the event.
const TELLING: [&str; 7] = ["event", "topic", "type", "action", "resource", "version", "kind"];
/// Headers that every client sends and no fixture needs to name among those left out.
const USUAL: [&str; 17] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-length",
    "date",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "traceparent",
    "tracestate",
    "upgrade",
    "user-agent",
    "baggage",
];
/// Fields of an answer that say how it went, in the same words every time.
const CONSTANTS: [&str; 12] =
    ["status", "state", "ok", "success", "received", "accepted", "result", "code", "type", "processed", "handled", "queued"];

/// A delivery that may be shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Redacted {
    /// When, in Unix seconds.
    pub(super) at: i64,
    pub(super) method: String,
    /// With its query.
    pub(super) path: String,
    /// The provider's name in fixtures; empty where none sends such a request.
    pub(super) sender: String,
    /// What it is about, fit for a file's name; may be empty.
    pub(super) event: String,
    /// Headers that tell of the event.
    pub(super) headers: Vec<(String, String)>,
    /// Names of headers that were left out and might matter.
    pub(super) left_out: Vec<String>,
    pub(super) content_type: String,
    pub(super) body: Option<(Format, String)>,
    pub(super) answer: Option<RedactedAnswer>,
    /// What was replaced.
    pub(super) counts: Counts,
}

/// An answer that may be shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RedactedAnswer {
    pub(super) status: u16,
    /// Paths and constants.
    pub(super) json: Vec<(String, Json)>,
}

/// Why a delivery cannot become a fixture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedactError {
    /// Its body is compressed or binary.
    #[error("the body is no text (`content-type: {content_type}`), so that what is personal in it cannot be found")]
    Opaque {
        /// What its media type says; `not said` where it says nothing that may be shown.
        content_type: String,
    },
    /// It is no delivery but an export.
    #[error("more than {MOST} values in it tell of persons or are secret; devstack makes fixtures of single deliveries")]
    TooMany,
}

impl Redacted {
    /// The provider's name in fixtures, `plain` for nobody in particular; empty where none sends such a request.
    pub fn sender(&self) -> &str {
        &self.sender
    }

    /// The provider's name; empty when nobody was recognised.
    pub(super) fn somebody(&self) -> &str {
        if self.sender == PLAIN { "" } else { &self.sender }
    }

    /// What it is, in few words: `stripe payment-succeeded`, `order-created`; empty when nothing says it.
    pub fn words(&self) -> String {
        let words: Vec<_> = [self.somebody(), &self.event].into_iter().filter(|word| !word.is_empty()).collect();
        words.join(" ")
    }

    /// What it is about, in a word; empty when nothing says it.
    pub fn event(&self) -> &str {
        &self.event
    }

    /// What was replaced.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}

/// A redacted delivery, with what was replaced in it: needed to tell whether anything is left, and never kept.
#[derive(Debug)]
pub struct Redaction {
    pub(super) redacted: Redacted,
    pub(super) disguise: Disguise,
    /// Among whom its sender was looked for.
    pub(super) providers: Providers,
}

impl Redaction {
    /// The delivery that may be shown.
    pub fn redacted(&self) -> &Redacted {
        &self.redacted
    }

    /// One that was kept: what was replaced in it is not known any more.
    pub(super) fn of_kept(redacted: Redacted, providers: Providers) -> Self {
        Self { redacted, disguise: Disguise::incomplete(), providers }
    }
}

/// Replaces everything in a delivery that tells of a person or is secret. Its sender is looked for among `providers`.
pub fn redact(delivery: &Delivery, providers: &Providers) -> Result<Redaction, RedactError> {
    let content_type = text_of(&delivery.headers, &header::CONTENT_TYPE).unwrap_or_default();
    let body = readable(delivery, &content_type)?;
    let sender = Sender::detect(providers, delivery);
    let format = Format::of(&content_type, body);
    let mut disguise = Disguise::new();
    learn_all(delivery, &sender, format, body, &mut disguise);
    if disguise.len() > MOST {
        return Err(RedactError::TooMany);
    }

    let new_body = body::rewritten(format, &sender, body, &mut disguise);
    let (headers, left_out) = headers(delivery, &sender, format, &mut disguise);
    let redacted = Redacted {
        at: clock::unix_seconds(),
        method: delivery.method.to_string(),
        path: target(&delivery.path, &mut disguise),
        sender: sender.name().to_owned(),
        event: event::of(&sender, &delivery.path, &delivery.headers, body, &mut disguise),
        headers,
        left_out,
        content_type: media_type(&content_type),
        body: (!body.is_empty()).then_some((format, new_body)),
        answer: delivery.answer.as_ref().map(|answer| answered(answer, &mut disguise)),
        counts: disguise.counts(),
    };
    Ok(Redaction { redacted, disguise, providers: providers.clone() })
}

fn readable<'a>(delivery: &'a Delivery, content_type: &str) -> Result<&'a str, RedactError> {
    let plain =
        text_of(&delivery.headers, &header::CONTENT_ENCODING).is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
    let text = std::str::from_utf8(&delivery.body).ok().filter(|text| !text.contains('\0'));
    text.filter(|_| plain || delivery.body.is_empty()).ok_or_else(|| {
        let said = media_type(content_type);
        RedactError::Opaque { content_type: if said.is_empty() { "not said".to_owned() } else { said } }
    })
}

/// Everything is learned before anything is replaced: a value may be named in the body and turn up in the path.
fn learn_all(delivery: &Delivery, sender: &Sender, format: Format, body: &str, disguise: &mut Disguise) {
    body::learn(format, sender, body, disguise);
    let (route, query) = delivery.path.split_once('?').unwrap_or((&delivery.path, ""));
    body::shaped(&super::forms::percent_decoded(route, false), disguise);
    for (key, value) in query_pairs(query) {
        match query_kind(&key, &value) {
            Some(kind) => drop(disguise.learn(kind, &value, false)),
            None => body::named(&[&key], &value, false, disguise),
        }
    }
    for (name, value) in &delivery.headers {
        let Ok(value) = value.to_str() else { continue };
        if sender.signs_with(name, value) {
            disguise.learn(Kind::Secret, value, false);
        } else if header_kind(name, value).is_some() {
            body::named(&[name.as_str()], value, false, disguise);
        }
        body::shaped(value, disguise);
    }
    if let Some(answer) = &delivery.answer
        && let Ok(text) = std::str::from_utf8(&answer.body)
    {
        let format = Format::of(&text_of(&answer.headers, &header::CONTENT_TYPE).unwrap_or_default(), text);
        body::learn(format, &Sender::default(), text, disguise);
    }
    if let Some(trace) = &delivery.trace {
        super::proposal::learn(trace, disguise);
    }
}

/// A header's whole value, where its name says that it is secret or somebody's.
fn header_kind(name: &HeaderName, value: &str) -> Option<Kind> {
    if USUAL.contains(&name.as_str()) || *name == header::CONTENT_TYPE {
        return None;
    }
    body::kind_of(&[name.as_str()], value, false)
}

/// In a query a bare `key` or `code` opens a door too.
fn query_kind(key: &str, value: &str) -> Option<Kind> {
    let opens = matches!(key.to_ascii_lowercase().as_str(), "key" | "code" | "hash" | "sig" | "auth" | "hub.verify_token");
    (opens && value.len() >= 4).then_some(Kind::Secret)
}

fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let decoded = |text: &str| super::forms::percent_decoded(text, true);
    query.split('&').filter_map(move |pair| pair.split_once('=').map(|(key, value)| (decoded(key), decoded(value))))
}

/// The path with its query, redacted.
fn target(path: &str, disguise: &mut Disguise) -> String {
    let (route, query) = path.split_once('?').map_or((path, None), |(route, query)| (route, Some(query)));
    let mut target = disguise.applied(route);
    let Some(query) = query else { return target };
    let rewritten: Vec<String> = query.split('&').map(|pair| query_pair(pair, disguise)).collect();
    target.push('?');
    target.push_str(&rewritten.join("&"));
    target
}

fn query_pair(pair: &str, disguise: &mut Disguise) -> String {
    let Some((raw_key, raw)) = pair.split_once('=') else { return disguise.applied(pair) };
    let (key, value) = (super::forms::percent_decoded(raw_key, true), super::forms::percent_decoded(raw, true));
    let new = match query_kind(&key, &value).or_else(|| body::kind_of(&[&key], &value, false)) {
        Some(kind) => disguise.fresh(kind, &value, false),
        None => disguise.applied(&value),
    };
    let value = if new == value { raw.to_owned() } else { super::forms::percent_encoded(&new, false) };
    format!("{raw_key}={value}")
}

/// Headers that stay, and names of others that may matter.
fn headers(
    delivery: &Delivery,
    sender: &Sender,
    format: Format,
    disguise: &mut Disguise,
) -> (Vec<(String, String)>, Vec<String>) {
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for name in delivery.headers.keys().filter(|name| !sender.writes(name)) {
        let value = text_of(&delivery.headers, name).unwrap_or_default();
        if *name == header::CONTENT_TYPE {
            let media = media_type(&value);
            if media != sender.media_type(format) && !media.is_empty() && !delivery.body.is_empty() {
                kept.push((name.to_string(), media));
            }
            continue;
        }
        let tells = name.as_str().split('-').any(|word| TELLING.contains(&word)) && header_kind(name, &value).is_none();
        if tells && stable::is_word(&value) && disguise.left_in(&value).is_empty() {
            kept.push((name.to_string(), value));
        } else if !USUAL.contains(&name.as_str()) && stable::is_word(name.as_str()) && disguise.left_in(name.as_str()).is_empty()
        {
            left_out.push(name.to_string());
        }
    }
    (kept, left_out)
}

/// The media type with its character set, and nothing else of it.
fn media_type(content_type: &str) -> String {
    let plain =
        |text: &str| text.chars().all(|sign| sign.is_ascii_alphanumeric() || "/+.-=".contains(sign)) && stable::is_stable(text);
    let mut parts = content_type.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    if !plain(&media) {
        return String::new();
    }
    if media.starts_with("multipart/") {
        // Without its boundary a multipart body cannot be read.
        return content_type.to_owned();
    }
    media
}

fn answered(answer: &Answer, disguise: &mut Disguise) -> RedactedAnswer {
    let document: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
    let fields = document.as_object().into_iter().flatten();
    let constant = |(key, value): (&String, &Json)| {
        let named = CONSTANTS.contains(&key.as_str());
        let is_constant = match value {
            Json::Bool(_) => true,
            Json::String(word) => is_verdict(word) && disguise.left_in(word).is_empty(),
            _ => false,
        };
        (named && is_constant).then(|| (format!("$.{key}"), value.clone()))
    };
    RedactedAnswer { status: answer.status.as_u16(), json: fields.filter_map(constant).collect() }
}

/// A word of the protocol: `received`, `VALIDATION_ERROR`. Names of people begin with one capital letter.
fn is_verdict(word: &str) -> bool {
    let lower = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let code = word.contains('_') && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    (lower || code || matches!(word, "OK" | "SUCCESS" | "ERROR")) && stable::is_word(word)
}

fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
