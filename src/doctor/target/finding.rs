//! A finding with its place among the causes of missing traces.

use crate::doctor::{Check, Level};

/// What a finding may cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// There is nothing to examine: nobody listens, or it is no HTTP server.
    Target,
    /// The receiver refused what came.
    Rejected,
    /// It ended before it sent.
    Ended,
    /// Telemetry is switched off.
    Off,
    /// It is sent in the wrong way: port, protocol, path.
    Wrong,
    /// It is sent to the wrong place.
    Elsewhere,
    /// It comes, in a trace of its own.
    Context,
    /// Nothing makes spans.
    Instrumentation,
    /// It comes late.
    Late,
    /// Something worth knowing that keeps no trace away.
    Aside,
    /// What was seen; no cause of anything.
    Seen,
}

/// A finding.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) check: Check,
    pub(super) cause: Cause,
}

impl Finding {
    /// As it should be.
    pub(super) fn seen(code: &'static str, message: impl Into<String>) -> Self {
        Self { check: Check::ok(code, message), cause: Cause::Seen }
    }

    /// Something that keeps every trace away, unless what was measured shows that it does not.
    pub(super) fn broken(cause: Cause, code: &'static str, message: impl Into<String>) -> Self {
        Self { check: Check::broken(code, message), cause }
    }

    /// Something that may.
    pub(super) fn attention(cause: Cause, code: &'static str, message: impl Into<String>) -> Self {
        Self { check: Check::attention(code, message), cause }
    }

    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.check = self.check.fix(fix);
        self
    }

    pub(super) fn detail(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.check = self.check.detail(name, value);
        self
    }

    /// What was thought to keep traces away, while they do arrive.
    pub(super) fn disproved(mut self) -> Self {
        if self.check.level == Level::Broken && !matches!(self.cause, Cause::Target | Cause::Rejected) {
            self.check.level = Level::Attention;
            self.check.message.push_str("; spans arrive nevertheless");
        }
        self
    }
}
