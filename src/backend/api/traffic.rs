//! What went through and what goes through, as `model::traffic` documents it.

use std::convert::Infallible;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt as _;

use super::routes::Api;
use crate::model::Traffic;

/// `GET {TRAFFIC_PATH}`
pub(super) async fn counters(State(api): State<Api>) -> Json<Traffic> {
    Json(api.traffic.snapshot())
}

/// `GET {TAIL_PATH}`: ends with the backend, or when the client goes.
pub(super) async fn tail(State(api): State<Api>) -> Response {
    let lines = api.feed.subscribe().map(|happening| {
        let mut line = serde_json::to_vec(&happening).expect("a happening has only text keys");
        line.push(b'\n');
        Ok::<_, Infallible>(line)
    });
    let lines = lines.take_until(api.shutdown.cancelled_owned());
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}
