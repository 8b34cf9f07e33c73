//! Standard Webhooks: one scheme that many services share.
//!
//! Read by `built_in`. Of the body the specification says only that it has a type, a timestamp and data.

use http::HeaderName;

use crate::webhook::{
    definition::{Definition, Encoding, Row, SecretForm, Signing, TOLERANCE, template},
    fields::FieldKind::{Id, Time},
    secrets::STANDARD_WEBHOOKS_SECRET,
};

pub(super) fn definition() -> Definition {
    Definition {
        path: Some("/webhooks".to_owned()),
        headers: vec![
            (HeaderName::from_static("webhook-id"), template("${id}")),
            (HeaderName::from_static("webhook-timestamp"), template("${timestamp}")),
        ],
        signing: Some(Signing {
            signed: template("${id}.${timestamp}.${body}"),
            encoding: Encoding::Base64,
            template: template("v1,${signature}"),
            list: Some(' '),
            secret_form: SecretForm::Base64,
            tolerance: Some(TOLERANCE),
            ..Signing::of_body(HeaderName::from_static("webhook-signature"), STANDARD_WEBHOOKS_SECRET)
        }),
        ..Definition::new("standard-webhooks").with_fields(FIELDS)
    }
}

const FIELDS: &[Row] = &[("timestamp", Time), ("data.id", Id)];
