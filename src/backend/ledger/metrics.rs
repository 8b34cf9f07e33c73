//! The last point of every metric series; the series that was written to longest ago leaves first.

use std::{
    collections::{BTreeMap, HashMap},
    mem::size_of,
    sync::Arc,
};

use super::{Held, intern::Interner};
use crate::model::{MetricPoint, Resource, Scope, Series, arrival::PointArrival, size::Footprint};

/// What a series takes besides itself and its point: its entries in both tables, with their slack.
const INDEXED: usize = 2 * (size_of::<(Arc<Series>, Kept)>() + size_of::<(u64, Arc<Series>)>());

/// The series.
#[derive(Debug)]
pub(super) struct Metrics {
    capacity: usize,
    used: usize,
    by_series: HashMap<Arc<Series>, Kept>,
    /// Series by the turn of their last point.
    order: BTreeMap<u64, Arc<Series>>,
    turn: u64,
    evicted: u64,
    resources: Interner<Resource>,
    scopes: Interner<Scope>,
}

#[derive(Debug)]
struct Kept {
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

    /// Keeps a point in place of the one before. A point that is older than the one held is passed over: exports can overtake
    /// each other.
    pub(super) fn insert(&mut self, point: MetricPoint, at_ns: u64) {
        if let Some(kept) = self.by_series.get(&point.series)
            && point.time_ns < kept.arrival.point.time_ns
        {
            return;
        }
        let point = self.share(point);
        if let Some(before) = self.by_series.remove(&point.series) {
            self.order.remove(&before.turn);
            self.used -= before.bytes;
        }
        let bytes = point.series.shared() + size_of::<MetricPoint>() + point.heap() + INDEXED;
        if !self.make_room(bytes) {
            self.evicted += 1;
            return;
        }
        self.turn += 1;
        self.order.insert(self.turn, Arc::clone(&point.series));
        let kept = Kept { bytes, turn: self.turn, arrival: PointArrival { point, at_ns } };
        self.by_series.insert(Arc::clone(&kept.arrival.point.series), kept);
        self.used += bytes;
    }

    /// The last points of all series, or of those with this name, longest untouched first.
    pub(super) fn list(&self, name: Option<&str>) -> Vec<PointArrival> {
        self.order
            .values()
            .filter(|series| name.is_none_or(|name| series.name == name))
            .filter_map(|series| self.by_series.get(series))
            .map(|kept| kept.arrival.clone())
            .collect()
    }

    /// The last point of every series.
    pub(super) fn each(&self) -> impl Iterator<Item = &PointArrival> {
        self.by_series.values().map(|kept| &kept.arrival)
    }

    /// How much is held and how much was thrown out.
    pub(super) fn held(&self) -> Held {
        Held { items: self.by_series.len() as u64, bytes: self.bytes(), evicted: self.evicted }
    }

    fn bytes(&self) -> usize {
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

    /// Throws out series until one of this size fits; one that could never fit costs nobody else.
    fn make_room(&mut self, bytes: usize) -> bool {
        if bytes > self.capacity {
            return false;
        }
        while self.bytes() + bytes > self.capacity {
            let Some((_, oldest)) = self.order.pop_first() else {
                self.resources.sweep();
                self.scopes.sweep();
                break;
            };
            self.evict(oldest);
        }
        self.bytes() + bytes <= self.capacity
    }

    fn evict(&mut self, series: Arc<Series>) {
        let kept = self.by_series.remove(&series).expect("every series in the order is held");
        self.used -= kept.bytes;
        self.evicted += 1;
        drop(kept);
        // A view may hold it still; then its parts are left to a sweep.
        if let Ok(series) = Arc::try_unwrap(series) {
            self.resources.release(&series.resource);
            self.scopes.release(&series.scope);
        }
    }
}
