//! What was handed to the stand-in of the Trigger.dev API: which task, under which key, and whose trace the payload goes on with.
//!
//! Told by `standin` as JSON at [`ENQUEUED_PATH`]; read by `client`. No value of a payload is ever part of it.

use serde::{Deserialize, Serialize};

use super::{SpanId, TraceId};

/// The path at which the stand-in answers with [`EnqueuedRuns`]. Query, all of it optional and all of it holding at once: `trace` (32 hex
/// digits: in the payload or in the request), `correlation`, `since` (nanoseconds since the Unix epoch).
pub const ENQUEUED_PATH: &str = "/_devstack/enqueued";

/// A call that asked for a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enqueued {
    /// Id of the task.
    pub task: String,
    /// Id of the run, `run_…`; of the first one, where the key was known already.
    pub run_id: String,
    /// When it was accepted, in nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// The idempotency key was known, and no new run was made.
    pub cached: bool,
    /// The idempotency key: 64 hex digits, as the SDK makes them. Of a key of another form its SHA-256, because it could say something.
    pub idempotency_key: Option<String>,
    /// Whether the key came in the SDK's form; `true` without a key.
    pub key_as_sdk: bool,
    /// `correlationId` or `x-correlation-id` of the payload, else `x-correlation-id` of the request.
    pub correlation_id: Option<String>,
    /// What the payload says of the trace.
    pub payload: PayloadContext,
    /// The span that the request's own `traceparent` header names; `None` where there is none, or none that is valid.
    pub request: Option<RemoteSpan>,
}

/// What the `traceparent` of a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "traceparent", rename_all = "snake_case")]
pub enum PayloadContext {
    /// There is none.
    Absent,
    /// There is one, and by W3C Trace Context it is none: the run begins a trace of its own.
    Invalid,
    /// The span below which the run goes on.
    Valid(RemoteSpan),
}

/// A span of another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteSpan {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// Whether it is recorded.
    pub sampled: bool,
}

/// What the stand-in answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EnqueuedRuns {
    /// The calls that fit, oldest first.
    pub runs: Vec<Enqueued>,
    /// Calls of which nothing is known any more because too many came after them. Above zero, a call that is not here may have been.
    pub forgotten: u64,
    /// Calls without the bearer token, or with another one.
    pub unauthorized: u64,
    /// Calls with the right token that could not be read.
    pub unreadable: u64,
}

impl Enqueued {
    /// The span below which the run goes on; `None` where its payload names none.
    pub fn parent(&self) -> Option<RemoteSpan> {
        match self.payload {
            PayloadContext::Valid(span) => Some(span),
            PayloadContext::Absent | PayloadContext::Invalid => None,
        }
    }

    /// Whether it belongs to a trace: by its payload, or by the request that brought it.
    pub fn is_of(&self, trace: TraceId) -> bool {
        self.parent().into_iter().chain(self.request).any(|span| span.trace_id == trace)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_wire_form_is_flat_and_comes_back() {
        let span = RemoteSpan { trace_id: TraceId::random(), span_id: SpanId::random(), sampled: true };
        for (payload, state) in
            [(PayloadContext::Absent, "absent"), (PayloadContext::Invalid, "invalid"), (PayloadContext::Valid(span), "valid")]
        {
            let run = Enqueued {
                task: "t".to_owned(),
                run_id: "run_1".to_owned(),
                at_ns: 7,
                cached: false,
                idempotency_key: None,
                key_as_sdk: true,
                correlation_id: Some("c-1".to_owned()),
                payload,
                request: None,
            };
            let wire = serde_json::to_value(&run).unwrap();
            assert_eq!(wire["payload"]["traceparent"], json!(state));
            assert_eq!(serde_json::from_value::<Enqueued>(wire).unwrap(), run);
            assert_eq!(run.is_of(span.trace_id), state == "valid");
            assert!(Enqueued { request: Some(span), ..run }.is_of(span.trace_id));
        }
    }
}
