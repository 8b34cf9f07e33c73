//! A trace against what a fixture expects of it: which expectations hold, which of them no later span can change, and why the others do
//! not hold.
//!
//! Fed by `check` whenever something arrived; pure. The rules, in the words of the fixture language:
//! - a pattern under `trace:` is looked for at any depth; under `children:` among the direct children; under `below:` at any depth below;
//! - siblings without `count` each claim a span of their own; `count` counts every span that matches the pattern's own line (kind, name,
//!   service, status, attributes, events), and at least its lower bound of them must have the children it asks for;
//! - `exact` leaves no direct child unnamed, at every depth below;
//! - what stands in for a service does for no pattern that names that `service`, and for no end of an edge, unless `stand_in: ok`; it does
//!   count against `none` and against upper bounds, because something came all the same.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    assign::assign,
    line,
    miss::{Miss, Standing, What},
    spec::{Bounds, Edge, Place, Selector, SequenceStep, SpanPattern, TraceExpectation},
};
use crate::model::{OWN_SERVICE, Span, Trace};

/// Below this likeness a span is a stranger, not a near miss.
const NEAR: f64 = 0.6;

/// From this likeness an unclaimed span counts as the expected one, changed.
const SAME: f64 = 0.72;

/// Judges every expectation on the spans that have arrived.
pub fn judge(expected: &TraceExpectation, trace: &Trace) -> Vec<Standing> {
    let everything = Everything::of(trace, expected.stand_ins);
    let mut standings = Vec::new();
    if let Some(place) = expected.nothing {
        standings.push(everything.nothing(place));
    }
    standings.extend(everything.top_level(expected));
    standings.extend(expected.none.iter().map(|selector| everything.forbidden(selector)));
    standings.extend(expected.edges.iter().map(|edge| everything.edge(edge)));
    standings
}

/// The whole trace, as the expectations at the top of a fixture see it.
struct Everything<'a> {
    trace: &'a Trace,
    /// Positions of the services' spans.
    all: Vec<usize>,
    /// Whether a stand-in does.
    stand_ins: bool,
}

impl<'a> Everything<'a> {
    fn of(trace: &'a Trace, stand_ins: bool) -> Self {
        let all = (0..trace.spans().len()).filter(|index| trace.spans()[*index].service() != OWN_SERVICE).collect();
        Self { trace, all, stand_ins }
    }

    fn nothing(&self, place: Place) -> Standing {
        let holds = self.all.is_empty();
        let misses = if holds { vec![] } else { vec![Miss { place, what: What::NotNothing { spans: self.all.clone() } }] };
        Standing { place, holds, settled: !holds, misses }
    }

    fn forbidden(&self, selector: &Selector) -> Standing {
        let spans = self.trace.spans();
        let taken: Vec<_> = self.all.iter().copied().filter(|index| line::selects(selector, &spans[*index])).collect();
        let misses: Vec<_> =
            taken.iter().map(|span| Miss { place: selector.place, what: What::Forbidden { span: *span } }).collect();
        Standing { place: selector.place, holds: misses.is_empty(), settled: !misses.is_empty(), misses }
    }

    fn edge(&self, edge: &Edge) -> Standing {
        let spans = self.trace.spans();
        let does = |span: &&Arc<Span>| self.stand_ins || !span.is_stand_in();
        let called: Vec<_> = self.all.iter().copied().filter(|index| spans[*index].service() == edge.to).collect();
        let callers = |span: &Span| {
            let linked = span.links.iter().filter_map(|link| self.trace.get(link.span_id));
            let callers = self.trace.parent(span).into_iter().chain(linked).filter(|caller| caller.service() == edge.from);
            callers.collect::<Vec<_>>()
        };
        let holds = called.iter().map(|index| &spans[*index]).filter(does).any(|span| callers(span).iter().any(does));
        let in_place = || called.iter().copied().find(|index| !callers(&spans[*index]).is_empty());
        let what = match in_place() {
            Some(span) => What::StandIn { span: self.stand_in_of_edge(span, &callers(&spans[span])) },
            None => {
                let seen = (self.all.iter().any(|index| spans[*index].service() == edge.from), !called.is_empty());
                What::NoEdge { from: edge.from.clone(), to: edge.to.clone(), seen }
            }
        };
        let misses = if holds { vec![] } else { vec![Miss { place: edge.place, what }] };
        Standing { place: edge.place, holds, settled: holds, misses }
    }

    /// Which end of an edge is only a stand-in: the called one, else a caller.
    fn stand_in_of_edge(&self, called: usize, callers: &[&Arc<Span>]) -> usize {
        if self.trace.spans()[called].is_stand_in() {
            return called;
        }
        callers.first().and_then(|caller| self.trace.index_of(caller.span_id)).unwrap_or(called)
    }

    /// The patterns right under `trace:`. With `exact` they name the topmost service spans, else any.
    fn top_level(&self, expected: &TraceExpectation) -> Vec<Standing> {
        let tops: Vec<_> = self.all.iter().copied().filter(|index| self.is_top(*index)).collect();
        let scope = if expected.exact { &tops } else { &self.all };
        let (trace, everywhere, stand_ins) = (self.trace, &self.all[..], self.stand_ins);
        let family = Family { trace, everywhere, stand_ins, scope, under: None, exact: expected.exact };
        let mut standings: Vec<_> = expected
            .spans
            .iter()
            .zip(family.judge(&expected.spans))
            .map(|(pattern, result)| Standing {
                place: pattern.place,
                holds: result.misses.is_empty(),
                settled: if result.misses.is_empty() { only_grows(pattern) && !expected.exact } else { result.exceeded },
                misses: result.misses,
            })
            .collect();
        if expected.exact {
            let place = expected.spans.first().map(|pattern| pattern.place).unwrap_or_default();
            let misses = family.unnamed(&expected.spans, &[], place);
            standings.push(Standing { place, holds: misses.is_empty(), settled: false, misses });
        }
        standings
    }

    fn is_top(&self, index: usize) -> bool {
        let span = &self.trace.spans()[index];
        self.trace.parent(span).is_none_or(|parent| parent.service() == OWN_SERVICE)
    }
}

/// Whether a pattern that holds still holds whatever else arrives.
fn only_grows(pattern: &SpanPattern) -> bool {
    let unbounded = pattern.count.is_none_or(|(bounds, _)| bounds.at_most.is_none());
    unbounded
        && pattern.sequence.is_none()
        && !pattern.exact
        && pattern.children.iter().all(only_grows)
        && pattern.below.iter().all(only_grows)
}

/// Sibling patterns and the spans they are about.
struct Family<'a> {
    trace: &'a Trace,
    /// All service spans, for "it is there, but elsewhere".
    everywhere: &'a [usize],
    /// Whether a stand-in does.
    stand_ins: bool,
    /// The spans these patterns choose from.
    scope: &'a [usize],
    /// The span they hang under.
    under: Option<usize>,
    /// Whether nothing may be left unnamed.
    exact: bool,
}

/// How one pattern fared.
#[derive(Default)]
struct Fared {
    misses: Vec<Miss>,
    /// An upper bound is broken: no later span can mend that.
    exceeded: bool,
}

impl Family<'_> {
    fn judge(&self, patterns: &[SpanPattern]) -> Vec<Fared> {
        let fits: Vec<_> = patterns.iter().map(|pattern| self.fits(pattern)).collect();
        let claims = Self::claims(patterns, &fits);
        patterns
            .iter()
            .enumerate()
            .map(|(index, pattern)| {
                let taken: BTreeSet<_> =
                    claims.iter().enumerate().filter(|(at, _)| *at != index).filter_map(|(_, claim)| *claim).collect();
                match (&pattern.sequence, pattern.count) {
                    (Some((steps, place)), _) => self.sequence(pattern, steps, *place, &fits[index]),
                    (None, Some((bounds, place))) => self.counted(pattern, bounds, place, &fits[index]),
                    (None, None) if claims[index].is_some() => Fared::default(),
                    (None, None) => Fared { misses: self.explain(pattern, &fits[index], &taken), exceeded: false },
                }
            })
            .collect()
    }

    /// Which spans match a pattern's line, and of these, which have the children it asks for.
    fn fits(&self, pattern: &SpanPattern) -> Fits {
        let spans = self.trace.spans();
        let (refused, free): (Vec<_>, Vec<_>) = self.scope.iter().copied().partition(|index| self.refuses(pattern, *index));
        let by_line: Vec<_> = free.into_iter().filter(|index| line::matches(pattern, &spans[*index])).collect();
        let stood_in = refused.into_iter().filter(|index| line::is_about(pattern, &spans[*index])).collect();
        let inner: Vec<_> = by_line.iter().map(|index| (*index, self.within(pattern, *index))).collect();
        let whole = inner.iter().filter(|(_, misses)| misses.is_empty()).map(|(index, _)| *index).collect();
        Fits { by_line, stood_in, whole, inner }
    }

    /// Whether a span comes from a stand-in, and the pattern wants the service.
    fn refuses(&self, pattern: &SpanPattern, index: usize) -> bool {
        !self.stand_ins && pattern.service.is_some() && self.trace.spans()[index].is_stand_in()
    }

    /// What is wrong below a span that matches a pattern's line.
    fn within(&self, pattern: &SpanPattern, index: usize) -> Vec<Miss> {
        let span = &self.trace.spans()[index];
        let exact = pattern.exact || self.exact;
        let children = self.trace.children(span.span_id);
        let (trace, everywhere, stand_ins) = (self.trace, self.everywhere, self.stand_ins);
        let direct = Family { trace, everywhere, stand_ins, scope: children, under: Some(index), exact };
        let mut misses: Vec<_> = direct.judge(&pattern.children).into_iter().flat_map(|fared| fared.misses).collect();
        if !pattern.below.is_empty() {
            let descendants = self.trace.descendants(span.span_id);
            let below = Family { trace, everywhere, stand_ins, scope: &descendants, under: Some(index), exact: false };
            misses.extend(below.judge(&pattern.below).into_iter().flat_map(|fared| fared.misses));
        }
        if exact {
            misses.extend(direct.unnamed(&pattern.children, &pattern.below, pattern.place));
        }
        misses
    }

    /// One span for each pattern without `count` or `sequence`, so that two equal patterns need two spans.
    fn claims(patterns: &[SpanPattern], fits: &[Fits]) -> Vec<Option<usize>> {
        let wishes: Vec<Vec<usize>> = patterns
            .iter()
            .zip(fits)
            .map(|(pattern, fits)| if is_plain(pattern) { fits.whole.clone() } else { Vec::new() })
            .collect();
        assign(&wishes)
    }

    /// Spans in scope that no pattern names.
    fn unnamed(&self, patterns: &[SpanPattern], below: &[SpanPattern], place: Place) -> Vec<Miss> {
        let spans = self.trace.spans();
        // What a pattern refuses because it is a stand-in's is told there, and not again as unexpected.
        let meant = |pattern: &SpanPattern, index: usize| {
            line::matches(pattern, &spans[index]) || (self.refuses(pattern, index) && line::is_about(pattern, &spans[index]))
        };
        let by_line =
            |pattern: &SpanPattern| -> Vec<usize> { self.scope.iter().copied().filter(|index| meant(pattern, *index)).collect() };
        let wishes: Vec<Vec<usize>> =
            patterns.iter().map(|pattern| if is_plain(pattern) { by_line(pattern) } else { Vec::new() }).collect();
        let mut named: BTreeSet<usize> = assign(&wishes).into_iter().flatten().collect();
        for pattern in patterns.iter().filter(|pattern| !is_plain(pattern)).chain(below) {
            named.extend(by_line(pattern));
        }
        self.scope
            .iter()
            .filter(|index| !named.contains(index))
            .map(|index| Miss { place, what: What::Unexpected { span: *index } })
            .collect()
    }

    fn counted(&self, pattern: &SpanPattern, bounds: Bounds, place: Place, fits: &Fits) -> Fared {
        let count = fits.by_line.len();
        let all: Vec<_> = fits.by_line.iter().chain(&fits.stood_in).copied().collect();
        let exceeded = bounds.at_most.is_some_and(|most| all.len() > most);
        if exceeded || (count < bounds.at_least && count > 0) {
            let spans = if exceeded { all } else { fits.by_line.clone() };
            let what = What::Count { wanted: line::wanted(pattern), under: self.under, spans, bounds };
            return Fared { misses: vec![Miss { place, what }], exceeded };
        }
        // With `at_most` alone nothing has to be there; but if something is, what the pattern says of it must be true of one.
        if fits.whole.len() < bounds.at_least.max(usize::from(count > 0)) {
            return Fared { misses: self.explain(pattern, fits, &BTreeSet::new()), exceeded: false };
        }
        Fared::default()
    }

    fn sequence(&self, pattern: &SpanPattern, steps: &[SequenceStep], place: Place, fits: &Fits) -> Fared {
        let bounds = Bounds { at_least: steps.len(), at_most: Some(steps.len()) };
        if fits.by_line.len() != steps.len() || !fits.stood_in.is_empty() {
            return self.counted(pattern, bounds, place, fits);
        }
        let spans = self.trace.spans();
        let mut misses: Vec<_> = fits.inner.iter().flat_map(|(_, misses)| misses.clone()).collect();
        for (step, index) in steps.iter().zip(&fits.by_line) {
            let differences = line::step_differences(step, &spans[*index]);
            if !differences.is_empty() {
                misses.push(Miss {
                    place: step.place,
                    what: What::Differs { span: *index, wanted: line::wanted(pattern), differences },
                });
            }
        }
        Fared { misses, exceeded: false }
    }

    /// Why no span in scope satisfies the pattern: the one that matches its line but lacks something below, else the nearest miss.
    fn explain(&self, pattern: &SpanPattern, fits: &Fits, taken: &BTreeSet<usize>) -> Vec<Miss> {
        let free = fits.inner.iter().filter(|(index, misses)| !misses.is_empty() && !taken.contains(index));
        if let Some((_, misses)) = free.min_by_key(|(_, misses)| misses.len()) {
            return misses.clone();
        }
        if let Some(span) = fits.stood_in.first().filter(|_| fits.by_line.is_empty()) {
            let place = pattern.service.as_ref().map_or(pattern.place, |(_, place)| *place);
            return vec![Miss { place, what: What::StandIn { span: *span } }];
        }
        let spans = self.trace.spans();
        let nearest = self
            .scope
            .iter()
            .filter(|index| !taken.contains(index))
            .map(|index| (*index, line::likeness(pattern, &spans[*index])))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let elsewhere: Vec<_> = self
            .everywhere
            .iter()
            .copied()
            .filter(|index| !self.scope.contains(index) && Some(*index) != self.under && line::matches(pattern, &spans[*index]))
            .collect();
        let wanted = line::wanted(pattern);
        match nearest {
            Some((span, likeness)) if likeness >= SAME && elsewhere.is_empty() => {
                let differences = line::differences(pattern, &spans[span]);
                // A span that matches in all respects can only be here when a sibling pattern has claimed the others.
                if !differences.is_empty() {
                    let place = differences[0].place;
                    return vec![Miss { place, what: What::Differs { span, wanted, differences } }];
                }
            }
            _ => {}
        }
        let nearest = nearest
            .filter(|(_, likeness)| *likeness >= NEAR)
            .map(|(span, _)| (span, line::differences(pattern, &spans[span])))
            .filter(|(_, differences)| !differences.is_empty());
        vec![Miss { place: pattern.place, what: What::Absent { wanted, under: self.under, elsewhere, nearest } }]
    }
}

/// Spans in scope for one pattern.
struct Fits {
    /// Those that match its line, in order of start.
    by_line: Vec<usize>,
    /// Those that the pattern is about, of what stands in for the service it names.
    stood_in: Vec<usize>,
    /// Those of `by_line` that have everything below.
    whole: Vec<usize>,
    /// Each of `by_line` with what is wrong below it.
    inner: Vec<(usize, Vec<Miss>)>,
}

fn is_plain(pattern: &SpanPattern) -> bool {
    pattern.count.is_none() && pattern.sequence.is_none()
}
