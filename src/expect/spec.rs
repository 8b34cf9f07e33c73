//! The typed expectations of one fixture: what a person wrote under `trace`, `none`, `edges` and `exact`, checked and with its place.
//!
//! Made by the file reader beside it, read by the matcher and by `check` (findings carry the [`Place`]).

use std::{collections::BTreeSet, time::Duration};

use regex::Regex;

pub use crate::support::source::Place;

use super::line;
use crate::model::{SpanKind, StatusCode, Trace};

/// All that a fixture says of its trace.
#[derive(Debug, Clone, Default)]
pub struct TraceExpectation {
    /// `trace: none`: no span of any service may arrive.
    pub nothing: Option<Place>,
    /// The patterns under `trace:`; each is looked for at any depth, unless `exact`.
    pub spans: Vec<SpanPattern>,
    /// `exact: true` of the whole fixture: every span of every service is named by a pattern, at its depth.
    pub exact: bool,
    /// Selectors under `none:`; no span may match any.
    pub none: Vec<Selector>,
    /// Edges under `edges:`.
    pub edges: Vec<Edge>,
    /// `complete_when:`; once a span of each has arrived, the work is done.
    pub complete: Vec<Selector>,
    /// `stand_in: ok`: what stands in for a service does as well as the service.
    pub stand_ins: bool,
}

impl TraceExpectation {
    /// The services that it names, in patterns and edges: those whose spans must come.
    pub fn services(&self) -> BTreeSet<&str> {
        let ends = self.edges.iter().flat_map(|edge| [edge.from.as_str(), edge.to.as_str()]);
        let mut named: BTreeSet<_> = ends.collect();
        let mut patterns: Vec<&SpanPattern> = self.spans.iter().collect();
        while let Some(pattern) = patterns.pop() {
            named.extend(pattern.service.as_ref().and_then(|(service, _)| service.exact_text()));
            patterns.extend(pattern.children.iter().chain(&pattern.below));
        }
        named
    }

    /// Whether the spans by which the work ends are all here; never where the fixture does not say which they are.
    pub fn is_complete(&self, trace: &Trace) -> bool {
        let is_here = |selector: &Selector| trace.spans().iter().any(|span| line::selects(selector, span));
        !self.complete.is_empty() && self.complete.iter().all(is_here)
    }
}

/// What one span must be. In a file its key is the kind and its value the name: `server: POST /webhooks/whatsapp`.
#[derive(Debug, Clone)]
pub struct SpanPattern {
    /// Where the key stands.
    pub place: Place,
    /// The kind; `None` for `span:`, which takes any.
    pub kind: Option<SpanKind>,
    /// The name.
    pub name: NamePattern,
    /// `service:`, with its place.
    pub service: Option<(Predicate, Place)>,
    /// `status:`.
    pub status: Option<(StatusPattern, Place)>,
    /// `attributes:` of the span (falling back to its resource), in file order.
    pub attributes: Vec<AttributePattern>,
    /// `resource:` attributes, in file order.
    pub resource: Vec<AttributePattern>,
    /// `events:`, each must be there.
    pub events: Vec<EventPattern>,
    /// `duration:`, the span's own.
    pub duration: Option<(DurationBounds, Place)>,
    /// `count:`; `None` when it was not said, which means: at least one, and a span of its own among its siblings.
    pub count: Option<(Bounds, Place)>,
    /// `sequence:`: the matching spans in order of start, one entry each; its length is the exact count.
    pub sequence: Option<(Vec<SequenceStep>, Place)>,
    /// `exact: true`: no direct child that `children` does not name, and so on below.
    pub exact: bool,
    /// `children:`: direct children, in any order.
    pub children: Vec<Self>,
    /// `below:`: at any depth below.
    pub below: Vec<Self>,
}

/// An attribute and what its value must be.
#[derive(Debug, Clone)]
pub struct AttributePattern {
    /// Attribute key.
    pub key: String,
    /// What the value must satisfy.
    pub predicate: Predicate,
    /// Where it stands.
    pub place: Place,
}

/// The name of a span, of an event.
#[derive(Debug, Clone)]
pub struct NamePattern {
    /// What it must satisfy; [`Predicate::Present`] takes any.
    pub predicate: Predicate,
    /// Where it stands.
    pub place: Place,
}

/// A status: a bare code, or a map with `code` and `message`.
#[derive(Debug, Clone)]
pub struct StatusPattern {
    /// The code; `None` takes any.
    pub code: Option<StatusCode>,
    /// The message; `None` takes any.
    pub message: Option<Predicate>,
}

/// An event: a bare name, or a map with `name` and `attributes`.
#[derive(Debug, Clone)]
pub struct EventPattern {
    /// Its name.
    pub name: NamePattern,
    /// Its attributes.
    pub attributes: Vec<AttributePattern>,
    /// Where it stands.
    pub place: Place,
}

/// One entry of a `sequence`: the same own-span predicates as a pattern, without name, kind or children.
#[derive(Debug, Clone)]
pub struct SequenceStep {
    /// Where it stands.
    pub place: Place,
    /// `status:`.
    pub status: Option<(StatusPattern, Place)>,
    /// `attributes:`.
    pub attributes: Vec<AttributePattern>,
    /// `events:`.
    pub events: Vec<EventPattern>,
}

/// How many spans. In a file: `2`, `{ at_least: 1 }`, `{ at_most: 3 }`, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At least so many.
    pub at_least: usize,
    /// At most so many; `None` for no upper bound.
    pub at_most: Option<usize>,
}

/// How long a span may take. In a file: `{ at_most: 200ms }`, `{ at_least: 1s }`, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationBounds {
    /// At least so long.
    pub at_least: Option<Duration>,
    /// At most so long.
    pub at_most: Option<Duration>,
}

/// A value a person wrote. Integers equal integers only: `200` is not `"200"`, and `1` is not `1.0`.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text.
    String(String),
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number with a point or an exponent.
    Double(f64),
    /// A list, compared element by element with an array attribute.
    List(Vec<Self>),
}

/// What a value must satisfy. A scalar in a file is [`Predicate::Equals`]; a map names the predicates, all of which must hold.
#[derive(Debug, Clone)]
pub enum Predicate {
    /// A scalar, or `equals:`.
    Equals(Literal),
    /// `not:`, a scalar or a predicate map.
    Not(Box<Self>),
    /// `in: [a, b]`.
    In(Vec<Literal>),
    /// `matches: REGEX`, searched anywhere in the text; anchor it with `^` and `$`.
    Matches(Regex),
    /// `contains: TEXT`, in a string, or an element of an array.
    Contains(Literal),
    /// `starts_with: TEXT`.
    StartsWith(String),
    /// `ends_with: TEXT`.
    EndsWith(String),
    /// `greater_than: NUMBER`.
    GreaterThan(f64),
    /// `at_least: NUMBER`.
    AtLeast(f64),
    /// `less_than: NUMBER`.
    LessThan(f64),
    /// `at_most: NUMBER`.
    AtMost(f64),
    /// `type: string|bool|int|double|array|bytes|map`.
    Type(&'static str),
    /// `exists: true`, or `present`.
    Present,
    /// `exists: false`.
    Absent,
    /// Several in one map: all must hold.
    All(Vec<Self>),
}

/// A span without a name of its own, for `none:`. All that is given must match.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Where it stands.
    pub place: Place,
    /// `kind:`, or the key of a named pattern.
    pub kind: Option<SpanKind>,
    /// `name:`, or the value of a named pattern.
    pub name: Option<Predicate>,
    /// `service:`.
    pub service: Option<Predicate>,
    /// `status:`.
    pub status: Option<StatusPattern>,
    /// `attributes:`.
    pub attributes: Vec<AttributePattern>,
}

/// `medicalcor-api -> medicalcor-trigger`: some span of the second has a parent or a link in the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Service that calls.
    pub from: String,
    /// Service that is called.
    pub to: String,
    /// Where it stands.
    pub place: Place,
}
