//! The backend as a subsystem: bind, know the addresses, run, drain.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    BackendError, Config, Feed, Ledger, Listener, TrafficHandle, api,
    forward::Forwarder,
    host,
    receive::{self, Intake, Port, Watched},
    traffic::Observer,
    wire,
};

/// A backend that listens; nothing is answered until it runs.
#[derive(Debug)]
pub struct Backend {
    config: Config,
    ledger: Ledger,
    observer: Observer,
    otlp_grpc: Bound,
    otlp_http: Bound,
    api: Bound,
}

#[derive(Debug)]
struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Backend {
    /// Takes its three ports, so that they are known and nobody else can have them.
    pub async fn bind(config: Config) -> Result<Self, BackendError> {
        let otlp_grpc = bound(Listener::OtlpGrpc, config.otlp_grpc).await?;
        let otlp_http = bound(Listener::OtlpHttp, config.otlp_http).await?;
        let api = bound(Listener::Api, config.api).await?;
        let (ledger, observer) = (Ledger::new(config.capacity), Observer::new());
        Ok(Self { config, ledger, observer, otlp_grpc, otlp_http, api })
    }

    /// Where OTLP over gRPC comes in.
    pub fn otlp_grpc(&self) -> SocketAddr {
        self.otlp_grpc.address
    }

    /// Where OTLP over HTTP comes in.
    pub fn otlp_http(&self) -> SocketAddr {
        self.otlp_http.address
    }

    /// Where questions are answered.
    pub fn api(&self) -> SocketAddr {
        self.api.address
    }

    /// What has arrived.
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// What went through so far; reads the counters whenever it is asked.
    pub fn traffic(&self) -> TrafficHandle {
        self.observer.traffic(self.ledger.clone())
    }

    /// What goes through, as it happens.
    pub fn feed(&self) -> Feed {
        self.observer.feed()
    }

    /// Serves until `shutdown`, then takes no more connections, answers what is under way, and returns. Held answers end at once.
    /// Requests that are not done within [`Config::drain`] are left behind.
    pub async fn run(self, shutdown: CancellationToken) {
        let (traffic, feed) = (self.traffic(), self.feed());
        let limit = self.config.request_limit;
        let (under_way, largest) = (self.config.under_way, limit + wire::PREFIX);
        let forwarder = self.config.forward.map(|upstreams| Forwarder::new(upstreams, under_way, largest));
        let observer = self.observer.clone();
        let intake = Arc::new(Intake { ledger: self.ledger.clone(), observer: self.observer, forwarder, limit });
        let grpc = receive::grpc_router(Arc::clone(&intake), self.otlp_http.address);
        let http = receive::http_router(intake, self.otlp_grpc.address);
        let api = api::router(self.ledger, traffic, feed, shutdown.clone());
        let hosts: Arc<[String]> = Arc::from(self.config.allow_hosts);
        let serving = async {
            tokio::join!(
                serve(self.otlp_grpc, grpc, &hosts, Some((Port::Grpc, &observer)), &shutdown),
                serve(self.otlp_http, http, &hosts, Some((Port::Http, &observer)), &shutdown),
                serve(self.api, api, &hosts, None, &shutdown),
            )
        };
        let deadline = async {
            shutdown.cancelled().await;
            tokio::time::timeout(self.config.drain, std::future::pending::<()>()).await
        };
        tokio::select! {
            _ = serving => {}
            _ = deadline => {}
        }
    }
}

async fn bound(listener: Listener, address: SocketAddr) -> Result<Bound, BackendError> {
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => BackendError::Taken { listener, address },
        _ => BackendError::Listen { listener, address, source },
    };
    let socket = TcpListener::bind(address).await.map_err(refused)?;
    let address = socket.local_addr().map_err(refused)?;
    Ok(Bound { listener: socket, address })
}

/// Serves a router; what a port for OTLP refuses before the router sees it is told to its observer.
async fn serve(
    bound: Bound,
    router: Router,
    hosts: &Arc<[String]>,
    told: Option<(Port, &Observer)>,
    shutdown: &CancellationToken,
) {
    let observer = told.map(|(_, observer)| observer.clone());
    let allowed = host::Allowed { names: Arc::clone(hosts), addresses: !bound.address.ip().is_loopback(), observer };
    let router = router.layer(middleware::from_fn_with_state(allowed, host::check));
    let listener = Watched::new(bound.listener, told.map(|(port, observer)| (port, observer.clone())));
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown.clone().cancelled_owned())
        .await
        .expect("accepting connections never ends in an error");
}
