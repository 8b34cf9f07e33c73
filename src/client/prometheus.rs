//! Asks Prometheus, or what speaks its API, for values and series.
//!
//! The canary of `runtime` reads its gauge back through it.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    ClientError,
    endpoint::Endpoint,
    http::{refused, shape, successful, told},
};
use crate::support::address::Address;

/// A series with the value that it has at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels, `__name__` among them.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
    /// The moment, in seconds since the Unix epoch.
    pub at: f64,
}

/// Reads Prometheus' API.
#[derive(Debug, Clone)]
pub struct PrometheusClient {
    at: Endpoint,
}

/// The envelope of every answer; where `status` is `error`, the last field says why.
#[derive(Deserialize)]
struct Answer<T> {
    status: String,
    #[serde(default = "Option::default")]
    data: Option<T>,
    #[serde(default, rename = "errorType")]
    kind: String,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Found {
    Vector(Vec<Vector>),
    Scalar((f64, String)),
}

#[derive(Deserialize)]
struct Vector {
    metric: BTreeMap<String, String>,
    /// Missing for a native histogram, which is no single number.
    value: Option<(f64, String)>,
}

impl PrometheusClient {
    /// A reader of this address.
    pub fn new(at: &Address) -> Result<Self, ClientError> {
        Endpoint::new(at).map(|at| Self { at })
    }

    /// Whether it is ready to answer. What speaks the API and has no `/-/ready` (Mimir) is asked for a constant instead.
    pub async fn ready(&self) -> Result<(), ClientError> {
        let (response, url) = self.at.get("/-/ready", |request| request).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return self.query("vector(1)", None).await.map(drop);
        }
        successful(response, &url).await.map(drop).map_err(|error| self.at.discreet(error))
    }

    /// The value of a `PromQL` expression at a moment (seconds since the Unix epoch), or now: a sample a series, one without labels for a
    /// scalar. Native histograms are left out.
    pub async fn query(&self, expression: &str, at: Option<f64>) -> Result<Vec<Sample>, ClientError> {
        let mut question = vec![("query", expression.to_owned())];
        question.extend(at.map(|at| ("time", at.to_string())));
        let found = match self.ask("/api/v1/query", &question).await? {
            Found::Vector(found) => found,
            Found::Scalar(value) => vec![Vector { metric: BTreeMap::new(), value: Some(value) }],
        };
        let sample = |found: Vector| {
            let (at, value) = found.value?;
            // Go's `NaN`, `+Inf` and `-Inf` are Rust's as well.
            Some(Sample { labels: found.metric, value: value.parse().ok()?, at })
        };
        Ok(found.into_iter().filter_map(sample).collect())
    }

    /// The labels of every series that one of these selectors matches.
    pub async fn series(&self, selectors: &[&str]) -> Result<Vec<BTreeMap<String, String>>, ClientError> {
        let question: Vec<_> = selectors.iter().map(|selector| ("match[]", (*selector).to_owned())).collect();
        self.ask("/api/v1/series", &question).await
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, question: &[(&str, String)]) -> Result<T, ClientError> {
        self.answer(path, question).await.map_err(|error| self.at.discreet(error))
    }

    async fn answer<T: DeserializeOwned>(&self, path: &str, question: &[(&str, String)]) -> Result<T, ClientError> {
        let (response, url) = self.at.get(path, |request| request.query(question)).await?;
        let status = response.status();
        let body = super::http::bytes(response, &url).await?;
        match serde_json::from_slice::<Answer<T>>(&body) {
            Ok(Answer { status, data: Some(data), .. }) if status == "success" => Ok(data),
            Ok(Answer { status, kind, error, .. }) if status == "error" => {
                Err(ClientError::Refused { url: told(&url), words: format!("{kind}: {error}") })
            }
            Ok(_) => Err(shape(&url, &"it has no `data`")),
            Err(_) if !status.is_success() => Err(refused(status, &String::from_utf8_lossy(&body), &url)),
            Err(error) => Err(shape(&url, &error)),
        }
    }
}
