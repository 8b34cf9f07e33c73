//! Tempo's API over the ledger: a trace by its id.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use prost::Message;
use serde_json::json;

use super::routes::Api;
use crate::model::{TraceId, tempo::TraceById};

/// The media type of Tempo's protobuf answers.
const PROTOBUF: &str = "application/protobuf";

/// `GET /api/v2/traces/{id}`: a trace that never came is an empty trace, not an error.
pub(super) async fn trace_by_id(State(api): State<Api>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let Some(trace) = parse(&id) else { return no_id(&id) };
    let answer = held(&api, trace);
    if accepts_protobuf(&headers) {
        ([(header::CONTENT_TYPE, PROTOBUF)], answer.encode_to_vec()).into_response()
    } else {
        Json(answer.to_json()).into_response()
    }
}

/// `GET /api/traces/{id}`, the first version: the trace without an envelope, and 404 without words for one that never came.
pub(super) async fn trace_by_id_v1(State(api): State<Api>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let Some(trace) = parse(&id) else { return no_id(&id) };
    let answer = held(&api, trace);
    let spans = answer.trace.as_ref().filter(|data| !data.resource_spans.is_empty());
    let Some(spans) = spans else { return StatusCode::NOT_FOUND.into_response() };
    if accepts_protobuf(&headers) {
        ([(header::CONTENT_TYPE, PROTOBUF)], spans.encode_to_vec()).into_response()
    } else {
        let batches = answer.to_json()["trace"]["resourceSpans"].take();
        Json(json!({ "batches": batches })).into_response()
    }
}

fn held(api: &Api, trace: TraceId) -> TraceById {
    TraceById::new(api.ledger.view(trace).arrivals.iter().map(|arrival| arrival.span.as_ref()))
}

fn no_id(id: &str) -> Response {
    let words = format!("invalid trace id `{id}`: it must be 1 to 32 hex digits, not all zero\n");
    (StatusCode::BAD_REQUEST, words).into_response()
}

/// Tempo leaves out leading zeroes of ids in its search results and takes them back so.
fn parse(id: &str) -> Option<TraceId> {
    if id.is_empty() { None } else { TraceId::parse(&format!("{id:0>32}")) }
}

fn accepts_protobuf(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(|value| value.contains(PROTOBUF))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn short_ids_are_padded_and_bad_ones_refused() {
        assert_eq!(parse("1f").unwrap().to_string(), format!("{:0>32}", "1f"));
        assert_eq!(parse(&"A".repeat(32)).unwrap().to_string(), "a".repeat(32));
        for bad in ["", "0", "xyz", "0x12", &"0".repeat(32), &"1".repeat(33)] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
