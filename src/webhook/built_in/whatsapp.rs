//! `WhatsApp` Business (360dialog): messages and delivery statuses.
//!
//! Read by `built_in`. The body's shape is that of the `WhatsApp` Business platform.

use crate::webhook::{
    definition::{Definition, Row, Signing, template},
    fields::FieldKind::{Email, Horizon, Id, Name, Phone, Text, Time},
    secrets::WHATSAPP_WEBHOOK_SECRET,
};

pub(super) fn definition() -> Definition {
    Definition {
        path: Some("/webhooks/whatsapp".to_owned()),
        service: Some(super::MEDICALCOR_API.to_owned()),
        signing: Some(Signing {
            template: template("sha256=${signature}"),
            bare: true,
            ..Signing::of_body(super::HUB_SIGNATURE, WHATSAPP_WEBHOOK_SECRET)
        }),
        ..Definition::new("whatsapp").with_fields(FIELDS)
    }
}

const FIELDS: &[Row] = &[
    ("entry.*.changes.*.value.contacts.*.wa_id", Phone),
    ("entry.*.changes.*.value.contacts.*.profile.name", Name),
    ("entry.*.changes.*.value.messages.*.id", Id),
    ("entry.*.changes.*.value.messages.*.from", Phone),
    ("entry.*.changes.*.value.messages.*.timestamp", Time),
    ("entry.*.changes.*.value.messages.*.text.body", Text),
    ("entry.*.changes.*.value.messages.*.image.id", Id),
    ("entry.*.changes.*.value.messages.*.image.caption", Text),
    ("entry.*.changes.*.value.messages.*.audio.id", Id),
    ("entry.*.changes.*.value.messages.*.video.id", Id),
    ("entry.*.changes.*.value.messages.*.video.caption", Text),
    ("entry.*.changes.*.value.messages.*.document.id", Id),
    ("entry.*.changes.*.value.messages.*.document.caption", Text),
    ("entry.*.changes.*.value.messages.*.sticker.id", Id),
    ("entry.*.changes.*.value.messages.*.button.text", Text),
    ("entry.*.changes.*.value.messages.*.contacts.*.name.formatted_name", Name),
    ("entry.*.changes.*.value.messages.*.contacts.*.name.first_name", Name),
    ("entry.*.changes.*.value.messages.*.contacts.*.name.last_name", Name),
    ("entry.*.changes.*.value.messages.*.contacts.*.phones.*.phone", Phone),
    ("entry.*.changes.*.value.messages.*.contacts.*.phones.*.wa_id", Phone),
    ("entry.*.changes.*.value.messages.*.contacts.*.emails.*.email", Email),
    ("entry.*.changes.*.value.messages.*.context.id", Id),
    ("entry.*.changes.*.value.messages.*.context.message_id", Id),
    ("entry.*.changes.*.value.messages.*.context.from", Phone),
    ("entry.*.changes.*.value.messages.*.reaction.message_id", Id),
    ("entry.*.changes.*.value.statuses.*.id", Id),
    ("entry.*.changes.*.value.statuses.*.timestamp", Time),
    ("entry.*.changes.*.value.statuses.*.recipient_id", Phone),
    ("entry.*.changes.*.value.statuses.*.conversation.id", Id),
    ("entry.*.changes.*.value.statuses.*.conversation.expiration_timestamp", Horizon),
];
