//! The service itself, and its one client: the API.
//!
//! Bound and run by `demo::run` or alone by `cli`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{Path, State},
    response::Html,
    routing::get,
};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::pages;
use crate::{
    demo::{
        config::ServiceConfig,
        error::DemoError,
        foundation::Foundation,
        http::ApiError,
        names::{API, WEB},
    },
    telemetry::{
        Outcome, RequestTrace, Severity, Span, Telemetry, Tracer,
        attributes::{ERROR_TYPE, HTTP_STATUS_CODE},
        end_span, inject_trace_context,
    },
};

/// True time the API gets.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How the web application runs.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// What every service is told.
    pub service: ServiceConfig,
    /// Address of `medicalcor-api`: `http://host:port`.
    pub api_url: String,
}

/// The web application, listening.
#[derive(Debug)]
pub struct Web {
    foundation: Foundation,
    api: Arc<ApiClient>,
}

#[derive(Debug)]
struct ApiClient {
    base: String,
    http: reqwest::Client,
    tracer: Tracer,
    telemetry: Telemetry,
}

impl Web {
    /// Takes the port and starts telemetry.
    pub async fn bind(config: WebConfig) -> Result<Self, DemoError> {
        let foundation = Foundation::lay(WEB, &config.service).await?;
        let api = ApiClient {
            base: config.api_url.trim_end_matches('/').to_owned(),
            http: foundation.http.clone(),
            tracer: foundation.telemetry.tracer("api-client"),
            telemetry: foundation.telemetry.clone(),
        };
        Ok(Self { foundation, api: Arc::new(api) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.foundation.address
    }

    /// Answers until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let router =
            Router::new().route("/", get(|| async { Html(pages::start()) })).route("/leads/{id}", get(lead)).with_state(self.api);
        self.foundation.run(router, shutdown, async {}, async {}).await;
    }
}

async fn lead(
    State(api): State<Arc<ApiClient>>,
    Extension(trace): Extension<RequestTrace>,
    Path(id): Path<String>,
) -> Result<Html<String>, ApiError> {
    let lead = api.lead(&trace, &id).await?;
    Ok(Html(pages::lead(&lead)))
}

impl ApiClient {
    async fn lead(&self, trace: &RequestTrace, id: &str) -> Result<Value, ApiError> {
        let mut url = reqwest::Url::parse(&self.base).map_err(|_| ApiError::Internal)?;
        url.path_segments_mut().map_err(|()| ApiError::Internal)?.pop_if_empty().extend(["leads", id]);
        let span = self.tracer.client("GET", url.path(), API).start();
        match span.run(self.get(&span, trace, url)).await {
            Ok((StatusCode::OK, body)) => {
                end_span(&span, Outcome::Ok);
                Ok(body)
            }
            Ok((status, _)) => {
                span.set(ERROR_TYPE, status.as_str().to_owned());
                end_span(&span, Outcome::error(format!("HTTP {}", status.as_u16())));
                Err(if status == StatusCode::NOT_FOUND { ApiError::NoSuch("Lead") } else { ApiError::Upstream(API) })
            }
            Err(error) => {
                span.record_error_as("ApiUnreachable", &error);
                span.end();
                self.telemetry.log(Severity::Error, error.to_string(), [("route", "/leads/{id}".into())]);
                Err(ApiError::Upstream(API))
            }
        }
    }

    async fn get(&self, span: &Span, trace: &RequestTrace, url: reqwest::Url) -> Result<(StatusCode, Value), reqwest::Error> {
        let mut headers = HeaderMap::new();
        inject_trace_context(span.context(), Some(&trace.correlation_id), &mut headers);
        let call = self.http.get(url).headers(headers).timeout(TIMEOUT).send();
        let answer = call.await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        span.set(HTTP_STATUS_CODE, i64::from(status.as_u16()));
        let body = answer.bytes().await.map_err(reqwest::Error::without_url)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }
}
