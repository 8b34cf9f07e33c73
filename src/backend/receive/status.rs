//! `google.rpc.Status`, the body of every OTLP/HTTP error, in the encoding of the request.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use prost::Message;
use serde::Serialize;
use tonic::Code;

use super::decode::Encoding;

/// The fields of `google.rpc.Status` that are used here.
#[derive(Clone, PartialEq, Message, Serialize)]
pub(super) struct RpcStatus {
    /// A gRPC status code.
    #[prost(int32, tag = "1")]
    code: i32,
    /// What is wrong, in words for a developer.
    #[prost(string, tag = "2")]
    message: String,
}

/// An error answer in the encoding of the request.
pub(super) fn refuse(http: StatusCode, code: Code, message: String, encoding: Encoding) -> Response {
    let status = RpcStatus { code: code as i32, message };
    let body = match encoding {
        Encoding::Protobuf => status.encode_to_vec(),
        Encoding::Json => serde_json::to_vec(&status).expect("a number and a text are always JSON"),
    };
    (http, [(header::CONTENT_TYPE, encoding.content_type())], body).into_response()
}
