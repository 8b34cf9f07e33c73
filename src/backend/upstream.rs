//! Where requests are passed on to.
//!
//! Given by `runtime`, which may change it while the backend runs: a container that was restarted has other ports. Read by `receive`.

use crate::support::address::Address;

/// The next hop, by protocol: gRPC goes on as gRPC and HTTP as HTTP. Where only one is there, the other is translated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upstreams {
    /// OTLP over gRPC.
    pub grpc: Option<Address>,
    /// OTLP over HTTP: the base, to which the path of the request is added.
    pub http: Option<Address>,
}
