//! What did not come out as expected, as data: which expectation, where it stands, which spans are involved.
//!
//! Made by the matcher; read by `check`, which adds the cause and turns it into findings and the compared tree.

use super::spec::{Bounds, Place};
use crate::model::SpanKind;

/// Where an expectation stands, given the spans that have arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Where it is written.
    pub place: Place,
    /// Whether it holds on what has arrived.
    pub holds: bool,
    /// Whether no further span could change that: existence that holds, a bound that is exceeded.
    pub settled: bool,
    /// Why it does not hold.
    pub misses: Vec<Miss>,
}

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Miss {
    /// The place in the fixture that asked for it.
    pub place: Place,
    /// What is wrong.
    pub what: What,
}

/// Ways in which a trace differs from what was expected. Span positions are those of [`crate::model::Trace::spans`].
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A span that should be there is not.
    Absent {
        /// What was looked for.
        wanted: Wanted,
        /// Below which span it was looked for; `None` for anywhere.
        under: Option<usize>,
        /// Spans that match it elsewhere in the trace.
        elsewhere: Vec<usize>,
        /// The span most like it, with what differs.
        nearest: Option<(usize, Vec<Difference>)>,
    },
    /// The span is there and differs.
    Differs {
        /// The span.
        span: usize,
        /// What was looked for.
        wanted: Wanted,
        /// How.
        differences: Vec<Difference>,
    },
    /// More or fewer spans than expected.
    Count {
        /// What was looked for.
        wanted: Wanted,
        /// Below which span; `None` for anywhere.
        under: Option<usize>,
        /// The spans that match.
        spans: Vec<usize>,
        /// How many were expected.
        bounds: Bounds,
    },
    /// A span that nothing names, under `exact`.
    Unexpected {
        /// The span.
        span: usize,
    },
    /// A span that `none:` forbids.
    Forbidden {
        /// The span.
        span: usize,
    },
    /// A span although `trace: none`.
    NotNothing {
        /// How many there are.
        spans: Vec<usize>,
    },
    /// No span of one service has a parent or link in the other.
    NoEdge {
        /// Calling service.
        from: String,
        /// Called service.
        to: String,
        /// Whether the services sent any span of this trace.
        seen: (bool, bool),
    },
    /// It would be as expected, were it the service and not what stands in for it.
    StandIn {
        /// A span of the stand-in.
        span: usize,
    },
}

/// A pattern, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Kind, if it asks for one.
    pub kind: Option<SpanKind>,
    /// Name as written.
    pub name: String,
    /// Service as written, empty if it does not ask for one.
    pub service: String,
}

/// One respect in which a span differs from its pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where the expectation stands.
    pub place: Place,
    /// What: `name`, `kind`, `service`, `status`, an attribute key, `event NAME`, `duration`.
    pub what: String,
    /// What was expected.
    pub expected: String,
    /// What there is.
    pub actual: String,
}
