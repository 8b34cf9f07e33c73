//! A provider of one's own, from the project's file: `providers:` in `devstack.yaml`.
//!
//! The tables say what may stand there, and `support::yaml` checks by them; [`decode`] then takes the parts from the tree and reports
//! what only their meaning shows. What comes out is the same as a built-in provider.

mod formats;
mod tables;

#[cfg(test)]
mod tests;

pub use formats::TAKEN;
pub use tables::{PROVIDER, PROVIDERS};

use http::{HeaderName, Method};

use super::{
    Provider,
    definition::{Content, Definition, Encoding, Hash, SecretForm, Signing, Tolerance},
    fields::{FieldKind, Fields, Pattern},
    template::{Template, Variable},
};
use crate::support::{
    source::{Place, Problem},
    yaml::{Entry, Node, formats::duration},
};

/// The provider under `name`. What does not fit the tables is taken to be reported and is left out here; `None` when the rest makes
/// no provider.
pub fn decode(name: &str, node: &Node, problems: &mut Vec<Problem>) -> Option<Provider> {
    let before = problems.len();
    let content = match node.get("content_type").and_then(Node::text) {
        Some("form") => Content::Form,
        _ => Content::Json,
    };
    let headers = headers(node);
    let fields = fields(node, problems);
    let signing = match node.entry("signature") {
        Some(entry) => Some(signing(entry, content, &headers, problems)?),
        None => None,
    };
    let definition = Definition {
        path: text(node, "path").map(str::to_owned),
        method: text(node, "method").and_then(|method| method.parse().ok()).unwrap_or(Method::POST),
        service: text(node, "service").map(str::to_owned),
        content,
        fields,
        headers: headers.into_iter().map(|header| (header.name, header.template)).collect(),
        event: text(node, "event_header").and_then(|header| header.parse().ok()),
        signing,
        ..Definition::new(name)
    };
    (problems.len() == before).then(|| Provider::new(definition))
}

/// A header beside the signature's.
struct Header {
    name: HeaderName,
    template: Template,
    place: Place,
}

fn headers(node: &Node) -> Vec<Header> {
    let header = |entry: &Entry| {
        let template = formats::header_template(entry.value.text()?).ok()?;
        Some(Header { name: entry.key.parse().ok()?, template, place: entry.key_place })
    };
    node.get("headers").map(Node::entries).unwrap_or_default().iter().filter_map(header).collect()
}

/// The fields of all three keys; a path that is there twice is reported.
fn fields(node: &Node, problems: &mut Vec<Problem>) -> Fields {
    let mut rows: Vec<(Pattern, FieldKind, Place)> = Vec::new();
    for (key, kind) in [("ids", FieldKind::Id), ("times", FieldKind::Time)] {
        let items = node.get(key).map(Node::items).unwrap_or_default().iter();
        rows.extend(items.filter_map(|item| Some((formats::pattern(item.text()?).ok()?, kind, item.place))));
    }
    let personal = node.get("personal").map(Node::entries).unwrap_or_default().iter();
    rows.extend(personal.filter_map(|entry| {
        let kind = match entry.value.text()? {
            "email" => FieldKind::Email,
            "name" => FieldKind::Name,
            "phone" => FieldKind::Phone,
            "text" => FieldKind::Text,
            _ => return None,
        };
        Some((formats::pattern(&entry.key).ok()?, kind, entry.key_place))
    }));
    for (at, (pattern, _, place)) in rows.iter().enumerate() {
        if let Some((_, _, first)) = rows[..at].iter().find(|(earlier, ..)| earlier == pattern) {
            let problem = Problem::at(*place, "conflict", format!("`{pattern}` is there twice"));
            problems.push(problem.label(format!("it is on line {} already", first.line)));
        }
    }
    rows.into_iter().map(|(pattern, kind, _)| (pattern, kind)).collect()
}

fn signing(entry: &Entry, content: Content, headers: &[Header], problems: &mut Vec<Problem>) -> Option<Signing> {
    let node = &entry.value;
    if let Some(secret) =
        node.entry("secret").filter(|secret| secret.value.text().is_some_and(|text| !formats::is_variable(text)))
    {
        let message = format!("`secret` on line {} is not the name of an environment variable", secret.key_place.line);
        let problem = Problem::of_file("bad-value", message);
        problems
            .push(problem.help("name the variable that has the secret, such as `ACME_WEBHOOK_SECRET`; never the secret itself"));
        return None;
    }
    let body = Signing::of_body(text(node, "header")?.parse().ok()?, text(node, "secret")?);
    let template = match text(node, "template") {
        Some(text) => formats::signature_template(text).ok()?,
        None => body.template,
    };
    let signing = Signing {
        hash: match text(node, "hmac")? {
            "sha256" => Hash::Sha256,
            "sha1" => Hash::Sha1,
            _ => return None,
        },
        signed: match text(node, "signed") {
            Some(text) => formats::signed(text).ok()?,
            None => body.signed,
        },
        encoding: if text(node, "encoding") == Some("base64") { Encoding::Base64 } else { Encoding::Hex },
        list: is_list(&template).then_some(','),
        template,
        secret_form: if text(node, "secret_form") == Some("base64") { SecretForm::Base64 } else { SecretForm::Raw },
        tolerance: text(node, "tolerance")
            .and_then(|text| duration(text).ok())
            .map(|either| Tolerance { past: either, future: either }),
        ..body
    };
    untold(entry, &signing, headers, problems);
    if signing.signed.has(&Variable::Params) && content != Content::Form {
        let problem = Problem::at(blame(entry, "signed"), "conflict", "`${params}` are the fields of a form");
        problems.push(problem.label("the bodies are JSON").help("say `content_type: form`, or sign `${body}`"));
    }
    if let Some(header) = headers.iter().find(|header| header.name == signing.header) {
        let problem = Problem::at(header.place, "conflict", format!("`{}` has the signature", header.name));
        problems.push(problem.label("the same header again"));
    }
    Some(signing)
}

/// Whether it is `key=value,key=value`: items that each have one place.
fn is_list(template: &Template) -> bool {
    let items = template.split(',');
    items.len() > 1 && items.iter().all(|item| item.variables().count() == 1)
}

/// What is signed and no header tells, so that no receiver could check it; and a tolerance of no time.
fn untold(entry: &Entry, signing: &Signing, headers: &[Header], problems: &mut Vec<Problem>) {
    let told = |variable: &Variable| signing.template.has(variable) || headers.iter().any(|header| header.template.has(variable));
    for variable in [Variable::Timestamp, Variable::Id] {
        if signing.signed.has(&variable) && !told(&variable) {
            let message = format!("`${{{variable}}}` is signed, and no header tells it");
            let problem = Problem::at(blame(entry, "signed"), "untold", message).label("a receiver cannot check this");
            problems.push(problem.help(format!("put `${{{variable}}}` into `template`, or into one of the `headers`")));
        }
    }
    if signing.tolerance.is_some() && !signing.signed.has(&Variable::Timestamp) {
        let problem = Problem::at(blame(entry, "tolerance"), "conflict", "`tolerance` without a signed time");
        problems.push(problem.label("nothing to hold against now").help("`signed` has no `${timestamp}`"));
    }
}

/// Where a key of `entry` stands, or `entry` itself.
fn blame(entry: &Entry, key: &str) -> Place {
    entry.value.entry(key).map_or(entry.key_place, Entry::blame)
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key).and_then(Node::text)
}
