//! A receiver that hands every OTLP request to two others unchanged: to the ledger that judges, and to the collector of the stack.
//!
//! Stands where devstack's own receiver passes requests on, for as long as the tests start their containers themselves.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use devstack::client::loopback;
use tokio_util::sync::CancellationToken;

/// What a request keeps on its way.
const KEPT: [HeaderName; 2] = [header::CONTENT_TYPE, header::CONTENT_ENCODING];

/// Whom requests go to.
#[derive(Clone)]
pub(super) struct Tee {
    /// Answers the sender.
    pub(super) ledger: String,
    pub(super) collector: String,
}

impl Tee {
    /// Serves until `shutdown`; the address it listens on.
    pub(super) async fn serve(self, shutdown: CancellationToken) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(pass_on).with_state((self, loopback().unwrap()));
        let server = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
        tokio::spawn(server.into_future());
        address
    }
}

async fn pass_on(State((tee, http)): State<(Tee, reqwest::Client)>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let headers: HeaderMap = KEPT.iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone()))).collect();
    let send = |base: &str| http.post(format!("{base}{uri}")).headers(headers.clone()).body(body.clone()).send();
    let (ledger, collector) = tokio::join!(send(&tee.ledger), send(&tee.collector));
    match (ledger, collector) {
        (Ok(ledger), Ok(collector)) if collector.status().is_success() => {
            let status = ledger.status();
            let kind = ledger.headers().get(header::CONTENT_TYPE).cloned();
            let kind: HeaderMap = kind.map(|kind| (header::CONTENT_TYPE, kind)).into_iter().collect();
            (status, kind, ledger.bytes().await.unwrap_or_default()).into_response()
        }
        // Permanent for the sender, which will say so: nothing is stored twice, and the queries then miss what was lost.
        (_, collector) => (StatusCode::BAD_GATEWAY, format!("collector: {collector:?}")).into_response(),
    }
}
