//! The keys of the small Redis server: values with an optional end of life, and a wake-up for whoever waits for a list.
//!
//! Read and written by `commands` under one lock whose sections never await.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use crate::support::clock;

/// What a key can hold.
#[derive(Debug)]
pub(super) enum Stored {
    Text(Vec<u8>),
    Hash(HashMap<Vec<u8>, Vec<u8>>),
    List(VecDeque<Vec<u8>>),
}

#[derive(Debug)]
struct Entry {
    value: Stored,
    expires: Option<Instant>,
}

/// All keys. A key past its end of life is gone at the next look.
#[derive(Debug, Default)]
pub(super) struct Keyspace {
    entries: HashMap<Vec<u8>, Entry>,
}

/// Time to live of a key, as `TTL` tells them apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Life {
    NoKey,
    Forever,
    Left(Duration),
}

impl Keyspace {
    fn bury(&mut self, key: &[u8]) {
        if self.entries.get(key).is_some_and(|entry| entry.expires.is_some_and(|end| end <= clock::monotonic())) {
            self.entries.remove(key);
        }
    }

    pub(super) fn get(&mut self, key: &[u8]) -> Option<&Stored> {
        self.bury(key);
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// The value under `key`, made by `make` when there is none; its end of life stays as it was.
    pub(super) fn get_or_insert(&mut self, key: &[u8], make: impl FnOnce() -> Stored) -> &mut Stored {
        self.bury(key);
        &mut self.entries.entry(key.to_vec()).or_insert_with(|| Entry { value: make(), expires: None }).value
    }

    pub(super) fn get_mut(&mut self, key: &[u8]) -> Option<&mut Stored> {
        self.bury(key);
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    pub(super) fn set(&mut self, key: &[u8], value: Stored, life: Option<Duration>) {
        let expires = life.map(|life| clock::monotonic() + life);
        self.entries.insert(key.to_vec(), Entry { value, expires });
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> bool {
        self.bury(key);
        self.entries.remove(key).is_some()
    }

    /// Gives an existing key this long to live; `false` when there is none.
    pub(super) fn expire(&mut self, key: &[u8], life: Duration) -> bool {
        self.bury(key);
        let Some(entry) = self.entries.get_mut(key) else { return false };
        entry.expires = Some(clock::monotonic() + life);
        true
    }

    pub(super) fn life(&mut self, key: &[u8]) -> Life {
        self.bury(key);
        match self.entries.get(key) {
            None => Life::NoKey,
            Some(Entry { expires: None, .. }) => Life::Forever,
            Some(Entry { expires: Some(end), .. }) => Life::Left(end.saturating_duration_since(clock::monotonic())),
        }
    }
}
