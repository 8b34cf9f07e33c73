//! The externals' HTTP server: finds the script of a call, does as it says, else answers normally.
//!
//! Bound by `runtime` and `demo`. One port serves all externals, each below its name; any of them can have a port of its own besides, for
//! services that are told an address each. Scripts and counts are the same whichever way a call comes.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    body::Body,
    extract::{ConnectInfo, Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use futures_util::future::join_all;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    answering::{Answering, Reply, Request},
    connection::{Breakable, BreakableListener},
    control,
    external::AnswerBody,
    script::{Scripts, Step},
};
use crate::{
    standin::{StandInError, http as server},
    support::clock::TimerClock,
    telemetry::{CORRELATION_HEADER, Carrier, TraceContextExt as _},
};

/// Largest body taken, in bytes; uploads to externals are larger than calls.
const LARGEST_BODY: usize = 16 << 20;

/// How the externals run.
#[derive(Debug, Clone)]
pub struct ExternalsConfig {
    /// Address at which all of them answer, each below `/<name>`, and where scripts are put.
    pub listen: SocketAddr,
    /// Externals that have an address of their own besides, without a prefix.
    pub own: Vec<(String, SocketAddr)>,
    /// Clock of delays and latencies.
    pub clock: TimerClock,
    /// What they answer.
    pub answering: Arc<dyn Answering>,
}

/// The externals, listening.
#[derive(Debug)]
pub struct Externals {
    all: TcpListener,
    address: SocketAddr,
    own: Vec<(String, TcpListener, SocketAddr)>,
    shared: Arc<Shared>,
}

/// What every listener shares.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) scripts: Scripts,
    pub(super) answering: Arc<dyn Answering>,
    clock: TimerClock,
}

/// What one listener knows: whether its paths begin with a name, or all are for one external.
#[derive(Debug, Clone)]
struct Entrance {
    shared: Arc<Shared>,
    only: Option<Arc<str>>,
}

impl Externals {
    /// Takes the ports.
    ///
    /// # Errors
    /// A port is taken, or an address is for an external that is not there.
    pub async fn bind(config: ExternalsConfig) -> Result<Self, StandInError> {
        let names = config.answering.names();
        let strangers = config.own.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        let problems: Vec<_> =
            strangers.map(|(name, _)| format!("there is no external `{name}` to give an address to")).collect();
        if !problems.is_empty() {
            return Err(StandInError::Externals { problems });
        }
        let (all, address) = listen("the externals", config.listen).await?;
        let mut own = Vec::new();
        for (name, wanted) in &config.own {
            let (listener, address) = listen(&format!("`{name}`"), *wanted).await?;
            own.push((name.clone(), listener, address));
        }
        let shared = Shared { scripts: Scripts::default(), answering: config.answering, clock: config.clock };
        Ok(Self { all, address, own, shared: Arc::new(shared) })
    }

    /// Where they listen, all of them: `/<name>/…`, and `/_devstack/…`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base address of each external: its own where it has one, else below its name.
    pub fn urls(&self) -> BTreeMap<String, String> {
        let names = self.shared.answering.names();
        let below = names.into_iter().map(|name| (name.to_owned(), format!("http://{}/{name}", self.address)));
        below.chain(self.own.iter().map(|(name, _, address)| (name.clone(), format!("http://{address}")))).collect()
    }

    /// Answers until `shutdown`, then finishes what is being answered.
    pub async fn run(self, shutdown: CancellationToken) {
        let own = self.own.into_iter().map(|(name, listener, _)| (Some(name.into()), listener));
        let entrances = std::iter::once((None, self.all)).chain(own);
        let shared = self.shared;
        join_all(
            entrances
                .map(|(only, listener)| answer_at(listener, Entrance { shared: Arc::clone(&shared), only }, shutdown.clone())),
        )
        .await;
    }
}

async fn listen(name: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StandInError> {
    server::listen(address).await.map_err(|source| StandInError::Listen { name: name.to_owned(), address, source })
}

async fn answer_at(listener: TcpListener, entrance: Entrance, shutdown: CancellationToken) {
    let control = control::routes(Arc::clone(&entrance.shared));
    let router = Router::new().fallback(call).with_state(entrance).merge(control);
    let service = server::local_only(router).into_make_service_with_connect_info::<Breakable>();
    let server = axum::serve(BreakableListener(listener), service);
    server::serve(server.with_graceful_shutdown(shutdown.clone().cancelled_owned()), shutdown).await;
}

async fn call(State(entrance): State<Entrance>, connection: ConnectInfo<Breakable>, request: HttpRequest) -> Response {
    let shared = &entrance.shared;
    let (parts, body) = request.into_parts();
    let Some((external, path)) = entrance.split(parts.uri.path()) else {
        shared.scripts.stranger();
        return nobody(shared.answering.as_ref(), parts.uri.path());
    };
    let Some(body) = json_of(body).await else {
        let said = json!({"error": "the body is too large, or broke off"});
        return (StatusCode::PAYLOAD_TOO_LARGE, Json(said)).into_response();
    };
    let keys = keys(&parts.headers);
    let step = shared.scripts.next(&keys, external).unwrap_or_default();
    let reply = reply(shared, &step, &keys, Request { external, method: &parts.method, path, body: &body });
    if step.hang {
        std::future::pending::<()>().await;
    }
    if !reply.latency.is_zero() {
        shared.clock.wait(reply.latency).await;
    }
    if step.reset {
        connection.0.break_off();
    }
    written(reply)
}

/// The answer that the script's step asks for, else the normal one.
fn reply(shared: &Shared, step: &Step, keys: &[String], request: Request<'_>) -> Reply {
    let scripted = step.status.and_then(|status| StatusCode::from_u16(status).ok()).filter(|status| !status.is_success());
    let mut reply = match scripted {
        Some(status) => Reply::json(status, error(status)),
        None => shared.answering.answer(request).unwrap_or_else(|| {
            shared.scripts.unmatched(keys, request.external);
            unknown(shared.answering.as_ref(), request.external, request.method, request.path)
        }),
    };
    if let Some(body) = &step.body {
        reply.body = AnswerBody::Json(body.clone());
    }
    if let Some(millis) = step.delay_ms {
        reply.latency = std::time::Duration::from_millis(millis);
    }
    reply.headers.extend(waits(step));
    reply
}

impl Entrance {
    /// Whom a path is for, and the path there: `/hubspot/crm/v3/…` is HubSpot's `/crm/v3/…`.
    fn split<'a>(&'a self, path: &'a str) -> Option<(&'a str, &'a str)> {
        if let Some(only) = &self.only {
            return Some((only, path));
        }
        let rest = path.strip_prefix('/')?;
        let (prefix, rest) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        self.shared.answering.names().contains(&prefix).then_some((prefix, rest))
    }
}

/// The body of an answer with an error status that says nothing else.
fn error(status: StatusCode) -> Value {
    json!({"status": "error", "message": status.canonical_reason().unwrap_or("error")})
}

/// Nothing answers to this: says what was asked, and what there is.
fn unknown(answering: &dyn Answering, external: &str, method: &Method, path: &str) -> Reply {
    let known = answering.known(external);
    let error = format!("the stand-in for `{external}` has no answer to `{method} {path}`");
    Reply::json(StatusCode::NOT_FOUND, json!({"error": error, "known": known}))
}

/// No external has this prefix.
fn nobody(answering: &dyn Answering, path: &str) -> Response {
    let known: Vec<_> = answering.names().into_iter().map(|name| format!("/{name}/")).collect();
    let error = format!("no stand-in answers at `{path}`: the path begins with the name of an external");
    (StatusCode::NOT_FOUND, Json(json!({"error": error, "known": known}))).into_response()
}

/// The body as JSON, null where it is none; `None` where it cannot be read to its end.
async fn json_of(body: Body) -> Option<Value> {
    let bytes = server::read_body(body, LARGEST_BODY).await.ok()?;
    Some(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn written(reply: Reply) -> Response {
    let Reply { status, headers, body, .. } = reply;
    let mut response = match body {
        AnswerBody::Empty => status.into_response(),
        AnswerBody::Json(value) => (status, Json(value)).into_response(),
        AnswerBody::Text(text) => (status, text).into_response(),
    };
    for (name, value) in headers.iter().filter(|(name, _)| **name != header::CONTENT_LENGTH) {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

/// Under which keys a script may stand: the trace id, then the correlation id.
fn keys(headers: &HeaderMap) -> Vec<String> {
    let context = Carrier::from_headers(headers).context();
    let span = context.span().span_context().clone();
    let trace = span.is_valid().then(|| span.trace_id().to_string());
    let correlation = headers.get(CORRELATION_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    trace.into_iter().chain(correlation).collect()
}

fn waits(step: &Step) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(millis) = step.retry_after_ms {
        headers.insert(header::RETRY_AFTER, millis.div_ceil(1000).into());
        headers.insert("retry-after-ms", millis.into());
    }
    headers
}
