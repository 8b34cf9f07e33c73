//! Asks Tempo, or what speaks its API, for a trace by its id.

use std::sync::Arc;

use prost::Message;
use reqwest::{Client, StatusCode, header};

use super::{
    ClientError,
    endpoint::Endpoint,
    http::{bytes, json, shape, successful},
};
use crate::model::{
    Trace, TraceId,
    otlp::{BadSpan, spans_of},
    tempo::TraceById,
};

/// How the answer is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wire {
    /// `application/protobuf`, as Grafana asks.
    #[default]
    Protobuf,
    /// `application/json`
    Json,
}

/// Reads Tempo's API.
#[derive(Debug, Clone)]
pub struct TempoClient {
    at: Endpoint,
}

impl TempoClient {
    /// A reader of the API at `base`, such as `http://127.0.0.1:3200`.
    pub fn new(http: Client, base: impl Into<String>) -> Self {
        Self { at: Endpoint::plain(http, base) }
    }

    /// A reader of the API at an address with all that it needs.
    pub(super) fn at(at: Endpoint) -> Self {
        Self { at }
    }

    /// The trace as it is stored; empty when there is none.
    pub async fn trace(&self, id: TraceId, wire: Wire) -> Result<Trace, ClientError> {
        let accept = match wire {
            Wire::Protobuf => "application/protobuf",
            Wire::Json => "application/json",
        };
        let path = format!("/api/v2/traces/{id}");
        let (response, url) = self.at.get(&path, |request| request.header(header::ACCEPT, accept)).await?;
        // The second version of the API says "none" with an empty trace; older Tempos with a status and no words.
        if response.status() == StatusCode::NOT_FOUND && response.content_length() == Some(0) {
            return Ok(Trace::default());
        }
        let response = successful(response, &url).await?;
        let answer = match wire {
            Wire::Protobuf => TraceById::decode(bytes(response, &url).await?.as_slice()).map_err(|error| shape(&url, &error))?,
            Wire::Json => TraceById::from_json(&json(response, &url).await?).map_err(|error| shape(&url, &error))?,
        };
        trace_of(answer).map_err(|bad| shape(&url, &bad))
    }
}

fn trace_of(answer: TraceById) -> Result<Trace, BadSpan> {
    let (spans, bad) = spans_of(answer.trace.unwrap_or_default().resource_spans);
    match bad.into_iter().next() {
        Some(bad) => Err(bad),
        None => Ok(Trace::new(spans.into_iter().map(Arc::new))),
    }
}
