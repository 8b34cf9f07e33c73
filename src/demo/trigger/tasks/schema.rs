//! The worker's tables and the statements on them. Tables carry the service's name, so that services can share one server.
//!
//! Made by `trigger::service` at bind; used by the tasks.

/// Tables of the worker.
pub(in super::super) const SCHEMA: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS medicalcor_trigger_leads (id TEXT PRIMARY KEY, phone_hash TEXT NOT NULL UNIQUE, \
     hubspot_contact_id TEXT, score BIGINT, classification TEXT, updated_at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS medicalcor_trigger_messages (id TEXT PRIMARY KEY, lead_id TEXT NOT NULL, kind TEXT NOT NULL, \
     received_at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS medicalcor_trigger_statuses (message_id TEXT NOT NULL, status TEXT NOT NULL, \
     reported_at BIGINT NOT NULL, PRIMARY KEY (message_id, status))",
    "CREATE TABLE IF NOT EXISTS medicalcor_trigger_payments (id TEXT NOT NULL, kind TEXT NOT NULL, amount BIGINT NOT NULL, \
     currency TEXT NOT NULL, recorded_at BIGINT NOT NULL, PRIMARY KEY (id, kind))",
];

/// A lead by the hash of its number, made when there is none; its id.
pub(super) const UPSERT_LEAD: &str = "INSERT INTO medicalcor_trigger_leads (id, phone_hash, updated_at) VALUES ($1, $2, $3) \
     ON CONFLICT (phone_hash) DO UPDATE SET updated_at = excluded.updated_at RETURNING id";
/// A message; a second attempt changes nothing.
pub(super) const INSERT_MESSAGE: &str = "INSERT INTO medicalcor_trigger_messages (id, lead_id, kind, received_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING";
/// A status of a sent message; the same one again changes nothing.
pub(super) const INSERT_STATUS: &str = "INSERT INTO medicalcor_trigger_statuses (message_id, status, reported_at) \
     VALUES ($1, $2, $3) ON CONFLICT (message_id, status) DO NOTHING";
/// A payment, failure or refund; the same one again changes nothing.
pub(super) const INSERT_PAYMENT: &str = "INSERT INTO medicalcor_trigger_payments (id, kind, amount, currency, recorded_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id, kind) DO NOTHING";
/// What is known of a lead.
pub(super) const SELECT_LEAD: &str = "SELECT id, score FROM medicalcor_trigger_leads WHERE id = $1";
/// What a lead was scored.
pub(super) const UPDATE_LEAD: &str = "UPDATE medicalcor_trigger_leads SET hubspot_contact_id = $1, score = $2, \
     classification = $3, updated_at = $4 WHERE id = $5";
