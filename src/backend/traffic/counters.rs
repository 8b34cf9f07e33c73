//! Counters that cost an atomic addition a request.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::{
    backend::{Batch, Ledger},
    model::{
        Flow, Resource, Traffic,
        traffic::{MOST_SERVICES, Sent},
    },
};

/// How much of a problem's words is kept, in characters: some of them come from the next hop.
const WORDS: usize = 400;

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend) enum Sort {
    /// Spans.
    Spans,
    /// Metric data points.
    Points,
    /// Log records.
    Logs,
}

/// What became of everything since the backend was bound; a clone shares the counters.
#[derive(Debug, Clone)]
pub struct TrafficHandle {
    counters: Arc<Counters>,
    ledger: Ledger,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    flows: [FlowCounters; 3],
    pub(super) unreadable: AtomicU64,
    pub(super) turned_away: AtomicU64,
    last_problem: Mutex<Option<String>>,
    services: Mutex<BTreeMap<String, Sent>>,
}

#[derive(Debug, Default)]
pub(super) struct FlowCounters {
    pub(super) received: AtomicU64,
    pub(super) passed_on: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) rejected: AtomicU64,
}

impl TrafficHandle {
    pub(super) fn new(counters: Arc<Counters>, ledger: Ledger) -> Self {
        Self { counters, ledger }
    }

    /// The counters, now.
    pub fn snapshot(&self) -> Traffic {
        Traffic {
            spans: self.counters.of(Sort::Spans).snapshot(),
            points: self.counters.of(Sort::Points).snapshot(),
            logs: self.counters.of(Sort::Logs).snapshot(),
            series: self.ledger.usage().metrics.items,
            unreadable: self.counters.unreadable.load(Relaxed),
            turned_away: self.counters.turned_away.load(Relaxed),
            last_problem: self.counters.last_problem().clone(),
            services: self.counters.services().clone(),
        }
    }
}

impl Counters {
    pub(super) fn of(&self, sort: Sort) -> &FlowCounters {
        &self.flows[sort as usize]
    }

    /// Keeps the words as the last problem.
    pub(super) fn problem(&self, words: &str) -> String {
        let words: String = words.trim_end().chars().take(WORDS).collect();
        *self.last_problem() = Some(words.clone());
        words
    }

    /// Counts the items of a batch by who sent them.
    pub(super) fn sent(&self, batch: &Batch) {
        match batch {
            Batch::Spans(spans) => self.add(spans.iter().map(|span| &*span.resource), |sent| &mut sent.spans),
            Batch::Metrics(points) => self.add(points.iter().map(|point| &*point.series.resource), |sent| &mut sent.points),
            Batch::Logs(records) => self.add(records.iter().map(|record| &*record.resource), |sent| &mut sent.logs),
        }
    }

    fn add<'a>(&self, resources: impl Iterator<Item = &'a Resource>, of: fn(&mut Sent) -> &mut u64) {
        // The items of a resource stand together, so its name is looked up once.
        let mut runs: Vec<(&Resource, u64)> = Vec::new();
        for resource in resources {
            match runs.last_mut() {
                Some((last, items)) if std::ptr::eq(*last, resource) => *items += 1,
                _ => runs.push((resource, 1)),
            }
        }
        let mut services = self.services();
        for (resource, items) in runs {
            let name = resource.service();
            if !services.contains_key(name) && services.len() < MOST_SERVICES {
                services.insert(name.to_owned(), Sent::default());
            }
            if let Some(sent) = services.get_mut(name) {
                *of(sent) += items;
            }
        }
    }

    fn services(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Sent>> {
        self.services.lock().expect("nothing panics while it holds the services")
    }

    fn last_problem(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.last_problem.lock().expect("nothing panics while it holds the last problem")
    }
}

impl FlowCounters {
    fn snapshot(&self) -> Flow {
        Flow {
            received: self.received.load(Relaxed),
            passed_on: self.passed_on.load(Relaxed),
            refused: self.refused.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
        }
    }
}
