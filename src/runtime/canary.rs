//! Canaries: one span and one gauge sent through devstack's receiver and read back at the other end. Nothing less shows that telemetry
//! flows: a store can say that it is ready and refuse every write.
//!
//! Sent by the supervisor at the end of `up`; what comes back is told as [`super::UpEvent::Canary`].

use std::{sync::Arc, time::Duration};

use crate::{
    client::{ClientError, OtlpClient, PrometheusClient, StoreAddress, StoreClient, loopback},
    model::{Attributes, OWN_SERVICE, Resource, Scope, Span, SpanId, SpanKind, Status, TraceId},
    support::{address::Address, clock, poll::Poll},
};

/// The name of the gauge, and of what marks the span.
const NAME: &str = "devstack.canary";

/// The gauge's name in `PromQL`.
const METRIC: &str = "devstack_canary";

/// The status of a receiver whose next hop is not there yet.
const NOT_YET: u16 = 503;

/// A canary that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanaryBack {
    /// From the first attempt to send it to its return.
    pub after: Duration,
}

/// A canary that did not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the canary {signal} did not come back: {last_sent}; {last_read}")]
pub struct CanaryError {
    /// `trace` or `metric`.
    pub signal: &'static str,
    /// What was last seen where it is sent: `the receiver answered 200`.
    pub last_sent: String,
    /// What was last seen where it is read: `Tempo has no such trace after 5.0 s`.
    pub last_read: String,
}

/// Sends a span to the receiver at `otlp_http` and waits until the store has it.
pub async fn trace(otlp_http: &str, store: &StoreAddress, deadline: Duration) -> Result<CanaryBack, CanaryError> {
    let failed = |last_sent, last_read| CanaryError { signal: "trace", last_sent, last_read };
    let mut poll = Poll::until(deadline);
    let reader = StoreClient::new(store).map_err(|error| failed(UNSENT.to_owned(), error.to_string()))?;
    let receiver = receiver(otlp_http).map_err(|error| failed(error.to_string(), UNREAD.to_owned()))?;
    let span = [Arc::new(span())];
    let sent = deliver(&mut poll, || receiver.export(&span)).await.map_err(|last| failed(last, UNREAD.to_owned()))?;
    loop {
        let last_read = match reader.trace(span[0].trace_id).await {
            Ok(Some(trace)) if trace.get(span[0].span_id).is_some() => return Ok(CanaryBack { after: poll.elapsed() }),
            Ok(_) => format!("{} has no such trace", store.kind),
            Err(error) => error.to_string(),
        };
        if !poll.again().await {
            return Err(failed(sent, after(&last_read, &poll)));
        }
    }
}

/// Sends a gauge to the receiver at `otlp_http` and waits until Prometheus has it.
pub async fn metric(otlp_http: &str, prometheus: &Address, deadline: Duration) -> Result<CanaryBack, CanaryError> {
    let failed = |last_sent, last_read| CanaryError { signal: "metric", last_sent, last_read };
    let mut poll = Poll::until(deadline);
    let reader = PrometheusClient::new(prometheus).map_err(|error| failed(UNSENT.to_owned(), error.to_string()))?;
    let receiver = receiver(otlp_http).map_err(|error| failed(error.to_string(), UNREAD.to_owned()))?;
    let id = TraceId::random().to_string();
    let labels: Attributes = [("canary", id.as_str())].into_iter().collect();
    let sent = deliver(&mut poll, || receiver.export_gauge(NAME, &labels, 1)).await;
    let sent = sent.map_err(|last| failed(last, UNREAD.to_owned()))?;
    let question = format!("{METRIC}{{canary=\"{id}\"}}");
    loop {
        let last_read = match reader.query(&question, None).await {
            Ok(samples) if !samples.is_empty() => return Ok(CanaryBack { after: poll.elapsed() }),
            Ok(_) => format!("Prometheus has no `{METRIC}` of it"),
            Err(error) => error.to_string(),
        };
        if !poll.again().await {
            return Err(failed(sent, after(&last_read, &poll)));
        }
    }
}

/// Nothing was sent, because what should read it cannot be asked.
const UNSENT: &str = "nothing was sent";

/// Nothing was read, because nothing could be sent.
const UNREAD: &str = "nothing was read back";

fn receiver(otlp_http: &str) -> Result<OtlpClient, ClientError> {
    loopback().map(|http| OtlpClient::new(http, otlp_http))
}

/// Sends until the receiver takes it. What is not there yet is asked again: a receiver that does not listen, one whose next hop does not.
/// Any other answer is final. Says what the receiver answered, or what it said last.
async fn deliver<F>(poll: &mut Poll, send: impl Fn() -> F) -> Result<String, String>
where
    F: Future<Output = Result<(), ClientError>>,
{
    loop {
        let (last, final_answer) = match send().await {
            Ok(()) => return Ok("the receiver answered 200".to_owned()),
            Err(ClientError::Status { status, body, .. }) => {
                (format!("the receiver answered {status}: {body}"), status != NOT_YET)
            }
            Err(error) => (error.to_string(), false),
        };
        if final_answer || !poll.again().await {
            return Err(after(&last, poll));
        }
    }
}

fn after(what: &str, poll: &Poll) -> String {
    format!("{what} after {:.1} s", poll.elapsed().as_secs_f64())
}

fn span() -> Span {
    let now = clock::unix_nanos();
    Span {
        trace_id: TraceId::random(),
        span_id: SpanId::random(),
        parent_id: None,
        trace_state: String::new(),
        flags: 1,
        name: "canary".to_owned(),
        kind: SpanKind::Internal,
        start_ns: now,
        // Some stores take a span without a length for a fault.
        end_ns: now + 1_000,
        attributes: [(NAME, true)].into_iter().collect(),
        events: Vec::new(),
        links: Vec::new(),
        status: Status::default(),
        resource: Arc::new(Resource { attributes: [("service.name", OWN_SERVICE)].into_iter().collect() }),
        scope: Arc::new(Scope::default()),
    }
}
