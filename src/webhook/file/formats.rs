//! Forms of text in a provider of one's own: paths into bodies, templates, header names.
//!
//! The tables name them; the decoder parses with the same functions.

use super::super::{
    fields::{Pattern, PatternError},
    template::{Part, Template, TemplateError, Variable},
};
use crate::support::{
    suggest,
    yaml::shape::{Complaint, Format},
};

/// Keys of a fixture's `request` that a provider cannot have for a name.
pub const TAKEN: [&str; 12] =
    ["repeat", "path", "method", "service", "body", "file", "headers", "signature", "ids", "time", "malformed", "traceparent"];

/// The name of a provider.
pub(super) static NAME: Format = Format { what: "a provider's name", pattern: "^[a-z][a-z0-9_-]*$", check: name };

/// A path of a URL.
pub(super) static URL_PATH: Format = Format { what: "a path such as `/hooks/acme`", pattern: r"^/[!-~]*$", check: url_path };

/// Where a value stands in a body.
pub(super) static PATTERN: Format = Format {
    what: "a path such as `$.data.*.id`",
    pattern: r"^[^\[\]]*(\[\*\][^\[\]]*)*$",
    check: |text| pattern(text).map(drop),
};

/// The name of an HTTP header.
pub(super) static HEADER: Format = Format { what: "a header name", pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", check: header_name };

/// The name of an environment variable. What is none may be the secret itself, and a line that is shown would tell it: the decoder
/// refuses it without one.
pub(super) static VARIABLE: Format = Format { what: "a variable", pattern: "^[A-Z_][A-Z0-9_]*$", check: |_| Ok(()) };

/// What is signed.
pub(super) static SIGNED: Format =
    Format { what: "a text such as `${timestamp}.${body}`", pattern: r"\$\{", check: |text| signed(text).map(drop) };

/// What the signature's header holds.
pub(super) static SIGNATURE_TEMPLATE: Format = Format {
    what: "a text such as `t=${timestamp},v1=${signature}`",
    pattern: r"\$\{signature\}",
    check: |text| signature_template(text).map(drop),
};

/// What another header holds.
pub(super) static HEADER_TEMPLATE: Format =
    Format { what: "a text such as `${id}`", pattern: r"^[ -~]+$", check: |text| header_template(text).map(drop) };

/// Parses a path into a body.
pub(super) fn pattern(text: &str) -> Result<Pattern, Complaint> {
    text.parse().map_err(|error| {
        let complaint = Complaint::new(format!("`{text}` is not a path into a body"), format!("{error}"));
        match error {
            PatternError::Empty => complaint.help("write the keys with dots between: `$.data.order_id`"),
            PatternError::Bracket => complaint.help("`$.items[*].id` is the id of every item"),
        }
    })
}

/// Parses what is signed.
pub(super) fn signed(text: &str) -> Result<Template, Complaint> {
    let template = template(text, &["body", "timestamp", "id", "url", "params"])?;
    if template.variables().next().is_none() {
        return Err(Complaint::new("nothing of a delivery is signed", "always the same").help("`${body}` stands for the body"));
    }
    Ok(template)
}

/// Parses what the signature's header holds.
pub(super) fn signature_template(text: &str) -> Result<Template, Complaint> {
    let template = in_header(text, &["signature", "timestamp", "id"])?;
    if !template.has(&Variable::Signature) {
        let complaint = Complaint::new(format!("`{text}` has no `${{signature}}`"), "the signature is missing");
        return Err(complaint.help("write `sha256=${signature}`, or whatever stands around it"));
    }
    let parts = template.parts();
    if parts.windows(2).any(|pair| matches!(pair, [Part::Variable(_), Part::Variable(_)])) {
        return Err(Complaint::new("nothing stands between two values", "nobody can tell where one ends"));
    }
    Ok(template)
}

/// Parses what another header holds.
pub(super) fn header_template(text: &str) -> Result<Template, Complaint> {
    in_header(text, &["id", "timestamp", "secret.NAME"])
}

fn in_header(text: &str, known: &[&'static str]) -> Result<Template, Complaint> {
    if text.is_empty() || text.chars().any(|sign| sign != ' ' && !sign.is_ascii_graphic()) {
        return Err(Complaint::new("a header value is one line of ASCII", "not a header value"));
    }
    template(text, known)
}

/// Parses a template that has no other places than those of `known`.
fn template(text: &str, known: &[&'static str]) -> Result<Template, Complaint> {
    let unknown = |name: &str| {
        let complaint = Complaint::new(format!("`${{{name}}}` stands for nothing here"), "unknown");
        match suggest::nearest(name, known.iter().copied()) {
            Some(near) => Complaint { label: format!("did you mean `${{{near}}}`?"), ..complaint },
            None => complaint.help(format!("known here: {}", names(known))),
        }
    };
    let template: Template = text.parse().map_err(|error| match error {
        TemplateError::Open => Complaint::new("`${` is not closed", "`}` is missing"),
        TemplateError::Unknown { name } => unknown(&name),
    })?;
    let fits = |variable: &Variable| match variable {
        Variable::Secret(_) => known.contains(&"secret.NAME"),
        other => known.contains(&other.to_string().as_str()),
    };
    let strange = template.variables().find(|variable| !fits(variable)).map(ToString::to_string);
    strange.map_or(Ok(template), |name| Err(unknown(&name)))
}

/// Names of places for a message.
fn names(known: &[&'static str]) -> String {
    known.iter().map(|name| format!("`${{{name}}}`")).collect::<Vec<_>>().join(", ")
}

fn name(text: &str) -> Result<(), Complaint> {
    let complaint = |label: &str| Complaint::new(format!("`{text}` is not a provider's name"), label);
    if TAKEN.contains(&text) {
        return Err(complaint("taken").help(format!("`{text}` means something else in a fixture's `request`")));
    }
    let first = text.starts_with(|sign: char| sign.is_ascii_lowercase());
    if first && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')) {
        return Ok(());
    }
    Err(complaint("not a name").help("small letters, digits, `_` and `-`, the first a letter"))
}

fn url_path(text: &str) -> Result<(), Complaint> {
    let complaint = |label: &str| Err(Complaint::new(format!("`{text}` is not a path"), label));
    if !text.starts_with('/') {
        return complaint("begins without `/`");
    }
    if text.contains(['#', '{', '}']) || text.parse::<http::uri::PathAndQuery>().is_err() {
        return complaint("has a character that must be escaped");
    }
    Ok(())
}

fn header_name(text: &str) -> Result<(), Complaint> {
    match http::HeaderName::from_bytes(text.as_bytes()) {
        Ok(_) => Ok(()),
        Err(_) => Err(Complaint::new(format!("`{text}` is not a header name"), "not a header name")),
    }
}

/// Whether it is the name of an environment variable as they are usually written, which no secret looks like.
pub(super) fn is_variable(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|sign: char| sign.is_ascii_digit())
        && text.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
}
