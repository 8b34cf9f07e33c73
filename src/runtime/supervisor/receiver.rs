//! devstack's own receiver in front of a stack: it holds the OTLP ports, keeps the ledger, and passes on.
//!
//! Started first of all by `standing`, so that a taken port is told before anything else is made.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    backend::{Backend, BackendError, Config, Feed, TrafficHandle, Upstreams},
    model::Traffic,
    runtime::{Order, RuntimeKind, UpFailure, receiving},
    stack::{OTLP_GRPC, OTLP_HTTP},
};

/// Tempo's API, which the embedded backend speaks.
const TEMPO: u16 = 3200;

/// The base address of a listener as this machine reaches it: one that listens everywhere is asked on the loopback interface.
fn url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

/// A receiver that runs.
pub(super) struct Receiver {
    task: JoinHandle<()>,
    shutdown: CancellationToken,
    traffic: TrafficHandle,
    feed: Feed,
    /// Base address of OTLP over gRPC.
    pub(super) otlp_grpc: String,
    /// Base address of OTLP over HTTP.
    pub(super) otlp_http: String,
    /// Base address of the ledger's API.
    pub(super) api: String,
}

impl Receiver {
    /// Takes the ports and serves.
    pub(super) async fn start(order: &Order, upstreams: watch::Receiver<Upstreams>) -> Result<Self, UpFailure> {
        let embedded = order.runtime == RuntimeKind::Embedded;
        let at = |fixed: u16| SocketAddr::from((order.listen, if order.free_ports { 0 } else { fixed }));
        let config = Config {
            otlp_grpc: at(OTLP_GRPC),
            otlp_http: at(OTLP_HTTP),
            // In front of a real Tempo that port is Tempo's.
            api: at(if embedded { TEMPO } else { 0 }),
            allow_hosts: order.allow_hosts.clone(),
            forward: (!embedded).then_some(upstreams),
            ..Config::default()
        };
        let backend = match Backend::bind(config).await {
            Ok(backend) => backend,
            Err(error) => {
                let failure = receiving::refused(&error).await;
                let taken = matches!(error, BackendError::Taken { .. });
                return Err(if taken { failure.hint("stop it, or run `devstack up --ports auto`") } else { failure });
            }
        };
        let shutdown = CancellationToken::new();
        let (otlp_grpc, otlp_http, api) = (url(backend.otlp_grpc()), url(backend.otlp_http()), url(backend.api()));
        let (traffic, feed) = (backend.traffic(), backend.feed());
        let task = tokio::spawn(backend.run(shutdown.clone()));
        Ok(Self { task, shutdown, traffic, feed, otlp_grpc, otlp_http, api })
    }

    /// What went through it.
    pub(super) fn traffic(&self) -> Traffic {
        self.traffic.snapshot()
    }

    /// What arrives, as it arrives.
    pub(super) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Takes no more, answers what is under way, and lets go of the ports.
    pub(super) async fn end(self) {
        self.shutdown.cancel();
        // A receiver that panicked has ended as well.
        let _ = self.task.await;
    }
}
