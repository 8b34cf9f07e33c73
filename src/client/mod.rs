//! Typed questions over HTTP to the ledger, to services about their work, to Tempo, Jaeger and Prometheus, to hops about what they
//! counted, and to stand-ins about what they were called for; and devstack's own spans and points by OTLP.
//!
//! Asked by `check`, `runtime` and `cli`; speaks to `backend` and to instrumented services, knowing neither's code.

mod counters;
mod endpoint;
mod enqueued;
mod hops;
mod http;
mod jaeger;
mod ledger;
mod otlp;
mod probe;
mod prometheus;
mod store;
mod tail;
mod tempo;
mod work;

pub use counters::{BadLine, Counter, Counters, CountersClient};
pub use enqueued::EnqueuedClient;
pub use hops::{Blame, HopAddress, HopKind, Hops};
pub use http::{ClientError, client_for, loopback};
pub use ledger::LedgerClient;
pub use otlp::OtlpClient;
pub use probe::probe;
pub use prometheus::{PrometheusClient, Sample};
pub use store::{StoreAddress, StoreClient, StoreKind};
pub use tail::TailClient;
pub use tempo::{TempoClient, Wire};
pub use work::{Asked, WorkAnswer, WorkClient};
