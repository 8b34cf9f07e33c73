//! The span handle: active where it is told to be, ended on every path.
//!
//! Made by `tracer`; held by handlers, tasks and the patterns of `patterns`.

use std::borrow::Cow;
use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::{FutureExt as _, SpanId, SpanRef, Status, TraceContextExt, TraceId};
use opentelemetry::{Context, KeyValue, Value};

use super::attributes::{ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_TYPE, HTTP_STATUS_CODE};

/// `error.type` of an error that does not say what it is.
const UNNAMED_ERROR: &str = "_OTHER";

/// How an operation came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The status is left unset: nothing went wrong, and nothing vouches for it (every SERVER span that is not a 5xx).
    Unset,
    /// Status OK.
    Ok,
    /// Status ERROR with this description.
    Error(Cow<'static, str>),
}

impl Outcome {
    /// Status ERROR with this description.
    pub fn error(description: impl Into<Cow<'static, str>>) -> Self {
        Self::Error(description.into())
    }
}

/// A started span. Clones share it; it ends when it is told to, else when the last clone is dropped, on every path: return, `?`,
/// panic, cancelled future. What happens to it after its end changes nothing.
#[derive(Debug, Clone)]
pub struct Span {
    inner: Arc<Ending>,
}

/// Ends the span when dropped: an OpenTelemetry [`Context`] alone would keep it open for as long as anyone holds a clone of it.
#[derive(Debug)]
struct Ending {
    context: Context,
    /// `false` for a handle on somebody else's span (disabled telemetry: the remote parent).
    owned: bool,
    /// Whether an error was recorded, which then names the span's `error.type`.
    error_recorded: AtomicBool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.owned {
            self.context.span().end();
        }
    }
}

impl Span {
    /// A handle that ends the span of `context`.
    pub(super) fn owning(context: Context) -> Self {
        Self { inner: Arc::new(Ending { context, owned: true, error_recorded: AtomicBool::new(false) }) }
    }

    /// A handle on a context that belongs to someone else; nothing is recorded through it.
    pub(super) fn passing(context: Context) -> Self {
        Self { inner: Arc::new(Ending { context, owned: false, error_recorded: AtomicBool::new(false) }) }
    }

    /// The context in which this span is active: parent of further spans, source of propagation.
    pub fn context(&self) -> &Context {
        &self.inner.context
    }

    /// Trace id; all zero where telemetry is disabled and nobody sent one.
    pub fn trace_id(&self) -> TraceId {
        self.context().span().span_context().trace_id()
    }

    /// Span id; all zero where telemetry is disabled and nobody sent one.
    pub fn span_id(&self) -> SpanId {
        self.context().span().span_context().span_id()
    }

    /// Whether this span will be exported.
    pub fn is_sampled(&self) -> bool {
        self.context().span().span_context().is_sampled()
    }

    /// Sets an attribute; the last value of a key wins.
    pub fn set(&self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = self.recorded() {
            span.set_attribute(KeyValue::new(key, value.into()));
        }
    }

    /// Sets an attribute if there is a value.
    pub fn set_some(&self, key: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Adds an event.
    pub fn event(&self, name: &'static str, attributes: impl IntoIterator<Item = KeyValue>) {
        if let Some(span) = self.recorded() {
            span.add_event(name, attributes.into_iter().collect());
        }
    }

    /// Records an error without ending the span: an `exception` event, `error.type`, and the status.
    pub fn record_error(&self, error: &dyn Error) {
        self.record_error_as(&error_type(error), error);
    }

    /// As [`Span::record_error`], naming the class of error: one of few words, never a text with values in it.
    pub fn record_error_as(&self, error_type: &str, error: &dyn Error) {
        let message = error.to_string();
        self.event(
            "exception",
            [KeyValue::new(EXCEPTION_TYPE, error_type.to_owned()), KeyValue::new(EXCEPTION_MESSAGE, message.clone())],
        );
        self.set(ERROR_TYPE, error_type.to_owned());
        self.set_outcome(Outcome::error(message));
        self.inner.error_recorded.store(true, Ordering::Release);
    }

    /// Whether an error was recorded on it already.
    pub(super) fn has_recorded_error(&self) -> bool {
        self.inner.error_recorded.load(Ordering::Acquire)
    }

    /// Sets `http.status_code`. From `first_error` on (500 for a server, 400 for its client) the status is ERROR and `error.type` is the code, unless an error that was recorded before has named it better.
    pub(super) fn set_http_status(&self, code: u16, first_error: u16) -> bool {
        self.set(HTTP_STATUS_CODE, i64::from(code));
        let failed = code >= first_error;
        if failed && !self.has_recorded_error() {
            self.set(ERROR_TYPE, code.to_string());
            self.set_outcome(Outcome::error(format!("HTTP {code}")));
        }
        failed
    }

    /// Sets the status without ending the span. An OK stands: nothing changes it afterwards.
    pub fn set_outcome(&self, outcome: Outcome) {
        let Some(span) = self.recorded() else { return };
        match outcome {
            Outcome::Unset => {}
            Outcome::Ok => span.set_status(Status::Ok),
            Outcome::Error(description) => span.set_status(Status::error(description)),
        }
    }

    /// Ends the span now; a second end does nothing.
    pub fn end(&self) {
        if let Some(span) = self.recorded() {
            span.end();
        }
    }

    /// The span this handle may write to; none where it only stands for its parent.
    fn recorded(&self) -> Option<SpanRef<'_>> {
        self.inner.owned.then(|| self.context().span())
    }

    /// Runs `work` with this span active, across every await. The span is not ended.
    pub async fn run<F: Future>(&self, work: F) -> F::Output {
        work.with_context(self.context().clone()).await
    }
}

/// Sets the status and ends the span.
pub fn end_span(span: &Span, outcome: Outcome) {
    span.set_outcome(outcome);
    span.end();
}

/// Ends the CLIENT span of an HTTP call that was answered: `http.status_code`, and ERROR with `error.type` from 400 on, else OK.
pub fn end_client_span(span: &Span, status_code: u16) {
    if !span.set_http_status(status_code, 400) {
        span.set_outcome(Outcome::Ok);
    }
    span.end();
}

/// Ends the SERVER span of a request: `http.status_code`, and ERROR with `error.type` from 500 on. A 4xx is the caller's error, and
/// nothing vouches for the rest, so the status of all others stays unset.
pub(super) fn end_server_span(span: &Span, status_code: u16) {
    span.set_http_status(status_code, 500);
    span.end();
}

/// Records the error (an `exception` event, `error.type`, the status) and ends the span. To go on with the span, use
/// [`Span::record_error`].
pub fn record_span_error(span: &Span, error: &dyn Error) {
    span.record_error(error);
    span.end();
}

/// The class of an error, read off its `Debug` form: `RateLimited { .. }` is `RateLimited`, `Error("x")` is `Error`.
fn error_type(error: &dyn Error) -> String {
    let debug = format!("{error:?}");
    let name: String = debug.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
    let name = name.trim_end_matches(':');
    if name.starts_with(|first: char| first.is_alphabetic()) { name.to_owned() } else { UNNAMED_ERROR.to_owned() }
}
