//! Leads and treatment plans in the API's database, and `GET /leads/{id}`.
//!
//! Written by `crm`; read by `medicalcor-web` over HTTP.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::Row as _;

use super::service::ApiState;
use crate::{
    demo::{
        http::ApiError,
        payload::crm::{Deal, Id, Person},
        store::{Bind, Sql, SqlError},
    },
    support::{clock, random},
    telemetry::{RequestTrace, Severity, attributes::LEAD_ID},
};

/// Tables of the API, by its name, so that services can share one server.
pub(super) const SCHEMA: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS medicalcor_api_leads (id TEXT PRIMARY KEY, external_id TEXT NOT NULL UNIQUE, name TEXT, \
     phone_hash TEXT, email TEXT, updated_at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS medicalcor_api_lead_events (id TEXT PRIMARY KEY, external_id TEXT NOT NULL, kind TEXT NOT NULL, \
     created_at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS medicalcor_api_treatment_plans (id TEXT PRIMARY KEY, external_id TEXT NOT NULL UNIQUE, \
     lead_external_id TEXT, title TEXT, amount DOUBLE PRECISION, currency TEXT, status TEXT, updated_at BIGINT NOT NULL)",
];

const UPSERT_LEAD: &str = "INSERT INTO medicalcor_api_leads (id, external_id, name, phone_hash, email, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (external_id) DO UPDATE SET name = excluded.name, \
     phone_hash = excluded.phone_hash, email = excluded.email, updated_at = excluded.updated_at";
const INSERT_EVENT: &str = "INSERT INTO medicalcor_api_lead_events (id, external_id, kind, created_at) VALUES ($1, $2, $3, $4)";
const UPSERT_PLAN: &str = "INSERT INTO medicalcor_api_treatment_plans (id, external_id, lead_external_id, title, amount, currency, \
     status, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (external_id) DO UPDATE SET \
     lead_external_id = excluded.lead_external_id, title = excluded.title, amount = excluded.amount, \
     currency = excluded.currency, status = excluded.status, updated_at = excluded.updated_at";
const SELECT_LEAD: &str = "SELECT id, external_id, name, updated_at FROM medicalcor_api_leads \
     WHERE id = $1 OR external_id = $2 OR phone_hash = $3";

/// Writes a person as a lead and notes that it did, both or neither.
pub(super) async fn upsert_lead(sql: &Sql, person: &Person) -> Result<(), SqlError> {
    let (external, now) = (person.id.text(), clock::unix_seconds());
    let lead = vec![
        random::uuid().into(),
        external.as_str().into(),
        person.name.clone().into(),
        person.phone().map(phone_hash).into(),
        person.email().map(str::to_owned).into(),
        now.into(),
    ];
    let event = vec![random::uuid().into(), external.into(), "lead.updated".into(), now.into()];
    sql.transaction(vec![(UPSERT_LEAD, lead), (INSERT_EVENT, event)]).await
}

/// Writes a deal as a treatment plan.
pub(super) async fn upsert_treatment_plan(sql: &Sql, deal: &Deal) -> Result<(), SqlError> {
    let binds: Vec<Bind> = vec![
        random::uuid().into(),
        deal.id.text().into(),
        deal.person_id.as_ref().map(Id::text).into(),
        deal.title.clone().into(),
        deal.value.unwrap_or_default().into(),
        deal.currency.clone().into(),
        deal.status.clone().into(),
        clock::unix_seconds().into(),
    ];
    sql.execute(UPSERT_PLAN, binds).await.map(drop)
}

/// A lead by its id, the CRM's id, or the hash of its number.
pub(super) async fn read(
    State(api): State<Arc<ApiState>>,
    Extension(trace): Extension<RequestTrace>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let binds = vec![id.as_str().into(), id.as_str().into(), id.as_str().into()];
    let row = api.sql.fetch_optional(SELECT_LEAD, binds).await.map_err(|error| {
        trace.span.record_error_as("DatabaseError", &error);
        api.telemetry.log(Severity::Error, error.to_string(), [("route", "/leads/{id}".into())]);
        ApiError::Internal
    })?;
    let row = row.ok_or(ApiError::NoSuch("Lead"))?;
    let text = |column: &str| row.try_get::<Option<String>, _>(column).unwrap_or_default();
    let lead_id = text("id").unwrap_or_default();
    trace.span.set(LEAD_ID, lead_id.clone());
    let updated = row.try_get::<i64, _>("updated_at").unwrap_or_default();
    Ok(Json(json!({"id": lead_id, "externalId": text("external_id"), "name": text("name"), "updatedAt": updated})))
}

/// The hash of a number's digits, by which a lead is found without keeping the number.
fn phone_hash(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    const_hex::encode(Sha256::digest(digits))
}
