//! The writing end: what `receive` tells of each request.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use super::{
    counters::{Counters, Sort, TrafficHandle},
    feed::{Feed, arrived},
};
use crate::{
    backend::{Batch, Ledger},
    model::Happening,
    support::clock::unix_nanos,
};

/// Counts and tells; a clone shares both.
#[derive(Debug, Clone)]
pub(in crate::backend) struct Observer {
    counters: Arc<Counters>,
    feed: Feed,
}

/// Items on their way to the next hop. Dropped before it was told what became of them (the sender gave up), it counts them as refused.
#[derive(Debug)]
pub(in crate::backend) struct Pending<'a> {
    counters: &'a Counters,
    sort: Sort,
    items: u64,
}

impl Observer {
    pub(in crate::backend) fn new() -> Self {
        Self { counters: Arc::default(), feed: Feed::new() }
    }

    pub(in crate::backend) fn traffic(&self, ledger: Ledger) -> TrafficHandle {
        TrafficHandle::new(Arc::clone(&self.counters), ledger)
    }

    pub(in crate::backend) fn feed(&self) -> Feed {
        self.feed.clone()
    }

    /// A batch as it will be told once it is kept; nothing where nobody listens.
    pub(in crate::backend) fn happenings(&self, batch: &Batch) -> Vec<Happening> {
        match batch {
            Batch::Spans(spans) if self.feed.is_listened_to() => {
                let now = unix_nanos();
                spans.iter().map(|span| Happening::Span(Box::new(arrived(span, now)))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// So many items were understood and kept.
    pub(in crate::backend) fn received(&self, sort: Sort, items: u64, happenings: Vec<Happening>) {
        self.counters.of(sort).received.fetch_add(items, Relaxed);
        for happening in happenings {
            self.feed.tell(happening);
        }
    }

    /// Items of an understood request were not kept.
    pub(in crate::backend) fn rejected(&self, sort: Sort, items: u64, service: Option<&str>, words: &str) {
        self.counters.of(sort).rejected.fetch_add(items, Relaxed);
        self.problem(service, words);
    }

    /// A request could not be read at all.
    pub(in crate::backend) fn unreadable(&self, words: &str) {
        self.counters.unreadable.fetch_add(1, Relaxed);
        self.problem(None, words);
    }

    /// A request was told to come again later.
    pub(in crate::backend) fn turned_away(&self, words: &str) {
        self.counters.turned_away.fetch_add(1, Relaxed);
        self.problem(None, words);
    }

    /// Something is wrong that is counted elsewhere or nowhere.
    pub(in crate::backend) fn problem(&self, service: Option<&str>, words: &str) {
        let words = self.counters.problem(words);
        if self.feed.is_listened_to() {
            self.feed.tell(Happening::Problem { at_ns: unix_nanos(), service: service.map(str::to_owned), words });
        }
    }

    /// Items are about to be passed on.
    pub(in crate::backend) fn pending(&self, sort: Sort, items: u64) -> Pending<'_> {
        Pending { counters: &self.counters, sort, items }
    }
}

impl Pending<'_> {
    /// The next hop took all but `refused` of them.
    pub(in crate::backend) fn taken(mut self, refused: u64) {
        let refused = refused.min(self.items);
        self.counters.of(self.sort).passed_on.fetch_add(self.items - refused, Relaxed);
        self.items = refused;
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.counters.of(self.sort).refused.fetch_add(self.items, Relaxed);
    }
}
