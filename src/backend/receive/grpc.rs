//! OTLP over gRPC: the three export calls, each one message in and one out.
//!
//! The bytes are taken as they come and not through tonic's server, because they are passed on as they came: packed or not, with every
//! header. It also tells HTTP senders where they should have gone, and reads oversized messages to their end so that the sender gets
//! the answer.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::any,
};
use bytes::Bytes;
use tonic::Status;

use super::{
    body::{self, BodyError},
    decode::{DecodeError, decode},
    intake::Intake,
    signal::{Logs, Metrics, Signal, Traces},
    unread::Unread,
};
use crate::backend::{
    forward::{Allowance, Message, Outgoing, Protocol, Refusal, Route, Verdict, http_request},
    wire::{Compression, Encoding, PREFIX, unframe},
};

/// How the message is packed.
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// What could have been understood.
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// What the calls share.
#[derive(Debug)]
struct Port {
    intake: Arc<Intake>,
    /// Where those who came without gRPC should have gone.
    http: SocketAddr,
}

/// A request that was read.
struct Read<S: Signal> {
    /// The body as it came.
    raw: Bytes,
    /// The message in it, as it is packed and as it is not.
    packed: Bytes,
    plain: Bytes,
    compression: Compression,
    request: S::Request,
}

/// The calls of OTLP over gRPC.
pub(in crate::backend) fn router(intake: Arc<Intake>, http: SocketAddr) -> Router {
    let port = Arc::new(Port { intake, http });
    Router::new()
        .route(Traces::METHOD, any(export::<Traces>))
        .route(Metrics::METHOD, any(export::<Metrics>))
        .route(Logs::METHOD, any(export::<Logs>))
        .fallback(unknown_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&port), guard))
        .with_state(port)
}

/// Whether a request is one of gRPC.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

async fn guard(State(port): State<Arc<Port>>, request: Request, next: Next) -> Response {
    let http = port.http;
    let (status, words) = if request.version() < Version::HTTP_2 {
        let words = format!("this port speaks OTLP over gRPC (HTTP/2); OTLP over HTTP is at http://{http}\n");
        (StatusCode::HTTP_VERSION_NOT_SUPPORTED, words)
    } else if !is_grpc(request.headers()) {
        let words = format!("this port speaks gRPC (application/grpc); OTLP over HTTP is at http://{http}\n");
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, words)
    } else {
        return next.run(request).await;
    };
    let path = request.uri().path();
    port.intake.observer.unreadable(&format!("{} {path} came over HTTP to the gRPC port: {words}", request.method()));
    (status, words).into_response()
}

async fn unknown_method(State(port): State<Arc<Port>>, request: Request) -> Response {
    let words = format!("`{}` is not a method of OTLP over gRPC", request.uri().path());
    port.intake.observer.unreadable(&words);
    Status::unimplemented(words).into_http()
}

async fn export<S: Signal>(State(port): State<Arc<Port>>, request: Request) -> Response {
    answer::<S>(&port, request).await.unwrap_or_else(|refusal| {
        let mut response = refusal.over_grpc();
        response.headers_mut().insert(GRPC_ACCEPT_ENCODING, HeaderValue::from_static(Compression::SUPPORTED));
        response
    })
}

async fn answer<S: Signal>(port: &Port, request: Request) -> Result<Response, Refusal> {
    let intake = &port.intake;
    let (parts, body) = request.into_parts();
    let mut allowance = intake.allowance();
    let read = read::<S>(port, &parts, body, allowance.as_mut()).await;
    let Read { raw, packed, plain, compression, request } = read.map_err(|why| intake.unread::<S>(&why, Protocol::Grpc))?;
    let came = raw.len();
    let way = intake.route(Protocol::Grpc).map(|route| {
        route.map(|route| {
            let outgoing = match &route {
                Route::Unchanged(_) => Outgoing::unchanged(parts, raw),
                Route::Translated(_) => {
                    http_request(&parts.headers, Message::widely_understood(compression, &packed, &plain), S::PATH)
                }
            };
            (route, outgoing)
        })
    });
    // It may be many times as large as what is passed on.
    drop(plain);
    Intake::leave(allowance.as_mut(), came, way.as_ref()).map_err(|why| intake.unread::<S>(&why.into(), Protocol::Grpc))?;
    let kept = intake.keep::<S>(request);
    match way {
        None => Ok(Verdict::Accepted(kept.rejected).over_grpc()),
        Some(way) => Ok(intake.pass_on(&kept, way).await?.over_grpc()),
    }
}

async fn read<S: Signal>(
    port: &Port,
    parts: &Parts,
    body: Body,
    mut allowance: Option<&mut Allowance>,
) -> Result<Read<S>, Unread> {
    let limit = port.intake.limit;
    let raw = body::read(body, limit + PREFIX, allowance.as_deref_mut()).await.map_err(|error| match error {
        BodyError::TooLarge { .. } => BodyError::TooLarge { limit },
        error => error,
    })?;
    Intake::enter(allowance)?;
    let (packed, is_packed) = unframe(&raw)?;
    let compression = if is_packed {
        Compression::of(parts.headers.get(GRPC_ENCODING)).map_err(|name| Unread::Compression { header: "grpc-encoding", name })?
    } else {
        Compression::Identity
    };
    let plain = compression.unpack(&packed, limit)?;
    let request = decode::<S>(&plain, Encoding::Protobuf).map_err(|error| match error {
        DecodeError::JsonAsProtobuf => Unread::JsonOverGrpc { http: format!("http://{}", port.http) },
        error => error.into(),
    })?;
    Ok(Read { raw, packed, plain, compression, request })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_known_by_its_content_type() {
        let of = |value: &'static str| HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))]);
        assert!(is_grpc(&of("application/grpc")) && is_grpc(&of("application/grpc+proto")));
        assert!(!is_grpc(&of("application/x-protobuf")) && !is_grpc(&HeaderMap::new()));
    }
}
