//! What a trace that really happened suggests to expect of the next one: who was called, what was enqueued, what ran, and how they hang
//! together. Only what is the same in every run is proposed.
//!
//! Called by [`super::text`]. It holds on the trace it was made from by construction: counts are counted by the lines as written.

use std::collections::BTreeSet;

use super::{
    disguise::Disguise,
    keys,
    kind::Kind,
    pattern::{Line, Name, Pattern},
    shapes, stable,
};
use crate::model::{OWN_SERVICE, Span, SpanKind, Trace, Value};

/// Attributes whose texts are words of the code.
const WORDS: [&str; 15] = [
    "http.route",
    "http.method",
    "http.request.method",
    "messaging.system",
    "messaging.operation",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.destination",
    "messaging.destination.name",
    "rpc.service",
    "rpc.method",
    "faas.name",
    "trigger.task.name",
    "task.name",
    "job.name",
];
/// Attributes that are numbers of the protocol.
const NUMBERS: [&str; 2] = ["http.status_code", "http.response.status_code"];
/// Who has a name that is a person's.
const PERSONS: [&str; 16] = [
    "user",
    "enduser",
    "customer",
    "patient",
    "person",
    "contact",
    "sender",
    "lead",
    "owner",
    "author",
    "member",
    "profile",
    "recipient",
    "guest",
    "employee",
    "buyer",
];
/// Places of machines.
const MACHINES: [&str; 7] = ["server", "client", "network", "peer", "source", "destination", "net"];
/// Spans that are looked at: what is more is no trace of one delivery.
const MOST: usize = 2000;

/// What is proposed.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Proposal {
    pub(super) patterns: Vec<Pattern>,
    /// Caller and called.
    pub(super) edges: Vec<(String, String)>,
    /// Spans that ended in error.
    pub(super) errors: usize,
    /// Spans of services.
    pub(super) spans: usize,
    /// How many services sent them.
    pub(super) services: usize,
}

/// Learns what the spans say of persons, so that none of it is proposed.
pub(super) fn learn(trace: &Trace, disguise: &mut Disguise) {
    for span in trace.spans().iter().take(MOST) {
        for (key, value) in span.attributes.iter() {
            let text = value.to_string();
            let path: Vec<&str> = key.split('.').collect();
            if let Some(kind) = keys::kind_of(&path, &text).filter(|kind| is_somebodys(*kind, &path)) {
                disguise.learn(kind, &text, false);
            }
            for (range, kind) in shapes::find(&text) {
                disguise.learn(kind, &text[range], false);
            }
        }
        for (range, kind) in shapes::find(&span.name) {
            disguise.learn(kind, &span.name[range], false);
        }
    }
}

fn is_somebodys(kind: Kind, path: &[&str]) -> bool {
    let words: Vec<String> = path.iter().flat_map(|part| keys::words(part)).collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    match kind {
        Kind::Text | Kind::Id => false,
        Kind::Name => has(&PERSONS) || words.len() > 1 && path.last().is_none_or(|last| *last != "name"),
        Kind::Address | Kind::Network => !has(&MACHINES),
        _ => true,
    }
}

/// Proposes what to expect.
pub(super) fn propose(trace: &Trace, disguise: &mut Disguise) -> Proposal {
    learn(trace, disguise);
    let spans: Vec<&Span> = trace.spans().iter().map(AsRef::as_ref).filter(|span| span.service() != OWN_SERVICE).collect();
    let services: BTreeSet<&str> = spans.iter().map(|span| span.service()).collect();
    let counted = Proposal {
        errors: spans.iter().filter(|span| span.is_error()).count(),
        spans: spans.len(),
        services: services.len(),
        ..Proposal::default()
    };
    if spans.len() > MOST {
        return counted;
    }
    let mut maker = Maker { trace, disguise };
    let everything: Vec<usize> = (0..trace.spans().len()).filter(|at| trace.spans()[*at].service() != OWN_SERVICE).collect();
    let tops: Vec<usize> =
        everything.iter().copied().filter(|at| telling(&trace.spans()[*at]) && maker.above(*at).is_none()).collect();
    let patterns = maker.family(&tops, &everything, None);
    Proposal { patterns, edges: maker.edges(&spans), ..counted }
}

/// Spans that stand between services; what a service does inside changes with its code.
fn telling(span: &Span) -> bool {
    matches!(span.kind, SpanKind::Server | SpanKind::Producer | SpanKind::Consumer) && span.service() != OWN_SERVICE
}

struct Maker<'a> {
    trace: &'a Trace,
    disguise: &'a mut Disguise,
}

impl Maker<'_> {
    /// The nearest telling span above.
    fn above(&self, at: usize) -> Option<usize> {
        let mut seen = BTreeSet::from([at]);
        let mut span = &self.trace.spans()[at];
        while let Some(parent) = self.trace.parent(span) {
            let index = self.trace.index_of(parent.span_id)?;
            if !seen.insert(index) {
                return None;
            }
            if telling(parent) {
                return Some(index);
            }
            span = parent;
        }
        None
    }

    /// Patterns of siblings; `scope` are the spans that the matcher will choose from.
    fn family(&mut self, members: &[usize], scope: &[usize], service: Option<&str>) -> Vec<Pattern> {
        let mut patterns: Vec<Pattern> = Vec::new();
        let mut sizes: Vec<usize> = Vec::new();
        for at in members {
            let pattern = self.pattern(*at, service);
            match patterns.iter().position(|known| known.line == pattern.line) {
                Some(known) => {
                    sizes[known] += 1;
                    // What only some of them have is said of none.
                    let other = &mut patterns[known];
                    other.children.retain(|child| pattern.children.contains(child));
                    other.below.retain(|child| pattern.below.contains(child));
                }
                None => {
                    patterns.push(pattern);
                    sizes.push(1);
                }
            }
        }
        for (pattern, size) in patterns.iter_mut().zip(sizes) {
            let fitting = scope.iter().filter(|at| pattern.line.fits(&self.trace.spans()[**at])).count();
            pattern.count = (size > 1).then_some(fitting);
            if size > 1 && fitting > size {
                // Others further down fit the same line and may have nothing below them.
                pattern.children.clear();
                pattern.below.clear();
            }
        }
        patterns
    }

    fn pattern(&mut self, at: usize, service: Option<&str>) -> Pattern {
        let span = self.trace.spans()[at].clone();
        let descendants = self.trace.descendants(span.span_id);
        let members: Vec<usize> = descendants
            .iter()
            .copied()
            .filter(|below| telling(&self.trace.spans()[*below]) && self.above(*below) == Some(at))
            .collect();
        let direct = self.trace.children(span.span_id).to_vec();
        let (children, below): (Vec<usize>, Vec<usize>) = members.into_iter().partition(|member| direct.contains(member));
        let line = self.line(&span, service);
        let here = span.service();
        Pattern {
            line,
            count: None,
            children: self.family(&children, &direct, Some(here)),
            below: self.family(&below, &descendants, Some(here)),
        }
    }

    fn line(&mut self, span: &Span, above: Option<&str>) -> Line {
        let name = if self.may_be_said(&span.name) {
            Name::Is(span.name.clone())
        } else {
            match stable::stable_beginning(&span.name)
                .filter(|beginning| !stable::could_be_a_name(beginning) && self.disguise.left_in(beginning).is_empty())
            {
                Some(beginning) => Name::StartsWith(beginning.to_owned()),
                None => Name::Any,
            }
        };
        let service = span.service();
        let named = above != Some(service) && !service.starts_with("unknown_service") && self.may_be_said(service);
        Line { kind: span.kind, name, service: named.then(|| service.to_owned()), attributes: self.attributes(span) }
    }

    fn attributes(&mut self, span: &Span) -> Vec<(String, Value)> {
        let mut said = Vec::new();
        for key in WORDS {
            if let Some(text) = span.attributes.text(key)
                && (key == "http.route" || !span.name.contains(text))
                && self.may_be_said(text)
            {
                said.push((key.to_owned(), Value::from(text)));
            }
        }
        for key in NUMBERS {
            if let Some(number @ Value::Int(100..=599)) = span.attributes.get(key) {
                said.push((key.to_owned(), number.clone()));
            }
        }
        said
    }

    fn may_be_said(&mut self, text: &str) -> bool {
        let doubtful = !self.disguise.is_complete() && stable::could_be_a_name(text);
        stable::is_stable(text) && !doubtful && self.disguise.left_in(text).is_empty()
    }

    /// Pairs of services of which one called the other, by parent or by link.
    fn edges(&mut self, spans: &[&Span]) -> Vec<(String, String)> {
        let mut pairs = BTreeSet::new();
        for span in spans {
            let linked = span.links.iter().filter_map(|link| self.trace.get(link.span_id));
            let callers = self.trace.parent(span).into_iter().chain(linked);
            pairs.extend(callers.map(|caller| (caller.service(), span.service())).filter(|(from, to)| from != to));
        }
        let named = |name: &str| name != OWN_SERVICE && !name.starts_with("unknown_service") && !name.contains("->");
        let pairs: Vec<_> = pairs.into_iter().filter(|(from, to)| named(from) && named(to)).collect();
        let mut edges = Vec::new();
        for (from, to) in pairs {
            if self.may_be_said(from) && self.may_be_said(to) {
                edges.push((from.to_owned(), to.to_owned()));
            }
        }
        edges
    }
}
