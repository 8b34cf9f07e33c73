//! OTLP over gRPC: the three export services behind a guard.
//!
//! The guard stands where tonic's own answers do not fit OTLP: it tells HTTP/1 senders where they should have gone, reads
//! oversized messages to their end so that the sender gets the answer, and turns the codes of a message that cannot be decoded
//! into `INVALID_ARGUMENT`, because OTLP senders would send the same bytes again upon `OUT_OF_RANGE`.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, Version, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use opentelemetry_proto::tonic::collector::{
    logs::v1::logs_service_server::{LogsService, LogsServiceServer},
    metrics::v1::metrics_service_server::{MetricsService, MetricsServiceServer},
    trace::v1::trace_service_server::{TraceService, TraceServiceServer},
};
use tonic::{Code, Status, codec::CompressionEncoding, server::NamedService};

use super::{
    body::{self, BodyError},
    signal::{Logs, Metrics, Signal, Traces},
};
use crate::backend::Ledger;

/// Flag and length before a gRPC message, in bytes.
const PREFIX: usize = 5;

/// The export services.
#[derive(Debug, Clone)]
struct Exports {
    ledger: Ledger,
}

/// What the guard knows.
#[derive(Debug, Clone, Copy)]
struct Guard {
    /// The largest message in bytes, as sent and unpacked.
    limit: usize,
    /// Where those who came without gRPC should have gone.
    http: SocketAddr,
}

/// The services of OTLP over gRPC.
pub(in crate::backend) fn router(ledger: Ledger, limit: usize, http: SocketAddr) -> Router {
    let exports = Arc::new(Exports { ledger });
    let traces = TraceServiceServer::from_arc(Arc::clone(&exports))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(limit);
    let metrics = MetricsServiceServer::from_arc(Arc::clone(&exports))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(limit);
    let logs = LogsServiceServer::from_arc(exports).accept_compressed(CompressionEncoding::Gzip).max_decoding_message_size(limit);
    Router::new()
        .route_service(&methods_of(&traces), traces)
        .route_service(&methods_of(&metrics), metrics)
        .route_service(&methods_of(&logs), logs)
        .fallback(unknown_service)
        .layer(middleware::from_fn_with_state(Guard { limit, http }, guard))
}

fn methods_of<S: NamedService>(_: &S) -> String {
    format!("/{}/{{*method}}", S::NAME)
}

async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if request.version() < Version::HTTP_2 {
        let words = format!("this port speaks OTLP over gRPC (HTTP/2); OTLP over HTTP is at http://{}\n", guard.http);
        return (StatusCode::HTTP_VERSION_NOT_SUPPORTED, words).into_response();
    }
    let grpc = request.headers().get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    if !grpc {
        let words = format!("this port speaks gRPC (application/grpc); OTLP over HTTP is at http://{}\n", guard.http);
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, words).into_response();
    }
    let (parts, message) = request.into_parts();
    match body::read(message, guard.limit + PREFIX).await {
        Ok(message) => permanent(next.run(Request::from_parts(parts, Body::from(message))).await),
        Err(BodyError::TooLarge { .. }) => {
            let error = BodyError::TooLarge { limit: guard.limit };
            Status::invalid_argument(error.to_string()).into_http()
        }
        Err(error @ BodyError::Slow) => Status::deadline_exceeded(error.to_string()).into_http(),
        Err(error) => Status::invalid_argument(error.to_string()).into_http(),
    }
}

/// The services below never fail, so every one of these codes is tonic's word for a message it could not take: `OUT_OF_RANGE` and
/// `RESOURCE_EXHAUSTED` for its size, `INTERNAL` for its content.
fn permanent(mut response: Response) -> Response {
    let code = response.headers().get(Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()));
    if matches!(code, Some(Code::OutOfRange | Code::ResourceExhausted | Code::Internal)) {
        response.headers_mut().insert(Status::GRPC_STATUS, (Code::InvalidArgument as i32).into());
    }
    response
}

async fn unknown_service(request: Request) -> Response {
    Status::unimplemented(format!("`{}` is not a method of OTLP over gRPC", request.uri().path())).into_http()
}

/// Keeps a request and answers it.
fn export<S: Signal>(ledger: &Ledger, request: tonic::Request<S::Request>) -> tonic::Response<S::Response> {
    tonic::Response::new(S::response(S::keep(request.into_inner(), ledger)))
}

type Asked<S> = tonic::Request<<S as Signal>::Request>;
type Answer<S> = Result<tonic::Response<<S as Signal>::Response>, Status>;

#[tonic::async_trait]
impl TraceService for Exports {
    async fn export(&self, request: Asked<Traces>) -> Answer<Traces> {
        Ok(export::<Traces>(&self.ledger, request))
    }
}

#[tonic::async_trait]
impl MetricsService for Exports {
    async fn export(&self, request: Asked<Metrics>) -> Answer<Metrics> {
        Ok(export::<Metrics>(&self.ledger, request))
    }
}

#[tonic::async_trait]
impl LogsService for Exports {
    async fn export(&self, request: Asked<Logs>) -> Answer<Logs> {
        Ok(export::<Logs>(&self.ledger, request))
    }
}
