//! GitHub: pushes, pull requests, issues, releases, runs.
//!
//! Read by `built_in`. Account names, numbers and URLs stay: they name things that a service may look up.

use http::HeaderName;

use crate::webhook::{
    definition::{Definition, Row, Signing, template},
    fields::FieldKind::{Email, Id, Name, Text, Time},
    secrets::GITHUB_WEBHOOK_SECRET,
};

pub(super) fn definition() -> Definition {
    Definition {
        path: Some("/webhooks/github".to_owned()),
        headers: vec![(HeaderName::from_static("x-github-delivery"), template("${id}"))],
        event: Some(HeaderName::from_static("x-github-event")),
        signing: Some(Signing {
            template: template("sha256=${signature}"),
            ..Signing::of_body(super::HUB_SIGNATURE, GITHUB_WEBHOOK_SECRET)
        }),
        ..Definition::new("github").with_fields(FIELDS)
    }
}

const FIELDS: &[Row] = &[
    ("after", Id),
    ("pusher.name", Name),
    ("pusher.email", Email),
    ("head_commit.id", Id),
    ("head_commit.message", Text),
    ("head_commit.timestamp", Time),
    ("head_commit.author.name", Name),
    ("head_commit.author.email", Email),
    ("head_commit.committer.name", Name),
    ("head_commit.committer.email", Email),
    ("commits.*.id", Id),
    ("commits.*.message", Text),
    ("commits.*.timestamp", Time),
    ("commits.*.author.name", Name),
    ("commits.*.author.email", Email),
    ("commits.*.committer.name", Name),
    ("commits.*.committer.email", Email),
    ("pull_request.id", Id),
    ("pull_request.title", Text),
    ("pull_request.body", Text),
    ("pull_request.created_at", Time),
    ("pull_request.updated_at", Time),
    ("pull_request.closed_at", Time),
    ("pull_request.merged_at", Time),
    ("issue.id", Id),
    ("issue.title", Text),
    ("issue.body", Text),
    ("issue.created_at", Time),
    ("issue.updated_at", Time),
    ("issue.closed_at", Time),
    ("comment.id", Id),
    ("comment.body", Text),
    ("comment.created_at", Time),
    ("comment.updated_at", Time),
    ("review.id", Id),
    ("review.body", Text),
    ("review.submitted_at", Time),
    ("release.id", Id),
    ("release.body", Text),
    ("release.created_at", Time),
    ("release.published_at", Time),
    ("workflow_run.id", Id),
    ("workflow_run.created_at", Time),
    ("workflow_run.updated_at", Time),
    ("workflow_run.run_started_at", Time),
    ("check_run.id", Id),
    ("check_run.started_at", Time),
    ("check_run.completed_at", Time),
];
