//! Keeps one copy of what many records share: every export request brings its resource and scope anew.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::Arc,
};

use crate::model::size::Footprint;

/// Below this many values nothing is swept.
const FEW: usize = 64;

/// What an entry of the map takes besides the value.
const ENTRY: usize = 64;

/// One copy of each value.
#[derive(Debug)]
pub(super) struct Interner<T> {
    hasher: RandomState,
    by_hash: HashMap<u64, Vec<Arc<T>>>,
    count: usize,
    bytes: usize,
    /// Sweep when there are this many: twice what the last sweep left, so that sweeping costs a constant per value.
    sweep_at: usize,
    /// The last value in and out: the spans of a batch share one, so the next question is most likely the same.
    last: Option<(Arc<T>, Arc<T>)>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { hasher: RandomState::new(), by_hash: HashMap::new(), count: 0, bytes: 0, sweep_at: FEW, last: None }
    }
}

impl<T: Hash + Eq + Clone + Footprint> Interner<T> {
    /// The kept copy of this value.
    pub(super) fn intern(&mut self, value: &Arc<T>) -> Arc<T> {
        if let Some((asked, kept)) = &self.last
            && Arc::ptr_eq(asked, value)
        {
            return Arc::clone(kept);
        }
        let kept = self.find_or_keep(value);
        self.last = Some((Arc::clone(value), Arc::clone(&kept)));
        kept
    }

    /// Gives back the copy that the caller is about to drop; the value leaves with the last one. What someone else still holds,
    /// in a view, is left to a sweep.
    pub(super) fn release(&mut self, kept: &Arc<T>) {
        if self.last.as_ref().is_some_and(|(_, last)| Arc::ptr_eq(last, kept)) {
            self.last = None;
        }
        // The table's copy and the caller's.
        if Arc::strong_count(kept) > 2 {
            return;
        }
        let hash = self.hasher.hash_one(kept);
        let Some(same) = self.by_hash.get_mut(&hash) else { return };
        let Some(at) = same.iter().position(|other| Arc::ptr_eq(other, kept)) else { return };
        same.swap_remove(at);
        if same.is_empty() {
            self.by_hash.remove(&hash);
        }
        self.count -= 1;
        self.bytes -= cost(&**kept);
    }

    /// What all copies take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn find_or_keep(&mut self, value: &Arc<T>) -> Arc<T> {
        let hash = self.hasher.hash_one(value);
        if let Some(kept) = self.by_hash.get(&hash).and_then(|same| same.iter().find(|kept| *kept == value)) {
            return Arc::clone(kept);
        }
        if self.count >= self.sweep_at {
            self.sweep();
        }
        // A copy of our own: who else holds the original cannot keep it from leaving.
        let kept = Arc::new(T::clone(value));
        self.by_hash.entry(hash).or_default().push(Arc::clone(&kept));
        self.count += 1;
        self.bytes += cost(&*kept);
        kept
    }

    /// Drops what nobody else holds.
    pub(super) fn sweep(&mut self) {
        self.last = None;
        let (mut count, mut bytes) = (0, 0);
        self.by_hash.retain(|_, same| {
            same.retain(|kept| Arc::strong_count(kept) > 1);
            count += same.len();
            bytes += same.iter().map(|kept| cost(&**kept)).sum::<usize>();
            !same.is_empty()
        });
        (self.count, self.bytes) = (count, bytes);
        self.sweep_at = FEW.max(2 * count);
    }
}

fn cost<T: Footprint>(value: &T) -> usize {
    value.shared() + ENTRY
}
