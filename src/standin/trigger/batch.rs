//! Several runs at once: `POST /api/v1/tasks/batch` (SDK 3.3), `/api/v1/tasks/{id}/batch` (SDK 3.0) and `/api/v2/tasks/batch` (SDK 4).
//!
//! Merged by `service`. The three differ in where the task is named and in what they answer.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Call,
    call::{Unreadable, WireCall, lifetime, new_id},
    endpoint::{Endpoint, Refusal, Taken, answer},
};

/// Runs of one batch at most, as with the real service.
const MOST_ITEMS: usize = 500;
/// Where a task stands in the key of a run: the key of a whole batch is of no task.
const WHOLE_BATCH: &str = "";

#[derive(Deserialize)]
struct WireBatch {
    items: Vec<WireCall>,
}

/// A batch that was taken.
struct TakenBatch {
    id: String,
    cached: bool,
    idempotency_key: Option<String>,
    /// Tasks and their runs.
    runs: Vec<(String, Taken)>,
}

/// `POST /api/v1/tasks/batch`.
pub(super) async fn v1(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Result<Response, Refusal> {
    let batch = endpoint.take_batch(None, request).await?;
    let run = |(task, run): (String, Taken)| json!({"id": run.id, "taskIdentifier": task, "isCached": run.cached});
    let runs: Vec<Value> = batch.runs.into_iter().map(run).collect();
    let mut body = json!({"id": batch.id, "isCached": batch.cached, "runs": runs});
    if let Some(key) = batch.idempotency_key {
        body["idempotencyKey"] = Value::from(key);
    }
    Ok(answer(StatusCode::OK, body))
}

/// `POST /api/v1/tasks/{id}/batch`.
pub(super) async fn of_task(
    State(endpoint): State<Arc<Endpoint>>,
    Path(task): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let batch = endpoint.take_batch(Some(&task), request).await?;
    let runs: Vec<String> = batch.runs.into_iter().map(|(_, run)| run.id).collect();
    Ok(answer(StatusCode::OK, json!({"batchId": batch.id, "runs": runs})))
}

/// `POST /api/v2/tasks/batch`.
pub(super) async fn v2(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Result<Response, Refusal> {
    let batch = endpoint.take_batch(None, request).await?;
    Ok(answer(StatusCode::ACCEPTED, json!({"id": batch.id, "runCount": batch.runs.len()})))
}

impl Endpoint {
    async fn take_batch(&self, task: Option<&str>, request: Request) -> Result<TakenBatch, Refusal> {
        let (parts, body) = self.let_in(request).await?;
        let calls = self.readable(read(&body, task))?;
        if calls.is_empty() || calls.len() > MOST_ITEMS {
            self.book.unreadable();
            return Err(Refusal::Invalid(format!("Batch size of {} is not between 1 and {MOST_ITEMS}", calls.len())));
        }
        let key = header(&parts.headers, "idempotency-key");
        let mut ids = vec![new_id("batch")];
        ids.extend(calls.iter().map(|_| new_id("run")));
        let holds = header(&parts.headers, "idempotency-key-ttl").and_then(lifetime);
        let first = key.and_then(|key| self.book.claim((WHOLE_BATCH.to_owned(), key.to_owned()), &ids, holds));
        let cached = first.is_some();
        let mut ids = first.unwrap_or(ids).into_iter();
        let id = ids.next().expect("the first of a batch's ids is its own");
        let mut runs = Vec::new();
        for ((task, call), id) in calls.into_iter().zip(ids) {
            let taken = self.take(&task, call, &parts.headers, Taken { id, cached }).await;
            runs.push((task, taken));
        }
        Ok(TakenBatch { id, cached, idempotency_key: key.map(str::to_owned), runs })
    }
}

/// The calls of a batch and their tasks.
fn read(body: &[u8], task: Option<&str>) -> Result<Vec<(String, Call)>, Unreadable> {
    let wire: Map<String, Value> = serde_json::from_slice(body).map_err(|_| Unreadable::Batch)?;
    let wire: WireBatch = serde_json::from_value(Value::Object(wire)).map_err(|_| Unreadable::Batch)?;
    let call = |mut item: WireCall| {
        let task = item.task.take().or_else(|| task.map(str::to_owned)).ok_or(Unreadable::Batch)?;
        Ok((task, item.call()?))
    };
    wire.items.into_iter().map(call).collect()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
