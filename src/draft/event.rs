//! What a delivery is about, in a word or two that can be the name of a file.
//!
//! Read by [`super::redact()`]. Only words of the protocol are taken; whatever could be an id or tell of a person is not.

use http::{HeaderMap, HeaderName};
use serde_json::Value as Json;

use super::{disguise::Disguise, provider::Sender, stable};

/// Headers that say which event it is.
const HEADERS: [&str; 7] =
    ["x-github-event", "x-shopify-topic", "x-gitlab-event", "x-event-key", "x-event-type", "ce-type", "x-webhook-topic"];
/// Where bodies say it, first come first taken.
const POINTERS: [&str; 9] =
    ["/type", "/event", "/event_type", "/eventType", "/topic", "/message/type", "/event/type", "/action", "/payload/type"];
/// Values that say nothing about the event itself.
const WRAPPERS: [&str; 3] = ["event_callback", "event", "text"];
/// Letters of a name.
const LONGEST: usize = 60;

/// The word, as a part of a file's name; empty when nothing says it.
pub(super) fn of(sender: &Sender, path: &str, headers: &HeaderMap, body: &str, disguise: &mut Disguise) -> String {
    let own = sender.event_header().map(HeaderName::as_str);
    let said = own.into_iter().chain(HEADERS).find_map(|name| headers.get(name)?.to_str().ok()).map(str::to_owned);
    let document: Json = serde_json::from_str(body).unwrap_or_default();
    let words = said
        .or_else(|| (sender.name() == "whatsapp").then(|| whatsapp(&document)).flatten())
        .or_else(|| POINTERS.iter().find_map(|pointer| word_at(&document, pointer)));
    let route = path.split('?').next().unwrap_or_default();
    let segments = route.rsplit('/').filter(|segment| !segment.is_empty() && *segment != "webhooks" && *segment != "webhook");
    let candidates = words.into_iter().chain(segments.map(str::to_owned).filter(|_| !sender.is_somebody()));
    let mut fitting =
        candidates.filter(|word| stable::is_word(word) && disguise.left_in(word).is_empty()).map(|word| slug(&word));
    fitting.find(|word| !word.is_empty()).unwrap_or_default()
}

fn word_at(document: &Json, pointer: &str) -> Option<String> {
    let word = document.pointer(pointer)?.as_str()?;
    (!WRAPPERS.contains(&word)).then(|| word.to_owned())
}

/// `message-text`, `status-failed`.
fn whatsapp(document: &Json) -> Option<String> {
    let value = document.pointer("/entry/0/changes/0/value")?;
    let message = value.pointer("/messages/0/type").and_then(Json::as_str).map(|kind| format!("message-{kind}"));
    message.or_else(|| value.pointer("/statuses/0/status").and_then(Json::as_str).map(|status| format!("status-{status}")))
}

/// Lower-case letters and digits, with hyphens between.
pub(super) fn slug(word: &str) -> String {
    let mut slug = String::new();
    for sign in word.chars().take(LONGEST) {
        if sign.is_ascii_alphanumeric() {
            slug.push(sign.to_ascii_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}
