//! Which hop is next for a protocol, now.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::{
    hop::{Hop, NoAnswer},
    room::Room,
};
use crate::{
    backend::{UnderWay, Upstreams},
    support::address::Address,
};

/// What OTLP is carried by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend) enum Protocol {
    /// gRPC over HTTP/2.
    Grpc,
    /// HTTP/1.1 with protobuf or JSON.
    Http,
}

/// Passes requests on to wherever the next hop is.
#[derive(Debug)]
pub(in crate::backend) struct Forwarder {
    upstreams: watch::Receiver<Upstreams>,
    hops: Mutex<Hops>,
    /// How much may be under way.
    pub(in crate::backend) room: Room,
}

/// The way of one request.
#[derive(Debug)]
pub(in crate::backend) enum Route {
    /// To a hop of the same protocol: unchanged.
    Unchanged(Arc<Hop>),
    /// To a hop of the other protocol.
    Translated(Arc<Hop>),
}

/// The hops that were made for some upstreams.
#[derive(Debug, Default)]
struct Hops {
    of: Upstreams,
    grpc: Option<Arc<Hop>>,
    http: Option<Arc<Hop>>,
}

impl Route {
    /// Where it leads.
    pub(in crate::backend) fn hop(&self) -> &Hop {
        match self {
            Self::Unchanged(hop) | Self::Translated(hop) => hop,
        }
    }
}

impl Forwarder {
    /// Passes on to the upstreams of the moment, no more than `size` at once.
    pub(in crate::backend) fn new(upstreams: watch::Receiver<Upstreams>, size: UnderWay, largest: usize) -> Self {
        Self { upstreams, hops: Mutex::default(), room: Room::new(size, largest) }
    }

    /// The way for a request that came by a protocol.
    pub(in crate::backend) fn route(&self, came_by: Protocol) -> Result<Route, NoAnswer> {
        let now = self.upstreams.borrow();
        let mut hops = self.hops.lock().expect("nothing panics while it holds the hops");
        if hops.of != *now {
            // Requests under way keep the old hops until they are done; then their connections close.
            *hops = Hops { of: now.clone(), grpc: None, http: None };
        }
        let Hops { of, grpc, http } = &mut *hops;
        match (came_by, &of.grpc, &of.http) {
            (Protocol::Grpc, Some(address), _) => made(grpc, address, Protocol::Grpc).map(Route::Unchanged),
            (Protocol::Http, _, Some(address)) => made(http, address, Protocol::Http).map(Route::Unchanged),
            (Protocol::Grpc, None, Some(address)) => made(http, address, Protocol::Http).map(Route::Translated),
            (Protocol::Http, Some(address), None) => made(grpc, address, Protocol::Grpc).map(Route::Translated),
            (_, None, None) => Err(NoAnswer::NotReady),
        }
    }
}

fn made(hop: &mut Option<Arc<Hop>>, address: &Address, protocol: Protocol) -> Result<Arc<Hop>, NoAnswer> {
    if let Some(hop) = hop {
        return Ok(Arc::clone(hop));
    }
    let new = Arc::new(Hop::new(address, protocol)?);
    Ok(Arc::clone(hop.insert(new)))
}
