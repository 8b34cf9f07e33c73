//! Backends that keep traces, whatever their make: where they are, and a reader that gives a trace by its id.
//!
//! The witness of `check` and the canary of `runtime` read through it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ClientError, TempoClient, Wire, endpoint::Endpoint, jaeger::JaegerClient};
use crate::{
    model::{Trace, TraceId},
    support::address::Address,
};

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

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tempo => "Tempo",
            Self::Jaeger => "Jaeger",
        })
    }
}

/// Reads traces from a backend.
#[derive(Debug, Clone)]
pub struct StoreClient {
    kind: StoreKind,
    reader: Reader,
    at: Endpoint,
}

#[derive(Debug, Clone)]
enum Reader {
    Tempo(TempoClient),
    Jaeger(JaegerClient),
}

impl StoreClient {
    /// A reader of this backend, with the headers, certificates and time-out of its address.
    pub fn new(store: &StoreAddress) -> Result<Self, ClientError> {
        Endpoint::new(&store.at).map(|at| Self::at(store.kind, at))
    }

    /// A reader of a backend whose address needs nothing, with a client that is there already.
    pub fn plain(http: reqwest::Client, kind: StoreKind, base: impl Into<String>) -> Self {
        Self::at(kind, Endpoint::plain(http, base))
    }

    fn at(kind: StoreKind, at: Endpoint) -> Self {
        let reader = match kind {
            StoreKind::Tempo => Reader::Tempo(TempoClient::at(at.clone())),
            StoreKind::Jaeger => Reader::Jaeger(JaegerClient::at(at.clone())),
        };
        Self { kind, reader, at }
    }

    /// What it reads from.
    pub fn kind(&self) -> StoreKind {
        self.kind
    }

    /// The trace as far as it is stored; `None` when nothing of it is.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, ClientError> {
        let trace = match &self.reader {
            Reader::Tempo(tempo) => tempo.trace(id, Wire::Protobuf).await,
            Reader::Jaeger(jaeger) => jaeger.trace(id).await,
        };
        let trace = trace.map_err(|error| self.at.discreet(error))?;
        Ok(Some(trace).filter(|trace| !trace.spans().is_empty()))
    }
}
