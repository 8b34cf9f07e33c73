//! The OTLP receiver: requests over gRPC and HTTP, taken apart, checked, put into the ledger, and passed on.
//!
//! Fed by whoever exports telemetry; feeds [`Ledger`](super::Ledger) and `forward`. What OTLP makes of a fault decides the answers: what a
//! sender could send again with success is told so, everything else is permanent, and single bad items cost only themselves
//! (partial success).

mod body;
mod connection;
mod cors;
mod decode;
mod grpc;
mod http;
mod intake;
mod paths;
mod signal;
mod unread;

pub(super) use self::{
    connection::{Port, Watched},
    grpc::router as grpc_router,
    http::router as http_router,
    intake::Intake,
};
