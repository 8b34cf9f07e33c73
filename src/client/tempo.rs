//! Asks Tempo, or what speaks its API, for a trace by its id.

use std::{sync::Arc, time::Duration};

use prost::Message;
use reqwest::{Client, header};

use super::{
    ClientError,
    http::{bytes, json, send, shape, successful, under},
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
    http: Client,
    base: String,
}

impl TempoClient {
    /// A reader of the API at `base`, such as `http://127.0.0.1:3200`.
    pub fn new(http: Client, base: impl Into<String>) -> Self {
        Self { http, base: base.into() }
    }

    /// The trace as it is stored; empty when there is none.
    pub async fn trace(&self, id: TraceId, wire: Wire) -> Result<Trace, ClientError> {
        let url = under(&self.base, &format!("/api/v2/traces/{id}"))?;
        let accept = match wire {
            Wire::Protobuf => "application/protobuf",
            Wire::Json => "application/json",
        };
        let response = send(self.http.get(url.clone()).header(header::ACCEPT, accept), &url, Duration::ZERO).await?;
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
