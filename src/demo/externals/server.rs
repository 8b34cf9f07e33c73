//! The externals' HTTP server: finds the script of a call, does as it says, else answers normally.
//!
//! Started by `demo::run` or alone; nothing of it is instrumented.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    answers,
    connection::{Breakable, BreakableListener},
    control,
    script::{Scripts, Step},
};
use crate::{
    demo::{
        error::DemoError,
        http::{self as demo_http, ApiError},
    },
    support::clock::TimerClock,
    telemetry::{CORRELATION_HEADER, Carrier, TraceContextExt as _},
};

/// How the externals run.
#[derive(Debug, Clone)]
pub struct ExternalsConfig {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Clock of scripted delays.
    pub clock: TimerClock,
}

/// The externals, listening.
#[derive(Debug)]
pub struct Externals {
    listener: TcpListener,
    address: SocketAddr,
    clock: TimerClock,
}

#[derive(Debug)]
struct Shared {
    scripts: Arc<Scripts>,
    clock: TimerClock,
}

impl Externals {
    /// Takes the port.
    pub async fn bind(config: ExternalsConfig) -> Result<Self, DemoError> {
        let (listener, address) = demo_http::listen("externals", config.listen).await?;
        Ok(Self { listener, address, clock: config.clock })
    }

    /// Where they listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`, then finishes what is being answered.
    pub async fn run(self, shutdown: CancellationToken) {
        let scripts = Arc::new(Scripts::default());
        let shared = Arc::new(Shared { scripts: Arc::clone(&scripts), clock: self.clock });
        let router = Router::new().fallback(call).with_state(shared).merge(control::routes(scripts));
        let service = demo_http::local_only(router).into_make_service_with_connect_info::<Breakable>();
        let server = axum::serve(BreakableListener(self.listener), service);
        demo_http::serve(server.with_graceful_shutdown(shutdown.clone().cancelled_owned()), shutdown).await;
    }
}

async fn call(State(shared): State<Arc<Shared>>, connection: ConnectInfo<Breakable>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some((service, path)) = split(parts.uri.path()) else { return ApiError::NotFound.into_response() };
    let body = match demo_http::read_body(body).await {
        Ok(body) => serde_json::from_slice(&body).unwrap_or(Value::Null),
        Err(error) => return error.into_response(),
    };
    let step = shared.scripts.next(&keys(&parts.headers), service).unwrap_or_default();
    if step.hang {
        std::future::pending::<()>().await;
    }
    if let Some(delay) = step.delay_ms {
        shared.clock.wait(Duration::from_millis(delay)).await;
    }
    if step.reset {
        connection.0.break_off();
    }
    let scripted = step.status.and_then(|status| StatusCode::from_u16(status).ok()).filter(|status| !status.is_success());
    let (status, answer) = match scripted {
        Some(status) => (status, answers::error(status)),
        None => answers::answer(service, &parts.method, path, &body),
    };
    let headers = waits(&step);
    (status, headers, Json(step.body.unwrap_or(answer))).into_response()
}

/// `/hubspot/crm/v3/…` is HubSpot's `/crm/v3/…`.
fn split(path: &str) -> Option<(&'static str, &str)> {
    let (prefix, rest) = path.strip_prefix('/')?.split_once('/')?;
    let service = answers::SERVICES.into_iter().find(|service| *service == prefix)?;
    Some((service, rest))
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
        headers.insert(http::header::RETRY_AFTER, millis.div_ceil(1000).into());
        headers.insert("retry-after-ms", millis.into());
    }
    headers
}
