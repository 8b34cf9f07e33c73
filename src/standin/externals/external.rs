//! A scripted external as data.
//!
//! Made by `runtime` from what a project describes, and carried to the supervisor as JSON; answered from by `answering`.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};

use crate::support::{millis, path_pattern::PathPattern};

/// A service that is called, and what it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// What it goes by: the path prefix, and the name in `given:`.
    pub name: String,
    /// Its answers; the first that fits is given.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// How long it takes to answer, in milliseconds on the wire.
    #[serde(default, with = "millis")]
    pub latency: Duration,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The method it is for, in capitals; `None` for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path it is for, without the prefix; `None` for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathPattern>,
    /// Its status.
    #[serde(default = "ok")]
    pub status: u16,
    /// Its headers, beside `content-type`, which goes by the body unless it is among them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(default, skip_serializing_if = "AnswerBody::is_empty")]
    pub body: AnswerBody,
    /// How long it takes, where that differs from the external's.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis::option")]
    pub latency: Option<Duration>,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerBody {
    /// None.
    #[default]
    Empty,
    /// A JSON value.
    Json(serde_json::Value),
    /// A text.
    Text(String),
}

impl AnswerBody {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }
}

impl External {
    /// What is wrong with it, in sentences without a full stop; nothing when it can be served.
    pub fn problems(&self) -> Vec<String> {
        let name = &self.name;
        let well_named = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let mut problems = Vec::new();
        // `_devstack` is where externals are told what to do.
        if name.is_empty() || name.starts_with(['_', '.']) || !name.chars().all(well_named) {
            problems.push(format!(
                "`{name}` is no name of an external: letters, digits, `-`, `_` and `.`, the first a letter, a digit or `-`"
            ));
        }
        for answer in &self.answers {
            problems.extend(answer.problems().into_iter().map(|problem| format!("`{name}`, the answer to {answer}: {problem}")));
        }
        problems
    }
}

impl Answer {
    /// The requests it is for, for people: `POST /v1/messages`, `* *`.
    pub(super) fn request(&self) -> String {
        let path = self.path.as_ref().map_or_else(|| "*".to_owned(), ToString::to_string);
        format!("{} {path}", self.method.as_deref().unwrap_or("*"))
    }

    fn problems(&self) -> Vec<String> {
        let method = self.method.as_deref().filter(|method| {
            Method::from_bytes(method.as_bytes()).is_err() || method.chars().any(|letter| letter.is_ascii_lowercase())
        });
        let method = method.map(|method| format!("`{method}` is no HTTP method in capitals"));
        let status =
            (!(200..=599).contains(&self.status)).then(|| format!("the status `{}` is not one of 200 to 599", self.status));
        let headers = self.headers.iter().filter_map(|(name, value)| {
            let sendable = HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok();
            // Its value may be a secret.
            (!sendable).then(|| format!("the header `{name}` cannot be sent"))
        });
        method.into_iter().chain(status).chain(headers).collect()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.request())
    }
}

fn ok() -> u16 {
    200
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::External;

    #[test]
    fn the_wire_form_comes_back() {
        let wire = json!({
            "name": "crm",
            "answers": [
                {"method": "POST", "path": "/contacts", "status": 201, "body": {"json": {"id": 7}}},
                {"path": "/files/*", "status": 200, "headers": {"etag": "x"}, "body": {"text": "hello"}, "latency": 40},
            ],
            "latency": 20,
        });
        let external: External = serde_json::from_value(wire.clone()).unwrap();
        assert!(external.problems().is_empty());
        assert_eq!(serde_json::to_value(&external).unwrap(), wire);
        let any: External = serde_json::from_value(json!({"name": "crm", "answers": [{"status": 204}]})).unwrap();
        assert_eq!((any.answers[0].path.as_ref(), any.answers[0].to_string().as_str()), (None, "`* *`"));
        assert!(serde_json::from_value::<External>(json!({"name": "crm", "answer": []})).is_err());
        assert!(serde_json::from_value::<External>(json!({"name": "crm", "answers": [{"path": "contacts"}]})).is_err());
    }

    #[test]
    fn everything_wrong_is_said_at_once_and_no_value_of_a_header() {
        let external: External = serde_json::from_value(json!({
            "name": "_crm",
            "answers": [{"method": "post", "path": "/a", "status": 99, "headers": {"x-key": "secret\n", "bad name": ""}}],
        }))
        .unwrap();
        let problems = external.problems();
        assert_eq!(problems.len(), 5, "{problems:#?}");
        assert!(problems.iter().all(|problem| !problem.contains("secret")), "{problems:#?}");
    }
}
