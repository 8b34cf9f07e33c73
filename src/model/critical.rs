//! The critical path of a trace: which spans its end had to wait for, and so where its time went.
//!
//! Read by `term` (the line under the waterfall) and by reports. Pure; the trace may be damaged in any way.
//!
//! # Algorithm
//!
//! As in distributed-tracing tools generally, the path is walked backwards from the end. Every span has a *reach*: the latest end in
//! its subtree, since work that was handed on (a queue's consumer) goes on after the span that caused it.
//!
//! 1. Stand at the end of the trace, in a root that is nobody's: the tops of the trace are its children.
//! 2. In a span, standing at time `t`, take of the children whose reach is not after `t` the one that reaches furthest: that is what
//!    the span waited for last. Children that were still busy at `t` ran beside the path and are not on it.
//! 3. The time between that child's reach and `t` is the span's own, as far as the span was open; the rest is *waiting* (in a queue, or
//!    between roots).
//! 4. Walk the child the same way from its reach; then go on in the span from the child's start. Without a further child, what is left
//!    down to the span's start is its own.
//!
//! Roots that overlap wait for nothing; of those the earlier one is cut where the later one begins.
//!
//! Starts before the parent's are cut to the parent's (clock skew), so that the parts always add up to the whole. Every span is
//! walked at most once, which ends cycles. Time: O(n log n). No recursion, so that depth does not matter.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{Span, SpanKind, Trace};

/// Who spent time on the critical path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Spender {
    /// A service.
    Service(String),
    /// Something not instrumented that a service called, by the name the CLIENT span gives it: `hubspot`, `postgresql`.
    External(String),
    /// Nobody: between spans, in a queue.
    Waiting,
}

/// A stretch of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Position in [`Trace::spans`] of the span that spent it; `None` for waiting.
    pub span: Option<usize>,
    /// From, nanoseconds since the Unix epoch.
    pub from_ns: u64,
    /// To, nanoseconds since the Unix epoch.
    pub to_ns: u64,
}

/// The path: stretches without gaps from the start of the trace to its end, in order of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// Its stretches; none is empty.
    pub segments: Vec<Segment>,
}

/// A span being walked: from where it stands now down to `low`.
struct Frame {
    /// `None` for the root that is nobody's.
    span: Option<usize>,
    low: u64,
    now: u64,
    /// Children by reach, the furthest last.
    children: Vec<usize>,
}

impl CriticalPath {
    /// The path of a trace; empty for an empty trace.
    pub fn of(trace: &Trace) -> Self {
        let reach = reaches(trace);
        let tops = trace.tops();
        let start = tops.iter().map(|top| trace.spans()[*top].start_ns).min().unwrap_or_default();
        let end = tops.iter().map(|top| reach[*top]).max().unwrap_or(start);
        let mut segments = walk(trace, &reach, start, end);
        segments.reverse();
        Self { segments }
    }

    /// From the first stretch to the last.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.segments.iter().map(|segment| segment.to_ns - segment.from_ns).sum())
    }

    /// How long each spender is on the path, the longest first; equal ones by name.
    pub fn by_spender(&self, trace: &Trace) -> Vec<(Spender, Duration)> {
        let mut sums: HashMap<Spender, u64> = HashMap::new();
        for segment in &self.segments {
            let spender = segment.span.map_or(Spender::Waiting, |index| spender_of(trace, index));
            *sums.entry(spender).or_default() += segment.to_ns - segment.from_ns;
        }
        let mut sums: Vec<_> = sums.into_iter().map(|(spender, nanos)| (spender, Duration::from_nanos(nanos))).collect();
        sums.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        sums
    }
}

fn walk(trace: &Trace, reach: &[u64], start: u64, end: u64) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut walked = HashSet::new();
    let mut stack = vec![Frame { span: None, low: start, now: end, children: by_reach(trace.tops(), reach) }];
    while let Some(frame) = stack.last_mut() {
        match next_child(frame, trace, reach, &mut walked) {
            Some(child) => {
                let until = reach[child].min(frame.now);
                spend(trace, frame.span, until, frame.now, &mut segments);
                let low = trace.spans()[child].start_ns.max(frame.low);
                frame.now = low;
                let children = by_reach(trace.children(trace.spans()[child].span_id).to_vec(), reach);
                stack.push(Frame { span: Some(child), low, now: until, children });
            }
            None => {
                spend(trace, frame.span, frame.low, frame.now, &mut segments);
                stack.pop();
            }
        }
    }
    segments
}

/// The child that reaches furthest without being busy beyond where the frame stands. Others that reach further never will be it,
/// except between roots: nothing waits for them, so that one that overlaps is cut rather than left out.
fn next_child(frame: &mut Frame, trace: &Trace, reach: &[u64], walked: &mut HashSet<usize>) -> Option<usize> {
    while let Some(child) = frame.children.pop() {
        let finished = reach[child] <= frame.now || frame.span.is_none();
        let within = finished && reach[child] > frame.low && trace.spans()[child].start_ns < frame.now;
        if within && walked.insert(child) {
            return Some(child);
        }
    }
    None
}

/// Books `[from, to]` to a span as far as it was open, the rest to nobody. Later stretches come first: the path is walked backwards.
fn spend(trace: &Trace, span: Option<usize>, from: u64, to: u64, segments: &mut Vec<Segment>) {
    let open_until = span.map_or(from, |index| trace.spans()[index].end_ns.clamp(from, to.max(from)));
    for (span, from_ns, to_ns) in [(None, open_until, to), (span, from, open_until)] {
        if from_ns < to_ns {
            segments.push(Segment { span, from_ns, to_ns });
        }
    }
}

fn by_reach(mut spans: Vec<usize>, reach: &[u64]) -> Vec<usize> {
    spans.sort_by_key(|index| (reach[*index], *index));
    spans
}

/// The latest end in the subtree of each span, never before its own start.
fn reaches(trace: &Trace) -> Vec<u64> {
    let spans = trace.spans();
    let mut reach: Vec<u64> = spans.iter().map(|span| span.end_ns.max(span.start_ns)).collect();
    // Children after their parents, so that going backwards every child is settled before its parent.
    let mut order = Vec::with_capacity(spans.len());
    let mut seen = vec![false; spans.len()];
    let mut stack = trace.tops();
    while let Some(index) = stack.pop() {
        if !std::mem::replace(&mut seen[index], true) {
            order.push(index);
            stack.extend(trace.children(spans[index].span_id));
        }
    }
    for index in order.into_iter().rev() {
        let below = trace.children(spans[index].span_id).iter().map(|child| reach[*child]).max().unwrap_or(0);
        reach[index] = reach[index].max(below);
    }
    reach
}

/// A CLIENT span under which no other service answers is time spent in what it called.
fn spender_of(trace: &Trace, index: usize) -> Spender {
    let span = &trace.spans()[index];
    let answered = || trace.children(span.span_id).iter().any(|child| trace.spans()[*child].service() != span.service());
    if span.kind == SpanKind::Client && !answered() {
        Spender::External(external_name(span).to_owned())
    } else {
        Spender::Service(span.service().to_owned())
    }
}

/// What a CLIENT span calls: by its attributes, else the first word of its name (`hubspot POST`, `redis.set`).
pub fn external_name(span: &Span) -> &str {
    const NAMED: [&str; 4] = ["peer.service", "external.service", "db.system.name", "db.system"];
    let first_word = || span.name.split([' ', '.']).next().filter(|word| !word.is_empty()).unwrap_or("external");
    NAMED.iter().find_map(|key| span.attributes.text(key)).unwrap_or_else(first_word)
}

#[cfg(test)]
mod tests {
    use super::{CriticalPath, Spender};
    use crate::model::{
        SpanKind::{Client, Consumer, Internal, Producer, Server},
        Trace,
        sample::{span, trace},
    };

    /// Spenders and milliseconds of the path, the longest first.
    fn spent(trace: &Trace) -> Vec<(String, u128)> {
        let path = CriticalPath::of(trace);
        let parts = path.by_spender(trace);
        assert_eq!(parts.iter().map(|(_, time)| *time).sum::<std::time::Duration>(), path.duration(), "the parts add up");
        for pair in path.segments.windows(2) {
            assert_eq!(pair[0].to_ns, pair[1].from_ns, "there are no gaps");
        }
        let name = |spender| match spender {
            Spender::Service(name) | Spender::External(name) => name,
            Spender::Waiting => "waiting".to_owned(),
        };
        parts.into_iter().map(|(spender, time)| (name(spender), time.as_millis())).collect()
    }

    fn parts(expected: &[(&str, u128)]) -> Vec<(String, u128)> {
        expected.iter().map(|(name, millis)| ((*name).to_owned(), *millis)).collect()
    }

    #[test]
    fn calls_one_after_the_other_are_all_on_the_path() {
        let trace = trace([
            span(1, 0, "api", Server, 0, 100),
            span(2, 1, "api", Client, 10, 40).named("hubspot POST"),
            span(3, 1, "api", Client, 50, 90).named("openai POST"),
        ]);
        assert_eq!(spent(&trace), parts(&[("openai", 40), ("api", 30), ("hubspot", 30)]));
    }

    #[test]
    fn of_calls_side_by_side_only_the_one_waited_for_counts() {
        let trace = trace([
            span(1, 0, "api", Server, 0, 100),
            span(2, 1, "api", Client, 10, 60).named("fast GET"),
            span(3, 1, "api", Client, 10, 95).named("slow GET"),
        ]);
        assert_eq!(spent(&trace), parts(&[("slow", 85), ("api", 15)]));
    }

    #[test]
    fn work_handed_on_counts_where_it_runs_and_the_queue_is_waiting() {
        let trace = trace([
            span(1, 0, "api", Server, 0, 4),
            span(2, 1, "api", Producer, 1, 3),
            span(3, 2, "trigger", Consumer, 10, 80),
            span(4, 3, "trigger", Client, 20, 60).with("db.system", "postgresql"),
        ]);
        assert_eq!(spent(&trace), parts(&[("postgresql", 40), ("trigger", 30), ("waiting", 7), ("api", 3)]));
    }

    #[test]
    fn a_call_that_another_service_answers_is_not_external() {
        let trace = trace([
            span(1, 0, "web", Server, 0, 50),
            span(2, 1, "web", Client, 5, 45).named("api GET"),
            span(3, 2, "api", Server, 10, 40),
        ]);
        assert_eq!(spent(&trace), parts(&[("api", 30), ("web", 20)]));
    }

    #[test]
    fn a_clock_that_is_behind_does_not_make_time() {
        let trace = trace([span(1, 0, "api", Server, 100, 200), span(2, 1, "trigger", Internal, 20, 150)]);
        assert_eq!(spent(&trace), parts(&[("api", 50), ("trigger", 50)]));
    }

    #[test]
    fn several_roots_orphans_and_zero_lengths_add_up() {
        let trace = trace([
            span(1, 0, "a", Server, 0, 10),
            span(2, 99, "b", Internal, 20, 30),
            span(3, 1, "a", Internal, 5, 5),
            span(4, 1, "a", Internal, 10, 10),
        ]);
        assert_eq!(spent(&trace), parts(&[("a", 10), ("b", 10), ("waiting", 10)]));
        let overlapping = super::super::sample::trace([span(1, 0, "a", Server, 0, 20), span(2, 0, "b", Server, 15, 30)]);
        assert_eq!(spent(&overlapping), parts(&[("a", 15), ("b", 15)]));
        assert_eq!(CriticalPath::of(&Trace::default()).segments, []);
    }

    #[test]
    fn cycles_and_great_depth_end() {
        let looped = trace([span(1, 2, "a", Internal, 0, 10), span(2, 1, "a", Internal, 0, 10), span(3, 3, "a", Internal, 1, 2)]);
        assert_eq!(spent(&looped), [], "nothing begins there");
        let deep = trace((1..=20_000).map(|number| span(number, number - 1, "a", Internal, number, 40_001 - number)));
        assert_eq!(spent(&deep), parts(&[("a", 40_000 - 1)]));
    }
}
