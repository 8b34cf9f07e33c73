//! One request on one connection of its own, and what came back.
//!
//! Called by `send`. There is no pool, no retry, no redirect and no proxy in here, so that a request is on the wire at most once, whatever
//! becomes of it; clients that keep connections send a request again when the one they took turned out to be closed.

use std::{
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use super::send::{Answer, Came, Outgoing, SendError};
use crate::support::{
    cause::innermost,
    clock::{self, Stopwatch},
    tls,
};

/// The largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// How TLS is spoken, made when the first `https` address needs it: reading the system's certificates takes a while.
#[derive(Debug, Clone, Default)]
pub(super) struct Tls(Arc<OnceLock<Arc<ClientConfig>>>);

/// The time that one request has.
#[derive(Clone, Copy)]
struct Time {
    clock: Stopwatch,
    within: Duration,
}

/// Where a request goes.
struct Destination {
    https: bool,
    host: String,
    port: u16,
    /// The `Host` header.
    authority: HeaderValue,
    /// Path and query.
    path: Uri,
}

/// Sends one request and reads the whole answer, which may take until `within` is over.
pub(super) async fn exchange(tls: &Tls, outgoing: Outgoing, within: Duration) -> Result<Answer, SendError> {
    let time = Time { clock: Stopwatch::start(), within };
    let to = Destination::of(&outgoing.url)?;
    let stream = time.left_for(connect(&to)).await.map_err(|_| SendError::ConnectTimeout { after: time.elapsed() })??;
    if !to.https {
        return converse(stream, &to, outgoing, time).await;
    }
    let secured =
        time.left_for(tls.connect(&to, stream)).await.map_err(|_| SendError::ConnectTimeout { after: time.elapsed() })??;
    converse(secured, &to, outgoing, time).await
}

async fn connect(to: &Destination) -> Result<TcpStream, SendError> {
    let addresses: Vec<_> = tokio::net::lookup_host((to.host.as_str(), to.port))
        .await
        .map_err(|error| SendError::Resolve { host: to.host.clone(), reason: error.to_string() })?
        .collect();
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(|error| SendError::Connect {
        refused: error.kind() == io::ErrorKind::ConnectionRefused,
        host: to.host.clone(),
        port: to.port,
        reason: error.to_string(),
    })?;
    // A delivery is one write; waiting for more to send along would only make it late.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// The request over a connection that stands.
async fn converse<S>(stream: S, to: &Destination, outgoing: Outgoing, time: Time) -> Result<Answer, SendError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connected = time.elapsed();
    let overdue = |came: Came| SendError::Timeout { after: time.elapsed(), connected, came };
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| SendError::Broken { reason: innermost(&error) })?;
    // Ends with this function: a service that goes on talking is not listened to any more.
    let _talking = AbortOnDropHandle::new(tokio::spawn(connection));
    let answer = time.left_for(sender.send_request(request(to, outgoing))).await.map_err(|_| overdue(Came::Nothing))?;
    let answer = answer.map_err(|error| unanswered(&error))?;
    let (head_ns, status, headers) = (clock::unix_nanos(), answer.status(), answer.headers().clone());
    let body = time.left_for(Limited::new(answer.into_body(), LARGEST_ANSWER).collect());
    let body = body.await.map_err(|_| overdue(Came::Head(status)))?.map_err(|error| {
        if error.downcast_ref::<LengthLimitError>().is_some() {
            return SendError::TooLarge { limit: LARGEST_ANSWER };
        }
        SendError::Cut { status }
    })?;
    Ok(Answer { status, headers, body: body.to_bytes(), head_ns, elapsed: time.elapsed() })
}

fn request(to: &Destination, outgoing: Outgoing) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(outgoing.body));
    *request.method_mut() = outgoing.method;
    *request.uri_mut() = to.path.clone();
    *request.headers_mut() = outgoing.headers;
    let headers = request.headers_mut();
    headers.entry(header::HOST).or_insert_with(|| to.authority.clone());
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    request
}

/// Why no answer came on a connection that stood.
fn unanswered(error: &hyper::Error) -> SendError {
    match error {
        _ if error.is_incomplete_message() => SendError::Closed,
        _ if error.is_parse() => SendError::NotHttp,
        _ => SendError::Broken { reason: innermost(error) },
    }
}

impl Time {
    fn elapsed(self) -> Duration {
        self.clock.elapsed()
    }

    fn left_for<F: Future>(self, what: F) -> tokio::time::Timeout<F> {
        timeout(self.within.saturating_sub(self.clock.elapsed()), what)
    }
}

impl Destination {
    fn of(url: &str) -> Result<Self, SendError> {
        let wrong = |_| SendError::Address;
        let url = reqwest::Url::parse(url).map_err(|_| SendError::Address)?;
        let host = url.host_str().ok_or(SendError::Address)?;
        let port = url.port_or_known_default().ok_or(SendError::Address)?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Ok(Self {
            https: url.scheme() == "https",
            authority: HeaderValue::try_from(authority).map_err(|_| SendError::Address)?,
            path: path.parse().map_err(wrong)?,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
        })
    }
}

impl Tls {
    async fn connect(
        &self,
        to: &Destination,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, SendError> {
        let config = if let Some(config) = self.0.get() {
            Arc::clone(config)
        } else {
            let made = tokio::task::spawn_blocking(config).await.map_err(|error| SendError::Tls { reason: error.to_string() })?;
            Arc::clone(self.0.get_or_init(|| made))
        };
        let name = ServerName::try_from(to.host.clone()).map_err(|error| SendError::Tls { reason: error.to_string() })?;
        let secured = TlsConnector::from(config).connect(name, stream).await;
        secured.map_err(|error| SendError::Tls { reason: innermost(&error) })
    }
}

/// The system's certificates, and those of `SSL_CERT_FILE` where it is set.
fn config() -> Arc<ClientConfig> {
    tls::install();
    let mut roots = RootCertStore::empty();
    // A machine may have some that cannot be read; the others count.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}
