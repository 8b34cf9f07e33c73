//! Backends that keep traces, whatever their make: where they are, and a reader that gives a trace by its id.
//!
//! The witness of `check` and the canary of `runtime` read through it.

use serde::{Deserialize, Serialize};

use crate::support::address::Address;

/// What keeps the traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// Tempo, or what speaks its API: devstack's own backend does.
    Tempo,
    /// Jaeger 2, through `/api/v3`.
    Jaeger,
}

/// A backend that keeps traces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreAddress {
    /// What it is.
    pub kind: StoreKind,
    /// Where it answers.
    pub at: Address,
}
