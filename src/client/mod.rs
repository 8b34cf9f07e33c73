//! Typed questions over HTTP to the ledger, to services about their work, and to Tempo; and devstack's own spans by OTLP.
//!
//! Asked by `check`, `runtime` and `cli`; speaks to `backend` and to instrumented services, knowing neither's code.

mod http;
mod ledger;
mod otlp;
mod store;
mod tempo;
mod work;

pub use http::{ClientError, loopback};
pub use ledger::LedgerClient;
pub use otlp::OtlpClient;
pub use store::{StoreAddress, StoreKind};
pub use tempo::{TempoClient, Wire};
pub use work::{Asked, WorkAnswer, WorkClient};
