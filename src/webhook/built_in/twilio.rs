//! Twilio: calls and messages, as forms.
//!
//! Read by `built_in`. What is signed is the URL that Twilio was told, and behind it the fields, sorted. A service behind a proxy cannot
//! see that URL and is told it by `TWILIO_WEBHOOK_URL`, as `MedicalCor`'s is.

use http::HeaderName;

use crate::webhook::{
    definition::{Content, Definition, Encoding, Hash, Row, Signing, template},
    fields::FieldKind::{Id, Name, Phone, Text, Time},
    secrets::TWILIO_AUTH_TOKEN,
};

pub(super) fn definition() -> Definition {
    Definition {
        path: Some("/webhooks/voice".to_owned()),
        service: Some(super::MEDICALCOR_API.to_owned()),
        content: Content::Form,
        signing: Some(Signing {
            hash: Hash::Sha1,
            signed: template("${url}${params}"),
            url_variable: Some("TWILIO_WEBHOOK_URL".to_owned()),
            encoding: Encoding::Base64,
            ..Signing::of_body(HeaderName::from_static("x-twilio-signature"), TWILIO_AUTH_TOKEN)
        }),
        ..Definition::new("twilio").with_fields(FIELDS)
    }
}

/// Both sides of a call are phone numbers of persons as far as a form can tell: which one is depends on its direction.
const FIELDS: &[Row] = &[
    ("CallSid", Id),
    ("ParentCallSid", Id),
    ("RecordingSid", Id),
    ("TranscriptionSid", Id),
    ("MessageSid", Id),
    ("SmsSid", Id),
    ("SmsMessageSid", Id),
    ("From", Phone),
    ("To", Phone),
    ("Caller", Phone),
    ("Called", Phone),
    ("ForwardedFrom", Phone),
    ("WaId", Phone),
    ("CallerName", Name),
    ("ProfileName", Name),
    ("Body", Text),
    ("ButtonText", Text),
    ("SpeechResult", Text),
    ("TranscriptionText", Text),
    ("Timestamp", Time),
    ("RecordingStartTime", Time),
];
