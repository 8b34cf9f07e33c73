//! Asks a service whether it is done with a trace (`support::work` documents the path and the answer).

use std::time::Duration;

use reqwest::Client;

use super::{
    ClientError,
    http::{bytes, send, under},
};
use crate::{
    model::{SpanId, TraceId},
    support::work::{LONGEST_WAIT_MS, PATH, WorkReport},
};

/// Asks services for their work.
#[derive(Debug, Clone)]
pub struct WorkClient {
    http: Client,
}

/// What a service is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// One trace.
    Trace(TraceId),
    /// All traces of a correlation id.
    Correlation(String),
    /// A trace and all traces of a correlation id, summed: what one case caused, in whichever trace it went on.
    Case(TraceId, String),
}

/// What a service answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkAnswer {
    /// It counts its work, and this is the count.
    Report(WorkReport),
    /// It does not report its work; nothing is known of it.
    Unsupported,
}

impl WorkClient {
    /// Asks with this client.
    pub fn new(http: Client) -> Self {
        Self { http }
    }

    /// The work report of the service at `base`, as soon as it is idle for what was asked, or as it is when `wait` is over. A
    /// service honours at most [`LONGEST_WAIT_MS`].
    pub async fn ask(&self, base: &str, asked: &Asked, wait: Duration) -> Result<WorkAnswer, ClientError> {
        let wait = wait.min(Duration::from_millis(LONGEST_WAIT_MS));
        let mut question = match asked {
            Asked::Trace(trace) => vec![("trace_id", trace.to_string())],
            Asked::Correlation(text) => vec![("correlation_id", text.clone())],
            Asked::Case(trace, text) => vec![("trace_id", trace.to_string()), ("correlation_id", text.clone())],
        };
        question.push(("wait_ms", wait.as_millis().to_string()));
        let url = under(base, PATH)?;
        // Not sampled: a service of somebody else must not begin a trace for a question it does not know.
        let unsampled = format!("00-{}-{}-00", TraceId::random(), SpanId::random());
        let request = self.http.get(url.clone()).query(&question).header("traceparent", unsampled);
        let response = send(request, &url, wait).await?;
        if !response.status().is_success() {
            return Ok(WorkAnswer::Unsupported);
        }
        // There are services that answer any path with a page.
        let report = serde_json::from_slice(&bytes(response, &url).await?);
        Ok(report.map_or(WorkAnswer::Unsupported, WorkAnswer::Report))
    }
}
