//! The compared tree: the trace as it came, each row marked where it differs from what was expected, and rows for what is missing.
//!
//! Fed by the judge with the trace and what the matcher missed; drawn by `term`.

use std::collections::BTreeMap;

use super::outcome::{Mark, Mismatch, TreeRow};
use crate::{
    expect::{Miss, Wanted, What},
    model::{OWN_SERVICE, SpanKind, Trace, note::note_of},
};

/// Lays out the services' spans in drawing order with the misses marked.
pub(super) fn rows(trace: &Trace, misses: &[Miss]) -> Vec<TreeRow> {
    let marks = Marks::of(trace, misses);
    let mut drawing = Drawing { trace, marks: &marks, rows: Vec::new(), drawn: vec![false; trace.spans().len()] };
    let tops: Vec<_> = (0..trace.spans().len()).filter(|at| is_top(trace, *at)).collect();
    drawing.siblings(&tops, marks.missing.get(&None).map_or(&[], Vec::as_slice), 0);
    drawing.rows
}

fn is_top(trace: &Trace, at: usize) -> bool {
    let span = &trace.spans()[at];
    span.service() != OWN_SERVICE && trace.parent(span).is_none_or(|parent| parent.service() == OWN_SERVICE)
}

/// What to write on which row.
#[derive(Default)]
struct Marks {
    changed: BTreeMap<usize, Vec<Mismatch>>,
    unexpected: Vec<usize>,
    missing: BTreeMap<Option<usize>, Vec<Wanted>>,
}

impl Marks {
    fn of(trace: &Trace, misses: &[Miss]) -> Self {
        let mut marks = Self::default();
        for miss in misses {
            marks.add(trace, &miss.what);
        }
        marks
    }

    fn add(&mut self, trace: &Trace, what: &What) {
        let spans = trace.spans();
        match what {
            What::Absent { wanted, under, elsewhere, .. } => {
                self.missing.entry(*under).or_default().push(wanted.clone());
                if let (Some(at), Some(under)) = (elsewhere.first(), under) {
                    let actual = trace.parent(&spans[*at]).map_or_else(|| "none".to_owned(), |parent| parent.name.clone());
                    let mismatch = Mismatch { what: "parent".into(), expected: spans[*under].name.clone(), actual };
                    self.changed.entry(*at).or_default().push(mismatch);
                }
            }
            What::Differs { span, differences, .. } => {
                let mismatches = differences.iter().map(|d| Mismatch {
                    what: d.what.clone(),
                    expected: d.expected.clone(),
                    actual: d.actual.clone(),
                });
                self.changed.entry(*span).or_default().extend(mismatches);
            }
            What::Count { wanted, under, spans: found, bounds } => {
                if bounds.at_most.is_some_and(|most| found.len() > most) {
                    self.unexpected.extend(found.iter().skip(bounds.at_most.unwrap_or_default()));
                } else {
                    let lacking = bounds.at_least.saturating_sub(found.len());
                    let under = found.first().map_or(*under, |at| spans[*at].parent_id.and_then(|id| trace.index_of(id)));
                    self.missing.entry(under).or_default().extend(std::iter::repeat_n(wanted.clone(), lacking));
                }
            }
            What::Unexpected { span } | What::Forbidden { span } => self.unexpected.push(*span),
            What::NotNothing { spans } => self.unexpected.extend(spans),
            What::NoEdge { .. } => {}
            What::StandIn { span } => {
                let (expected, actual) = (spans[*span].service().to_owned(), "a stand-in".to_owned());
                let mismatch = Mismatch { what: "service".into(), expected, actual };
                let known = self.changed.entry(*span).or_default();
                // A pattern and an edge can both have missed the service.
                if !known.contains(&mismatch) {
                    known.push(mismatch);
                }
            }
        }
    }

    fn of_span(&self, at: usize) -> Mark {
        // Under `exact` a span in the wrong place is unexpected there too; that it is the expected one says more.
        if self.changed.contains_key(&at) {
            Mark::Changed
        } else if self.unexpected.contains(&at) {
            Mark::Unexpected
        } else {
            Mark::Same
        }
    }
}

struct Drawing<'a> {
    trace: &'a Trace,
    marks: &'a Marks,
    rows: Vec<TreeRow>,
    /// Guards against cycles in what services sent.
    drawn: Vec<bool>,
}

impl Drawing<'_> {
    fn siblings(&mut self, spans: &[usize], missing: &[Wanted], depth: usize) {
        let total = spans.len() + missing.len();
        for (index, at) in spans.iter().enumerate() {
            self.span(*at, depth, index + 1 == total);
        }
        for (index, wanted) in missing.iter().enumerate() {
            self.rows.push(missing_row(wanted, depth, spans.len() + index + 1 == total));
        }
    }

    fn span(&mut self, at: usize, depth: usize, last: bool) {
        if std::mem::replace(&mut self.drawn[at], true) {
            return;
        }
        let span = &self.trace.spans()[at];
        self.rows.push(TreeRow {
            depth,
            last,
            mark: self.marks.of_span(at),
            name: span.name.clone(),
            kind: span.kind,
            service: span.service().to_owned(),
            stand_in: span.is_stand_in(),
            span_id: Some(span.span_id),
            elapsed: Some(span.duration()),
            error: span.is_error(),
            note: note_of(span),
            mismatches: self.marks.changed.get(&at).cloned().unwrap_or_default(),
        });
        let missing = self.marks.missing.get(&Some(at)).map_or(&[][..], Vec::as_slice);
        self.siblings(self.trace.children(span.span_id), missing, depth + 1);
    }
}

fn missing_row(wanted: &Wanted, depth: usize, last: bool) -> TreeRow {
    TreeRow {
        depth,
        last,
        mark: Mark::Missing,
        name: wanted.name.clone(),
        kind: wanted.kind.unwrap_or(SpanKind::Unspecified),
        service: wanted.service.clone(),
        stand_in: false,
        span_id: None,
        elapsed: None,
        error: false,
        note: String::new(),
        mismatches: Vec::new(),
    }
}
