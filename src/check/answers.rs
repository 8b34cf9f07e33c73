//! What a service answered against what the fixture expects of the answer.
//!
//! Fed by `drive` once all steps are sent, so that captured values can be put in.

use http::HeaderMap;
use serde_json::Value as Json;

use super::{
    findings::{finding, source_span},
    outcome::Finding,
};
use crate::{
    expect::{
        Place, Predicate,
        predicate::{describe_actual, describe_expected},
    },
    fixture::Step,
    model::Value,
    replay::{Answer, Captures},
};

/// How much of an answer's body a finding quotes, in characters.
const QUOTED: usize = 200;

/// Everything that is wrong with one answer.
pub(super) fn check_answer(file: &str, step: &Step, answer: &Answer, captures: &Captures) -> Vec<Finding> {
    let Some(expected) = &step.response else { return Vec::new() };
    let mut findings = Vec::new();
    let mut check = |what: &str, predicate: &Predicate, actual: Option<&Value>, place: Place| {
        let predicate = predicate.resolved(&|text| captures.resolve(text));
        if !predicate.accepts(actual) {
            findings.push(wrong(file, place, what, &predicate, actual, answer));
        }
    };
    if let Some((status, place)) = &expected.status {
        check("status", status, Some(&Value::Int(i64::from(answer.status.as_u16()))), *place);
    }
    for header in &expected.headers {
        let value = header_value(&answer.headers, &header.key);
        check(&format!("header `{}`", header.key), &header.predicate, value.as_ref(), header.place);
    }
    if !expected.json.is_empty() {
        let body: Option<Json> = serde_json::from_slice(&answer.body).ok();
        for wanted in &expected.json {
            let value = body.as_ref().and_then(|body| wanted.path.query(body).first().map(value_of));
            check(&format!("`{}`", wanted.text), &wanted.predicate, value.as_ref(), wanted.place);
        }
    }
    if let Some((body, place)) = &expected.body {
        check("body", body, Some(&Value::String(String::from_utf8_lossy(&answer.body).into_owned())), *place);
    }
    findings
}

fn wrong(file: &str, place: Place, what: &str, expected: &Predicate, actual: Option<&Value>, answer: &Answer) -> Finding {
    let (wanted, got) = (describe_expected(expected, actual), describe_actual(expected, actual));
    let headline = if what == "status" {
        match redirected_to(answer) {
            Some(place) => format!("the service answered {got} to `{place}`, expected {wanted}: redirects are not followed."),
            None => format!("the service answered {got}, expected {wanted}."),
        }
    } else {
        format!("{what} of the answer is {}, expected {wanted}.", cut(&got))
    };
    let mut finding = finding("expect.response", headline);
    finding.at = Some(source_span(file, place));
    finding.label = format!("the answer says {}", cut(&got));
    if what == "status" && !answer.body.is_empty() {
        finding.details.push(format!("It said: {}", cut(String::from_utf8_lossy(&answer.body).trim())));
    }
    finding
}

/// Where a redirect leads, without its query, in which there may be a token.
fn redirected_to(answer: &Answer) -> Option<&str> {
    let location = answer.headers.get(http::header::LOCATION).filter(|_| answer.status.is_redirection())?;
    Some(location.to_str().ok()?.split(['?', '#']).next().unwrap_or_default())
}

fn header_value(headers: &HeaderMap, name: &str) -> Option<Value> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(Value::from)
}

/// JSON as an attribute value, so that one set of predicates serves both.
fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Empty,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Double(number.as_f64().unwrap_or_default()), Value::Int),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(value_of).collect()),
        Json::Object(fields) => Value::Map(fields.iter().map(|(key, value)| (key.clone(), value_of(value))).collect()),
    }
}

fn cut(text: &str) -> String {
    let mut letters = text.chars();
    let short: String = letters.by_ref().take(QUOTED).collect();
    if letters.next().is_some() { format!("{short}…") } else { short }
}
