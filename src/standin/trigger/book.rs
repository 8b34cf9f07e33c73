//! What was handed to the stand-in: the last calls, and which idempotency key has which run.
//!
//! Written by `endpoint` and `batch`; read over `/_devstack/enqueued`. Bounded: what is forgotten is counted.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    model::{Enqueued, EnqueuedRuns, TraceId},
    support::clock,
};

/// Calls kept; beyond them the oldest is forgotten.
const MOST_CALLS: usize = 10_000;
/// Keys kept. Many more than calls, because a key that is forgotten would run twice.
const MOST_KEYS: usize = 100_000;
/// How long a key holds unless its caller says otherwise (the real service's thirty days).
const KEY_HOLDS: Duration = Duration::from_hours(720);

/// A key, and of what: the same key for two tasks is two keys, as with the real service.
pub(super) type KeyOf = (String, String);

/// The whole book of one stand-in.
#[derive(Debug, Default)]
pub(super) struct Book(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    found: EnqueuedRuns,
    calls: VecDeque<Enqueued>,
    keys: HashMap<KeyOf, Claim>,
    /// Oldest first.
    order: VecDeque<KeyOf>,
}

#[derive(Debug, Clone)]
struct Claim {
    /// Ids of what was made for it: a run; of a batch its id, then its runs.
    ids: Vec<String>,
    until: Instant,
}

/// Which calls are asked for; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) trace: Option<TraceId>,
    pub(super) correlation: Option<String>,
    pub(super) since_ns: Option<u64>,
}

impl Book {
    /// Gives the key to `ids`, or says to which it belongs already.
    pub(super) fn claim(&self, key: KeyOf, ids: &[String], holds: Option<Duration>) -> Option<Vec<String>> {
        let now = clock::monotonic();
        self.with(|pages| {
            if let Some(claim) = pages.keys.get(&key).filter(|claim| claim.until > now) {
                return Some(claim.ids.clone());
            }
            let claim = Claim { ids: ids.to_owned(), until: now + holds.unwrap_or(KEY_HOLDS) };
            if pages.keys.insert(key.clone(), claim).is_none() {
                pages.order.push_back(key);
            }
            if pages.order.len() > MOST_KEYS
                && let Some(oldest) = pages.order.pop_front()
            {
                pages.keys.remove(&oldest);
            }
            None
        })
    }

    /// Writes a call down.
    pub(super) fn record(&self, call: Enqueued) {
        self.with(|pages| {
            pages.calls.push_back(call);
            if pages.calls.len() > MOST_CALLS {
                pages.calls.pop_front();
                pages.found.forgotten += 1;
            }
        });
    }

    /// Counts a call that did not bring the key.
    pub(super) fn unauthorized(&self) {
        self.with(|pages| pages.found.unauthorized += 1);
    }

    /// Counts a call that could not be read.
    pub(super) fn unreadable(&self) {
        self.with(|pages| pages.found.unreadable += 1);
    }

    /// The calls that fit.
    pub(super) fn find(&self, wanted: &Wanted) -> EnqueuedRuns {
        self.with(|pages| {
            let runs = pages.calls.iter().filter(|call| wanted.fits(call)).cloned().collect();
            EnqueuedRuns { runs, ..pages.found.clone() }
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Pages) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Wanted {
    fn fits(&self, call: &Enqueued) -> bool {
        self.trace.is_none_or(|trace| call.is_of(trace))
            && self.correlation.as_ref().is_none_or(|correlation| call.correlation_id.as_ref() == Some(correlation))
            && self.since_ns.is_none_or(|since| call.at_ns >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PayloadContext, RemoteSpan, SpanId};

    fn call(at_ns: u64) -> Enqueued {
        Enqueued {
            task: "t".to_owned(),
            run_id: format!("run_{at_ns}"),
            at_ns,
            cached: false,
            idempotency_key: None,
            key_as_sdk: true,
            correlation_id: None,
            payload: PayloadContext::Absent,
            request: None,
        }
    }

    fn key(of: &str) -> KeyOf {
        ("t".to_owned(), of.to_owned())
    }

    fn ids(of: &str) -> Vec<String> {
        vec![of.to_owned()]
    }

    #[test]
    fn a_key_belongs_to_its_first_run_per_task() {
        let book = Book::default();
        assert_eq!(book.claim(key("k"), &ids("run_1"), None), None);
        assert_eq!(book.claim(key("k"), &ids("run_2"), None), Some(ids("run_1")));
        assert_eq!(book.claim(("other".to_owned(), "k".to_owned()), &ids("run_3"), None), None);
    }

    #[test]
    fn a_key_that_does_not_hold_any_more_is_free() {
        let book = Book::default();
        assert_eq!(book.claim(key("k"), &ids("run_1"), Some(Duration::ZERO)), None);
        assert_eq!(book.claim(key("k"), &ids("run_2"), None), None);
        assert_eq!(book.claim(key("k"), &ids("run_3"), None), Some(ids("run_2")));
    }

    #[test]
    fn calls_are_found_by_trace_correlation_and_time_together() {
        let book = Book::default();
        let span = RemoteSpan { trace_id: TraceId::random(), span_id: SpanId::random(), sampled: true };
        book.record(Enqueued { payload: PayloadContext::Valid(span), correlation_id: Some("c".to_owned()), ..call(1) });
        book.record(Enqueued { request: Some(span), ..call(2) });
        book.record(call(3));
        let found = |wanted: Wanted| book.find(&wanted).runs.into_iter().map(|call| call.at_ns).collect::<Vec<_>>();
        let all = Wanted::default();
        let (trace, correlation) = (Some(span.trace_id), Some("c".to_owned()));
        assert_eq!(found(all.clone()), [1, 2, 3]);
        assert_eq!(found(Wanted { trace, ..all.clone() }), [1, 2]);
        assert_eq!(found(Wanted { trace, since_ns: Some(2), ..all.clone() }), [2]);
        assert_eq!(found(Wanted { correlation, ..all.clone() }), [1]);
        assert!(found(Wanted { trace: Some(TraceId::random()), ..all }).is_empty());
    }

    #[test]
    fn what_is_forgotten_is_counted() {
        let book = Book::default();
        for at in 0..=MOST_CALLS as u64 {
            book.record(call(at));
        }
        let found = book.find(&Wanted::default());
        assert_eq!((found.runs.len(), found.runs[0].at_ns, found.forgotten), (MOST_CALLS, 1, 1));
    }
}
