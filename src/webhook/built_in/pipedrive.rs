//! Pipedrive, the CRM: persons and deals.
//!
//! Read by `built_in`. The body's shape is that of Pipedrive's webhooks, version 1; `MedicalCor`'s route wants a shared secret beside
//! the signature.

use http::HeaderName;

use crate::webhook::{
    definition::{Definition, Row, Signing, template},
    fields::FieldKind::{Email, Horizon, Id, Name, Phone, Text, Time},
    secrets::PIPEDRIVE_WEBHOOK_SECRET,
};

pub(super) fn definition() -> Definition {
    Definition {
        aliases: vec!["crm".to_owned()],
        path: Some("/webhooks/crm".to_owned()),
        service: Some(super::MEDICALCOR_API.to_owned()),
        headers: vec![(HeaderName::from_static("x-crm-webhook-secret"), template("${secret.CRM_WEBHOOK_SECRET}"))],
        signing: Some(Signing::of_body(HeaderName::from_static("x-pipedrive-signature"), PIPEDRIVE_WEBHOOK_SECRET)),
        ..Definition::new("pipedrive").with_fields(FIELDS)
    }
}

const FIELDS: &[Row] = &[
    ("meta.id", Id),
    ("meta.entity_id", Id),
    ("meta.correlation_id", Id),
    ("meta.timestamp", Time),
    ("meta.timestamp_micro", Time),
    ("current.id", Id),
    ("current.person_id", Id),
    ("current.person_id.value", Id),
    ("current.person_id.name", Name),
    ("current.person_id.phone.*.value", Phone),
    ("current.person_id.email.*.value", Email),
    ("current.person_name", Name),
    ("current.name", Name),
    ("current.first_name", Name),
    ("current.last_name", Name),
    ("current.title", Text),
    ("current.phone", Phone),
    ("current.phone.*.value", Phone),
    ("current.email", Email),
    ("current.email.*.value", Email),
    ("current.add_time", Time),
    ("current.update_time", Time),
    ("current.stage_change_time", Time),
    ("current.won_time", Time),
    ("current.next_activity_date", Horizon),
    ("current.expected_close_date", Horizon),
    ("previous.id", Id),
    ("previous.person_id", Id),
    ("previous.person_name", Name),
    ("previous.name", Name),
    ("previous.first_name", Name),
    ("previous.last_name", Name),
    ("previous.title", Text),
    ("previous.phone", Phone),
    ("previous.phone.*.value", Phone),
    ("previous.email", Email),
    ("previous.email.*.value", Email),
    ("previous.add_time", Time),
    ("previous.update_time", Time),
    ("previous.stage_change_time", Time),
];
