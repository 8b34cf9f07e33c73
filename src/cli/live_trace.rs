//! Traces of the stack that is up, by id, the beginning of one, or correlation id: for `devstack trace`, where no kept run has it.
//!
//! The ledger of devstack's receiver is asked first, because it has everything that came lately; then what keeps the traces.

use super::Failure;
use crate::{
    client::{self, ClientError, LedgerClient, StoreClient, TempoClient, Wire},
    model::{Trace, TraceId},
    runtime::{Note, RuntimeKind},
};

/// Traces, and where they were found.
pub(super) struct Live {
    /// One, unless they share a correlation id.
    pub(super) traces: Vec<Trace>,
    /// `ledger of the stack jaeger`, `Jaeger`.
    pub(super) from: String,
}

/// The traces that are meant; `None` when the stack has none.
pub(super) async fn find(note: &Note, what: &str) -> Result<Option<Live>, Failure> {
    let http = client::loopback().map_err(|error| failed(&error))?;
    let ids = in_ledger(&LedgerClient::new(http.clone(), note.ledger.as_str()), what).await?;
    let tempo = TempoClient::new(http, note.ledger.as_str());
    let mut traces = Vec::new();
    for id in ids {
        let trace = tempo.trace(id, Wire::Protobuf).await.map_err(|error| failed(&error))?;
        // It may just have left to make room.
        traces.extend(Some(trace).filter(|trace| !trace.spans().is_empty()));
    }
    if !traces.is_empty() {
        return Ok(Some(Live { traces, from: format!("ledger of {}", named(note)) }));
    }
    match TraceId::parse(what) {
        Some(id) => in_store(note, id).await,
        None => Ok(None),
    }
}

/// `the embedded stack`, `the stack jaeger`.
pub(super) fn named(note: &Note) -> String {
    if note.runtime == RuntimeKind::Embedded { "the embedded stack".to_owned() } else { format!("the stack {}", note.stack) }
}

async fn in_ledger(ledger: &LedgerClient, what: &str) -> Result<Vec<TraceId>, Failure> {
    let is_hex = what.len() <= 32 && what.bytes().all(|byte| byte.is_ascii_hexdigit());
    let beginning = if is_hex { ledger.beginning_with(what).await.map_err(|error| failed(&error))?.traces } else { Vec::new() };
    match beginning.as_slice() {
        [] => {
            let correlated = ledger.correlated(what, 0, std::time::Duration::ZERO).await;
            Ok(correlated.map_err(|error| failed(&error))?.traces)
        }
        [_] => Ok(beginning),
        several => {
            let listed: Vec<_> = several.iter().map(ToString::to_string).collect();
            let words = format!("`{what}` is the beginning of several trace ids:\n  {}", listed.join("\n  "));
            Err(Failure::nothing_selected(words).hint("give more of the id"))
        }
    }
}

/// What the embedded runtime has stands in its ledger, which was asked already.
async fn in_store(note: &Note, id: TraceId) -> Result<Option<Live>, Failure> {
    let Some(store) = note.store.as_ref().filter(|_| note.runtime != RuntimeKind::Embedded) else { return Ok(None) };
    let reader = StoreClient::new(store).map_err(|error| failed(&error))?;
    let trace = reader.trace(id).await.map_err(|error| failed(&error))?;
    Ok(trace.map(|trace| Live { traces: vec![trace], from: format!("{} of {}", store.kind, named(note)) }))
}

fn failed(error: &ClientError) -> Failure {
    Failure::environment(error as &dyn std::error::Error)
}
