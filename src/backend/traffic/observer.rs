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

/// Items on their way to the next hop. Dropped before it was told what became of them, it counts them as refused: the sender gave up.
#[derive(Debug)]
pub(in crate::backend) struct Pending<'a> {
    observer: &'a Observer,
    sort: Sort,
    items: u64,
    service: Option<&'a str>,
    /// Where they go, in words.
    to: &'a str,
    settled: bool,
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

    /// Counts a batch for the services that sent it.
    pub(in crate::backend) fn sent(&self, batch: &Batch) {
        self.counters.sent(batch);
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

    /// Items of a service are about to be passed on.
    pub(in crate::backend) fn pending<'a>(
        &'a self,
        sort: Sort,
        items: u64,
        service: Option<&'a str>,
        to: &'a str,
    ) -> Pending<'a> {
        Pending { observer: self, sort, items, service, to, settled: false }
    }
}

impl Pending<'_> {
    /// The next hop took all of them.
    pub(in crate::backend) fn taken(self) {
        self.settle(0, None);
    }

    /// The next hop took all but `refused` of them.
    pub(in crate::backend) fn partly_taken(self, refused: u64, words: &str) {
        self.settle(refused, Some(words));
    }

    /// The next hop took none of them.
    pub(in crate::backend) fn refused(self, words: &str) {
        self.settle(u64::MAX, Some(words));
    }

    fn settle(mut self, refused: u64, words: Option<&str>) {
        self.settled = true;
        let refused = refused.min(self.items);
        self.count(refused);
        if let Some(words) = words {
            self.observer.problem(self.service, words);
        }
    }

    fn count(&self, refused: u64) {
        let flow = self.observer.counters.of(self.sort);
        flow.passed_on.fetch_add(self.items - refused, Relaxed);
        flow.refused.fetch_add(refused, Relaxed);
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.count(self.items);
            self.observer.problem(self.service, &format!("the sender gave up before the next hop {} answered", self.to));
        }
    }
}
