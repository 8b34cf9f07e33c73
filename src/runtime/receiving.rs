//! devstack's receiver for the length of a run, in front of nothing: where services that run already export to.
//!
//! Started by `cli` for a replay at a target while no stack is up. It takes the ports on which an SDK exports unless it is told otherwise,
//! because a service that runs already cannot be told.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{UpFailure, docker};
use crate::{
    backend::{Backend, BackendError, Config},
    support::env::Os,
};

/// A receiver that runs.
#[derive(Debug)]
pub struct Receiving {
    backend: JoinHandle<()>,
    shutdown: CancellationToken,
    otlp_grpc: SocketAddr,
    otlp_http: SocketAddr,
    api: SocketAddr,
}

impl Receiving {
    /// Takes these ports of the loopback interface, for OTLP over gRPC and over HTTP, and serves. A failure names who holds the port.
    pub async fn start(grpc: u16, http: u16) -> Result<Self, UpFailure> {
        let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let config = Config { otlp_grpc: at(grpc), otlp_http: at(http), ..Config::default() };
        let backend = match Backend::bind(config).await {
            Ok(backend) => backend,
            Err(error) => return Err(refused(&error).await),
        };
        let (otlp_grpc, otlp_http, api) = (backend.otlp_grpc(), backend.otlp_http(), backend.api());
        let shutdown = CancellationToken::new();
        let backend = tokio::spawn(backend.run(shutdown.clone()));
        Ok(Self { backend, shutdown, otlp_grpc, otlp_http, api })
    }

    /// The ports, gRPC first.
    pub fn ports(&self) -> [u16; 2] {
        [self.otlp_grpc.port(), self.otlp_http.port()]
    }

    /// Base address of OTLP over HTTP.
    pub fn otlp_http(&self) -> String {
        format!("http://{}", self.otlp_http)
    }

    /// Base address of OTLP over gRPC.
    pub fn otlp_grpc(&self) -> String {
        format!("http://{}", self.otlp_grpc)
    }

    /// Base address of the ledger's API.
    pub fn ledger(&self) -> String {
        format!("http://{}", self.api)
    }

    /// Takes no more, answers what is under way, and lets go of the ports.
    pub async fn stop(self) {
        self.shutdown.cancel();
        // A backend that panicked has ended as well.
        let _ = self.backend.await;
    }
}

/// Why a receiver could not listen; who holds the port is worth a question to the engine: what listens for a container is a proxy that says
/// nothing of it.
pub(super) async fn refused(error: &BackendError) -> UpFailure {
    let BackendError::Taken { address, .. } = error else { return UpFailure::new(error.to_string()) };
    let failure = UpFailure::new(format!("port {} is taken", address.port()));
    let engine = docker::Engine::discover(&Os).await.ok();
    match docker::port_holder(engine.as_ref(), address.port()).await {
        Some(holder) => failure.detail(format!("by {holder}")),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::Receiving;

    #[tokio::test]
    async fn a_taken_port_names_who_holds_it_and_the_other_is_let_go() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let failure = Receiving::start(0, port).await.unwrap_err();
        assert_eq!(failure.message, format!("port {port} is taken"));
        let said = failure.details.join("\n");
        assert!(said.contains(&format!("(pid {})", std::process::id())), "{said}");

        drop(taken);
        let receiving = Receiving::start(0, 0).await.unwrap();
        let [grpc, http] = receiving.ports();
        assert!(receiving.otlp_http().ends_with(&http.to_string()) && grpc != http);
        receiving.stop().await;
        assert!(TcpListener::bind(("127.0.0.1", grpc)).is_ok(), "the port is free again");
    }
}
