//! The process environment as a value, so that tests and several services in one process each have their own.
//!
//! Fed by `cli` (the real one) and tests (a map); read by `telemetry` and `demo`.

use std::collections::BTreeMap;

/// A source of environment variables.
pub trait Env {
    /// Returns the value of `name`; a variable set to the empty string counts as unset, as the OpenTelemetry specification has it.
    fn get(&self, name: &str) -> Option<String>;
}

/// The environment of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Os;

impl Env for Os {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }
}

/// An environment that holds exactly the given variables.
#[derive(Debug, Clone, Default)]
pub struct Map(BTreeMap<String, String>);

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Env for Map {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned().filter(|value| !value.is_empty())
    }
}
