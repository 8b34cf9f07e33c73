//! Asks the stand-in of the Trigger.dev API what was handed to it (`model::enqueued` documents the path).

use std::time::Duration;

use reqwest::Client;

use super::{
    ClientError,
    http::{json, send, successful, under},
};
use crate::model::{EnqueuedRuns, TraceId, enqueued::ENQUEUED_PATH};

/// Reads what was enqueued, over HTTP.
#[derive(Debug, Clone)]
pub struct EnqueuedClient {
    http: Client,
    base: String,
}

impl EnqueuedClient {
    /// A reader of the stand-in at `base`, such as `http://127.0.0.1:3030`.
    pub fn new(http: Client, base: impl Into<String>) -> Self {
        Self { http, base: base.into() }
    }

    /// The calls whose payload or request belongs to a trace.
    pub async fn of_trace(&self, trace: TraceId) -> Result<EnqueuedRuns, ClientError> {
        self.ask(&[("trace", trace.to_string())]).await
    }

    /// The calls with a correlation id.
    pub async fn correlated(&self, correlation: &str) -> Result<EnqueuedRuns, ClientError> {
        self.ask(&[("correlation", correlation.to_owned())]).await
    }

    /// The calls accepted at this time or later, in nanoseconds since the Unix epoch.
    pub async fn since(&self, unix_nanos: u64) -> Result<EnqueuedRuns, ClientError> {
        self.ask(&[("since", unix_nanos.to_string())]).await
    }

    async fn ask(&self, query: &[(&str, String)]) -> Result<EnqueuedRuns, ClientError> {
        let url = under(&self.base, ENQUEUED_PATH)?;
        let response = send(self.http.get(url.clone()).query(query), &url, Duration::ZERO).await?;
        json(successful(response, &url).await?, &url).await
    }
}
