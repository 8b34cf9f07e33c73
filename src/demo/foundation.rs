//! What `api`, `trigger` and `web` have in common below their routes: port, telemetry, metrics, HTTP client, and how they run and end.
//!
//! Laid at bind by each of them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{config::ServiceConfig, error::DemoError, http as demo_http, metrics::Metrics};
use crate::support::tls;
use crate::telemetry::{Severity, Telemetry};

/// How long a service may take to hand over its telemetry at the end.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection may take to come about; everything is on loopback.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// A service that listens and does not answer yet.
#[derive(Debug)]
pub(crate) struct Foundation {
    pub(crate) service: &'static str,
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
    pub(crate) telemetry: Telemetry,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) http: reqwest::Client,
}

impl Foundation {
    /// Takes the port first, because telemetry tells it to whoever looks.
    pub(crate) async fn lay(service: &'static str, config: &ServiceConfig) -> Result<Self, DemoError> {
        let (listener, address) = demo_http::listen(service, config.listen).await?;
        let settings = config.telemetry_of(service, address);
        let telemetry = Telemetry::start(&settings).map_err(|source| DemoError::Telemetry { service, source })?;
        let short = service.strip_prefix("medicalcor-").unwrap_or(service);
        let metrics = Metrics::new(&telemetry.meter("medicalcor"), short);
        tls::install();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .no_proxy()
            // Whom the services call is on this machine and speaks no TLS, so the system's certificates, which take a while to read, are
            // left alone.
            .tls_certs_only([])
            .build()
            .map_err(|source| DemoError::Client { service, source })?;
        Ok(Self { service, listener, address, telemetry, metrics, http })
    }

    /// Answers until `shutdown`. Then comes what must be done while the service still answers (`draining`), the end of the requests
    /// under way, what comes after the last of them (`drained`), and the telemetry of all that.
    pub(crate) async fn run(
        self,
        router: Router,
        shutdown: CancellationToken,
        draining: impl Future<Output = ()>,
        drained: impl Future<Output = ()>,
    ) {
        let router = demo_http::instrumented(router, &self.telemetry, &self.metrics);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let closed = CancellationToken::new();
        let server = axum::serve(self.listener, service).with_graceful_shutdown(closed.clone().cancelled_owned());
        let server = demo_http::serve(server, closed.clone());
        let end = async {
            shutdown.cancelled().await;
            draining.await;
            closed.cancel();
        };
        tokio::join!(server, end);
        drained.await;
        if let Err(error) = self.telemetry.shutdown(FLUSH_WITHIN).await {
            self.telemetry.log(Severity::Error, error.to_string(), [("service", self.service.into())]);
        }
    }
}
