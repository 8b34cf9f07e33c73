//! Rule packs: what must be true of every trace, whatever a fixture says of it.
//!
//! Switched on by `suite.yaml`, run by `check` once there is evidence that the trace is whole (every rule is about absence or about all
//! spans, so none can be decided earlier); a breach that a later span could mend waits for more than quiet. A rule is a name, a sentence and a pure function over [`Subject`]. Each can be waived in a
//! fixture with a reason.

mod medicalcor;
mod otel;
#[cfg(test)]
mod tests;

use crate::model::{Span, Trace};

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The whole trace, devstack's own spans included.
    pub trace: &'a Trace,
    /// The correlation id that went with the requests.
    pub correlation_id: &'a str,
    /// Values that must not appear in telemetry, each with what it is: `phone number`, `webhook secret`.
    pub secrets: &'a [(String, String)],
    /// Further text of this trace that left a service: log bodies and attributes, as (where, text).
    pub logged: &'a [(String, String)],
    /// Registered attribute names, for the naming rule.
    pub registry: &'a [&'a str],
}

/// A pack of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pack {
    /// What holds for any OpenTelemetry trace.
    Otel,
    /// What the guide asks of MedicalCor's traces.
    Medicalcor,
}

impl Pack {
    /// The name in `suite.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Otel => "otel",
            Self::Medicalcor => "medicalcor",
        }
    }

    /// The pack of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Otel, Self::Medicalcor].into_iter().find(|pack| pack.name() == name)
    }

    /// Its rules.
    pub fn rules(self) -> &'static [Rule] {
        match self {
            Self::Otel => otel::RULES,
            Self::Medicalcor => medicalcor::RULES,
        }
    }
}

/// One rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its stable name: `otel.orphan`.
    pub code: &'static str,
    /// What it asks, for `explain`.
    pub asks: &'static str,
    /// Whether a breach fails the case or is only worth a look.
    pub fails: bool,
    /// Whether a span that is still to come can mend a breach: a parent, a consumer, a later attempt. Until it is clear that nothing more
    /// comes, such a breach says nothing.
    pub mends: bool,
    check: fn(&Subject<'_>) -> Vec<Breach>,
}

impl Rule {
    /// Looks at a trace.
    pub fn check(&self, subject: &Subject<'_>) -> Vec<Breach> {
        (self.check)(subject)
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code)
    }
}

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The sentence a person needs.
    pub headline: String,
    /// Further sentences.
    pub details: Vec<String>,
    /// The span it is about, by position in the trace.
    pub span: Option<usize>,
}

impl Breach {
    fn of(span: usize, headline: String) -> Self {
        Self { headline, details: Vec::new(), span: Some(span) }
    }

    fn with(mut self, detail: String) -> Self {
        self.details.push(detail);
        self
    }
}

/// All rule codes of all packs.
pub fn codes() -> impl Iterator<Item = &'static str> {
    [Pack::Otel, Pack::Medicalcor].into_iter().flat_map(|pack| pack.rules().iter().map(|rule| rule.code))
}

/// The services' spans with their positions.
fn service_spans(trace: &Trace) -> impl Iterator<Item = (usize, &Span)> {
    trace
        .spans()
        .iter()
        .enumerate()
        .map(|(at, span)| (at, span.as_ref()))
        .filter(|(_, span)| span.service() != crate::model::OWN_SERVICE)
}
