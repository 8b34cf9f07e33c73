//! What the servers on this machine share: listening, serving until shutdown, bodies with a limit, loopback names only.
//!
//! Used by the stand-ins and by the services of `demo`.

use std::{io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How much of a body that is too large is read to its end, so that the sender gets to see the answer.
const LARGEST_DISCARD: usize = 1 << 27;
/// How long requests may go on after the shutdown signal.
const GRACE: Duration = Duration::from_secs(5);

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is longer than allowed.
    TooLarge,
    /// The connection ended before it did.
    BrokeOff,
}

/// Takes a port.
pub(crate) async fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Awaits a server that shuts down gracefully at `shutdown`, and gives it up when the grace period after that is over.
pub(crate) async fn serve(graceful: impl IntoFuture, shutdown: CancellationToken) {
    let overdue = async {
        shutdown.cancelled().await;
        let _ = tokio::time::timeout(GRACE, std::future::pending::<()>()).await;
    };
    tokio::select! {
        _ = graceful.into_future() => {}
        () = overdue => {}
    }
}

/// Refuses requests whose Host header is not a loopback name, so that no web page can reach in by rebinding its own name.
pub(crate) fn local_only(router: Router) -> Router {
    router.layer(middleware::from_fn(check_host))
}

async fn check_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    if matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "only loopback names are served\n").into_response()
    }
}

/// Reads a body of up to `largest` bytes. What is longer is read to its end, within reason, and refused.
pub(crate) async fn read_body(body: Body, largest: usize) -> Result<Bytes, BodyError> {
    let mut stream = body.into_data_stream();
    let (mut kept, mut seen) = (BytesMut::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| BodyError::BrokeOff)?;
        seen += chunk.len();
        if seen <= largest {
            kept.extend_from_slice(&chunk);
        } else if seen > LARGEST_DISCARD {
            break;
        }
    }
    if seen > largest { Err(BodyError::TooLarge) } else { Ok(kept.freeze()) }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::{BodyError, read_body};

    #[tokio::test]
    async fn a_body_may_be_as_large_as_it_may_be_and_no_more() {
        assert_eq!(read_body(Body::from(vec![b'x'; 100]), 100).await.unwrap().len(), 100);
        assert_eq!(read_body(Body::from(vec![b'x'; 101]), 100).await, Err(BodyError::TooLarge));
    }
}
