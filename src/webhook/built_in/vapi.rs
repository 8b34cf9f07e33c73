//! Vapi: calls of voice assistants.
//!
//! Read by `built_in`. Signed as `MedicalCor`'s route wants it (Stripe's scheme, with a header of its own). The body is either that
//! route's, with `call` at the top, or Vapi's server message, with everything below `message`.

use http::HeaderName;

use crate::webhook::{
    definition::{Definition, Row, Signing, TOLERANCE, template},
    fields::FieldKind::{Id, Name, Phone, Text, Time},
    secrets::VAPI_WEBHOOK_SECRET,
};

pub(super) fn definition() -> Definition {
    Definition {
        path: Some("/webhooks/vapi".to_owned()),
        service: Some(super::MEDICALCOR_API.to_owned()),
        signing: Some(Signing {
            signed: template("${timestamp}.${body}"),
            template: template("t=${timestamp},v1=${signature}"),
            list: Some(','),
            tolerance: Some(TOLERANCE),
            ..Signing::of_body(HeaderName::from_static("x-vapi-signature"), VAPI_WEBHOOK_SECRET)
        }),
        ..Definition::new("vapi").with_fields(FIELDS)
    }
}

const FIELDS: &[Row] = &[
    ("call.id", Id),
    ("call.customer.number", Phone),
    ("call.customer.name", Name),
    ("call.createdAt", Time),
    ("call.updatedAt", Time),
    ("call.startedAt", Time),
    ("call.endedAt", Time),
    ("transcript.callId", Id),
    ("transcript.messages.*.message", Text),
    ("transcript.messages.*.timestamp", Time),
    ("transcript.startedAt", Time),
    ("transcript.endedAt", Time),
    ("message.timestamp", Time),
    ("message.startedAt", Time),
    ("message.endedAt", Time),
    ("message.call.id", Id),
    ("message.call.phoneCallProviderId", Id),
    ("message.call.customer.number", Phone),
    ("message.call.customer.name", Name),
    ("message.call.createdAt", Time),
    ("message.call.updatedAt", Time),
    ("message.call.startedAt", Time),
    ("message.call.endedAt", Time),
    ("message.customer.number", Phone),
    ("message.customer.name", Name),
    ("message.transcript", Text),
    ("message.summary", Text),
    ("message.analysis.summary", Text),
    ("message.artifact.transcript", Text),
    ("message.artifact.messages.*.message", Text),
    ("message.artifact.messages.*.time", Time),
    ("message.artifact.messages.*.endTime", Time),
    ("message.toolCallList.*.id", Id),
];
