//! Asks a backend's ledger (`model::arrival` documents the paths).

use std::time::Duration;

use reqwest::{Client, Url};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    ClientError,
    http::{json, send, successful, under},
};
use crate::model::{
    LedgerView, TraceId,
    arrival::{CorrelatedTraces, LEDGER_PATH, LONGEST_WAIT_MS, SenderList, SeriesList},
};

/// Reads a ledger over HTTP.
#[derive(Debug, Clone)]
pub struct LedgerClient {
    http: Client,
    base: String,
}

impl LedgerClient {
    /// A reader of the ledger at `base`, the address of a backend's API such as `http://127.0.0.1:3200`.
    pub fn new(http: Client, base: impl Into<String>) -> Self {
        Self { http, base: base.into() }
    }

    /// Everything held of a trace, now.
    pub async fn view(&self, trace: TraceId) -> Result<LedgerView, ClientError> {
        self.wait_for_change(trace, 0, Duration::ZERO).await
    }

    /// Everything held of a trace, as soon as its version is above `after`, or as it is when `wait` is over. The ledger honours
    /// at most [`LONGEST_WAIT_MS`]: look at the version and ask again.
    pub async fn wait_for_change(&self, trace: TraceId, after: u64, wait: Duration) -> Result<LedgerView, ClientError> {
        let wait = honoured(wait);
        self.ask(&format!("/{trace}"), &[("after", after), ("wait_ms", millis(wait))], wait).await
    }

    /// The traces that carry a correlation id, as soon as there are more than `after`, or as they are when `wait` is over.
    pub async fn correlated(&self, correlation: &str, after: usize, wait: Duration) -> Result<CorrelatedTraces, ClientError> {
        let wait = honoured(wait);
        let query =
            [("correlation_id", correlation.to_owned()), ("after", after.to_string()), ("wait_ms", millis(wait).to_string())];
        self.ask("", &query, wait).await
    }

    /// The traces whose id begins with these hex digits, at most [`LONGEST_LIST`](crate::model::arrival::LONGEST_LIST) of them.
    pub async fn beginning_with(&self, prefix: &str) -> Result<CorrelatedTraces, ClientError> {
        self.ask("/traces", &[("prefix", prefix)], Duration::ZERO).await
    }

    /// The traces whose first span arrived at or after `since_ns` of the ledger's clock, at most
    /// [`MOST_BEGUN`](crate::model::arrival::MOST_BEGUN) of them, the newest.
    pub async fn begun_since(&self, since_ns: u64) -> Result<CorrelatedTraces, ClientError> {
        self.ask("/begun", &[("since_ns", since_ns)], Duration::ZERO).await
    }

    /// The traces that came last, oldest first, at most so many and [`MOST_RECENT`](crate::model::arrival::MOST_RECENT).
    pub async fn recent(&self, most: usize) -> Result<CorrelatedTraces, ClientError> {
        self.ask("/recent", &[("most", most)], Duration::ZERO).await
    }

    /// Who sends what the ledger holds.
    pub async fn senders(&self) -> Result<SenderList, ClientError> {
        self.ask("/senders", &[] as &[(&str, &str)], Duration::ZERO).await
    }

    /// The last point of every series, or of those with this name.
    pub async fn metrics(&self, name: Option<&str>) -> Result<SeriesList, ClientError> {
        self.ask("/metrics", &name.map(|name| ("name", name)).into_iter().collect::<Vec<_>>(), Duration::ZERO).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &(impl Serialize + ?Sized),
        held: Duration,
    ) -> Result<T, ClientError> {
        let url: Url = under(&self.base, &format!("{LEDGER_PATH}{path}"))?;
        let response = send(self.http.get(url.clone()).query(query), &url, held).await?;
        json(successful(response, &url).await?, &url).await
    }
}

fn honoured(wait: Duration) -> Duration {
    wait.min(Duration::from_millis(LONGEST_WAIT_MS))
}

fn millis(wait: Duration) -> u64 {
    wait.as_millis() as u64
}
