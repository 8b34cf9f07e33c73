//! Whether the traces of a service go on in others, as far as the spans in the ledger show. Pure.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::{OWN_SERVICE, Span, SpanId, SpanKind, Trace};

/// How long after a message was sent its handling may begin and still count as its own, in nanoseconds.
const HANDED_OVER: u64 = 1_000_000_000;

/// What the spans of a service show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Propagation {
    /// Traces of the ledger that were looked at.
    pub traces: usize,
    /// Its PRODUCER and CLIENT spans.
    pub sent: usize,
    /// Its PRODUCER spans.
    pub produced: usize,
    /// Those of `sent` that another span than the service's own goes on from.
    pub continued: usize,
    /// Sends that nothing went on from, while another service began a trace of its own.
    pub lost: Vec<Lost>,
    /// CONSUMER spans of the service, and of those who go on from it.
    pub consumed: usize,
    /// Those of `consumed` without a parent and without a link.
    pub consumed_alone: usize,
}

/// A context that did not go over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The span that sent.
    pub from: String,
    /// The service that began anew.
    pub service: String,
    /// The span with which it did.
    pub root: String,
}

/// What these traces show of a service.
pub(super) fn of(traces: &[Trace], service: &str) -> Propagation {
    let mut found = Propagation { traces: traces.len(), ..Propagation::default() };
    let links: BTreeSet<SpanId> =
        traces.iter().flat_map(Trace::spans).flat_map(|span| span.links.iter().map(|link| link.span_id)).collect();
    let roots: Vec<&Span> = traces.iter().flat_map(begun).filter(|root| root.service() != service).collect();
    let mut taken = BTreeSet::new();
    for trace in traces {
        for span in trace.spans().iter().filter(|span| span.service() == service) {
            match span.kind {
                SpanKind::Producer | SpanKind::Client => {
                    found.sent += 1;
                    found.produced += usize::from(span.kind == SpanKind::Producer);
                    if links.contains(&span.span_id) || goes_on(trace, span) {
                        found.continued += 1;
                    } else if let Some(root) = roots.iter().find(|root| is_of(root, span) && taken.insert(root.span_id)) {
                        let (service, root) = (root.service().to_owned(), root.name.clone());
                        found.lost.push(Lost { from: span.name.clone(), service, root });
                    }
                }
                _ => {}
            }
        }
        let takes_part = trace.services().contains(service);
        let consumers = trace.spans().iter().filter(|span| takes_part && span.kind == SpanKind::Consumer);
        for consumer in consumers {
            found.consumed += 1;
            found.consumed_alone += usize::from(consumer.parent_id.is_none() && consumer.links.is_empty());
        }
    }
    found
}

/// Roots of other services than devstack's: where a trace was begun.
fn begun(trace: &Trace) -> Vec<&Span> {
    trace
        .roots()
        .into_iter()
        .map(|at| trace.spans()[at].as_ref())
        .filter(|root| root.service() != OWN_SERVICE && root.links.is_empty())
        .filter(|root| matches!(root.kind, SpanKind::Server | SpanKind::Consumer | SpanKind::Internal))
        .collect()
}

/// Whether a span that handles what was sent stands below it.
fn goes_on(trace: &Trace, span: &Span) -> bool {
    let handles = |child: &Span| child.service() != span.service() || matches!(child.kind, SpanKind::Server | SpanKind::Consumer);
    trace.children(span.span_id).iter().any(|at| handles(&trace.spans()[*at]))
}

/// Whether a root may be what a span sent: within the call, or soon after a message.
fn is_of(root: &Span, span: &Span) -> bool {
    let until = if span.kind == SpanKind::Producer { span.end_ns + HANDED_OVER } else { span.end_ns };
    let ends_in_time = span.kind == SpanKind::Producer || root.end_ns <= span.end_ns;
    let fits = match span.kind {
        SpanKind::Producer => root.kind != SpanKind::Server,
        _ => root.kind == SpanKind::Server,
    };
    fits && ends_in_time && (span.start_ns..=until).contains(&root.start_ns)
}

#[cfg(test)]
mod tests {
    use super::{Lost, of};
    use crate::model::{
        SpanKind::{Client, Consumer, Producer, Server},
        TraceId,
        sample::{Draft, span, trace},
    };

    /// The same in another trace.
    fn elsewhere(mut draft: Draft) -> Draft {
        draft.0.trace_id = TraceId::new([9; 16]).unwrap();
        draft
    }

    #[test]
    fn what_goes_on_below_or_by_a_link_is_continued() {
        let whole = trace([
            span(1, 0, "api", Server, 0, 9),
            span(2, 1, "api", Producer, 1, 2),
            span(3, 2, "worker", Consumer, 3, 8),
            span(4, 1, "api", Client, 3, 5),
            span(5, 4, "crm", Server, 4, 5),
        ]);
        let found = of(&[whole], "api");
        assert_eq!((found.sent, found.produced, found.continued, found.consumed, found.consumed_alone), (2, 1, 2, 1, 0));
        assert_eq!(found.lost, []);
    }

    #[test]
    fn a_root_of_another_service_within_a_call_or_after_a_message_is_a_lost_context() {
        let api = trace([span(1, 0, "api", Server, 0, 9), span(2, 1, "api", Producer, 1, 2), span(3, 1, "api", Client, 3, 5)]);
        let worker = trace([elsewhere(span(4, 0, "worker", Consumer, 40, 80).named("run"))]);
        let crm = trace([elsewhere(span(5, 0, "crm", Server, 4, 5).named("POST /"))]);
        let found = of(&[api.clone(), worker, crm], "api");
        let lost = |from: &str, service: &str, root: &str| Lost { from: from.into(), service: service.into(), root: root.into() };
        assert_eq!(found.lost, [lost("span 2", "worker", "run"), lost("span 3", "crm", "POST /")]);
        assert_eq!(found.continued, 0);
        // Outlasting the call, before it, or of the service itself: somebody else's.
        for other in [span(5, 0, "crm", Server, 4, 6), span(5, 0, "crm", Server, 2, 4), span(5, 0, "api", Server, 4, 5)] {
            assert_eq!(of(&[api.clone(), trace([elsewhere(other)])], "api").lost, []);
        }
    }
}
