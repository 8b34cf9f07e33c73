//! The OTLP receiver: requests over gRPC and HTTP, taken apart, checked, and put into the ledger.
//!
//! Fed by whoever exports telemetry; feeds [`Ledger`](super::Ledger). What OTLP makes of a fault decides the answers: what a
//! sender could send again with success is told so, everything else is permanent, and single bad items cost only themselves
//! (partial success).

mod body;
mod decode;
mod grpc;
mod http;
mod signal;
mod status;

pub(super) use self::{grpc::router as grpc_router, http::router as http_router};
