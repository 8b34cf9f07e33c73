//! OTLP over HTTP: `POST /v1/traces`, `/v1/metrics` and `/v1/logs`, protobuf or JSON, plain, gzip or zstd.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};
use bytes::Bytes;
use prost::Message as _;

use super::{
    body::{self, BodyError},
    cors,
    decode::decode,
    grpc::is_grpc,
    intake::Intake,
    paths,
    signal::{Logs, Metrics, Signal, Traces},
    unread::Unread,
};
use crate::backend::{
    forward::{Allowance, Message, Outgoing, Protocol, Refusal, Route, Verdict, grpc_request},
    wire::{Compression, Encoding, Rejected},
};

/// What the paths share.
#[derive(Debug)]
struct Port {
    intake: Arc<Intake>,
    /// Where those who came with gRPC should have gone.
    grpc: SocketAddr,
}

/// A request that was read.
struct Read<S: Signal> {
    /// The body as it came.
    raw: Bytes,
    /// The body unpacked.
    plain: Bytes,
    compression: Compression,
    request: S::Request,
}

/// The paths of OTLP over HTTP.
pub(in crate::backend) fn router(intake: Arc<Intake>, grpc: SocketAddr) -> Router {
    let observer = intake.observer.clone();
    Router::new()
        .route(Traces::PATH, only_post(post(export::<Traces>)))
        .route(Metrics::PATH, only_post(post(export::<Metrics>)))
        .route(Logs::PATH, only_post(post(export::<Logs>)))
        .fallback(unknown_path)
        .layer(middleware::from_fn_with_state(observer, cors::pages))
        .with_state(Arc::new(Port { intake, grpc }))
}

async fn export<S: Signal>(State(port): State<Arc<Port>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(encoding) = encoding_of(&parts.headers) else { return unknown_encoding::<S>(&port, &parts.headers) };
    answer::<S>(&port.intake, parts, body, encoding).await.unwrap_or_else(|refusal| refusal.over_http(encoding))
}

async fn answer<S: Signal>(intake: &Intake, parts: Parts, body: Body, encoding: Encoding) -> Result<Response, Refusal> {
    let mut allowance = intake.allowance();
    let read = read::<S>(intake, &parts, body, encoding, allowance.as_mut()).await;
    let Read { raw, plain, compression, request } = read.map_err(|why| intake.unread::<S>(&why, Protocol::Http))?;
    let warning = warn_of_nothing::<S>(S::is_empty(&request), &plain, encoding);
    if let Some(warning) = &warning {
        intake.observer.problem(None, &warning.words);
    }
    let came = raw.len();
    let way = intake.route(Protocol::Http).map(|route| {
        route.map(|route| {
            let outgoing = match &route {
                Route::Unchanged(_) => Outgoing::unchanged(parts, raw),
                Route::Translated(_) => {
                    let message = match encoding {
                        Encoding::Protobuf => Message::widely_understood(compression, &raw, &plain),
                        Encoding::Json => Message::plain(request.encode_to_vec()),
                    };
                    grpc_request(&parts.headers, &message, S::METHOD)
                }
            };
            (route, outgoing)
        })
    });
    // It may be many times as large as what is passed on.
    drop(plain);
    Intake::leave(allowance.as_mut(), came, way.as_ref()).map_err(|why| intake.unread::<S>(&why.into(), Protocol::Http))?;
    let kept = intake.keep::<S>(request);
    match way {
        None => Ok(Verdict::Accepted(kept.rejected.or(warning)).over_http(encoding, S::REJECTED)),
        Some(way) => Ok(intake.pass_on(&kept, way).await?.over_http(encoding, S::REJECTED)),
    }
}

async fn read<S: Signal>(
    intake: &Intake,
    parts: &Parts,
    body: Body,
    encoding: Encoding,
    mut allowance: Option<&mut Allowance>,
) -> Result<Read<S>, Unread> {
    let limit = intake.limit;
    let compression = Compression::of(parts.headers.get(header::CONTENT_ENCODING))
        .map_err(|name| Unread::Compression { header: "content-encoding", name })?;
    if waits_in_vain(&parts.headers, limit) {
        return Err(BodyError::TooLarge { limit }.into());
    }
    let raw = body::read(body, limit, allowance.as_deref_mut()).await?;
    Intake::enter(allowance)?;
    let plain = compression.unpack(&raw, limit)?;
    let request = decode::<S>(&plain, encoding)?;
    Ok(Read { raw, plain, compression, request })
}

/// Whether the sender asked before sending (`Expect: 100-continue`) and would send too much: it can be told before it starts.
fn waits_in_vain(headers: &HeaderMap, limit: usize) -> bool {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    headers.contains_key(header::EXPECT) && announced.is_some_and(|length| length > limit)
}

fn encoding_of(headers: &HeaderMap) -> Option<Encoding> {
    headers.get(header::CONTENT_TYPE).and_then(|value| Encoding::of(value.to_str().ok()?))
}

/// Unknown keys of JSON are ignored, as OTLP demands; with `resource_spans` for `resourceSpans` that means everything.
fn warn_of_nothing<S: Signal>(nothing: bool, body: &[u8], encoding: Encoding) -> Option<Rejected> {
    let suspicious = nothing && encoding == Encoding::Json && !matches!(body.trim_ascii(), b"{}") && !names_field::<S>(body);
    suspicious.then(|| Rejected { count: 0, words: format!("the request has no `{}`; keys are in lowerCamelCase", S::FIELD) })
}

fn names_field<S: Signal>(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|value| value.get(S::FIELD).is_some())
}

fn unknown_encoding<S: Signal>(port: &Port, headers: &HeaderMap) -> Response {
    let got = headers.get(header::CONTENT_TYPE).map_or("none", |value| value.to_str().unwrap_or("(not text)"));
    let words = format!("unsupported content-type `{got}`, supported: [application/json, application/x-protobuf]");
    let fix = if is_grpc(headers) {
        format!("this port speaks OTLP over HTTP; OTLP over gRPC is at http://{}", port.grpc)
    } else {
        "set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf or http/json".to_owned()
    };
    port.intake.observer.unreadable(&format!("{} rejected: {words}; {fix}", S::NAME));
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("{words}\n")).into_response()
}

fn only_post(route: MethodRouter<Arc<Port>>) -> MethodRouter<Arc<Port>> {
    route.fallback(|method: Method| async move {
        let words = format!("{method} is not allowed here, OTLP is sent with POST\n");
        (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, HeaderValue::from_static("POST"))], words)
    })
}

async fn unknown_path(State(port): State<Arc<Port>>, request: Request) -> Response {
    let path = request.uri().path();
    if is_grpc(request.headers()) {
        let words = format!("this port speaks OTLP over HTTP; OTLP over gRPC is at http://{}", port.grpc);
        port.intake.observer.unreadable(&format!("gRPC came to the HTTP port ({path}): {words}"));
        return tonic::Status::unimplemented(words).into_http();
    }
    let words = format!("`{path}` is not a path of OTLP over HTTP; it has /v1/traces, /v1/metrics and /v1/logs\n");
    // A person with a browser sends no telemetry.
    if request.method() == Method::POST {
        let fix = paths::fix(path).map(|fix| format!("; {fix}")).unwrap_or_default();
        port.intake.observer.unreadable(&format!("{}{fix}", words.trim_end()));
    }
    (StatusCode::NOT_FOUND, words).into_response()
}
