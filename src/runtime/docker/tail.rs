//! The end of a container's output, for a failure to show.
//!
//! Read by `make` before what failed is removed.

use std::time::Duration;

use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt;

use super::{
    Engine,
    lines::{Lines, clean},
};

/// So many lines are shown.
const LINES: usize = 15;

/// So many characters of each.
const COLUMNS: usize = 400;

/// How long reading may take; a failure is told without it rather than late.
const PATIENCE: Duration = Duration::from_secs(2);

/// The last lines, clean; empty where the engine gives none.
pub(super) async fn tail(engine: &Engine, id: &str) -> Vec<String> {
    let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(&LINES.to_string()).build();
    let mut chunks = std::pin::pin!(engine.api().logs(id, Some(options)));
    let mut lines = Lines::default();
    let mut texts = Vec::new();
    let read = async {
        while let Some(Ok(chunk)) = chunks.next().await {
            texts.extend(lines.push(chunk));
        }
    };
    // What was read by then is told.
    let _ = tokio::time::timeout(PATIENCE, read).await;
    texts.extend(lines.rest());
    let shown: Vec<_> = texts.iter().map(|line| clean(line.text.trim_end(), COLUMNS)).filter(|text| !text.is_empty()).collect();
    shown[shown.len().saturating_sub(LINES)..].to_vec()
}
