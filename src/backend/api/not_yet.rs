//! What Tempo, Prometheus and the UI have and this version has not: it says so instead of pretending.

use axum::{Router, http::StatusCode, response::IntoResponse, routing::any};

use super::routes::Api;

/// The one sentence.
const WORDS: &str = "devstack's embedded backend has no search, TraceQL, metrics queries or pages yet, they come in a later version; what it \
                     has is a trace by its id at /api/v2/traces/{trace id}\n";

/// Paths under which everything is to come.
const TREES: [&str; 4] = ["/api/search", "/api/v2/search", "/api/metrics", "/api/v1"];

/// The paths that answer 501.
pub(super) fn routes() -> Router<Api> {
    TREES.iter().fold(Router::new().route("/", any(not_yet)), |router, tree| {
        router.route(tree, any(not_yet)).route(&format!("{tree}/{{*rest}}"), any(not_yet))
    })
}

async fn not_yet() -> impl IntoResponse {
    (StatusCode::NOT_IMPLEMENTED, WORDS)
}
