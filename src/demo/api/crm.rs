//! `POST /webhooks/crm`: persons and deals of the CRM, written to the API's own database before the answer.
//!
//! Fed by Pipedrive (or `replay`). Other than in the real system a database error is an error: 500, not 200, so that the CRM sends the
//! webhook again and the failure is seen.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
};
use serde_json::{Value, json};

use super::{leads, limits::WebhookKind, service::ApiState};
use crate::{
    demo::{
        http::ApiError,
        payload::crm::{Change, Webhook},
        store::SqlError,
    },
    telemetry::Severity,
    webhook::Provider,
};

/// A person or a deal that changed.
pub(super) async fn receive(State(api): State<Arc<ApiState>>, request: Request) -> Result<Json<Value>, ApiError> {
    let delivery = api.accept(WebhookKind::Crm, request).await?;
    api.verify(&Provider::pipedrive(), &delivery)?;
    let invalid = |_| ApiError::Validation("Invalid CRM payload".to_owned());
    let webhook: Webhook = serde_json::from_slice(&delivery.body).map_err(invalid)?;
    let stored = match webhook.change().map_err(invalid)? {
        Change::Person(person) => leads::upsert_lead(&api.sql, &person).await,
        Change::Deal(deal) => leads::upsert_treatment_plan(&api.sql, &deal).await,
    };
    stored.map_err(|error| failed(&api, &delivery.trace.span, &error))?;
    Ok(Json(json!({"status": "processed"})))
}

fn failed(api: &ApiState, span: &crate::telemetry::Span, error: &SqlError) -> ApiError {
    api.metrics.error("database", "DatabaseError");
    api.telemetry.log(Severity::Error, error.to_string(), [("route", "/webhooks/crm".into())]);
    span.record_error_as("DatabaseError", error);
    ApiError::Internal
}
