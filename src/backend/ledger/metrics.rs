//! The last point of every metric series; the series that was written to longest ago leaves first.

use std::{
    collections::{BTreeMap, HashMap},
    mem::size_of,
    sync::Arc,
};

use super::intern::Interner;
use crate::model::{MetricPoint, Resource, Scope, Series, arrival::PointArrival, size::Footprint};

/// What a series takes besides itself and its point: its entries in both tables, with their slack.
const INDEXED: usize = 2 * (size_of::<(Arc<Series>, Held)>() + size_of::<(u64, Arc<Series>)>());

/// The series.
#[derive(Debug)]
pub(super) struct Metrics {
    capacity: usize,
    used: usize,
    by_series: HashMap<Arc<Series>, Held>,
    /// Series by the turn of their last point.
    order: BTreeMap<u64, Arc<Series>>,
    turn: u64,
    evicted: u64,
    resources: Interner<Resource>,
    scopes: Interner<Scope>,
}

#[derive(Debug)]
struct Held {
    arrival: PointArrival,
    bytes: usize,
    turn: u64,
}

impl Metrics {
    /// An empty store of at most `capacity` bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            used: 0,
            by_series: HashMap::new(),
            order: BTreeMap::new(),
            turn: 0,
            evicted: 0,
            resources: Interner::default(),
            scopes: Interner::default(),
        }
    }

    /// Keeps a point in place of the one before. A point that is older than the one held is passed over: exports can overtake each
    /// other.
    pub(super) fn insert(&mut self, point: MetricPoint, at_ns: u64) {
        if let Some(held) = self.by_series.get(&point.series)
            && point.time_ns < held.arrival.point.time_ns
        {
            return;
        }
        let point = self.share(point);
        self.remove(&Arc::clone(&point.series));
        let bytes = point.series.shared() + size_of::<MetricPoint>() + point.heap() + INDEXED;
        if !self.make_room(bytes) {
            self.evicted += 1;
            return;
        }
        self.turn += 1;
        self.order.insert(self.turn, Arc::clone(&point.series));
        let held = Held { bytes, turn: self.turn, arrival: PointArrival { point, at_ns } };
        self.by_series.insert(Arc::clone(&held.arrival.point.series), held);
        self.used += bytes;
    }

    /// The last points of all series, or of those with this name, longest untouched first.
    pub(super) fn list(&self, name: Option<&str>) -> Vec<PointArrival> {
        self.order
            .values()
            .filter(|series| name.is_none_or(|name| series.name == name))
            .filter_map(|series| self.by_series.get(series))
            .map(|held| held.arrival.clone())
            .collect()
    }

    /// How many series were thrown out.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// What everything held takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.used + self.resources.bytes() + self.scopes.bytes()
    }

    /// The point with its series as it is kept already, else with the kept resource and scope.
    fn share(&mut self, mut point: MetricPoint) -> MetricPoint {
        point.series = match self.by_series.get_key_value(&point.series) {
            Some((series, _)) => Arc::clone(series),
            None => {
                let mut series = Arc::unwrap_or_clone(point.series);
                series.resource = self.resources.intern(&series.resource);
                series.scope = self.scopes.intern(&series.scope);
                Arc::new(series)
            }
        };
        point
    }

    fn remove(&mut self, series: &Arc<Series>) {
        if let Some(held) = self.by_series.remove(series) {
            self.order.remove(&held.turn);
            self.used -= held.bytes;
        }
    }

    /// Throws out series until one of this size fits; one that could never fit costs nobody else.
    fn make_room(&mut self, bytes: usize) -> bool {
        if bytes > self.capacity {
            return false;
        }
        while self.bytes() + bytes > self.capacity {
            let Some((_, oldest)) = self.order.first_key_value() else {
                self.resources.sweep();
                self.scopes.sweep();
                break;
            };
            self.remove(&Arc::clone(oldest));
            self.evicted += 1;
        }
        self.bytes() + bytes <= self.capacity
    }
}
