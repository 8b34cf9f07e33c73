//! Asks Jaeger 2 for a trace by its id, through its API of version 3.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::Value as Json;

use super::{
    ClientError,
    endpoint::Endpoint,
    http::{json, refused, shape, successful},
};
use crate::model::{Trace, TraceId, jaeger};

/// Reads Jaeger's API.
#[derive(Debug, Clone)]
pub(super) struct JaegerClient {
    at: Endpoint,
}

impl JaegerClient {
    pub(super) fn at(at: Endpoint) -> Self {
        Self { at }
    }

    /// The trace as it was sent; empty when there is none.
    pub(super) async fn trace(&self, id: TraceId) -> Result<Trace, ClientError> {
        // Raw: else Jaeger guesses at clock skew, and its store in memory keeps the guess with the trace.
        let raw = [("raw_traces", "true")];
        let (response, url) = self.at.get(&format!("/api/v3/traces/{id}"), |request| request.query(&raw)).await?;
        if response.status() == StatusCode::NOT_FOUND {
            let body = response.text().await.unwrap_or_default();
            // A path that is not Jaeger's is not found either, and that says nothing of the trace.
            return if is_no_trace(&body) { Ok(Trace::default()) } else { Err(refused(StatusCode::NOT_FOUND, &body, &url)) };
        }
        let answer: Json = json(successful(response, &url).await?, &url).await?;
        let spans = jaeger::spans_in(&answer).map_err(|error| shape(&url, &error))?;
        Ok(Trace::new(spans.into_iter().map(Arc::new)))
    }
}

/// `{"error":{"httpCode":404,"message":"No traces found"}}`
fn is_no_trace(body: &str) -> bool {
    serde_json::from_str::<Json>(body).is_ok_and(|body| body["error"]["httpCode"] == 404)
}
