//! The keys of a provider of one's own, as `providers:` in `devstack.yaml` says it.
//!
//! Read by `support::yaml` (check, schema, reference page); named by the table of the project's file in `stack`.

use super::formats::{HEADER, HEADER_TEMPLATE, NAME, PATTERN, SIGNATURE_TEMPLATE, SIGNED, URL_PATH, VARIABLE};
use crate::support::yaml::{
    formats::DURATION,
    shape::{Key, MapShape, Object, Shape, Words},
};

/// What `providers:` takes: providers by their names.
pub static PROVIDERS: Shape = Shape::Map(&MapShape { key: "name", form: Some(&NAME), value: &Shape::Object(&PROVIDER) });

static PATTERNS: Shape = Shape::AnyList(&Shape::Format(&PATTERN));
static PERSONAL: Shape = Shape::Map(&MapShape { key: "path", form: Some(&PATTERN), value: &Shape::Word(&PERSONAL_WORDS) });
static HEADERS: Shape = Shape::Map(&MapShape { key: "header", form: Some(&HEADER), value: &Shape::Format(&HEADER_TEMPLATE) });

static METHODS: Words = Words { what: "a method of webhooks", words: &[("POST", ""), ("PUT", ""), ("PATCH", "")] };

static CONTENTS: Words =
    Words { what: "a form of body", words: &[("json", "`application/json`"), ("form", "`application/x-www-form-urlencoded`")] };

static PERSONAL_WORDS: Words = Words {
    what: "a sort of personal value",
    words: &[
        ("email", "an address of a person"),
        ("name", "a person's name, or a part of it"),
        ("phone", "a phone number"),
        ("text", "words that a person wrote"),
    ],
};

static HASHES: Words = Words { what: "a hash", words: &[("sha256", ""), ("sha1", "")] };

static ENCODINGS: Words = Words { what: "an encoding", words: &[("hex", "small hex digits"), ("base64", "with padding")] };

static SECRET_FORMS: Words = Words {
    what: "a form of secret",
    words: &[("raw", "its text is the key"), ("base64", "the key is base64, after `whsec_` where that stands in front")],
};

/// A provider.
pub static PROVIDER: Object = Object {
    name: "provider",
    doc: "A service whose webhooks are replayed. Its name becomes a key of a fixture's `request`; one with the name of a built-in provider takes its place.",
    keys: &[
        Key::new("path", &Shape::Format(&URL_PATH), "The path that takes its deliveries; without it every fixture says one."),
        Key::new("method", &Shape::Word(&METHODS), "The HTTP method; `POST` without this key."),
        Key::new("service", &Shape::Text, "The service that takes its deliveries."),
        Key::new("content_type", &Shape::Word(&CONTENTS), "What its bodies are; `json` without this key."),
        Key::new("ids", &PATTERNS, "Where ids stand: new in every delivery."),
        Key::new("times", &PATTERNS, "Where times stand: the newest becomes now, the others keep their distance to it."),
        Key::new(
            "personal",
            &PERSONAL,
            "Where values of persons stand: made up anew for every delivery, and no telemetry may show them.",
        ),
        Key::new(
            "headers",
            &HEADERS,
            "Headers beside the signature's; `${id}`, `${timestamp}` and `${secret.NAME}` stand for values.",
        ),
        Key::new("event_header", &Shape::Format(&HEADER), "The header that names the event; each fixture says what is in it."),
        Key::new("signature", &Shape::Object(&SIGNATURE), "How it signs; without this key it does not."),
    ],
    groups: &[],
    later: &[],
};

static SIGNATURE: Object = Object {
    name: "signature",
    doc: "An HMAC over a text, in a header.",
    keys: &[
        Key::required("hmac", &Shape::Word(&HASHES), "The hash."),
        Key::new(
            "signed",
            &Shape::Format(&SIGNED),
            "What is signed, of `${body}`, `${timestamp}`, `${id}`, `${url}` and `${params}` (the fields of a form, sorted); `${body}` without this key.",
        ),
        Key::new("encoding", &Shape::Word(&ENCODINGS), "How the HMAC is written; `hex` without this key."),
        Key::required("header", &Shape::Format(&HEADER), "The header that has it."),
        Key::new(
            "template",
            &Shape::Format(&SIGNATURE_TEMPLATE),
            "What the header holds, such as `sha256=${signature}` or `t=${timestamp},v1=${signature}`; `${signature}` without this key.",
        ),
        Key::required("secret", &Shape::Format(&VARIABLE), "The environment variable of the secret, which both sides share."),
        Key::new("secret_form", &Shape::Word(&SECRET_FORMS), "How the secret is written; `raw` without this key."),
        Key::new(
            "tolerance",
            &Shape::Format(&DURATION),
            "How far the signed time may lie from now, either way; any time is taken without this key.",
        ),
    ],
    groups: &[],
    later: &[],
};
