//! Slack: events as JSON, and slash commands as forms (a body file `*.form`).
//!
//! Read by `built_in`. Ids of users, channels and workspaces stay: they name accounts.

use http::HeaderName;

use crate::webhook::{
    definition::{Definition, Row, Signing, TOLERANCE, template},
    fields::FieldKind::{Email, Id, Name, Phone, Text, Time},
    secrets::SLACK_SIGNING_SECRET,
};

pub(super) fn definition() -> Definition {
    Definition {
        path: Some("/webhooks/slack".to_owned()),
        headers: vec![(HeaderName::from_static("x-slack-request-timestamp"), template("${timestamp}"))],
        signing: Some(Signing {
            signed: template("v0:${timestamp}:${body}"),
            template: template("v0=${signature}"),
            tolerance: Some(TOLERANCE),
            ..Signing::of_body(HeaderName::from_static("x-slack-signature"), SLACK_SIGNING_SECRET)
        }),
        ..Definition::new("slack").with_fields(FIELDS)
    }
}

/// The last ones are those of a slash command.
const FIELDS: &[Row] = &[
    ("event_id", Id),
    ("event_time", Time),
    ("event.client_msg_id", Id),
    ("event.ts", Time),
    ("event.event_ts", Time),
    ("event.thread_ts", Time),
    ("event.text", Text),
    ("event.user_profile.name", Name),
    ("event.user_profile.real_name", Name),
    ("event.user_profile.display_name", Name),
    ("event.user_profile.first_name", Name),
    ("event.user.name", Name),
    ("event.user.real_name", Name),
    ("event.user.profile.real_name", Name),
    ("event.user.profile.display_name", Name),
    ("event.user.profile.email", Email),
    ("event.user.profile.phone", Phone),
    ("trigger_id", Id),
    ("user_name", Name),
    ("text", Text),
];
