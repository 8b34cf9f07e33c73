//! Waiting for the trace of a delivery: until nothing new has come for a while and nothing that was begun is missing, or the time is over.
//!
//! Called by `cli` for each delivery that the recorder passed on.

use std::{sync::Arc, time::Duration};

use crate::{
    client::{ClientError, LedgerClient},
    model::{LedgerView, OWN_SERVICE, SpanKind, Trace, TraceId},
    support::clock::Stopwatch,
};

/// So much longer than the quiet period is waited while a trace looks unfinished: a consumer may begin late.
const UNFINISHED: u32 = 5;

/// What came of a trace.
#[derive(Debug, Clone)]
pub enum Watched {
    /// These spans.
    Trace(Trace),
    /// None within this time.
    Nothing(Duration),
}

/// Waits for a trace. `settle` is how long nothing new may come before it counts as whole, `patience` the longest for the first span.
pub async fn watch(ledger: &LedgerClient, id: TraceId, settle: Duration, patience: Duration) -> Result<Watched, ClientError> {
    let clock = Stopwatch::start();
    let mut still = Stopwatch::start();
    let mut view = LedgerView::default();
    loop {
        let wait = if view.version == 0 {
            patience.saturating_sub(clock.elapsed())
        } else {
            let quiet = if is_whole(&view) { settle } else { settle * UNFINISHED };
            quiet.saturating_sub(still.elapsed())
        };
        if wait.is_zero() {
            return Ok(watched(&view, clock.elapsed()));
        }
        let next = ledger.wait_for_change(id, view.version, wait).await?;
        if next.version != view.version {
            still = Stopwatch::start();
            view = next;
        }
    }
}

fn watched(view: &LedgerView, waited: Duration) -> Watched {
    let spans: Vec<_> = view.arrivals.iter().map(|arrival| Arc::clone(&arrival.span)).collect();
    if spans.iter().all(|span| span.service() == OWN_SERVICE) {
        return Watched::Nothing(waited);
    }
    Watched::Trace(Trace::new(spans))
}

/// Whether nothing that the spans speak of is missing: parents within the trace, and a consumer for each producer that went well.
fn is_whole(view: &LedgerView) -> bool {
    let trace = Trace::new(view.arrivals.iter().map(|arrival| Arc::clone(&arrival.span)));
    // One parent is the sender's, whose span may never come.
    let strangers: std::collections::BTreeSet<_> =
        trace.orphans().into_iter().filter_map(|at| trace.spans()[at].parent_id).collect();
    let served = trace.spans().iter().any(|span| span.kind == SpanKind::Server);
    let heard = |producer: &crate::model::Span| {
        let below = trace.children(producer.span_id).iter().any(|at| trace.spans()[*at].kind == SpanKind::Consumer);
        let linked = || trace.spans().iter().any(|span| span.links.iter().any(|link| link.span_id == producer.span_id));
        below || linked()
    };
    let mut producers = trace.spans().iter().filter(|span| span.kind == SpanKind::Producer && !span.is_error());
    served && strangers.len() <= 1 && producers.all(|producer| heard(producer))
}
