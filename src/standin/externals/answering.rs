//! What externals answer when no script says otherwise: from data, or from code where the answer depends on what was sent.
//!
//! Asked by `server`; [`Catalogue`] answers from [`External`]s, `demo` has an implementation of its own.

use std::{collections::BTreeSet, fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;

use super::external::{Answer, AnswerBody, External};
use crate::standin::StandInError;

/// A call of an external.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Its name.
    pub external: &'a str,
    /// The method.
    pub method: &'a Method,
    /// The path, without the prefix.
    pub path: &'a str,
    /// The body as JSON; null where it is none.
    pub body: &'a Value,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers beside those of the body.
    pub headers: HeaderMap,
    /// Body.
    pub body: ReplyBody,
    /// How long it takes, on the externals' clock.
    pub latency: Duration,
}

/// The body of a [`Reply`].
pub type ReplyBody = AnswerBody;

/// The normal answers of some externals.
pub trait Answering: fmt::Debug + Send + Sync + 'static {
    /// Their names.
    fn names(&self) -> Vec<&str>;

    /// The answer to a call; `None` for what the external does not have.
    fn answer(&self, request: Request<'_>) -> Option<Reply>;

    /// What an external has, to be listed for whoever asked for something else: `POST /v1/messages`.
    fn known(&self, external: &str) -> Vec<String>;
}

/// Externals that answer from data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue(Vec<External>);

impl Reply {
    /// A JSON answer, at once.
    pub fn json(status: StatusCode, body: Value) -> Self {
        Self { status, headers: HeaderMap::new(), body: AnswerBody::Json(body), latency: Duration::ZERO }
    }
}

impl Catalogue {
    /// These externals.
    ///
    /// # Errors
    /// Everything that keeps one of them from being served, together.
    pub fn new(externals: Vec<External>) -> Result<Self, StandInError> {
        let mut problems: Vec<_> = externals.iter().flat_map(External::problems).collect();
        let mut names = BTreeSet::new();
        let twice = externals.iter().filter(|external| !names.insert(external.name.as_str()));
        problems.extend(twice.map(|external| format!("there are two externals `{}`", external.name)));
        if problems.is_empty() { Ok(Self(externals)) } else { Err(StandInError::Externals { problems }) }
    }

    fn external(&self, name: &str) -> Option<&External> {
        self.0.iter().find(|external| external.name == name)
    }
}

impl Answering for Catalogue {
    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|external| external.name.as_str()).collect()
    }

    fn answer(&self, request: Request<'_>) -> Option<Reply> {
        let external = self.external(request.external)?;
        let fits = |answer: &&Answer| {
            answer.path.as_ref().is_none_or(|path| path.matches(request.path))
                && answer.method.as_deref().is_none_or(|method| method == request.method.as_str())
        };
        let answer = external.answers.iter().find(fits)?;
        let header =
            |(name, value): (&String, &String)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?));
        Some(Reply {
            status: StatusCode::from_u16(answer.status).ok()?,
            headers: answer.headers.iter().filter_map(header).collect(),
            body: answer.body.clone(),
            latency: answer.latency.unwrap_or(external.latency),
        })
    }

    fn known(&self, external: &str) -> Vec<String> {
        self.external(external).into_iter().flat_map(|external| &external.answers).map(Answer::request).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn external(wire: Value) -> External {
        serde_json::from_value(wire).unwrap()
    }

    fn asked(catalogue: &Catalogue, method: &Method, path: &str) -> Option<(u16, AnswerBody, u64)> {
        let reply = catalogue.answer(Request { external: "crm", method, path, body: &Value::Null })?;
        Some((reply.status.as_u16(), reply.body, reply.latency.as_millis() as u64))
    }

    #[test]
    fn the_first_answer_that_fits_is_given() {
        let catalogue = Catalogue::new(vec![external(json!({
            "name": "crm",
            "latency": 20,
            "answers": [
                {"method": "GET", "path": "/contacts/7", "body": {"json": "seven"}},
                {"method": "GET", "path": "/contacts/{id}", "body": {"text": "any"}, "latency": 5},
                {"path": "/contacts", "status": 204},
                {"method": "PATCH", "status": 202},
            ],
        }))])
        .unwrap();
        assert_eq!(asked(&catalogue, &Method::GET, "contacts/7"), Some((200, AnswerBody::Json(json!("seven")), 20)));
        assert_eq!(asked(&catalogue, &Method::GET, "contacts/8"), Some((200, AnswerBody::Text("any".to_owned()), 5)));
        assert_eq!(asked(&catalogue, &Method::PUT, "contacts"), Some((204, AnswerBody::Empty, 20)));
        assert_eq!(asked(&catalogue, &Method::PATCH, "/anything/at/all"), Some((202, AnswerBody::Empty, 20)));
        assert_eq!(asked(&catalogue, &Method::POST, "contacts/7"), None);
        assert_eq!(catalogue.known("crm"), ["GET /contacts/7", "GET /contacts/{id}", "* /contacts", "PATCH *"]);
        let stranger = Request { external: "other", method: &Method::GET, path: "contacts/7", body: &Value::Null };
        assert_eq!(catalogue.answer(stranger), None);
    }

    #[test]
    fn all_externals_are_checked_together() {
        let crm = external(json!({"name": "crm"}));
        let error = Catalogue::new(vec![crm.clone(), external(json!({"name": "a b"})), crm]).unwrap_err().to_string();
        assert!(error.contains("`a b`") && error.contains("two externals `crm`"), "{error}");
    }
}
