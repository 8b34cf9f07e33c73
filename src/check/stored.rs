//! What arrived, read from a store by trace id, for a judge who has no ledger: where services cannot export to devstack.
//!
//! Answers as a ledger does (`model::arrival`), so that the observer asks either in the same way. When a span arrived is when it was seen
//! first, by devstack's own clock; asked by [`super::observe`].

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    client::{ClientError, StoreClient},
    model::{Arrival, LedgerView, Trace, TraceId},
    support::{clock::Stopwatch, poll::Poll},
};

/// A store as a ledger.
#[derive(Debug)]
pub(super) struct Stored {
    store: StoreClient,
    clock: Stopwatch,
    seen: Mutex<HashMap<TraceId, LedgerView>>,
}

impl Stored {
    /// A reader that has seen nothing yet.
    pub(super) fn new(store: StoreClient) -> Self {
        Self { store, clock: Stopwatch::start(), seen: Mutex::default() }
    }

    /// Everything seen of a trace, after a look.
    pub(super) async fn view(&self, trace_id: TraceId) -> Result<LedgerView, ClientError> {
        let trace = self.store.trace(trace_id).await?.unwrap_or_default();
        Ok(self.merge(trace_id, &trace))
    }

    /// The same as soon as there is more than `after`, or when `wait` is over. Stores tell nobody, so it looks again and again.
    pub(super) async fn wait_for_change(&self, trace_id: TraceId, after: u64, wait: Duration) -> Result<LedgerView, ClientError> {
        // It is somebody else's store, and every case of the run asks it.
        let mut poll = Poll::gently(wait);
        loop {
            let view = self.view(trace_id).await?;
            if view.version > after || !poll.again().await {
                return Ok(view);
            }
        }
    }

    /// Adds what is new. Stores have no versions: the number of spans is one, because none ever leaves.
    fn merge(&self, trace_id: TraceId, trace: &Trace) -> LedgerView {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let view = seen.entry(trace_id).or_default();
        view.now_ns = self.clock.elapsed().as_nanos() as u64;
        let known: HashSet<_> = view.arrivals.iter().map(|arrival| arrival.span.span_id).collect();
        let new = trace.spans().iter().filter(|span| !known.contains(&span.span_id));
        let at_ns = view.now_ns;
        view.arrivals.extend(new.map(|span| Arrival { span: Arc::clone(span), at_ns, resent: 0 }));
        view.version = view.arrivals.len() as u64;
        view.clone()
    }
}
