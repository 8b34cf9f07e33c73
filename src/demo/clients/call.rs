//! One call to an external service: breaker, tries, back-off, and a CLIENT span per try.
//!
//! Used by the clients beside it. What is retried is what the real clients retry (`medicalcor.md` 3.4): 429, honouring `Retry-After`,
//! 502 and 503. Any other answer, a time-out or a broken connection ends the call; the run's own attempts come on top.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method, StatusCode, header::RETRY_AFTER};
use opentelemetry::trace::TraceContextExt as _;
use serde_json::Value;

use super::breaker::{Breaker, Permit};
use crate::{
    demo::{
        faults::{Fault, Faults},
        metrics::Metrics,
    },
    support::clock::{Stopwatch, TimerClock},
    telemetry::{
        Outcome, Span, Telemetry, Tracer,
        attributes::{ERROR_TYPE, HTTP_STATUS_CODE, HUBSPOT_OPERATION},
        end_span, inject_trace_context,
    },
};

/// Calls of one request at most: the first and three retries.
const MOST_TRIES: u32 = 4;
/// First back-off; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Longest back-off.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// Least true time a request gets, however far the clock is scaled down: a busy machine is no outage.
const LEAST_TIMEOUT: Duration = Duration::from_secs(1);
/// How late [`Fault::LateSpan`] makes a span.
const LATE_BY: Duration = Duration::from_secs(2);

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// The breaker is open: nothing was sent.
    #[error("circuit breaker `{service}` is open")]
    CircuitOpen {
        /// Which service.
        service: &'static str,
    },
    /// The service answered with an error.
    #[error("{service} answered {status}")]
    Status {
        /// Which service.
        service: &'static str,
        /// Its last answer.
        status: StatusCode,
    },
    /// The service did not answer.
    #[error("{service} did not answer")]
    Unreachable {
        /// Which service.
        service: &'static str,
        /// Why; without the address.
        source: reqwest::Error,
    },
    /// The service answered with what is not its API.
    #[error("{service} answered without `{field}`")]
    Answer {
        /// Which service.
        service: &'static str,
        /// What was looked for.
        field: &'static str,
    },
}

/// On whose behalf a call is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) correlation_id: &'a str,
}

/// The client of one external service.
#[derive(Debug)]
pub(crate) struct ExternalClient {
    pub(crate) service: &'static str,
    /// Address with the service's prefix, without a slash at the end.
    pub(crate) base: String,
    pub(crate) timeout: Duration,
    pub(crate) http: reqwest::Client,
    pub(crate) clock: TimerClock,
    pub(crate) breaker: Arc<Breaker>,
    pub(crate) telemetry: Telemetry,
    pub(crate) tracer: Tracer,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) faults: Faults,
}

/// A request to make: `operation` is the word metrics and `medicalcor.hubspot.operation` use for it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

/// What one try brought: an answer to take, an answer to try again after, or none.
enum Try {
    Done(Value),
    Again { status: StatusCode, after: Option<Duration> },
    Failed(ExternalError),
}

impl ExternalError {
    /// Trying again would fail the same way: the request itself was refused.
    pub(crate) fn is_permanent(&self) -> bool {
        matches!(self, Self::Status { status, .. } if is_refusal(*status))
    }

    /// Few words for `error.type`.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::CircuitOpen { .. } => "CircuitBreakerError",
            Self::Unreachable { source, .. } if source.is_timeout() => "TimeoutError",
            Self::Status { status: StatusCode::TOO_MANY_REQUESTS, .. } => "RateLimitError",
            _ => "ExternalServiceError",
        }
    }
}

impl ExternalClient {
    /// Makes the request and returns the JSON of its answer; `observe` sees the answer while its span is open.
    pub(crate) async fn send(
        &self,
        caller: Caller<'_>,
        request: Request,
        observe: impl Fn(&Span, &Value),
    ) -> Result<Value, ExternalError> {
        let permit = self.breaker.enter().ok_or(ExternalError::CircuitOpen { service: self.service })?;
        let result = self.try_until_done(caller, &request, observe).await;
        settle(permit, &result);
        if let Err(error) = &result {
            self.metrics.error("external", error.class());
        }
        result
    }

    async fn try_until_done(
        &self,
        caller: Caller<'_>,
        request: &Request,
        observe: impl Fn(&Span, &Value),
    ) -> Result<Value, ExternalError> {
        let mut backoff = FIRST_BACKOFF;
        for left in (0..MOST_TRIES).rev() {
            match self.try_once(caller, request, &observe).await {
                Try::Done(answer) => return Ok(answer),
                Try::Failed(error) => return Err(error),
                Try::Again { status, .. } if left == 0 => return Err(ExternalError::Status { service: self.service, status }),
                Try::Again { after, .. } => self.clock.wait(after.unwrap_or(backoff)).await,
            }
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
        }
        unreachable!("the last try returns")
    }

    async fn try_once(&self, caller: Caller<'_>, request: &Request, observe: &impl Fn(&Span, &Value)) -> Try {
        let span = self.start_span(request);
        let watch = Stopwatch::start();
        let answer = span.run(self.exchange(caller, request, &span)).await;
        let succeeded = matches!(&answer, Ok((status, ..)) if status.is_success());
        self.metrics.external(self.service, request.operation, succeeded, watch.elapsed());
        let outcome = self.judge(&span, answer, observe);
        if self.faults.has(Fault::DuplicateSpan) && self.service == "hubspot" {
            end_span(&self.start_span(request), Outcome::Ok);
        }
        outcome
    }

    /// Reads the answer into the span and ends it.
    fn judge(
        &self,
        span: &Span,
        answer: Result<(StatusCode, HeaderMap, Value), reqwest::Error>,
        observe: &impl Fn(&Span, &Value),
    ) -> Try {
        let (status, headers, body) = match answer {
            Ok(answer) => answer,
            Err(source) => {
                let error = ExternalError::Unreachable { service: self.service, source: source.without_url() };
                span.record_error_as(error.class(), &error);
                span.end();
                return Try::Failed(error);
            }
        };
        span.set(HTTP_STATUS_CODE, i64::from(status.as_u16()));
        if status.is_success() {
            observe(span, &body);
            span.set_outcome(Outcome::Ok);
            self.end(span);
            return Try::Done(body);
        }
        span.set(ERROR_TYPE, status.as_str().to_owned());
        end_span(span, Outcome::error(format!("HTTP {}", status.as_u16())));
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => {
                Try::Again { status, after: retry_after(&headers) }
            }
            _ => Try::Failed(ExternalError::Status { service: self.service, status }),
        }
    }

    async fn exchange(
        &self,
        caller: Caller<'_>,
        request: &Request,
        span: &Span,
    ) -> Result<(StatusCode, HeaderMap, Value), reqwest::Error> {
        let mut headers = HeaderMap::new();
        inject_trace_context(span.context(), Some(caller.correlation_id), &mut headers);
        let timeout = self.clock.real(self.timeout).max(LEAST_TIMEOUT);
        let url = format!("{}{}", self.base, request.path);
        let mut call = self.http.request(request.method.clone(), url).headers(headers).timeout(timeout);
        if let Some(body) = &request.body {
            call = call.json(body);
        }
        let answer = call.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.bytes().await?;
        Ok((status, headers, serde_json::from_slice(&text).unwrap_or(Value::Null)))
    }

    fn start_span(&self, request: &Request) -> Span {
        let operation = (self.service == "hubspot").then_some(request.operation);
        self.tracer.client(request.method.as_str(), &request.path, self.service).with_some(HUBSPOT_OPERATION, operation).start()
    }

    /// Ends the span; under [`Fault::LateSpan`] a WhatsApp span is handed over late, its end time being the true one.
    fn end(&self, span: &Span) {
        if self.service != "whatsapp" || !self.faults.has(Fault::LateSpan) {
            span.end();
            return;
        }
        let ended = std::time::UNIX_EPOCH + Duration::from_nanos(crate::support::clock::unix_nanos());
        let late = span.clone();
        self.telemetry.spawn(span.context(), async move {
            TimerClock::default().wait(LATE_BY).await;
            late.context().span().end_with_timestamp(ended);
        });
    }
}

/// Tells the breaker. A request that was refused for its own faults says nothing against the service.
fn settle(permit: Permit<'_>, result: &Result<Value, ExternalError>) {
    match result {
        Err(error) if !error.is_permanent() => permit.failed(),
        _ => permit.succeeded(),
    }
}

fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS
}

/// `Retry-After` in seconds, or the finer `retry-after-ms` that some services add.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("retry-after-ms")
        .map(Duration::from_millis)
        .or_else(|| number(RETRY_AFTER.as_str()).map(Duration::from_secs))
        .map(|wait| wait.min(LONGEST_BACKOFF))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::{ExternalError, retry_after};

    #[test]
    fn the_finer_wait_wins_and_none_is_longer_than_half_a_minute() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert("retry-after", HeaderValue::from_static("2"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(2)));
        headers.insert("retry-after-ms", HeaderValue::from_static("1500"));
        assert_eq!(retry_after(&headers), Some(Duration::from_millis(1500)));
        headers.insert("retry-after-ms", HeaderValue::from_static("3600000"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(30)));
    }

    #[test]
    fn a_refused_request_is_permanent_a_limited_one_is_not() {
        let of = |status| ExternalError::Status { service: "hubspot", status };
        assert!(of(StatusCode::BAD_REQUEST).is_permanent());
        assert!(!of(StatusCode::TOO_MANY_REQUESTS).is_permanent());
        assert!(!of(StatusCode::INTERNAL_SERVER_ERROR).is_permanent());
    }
}
