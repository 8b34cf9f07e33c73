//! What a run ends in, as data: verdicts, the evidence they rest on, findings, and the compared tree.
//!
//! Made by the judge, rendered by `report`, kept by `runs`. Serialises as the `--format json` output; [`REPORT_VERSION`] names its shape.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

use crate::model::{SpanId, SpanKind, TraceId};

/// The version of the JSON shape of [`RunReport`]; grows when a field changes its meaning or goes away.
pub const REPORT_VERSION: u32 = 1;

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// The id of the run: its start as `20261122T173000.123Z`.
    pub run: String,
    /// What the run stood on, in a few words: `embedded stack · demo services`.
    pub stack: String,
    /// What the requests were sent to: `demo`, or the target's address.
    #[serde(default)]
    pub target: String,
    /// Every case, ordered by fixture id and repetition, never by completion.
    pub cases: Vec<CaseReport>,
    /// Wall time from the process start to the last verdict.
    #[serde(rename = "elapsed_ms", with = "millis")]
    pub elapsed: Duration,
    /// What the witness read back, over all cases; `None` when nobody asked.
    #[serde(default)]
    pub stored: Option<Stored>,
    /// Whether it was ended by a signal before all cases ran.
    pub interrupted: bool,
}

/// How many of the received spans can be read back from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// So many can.
    pub found: usize,
    /// So many were received.
    pub of: usize,
    /// Whether the store is another program than devstack.
    pub apart: bool,
}

/// How many cases ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Held.
    pub held: usize,
    /// Failed.
    pub failed: usize,
    /// Undecided.
    pub undecided: usize,
    /// Unobserved.
    pub unobserved: usize,
    /// Could not run.
    pub broken: usize,
}

impl RunReport {
    /// Counts the verdicts.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for case in &self.cases {
            *match case.verdict {
                Verdict::Held => &mut totals.held,
                Verdict::Failed => &mut totals.failed,
                Verdict::Undecided => &mut totals.undecided,
                Verdict::Unobserved => &mut totals.unobserved,
                Verdict::Broken => &mut totals.broken,
            } += 1;
        }
        totals
    }
}

impl RunReport {
    /// Services for which only stand-ins answered, in all cases; sorted. They were not tested.
    pub fn stand_ins(&self) -> Vec<&str> {
        let stood_in: BTreeSet<_> = self.cases.iter().flat_map(|case| &case.stand_ins).map(String::as_str).collect();
        let real = |service: &&str| {
            self.cases
                .iter()
                .any(|case| case.services.iter().any(|of| of == service) && case.stand_ins.iter().all(|of| of != service))
        };
        stood_in.into_iter().filter(|service| !real(service)).collect()
    }
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All expectations held, on evidence.
    Held,
    /// At least one expectation failed.
    Failed,
    /// The deadline came before there was enough evidence.
    Undecided,
    /// Nothing of this trace arrived, and nothing proves that it could have; never a pass.
    Unobserved,
    /// The environment failed: the target refused the connection, a service died, or spans that were received did not reach the store.
    Broken,
}

/// The verdict as the JSON report spells it.
pub fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Failed => "failed",
        Verdict::Undecided => "undecided",
        Verdict::Unobserved => "unobserved",
        Verdict::Broken => "broken",
    }
}

/// What a verdict rests on, weakest first (DESIGN section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// Nothing but what arrived.
    Arrived,
    /// Nothing new for twice the longest flush period.
    Quiet,
    /// The spans by which the fixture says that the work ends have arrived, and nothing more came for as long as exporters hold spans back.
    Complete,
    /// A sampled control request through the same instance, sent after the last response, has arrived.
    Barrier,
    /// Every service reported that it has nothing open, queued or unexported for this trace.
    Drained,
}

/// One run of a fixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseReport {
    /// The fixture's id: its path without extension, relative to the folder that was given.
    pub id: String,
    /// Which repetition, from 1; `None` when the run repeats nothing.
    pub repetition: Option<u32>,
    /// The fixture's `name:`.
    pub name: String,
    /// The fixture's `tags:`.
    pub tags: Vec<String>,
    /// The fixture file as the user named it.
    pub file: String,
    /// How it ended.
    pub verdict: Verdict,
    /// The strongest evidence there was when the verdict fell.
    pub evidence: Evidence,
    /// The trace of this case. With `traceparent: none` or `malformed` the one found by correlation id, once found.
    pub trace_id: TraceId,
    /// `x-correlation-id` of its requests.
    pub correlation_id: String,
    /// Spans of the services (devstack's own are left out).
    pub spans: usize,
    /// Services that sent them, sorted.
    pub services: Vec<String>,
    /// Those of them for which only a stand-in answered, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stand_ins: Vec<String>,
    /// Calls of the case that asked the stand-in for the Trigger.dev API for a run, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enqueued: Vec<EnqueuedRun>,
    /// From the first byte sent to the verdict.
    #[serde(rename = "elapsed_ms", with = "millis")]
    pub elapsed: Duration,
    /// From the last arrival to the verdict.
    #[serde(rename = "judged_after_ms", with = "millis")]
    pub judged_after: Duration,
    /// Requests sent and what came back, in order.
    pub exchanges: Vec<Exchange>,
    /// Of the spans that devstack's receiver took for this trace, its own among them, how many could be read back from the store by
    /// trace id; `None` when nobody asked.
    pub stored: Option<(usize, usize)>,
    /// What went wrong; the first is the headline. Empty when held.
    pub findings: Vec<Finding>,
    /// What is worth a look without failing the case.
    pub warnings: Vec<Finding>,
    /// The trace as it came, marked where it differs from what was expected. Empty unless something failed.
    pub tree: Vec<TreeRow>,
    /// What the case waited for and why, when waiting cost a second or more.
    pub waited: Option<String>,
}

impl CaseReport {
    /// Whether spans were received that the store does not have.
    pub fn is_stored_in_part(&self) -> bool {
        self.stored.is_some_and(|(found, of)| found < of)
    }
}

/// A call that asked the stand-in for the Trigger.dev API for a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnqueuedRun {
    /// The task.
    pub task: String,
    /// The run, `run_…`; of a call with a known key the first one.
    pub run_id: String,
    /// The key was known, and no new run was made.
    pub cached: bool,
    /// The span that the payload's `traceparent` names.
    #[serde(rename = "traceparent")]
    pub context: EnqueuedContext,
}

/// What the `traceparent` of a payload names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "names", rename_all = "snake_case")]
pub enum EnqueuedContext {
    /// There is none.
    #[serde(rename = "nothing")]
    Absent,
    /// It is not one by W3C Trace Context.
    Invalid,
    /// A span of this case's trace.
    Span {
        /// Its id.
        span_id: SpanId,
        /// Its name.
        name: String,
        /// Its kind.
        kind: SpanKind,
        /// Its service.
        service: String,
    },
    /// A span in this case's trace that did not arrive.
    Unseen {
        /// Its id.
        span_id: SpanId,
    },
    /// A span of another trace.
    OtherTrace {
        /// That trace.
        trace_id: TraceId,
    },
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// HTTP method.
    pub method: String,
    /// Path and query, secrets removed.
    pub path: String,
    /// Status of the answer; `None` when there was none.
    pub status: Option<u16>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// From the first byte sent to the whole answer.
    #[serde(rename = "elapsed_ms", with = "millis")]
    pub elapsed: Duration,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look.
    Warning,
    /// Fails the case.
    Failure,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable name: `expect.span.missing`, `expect.attribute`, `rule.otel.orphan`, `cause.context-lost`, …
    pub code: String,
    /// How grave.
    pub severity: Severity,
    /// The sentence a person needs, values in backticks.
    pub headline: String,
    /// Further sentences: the cause, what was looked at, the nearest miss.
    pub details: Vec<String>,
    /// The place in the fixture that asked for it, where there is one.
    pub at: Option<SourceSpan>,
    /// What stands under the caret: `the span says unset`.
    pub label: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// A place in a file the user wrote.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceSpan {
    /// The file as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte offset into the file.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
}

/// How a row of the compared tree differs from what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// As it came, nothing expected it or it is as expected.
    Same,
    /// `~`: it is the expected one, but differs.
    Changed,
    /// `-`: expected and not there.
    Missing,
    /// `+`: there and not expected.
    Unexpected,
}

/// A row of the compared tree, in drawing order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TreeRow {
    /// Depth from 0.
    pub depth: usize,
    /// Whether it is the last child of its parent.
    pub last: bool,
    /// How it differs.
    pub mark: Mark,
    /// Span name (expected name for a missing one).
    pub name: String,
    /// Kind of the span.
    pub kind: SpanKind,
    /// Service; empty for a missing span whose service was not said.
    pub service: String,
    /// Whether it comes from what stands in for the service.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stand_in: bool,
    /// The span; `None` for a missing one.
    pub span_id: Option<SpanId>,
    /// How long it took; `None` for a missing one.
    #[serde(rename = "elapsed_ms", with = "optional_millis")]
    pub elapsed: Option<Duration>,
    /// Ended in error.
    pub error: bool,
    /// A short note: an HTTP status, a row count.
    pub note: String,
    /// What differs, under the row.
    pub mismatches: Vec<Mismatch>,
}

/// One difference between a span and what was expected of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mismatch {
    /// What: `name`, `kind`, `service`, `status`, `parent`, an attribute's key, `event message_processed`, `count`.
    pub what: String,
    /// What was expected, as the fixture says it.
    pub expected: String,
    /// What there is.
    pub actual: String,
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((value.as_secs_f64() * 1e6).round() / 1e3)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let millis = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(millis / 1e3).map_err(serde::de::Error::custom)
    }
}

mod optional_millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "the signature serde's `with` asks for")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::millis::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let millis = Option::<f64>::deserialize(deserializer)?;
        millis.map(|millis| Duration::try_from_secs_f64(millis / 1e3).map_err(serde::de::Error::custom)).transpose()
    }
}
