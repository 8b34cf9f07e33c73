//! The supervisor's control socket: HTTP over a Unix socket that only its owner can open.
//!
//! `GET /status` and `POST /logs` read; `POST /down` takes everything down and tells how; `POST /release` ends the supervisor and leaves
//! the containers to the next one. Answers of several parts are JSON documents a line. Asked through [`Control`](super::Control).

use std::{convert::Infallible, path::Path};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::{net::UnixListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

use super::standing::Shared;
use crate::runtime::{LogsWanted, Status, UpEvent};

/// How the supervisor is to end.
#[derive(Debug)]
pub(super) struct Ending {
    /// What becomes of the containers.
    pub(super) kind: EndingKind,
    /// Where its events go; closed when all is done.
    pub(super) events: mpsc::UnboundedSender<UpEvent>,
}

/// What becomes of the containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndingKind {
    /// They are removed, with their data if asked for.
    Down {
        /// Whether volumes are deleted.
        volumes: bool,
    },
    /// They go on running.
    Release,
}

/// The query of `POST /down`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct DownWanted {
    #[serde(default)]
    pub(super) volumes: bool,
}

/// What the paths share.
#[derive(Clone)]
struct Desk {
    standing: Shared,
    endings: mpsc::UnboundedSender<Ending>,
    shutdown: CancellationToken,
}

/// Makes the socket; one that a dead supervisor left is replaced (the caller holds the lock).
pub(super) fn bind(path: &Path) -> std::io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(listener)
}

/// Serves until `shutdown`, then finishes the answers that are under way.
pub(super) async fn serve(
    listener: UnixListener,
    standing: Shared,
    endings: mpsc::UnboundedSender<Ending>,
    shutdown: CancellationToken,
) {
    let router = Router::new()
        .route("/status", get(status))
        .route("/logs", post(logs))
        .route("/down", post(down))
        .route("/release", post(release))
        .with_state(Desk { standing, endings, shutdown: shutdown.clone() });
    // A socket that cannot be served any more ends the answers, not the stack.
    let _ = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await;
}

async fn status(State(desk): State<Desk>) -> Json<Status> {
    match desk.standing.read().await.as_ref() {
        Some(standing) => Json(standing.status().await),
        // It is on its way down.
        None => Json(Status::down()),
    }
}

async fn logs(State(desk): State<Desk>, Json(wanted): Json<LogsWanted>) -> Response {
    let found = desk.standing.read().await.as_ref().map(|standing| standing.logs(&wanted));
    // Whoever follows would otherwise keep the supervisor from ending.
    lines(found.unwrap_or_else(|| futures_util::stream::empty().boxed()).take_until(desk.shutdown.cancelled_owned()))
}

async fn down(State(desk): State<Desk>, Query(wanted): Query<DownWanted>) -> Response {
    end(&desk, EndingKind::Down { volumes: wanted.volumes })
}

async fn release(State(desk): State<Desk>) -> Response {
    end(&desk, EndingKind::Release)
}

fn end(desk: &Desk, kind: EndingKind) -> Response {
    let (events, told) = mpsc::unbounded_channel();
    // A supervisor that is ending already tells nothing more: the answer ends at once.
    let _ = desk.endings.send(Ending { kind, events });
    lines(futures_util::stream::unfold(told, |mut told| async move { told.recv().await.map(|event| (event, told)) }))
}

/// JSON documents a line, each sent as it comes.
fn lines<T: Serialize>(documents: impl Stream<Item = T> + Send + 'static) -> Response {
    let lines = documents.map(|document| {
        let mut line = serde_json::to_vec(&document).expect("documents have only text keys");
        line.push(b'\n');
        Ok::<_, Infallible>(Bytes::from(line))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}
