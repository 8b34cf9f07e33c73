//! The secrets that fixtures need on a target that has its own: found, or all that are missing told at once.
//!
//! Asked by `replay` before anything is sent. The one place that says which variables a delivery needs.

use std::collections::BTreeMap;

use super::{Failure, target::Wanted, variables::Variables};
use crate::{
    fixture::{Fixture, Request, RequestKind, SignatureMode, Target},
    stack::Settings,
    webhook::{Provider, Secrets},
};

/// At most so many fixtures are named beside a variable.
const NAMED: usize = 3;

/// What opens a secret in a path or a header: `${secret.NAME}`.
const PLACEHOLDER: &str = "${secret.";

/// The secrets of the run; none for the demo services, which make their own. Missing ones are wrong usage, as a file with errors is: they
/// are found before anything is started, by looking.
///
/// What the project itself sets for the service goes first, because that is what it will check with; then what `variables` have; then what
/// the stack that is up gave to its services; and where the services are started for the run, what they ask for is made anew.
pub(super) fn of_run(
    fixtures: &[Fixture],
    wanted: &Wanted,
    settings: &Settings,
    given: Option<&Secrets>,
) -> Result<Secrets, Failure> {
    if wanted.target == Target::Demo {
        return Ok(Secrets::default());
    }
    let needed = needed_by(fixtures);
    let asked = || settings.secrets.iter().map(String::as_str);
    let names = || needed.keys().map(String::as_str).chain(asked());
    let mut secrets = Secrets::default();
    for (name, service) in names().flat_map(|name| settings.services.iter().map(move |service| (name, service))) {
        if let Some(value) = service.sets(name) {
            secrets = secrets.with(name, value);
        }
    }
    secrets = secrets.or(&Secrets::from_env(&wanted.variables, names()));
    secrets = match given {
        Some(given) => secrets.or(given),
        None => secrets.or_generated(asked()),
    };
    let missing: BTreeMap<_, _> = needed.into_iter().filter(|(variable, _)| secrets.get(variable).is_none()).collect();
    let Some(first) = missing.keys().next() else { return Ok(secrets) };
    let failure = refused(&missing, &wanted.variables);
    if settings.services.is_empty() {
        return Err(failure);
    }
    Err(failure
        .hint(format!("`environment: {{ {first}: ${{secret.{first}}} }}` of a service in devstack.yaml gives it a new one")))
}

/// The variables that fixtures need, each with their ids.
fn needed_by(fixtures: &[Fixture]) -> BTreeMap<String, Vec<&str>> {
    let mut wanted: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for fixture in fixtures {
        for variable in fixture.steps.iter().flat_map(|step| needed(&step.request)) {
            let ids = wanted.entry(variable).or_default();
            if ids.last() != Some(&fixture.id.as_str()) {
                ids.push(&fixture.id);
            }
        }
    }
    wanted
}

/// The variables that one request needs.
fn needed(request: &Request) -> Vec<String> {
    let mut needed: Vec<String> = request.headers.iter().flat_map(|header| placeholders(&header.value)).collect();
    match &request.kind {
        RequestKind::Provider(delivery) => {
            needed.extend(of_provider(&delivery.provider, delivery.signature).map(str::to_owned));
        }
        RequestKind::Http(plain) => needed.extend(placeholders(&plain.path)),
        RequestKind::Repeat { .. } => {}
    }
    needed
}

/// What a delivery is signed with; a forged or missing signature needs no key, but what goes along in other headers it does.
fn of_provider(provider: &Provider, signature: SignatureMode) -> impl Iterator<Item = &str> {
    let signed = signature == SignatureMode::Valid;
    provider.variables().filter(move |variable| signed || provider.key() != Some(variable))
}

fn placeholders(text: &str) -> Vec<String> {
    let after = text.split(PLACEHOLDER).skip(1);
    after.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

fn refused(missing: &BTreeMap<String, Vec<&str>>, variables: &Variables) -> Failure {
    let count = missing.len();
    let what = if count == 1 { "a secret is not set".to_owned() } else { format!("{count} secrets are not set") };
    let width = missing.keys().map(String::len).max().unwrap_or_default();
    let lines = missing.iter().map(|(name, ids)| {
        let more = ids.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("\n  {name:width$}  for {}{more}", ids[..ids.len().min(NAMED)].join(", "))
    });
    let lines: String = lines.collect();
    let failure = Failure::usage(format!("{what}; nothing was sent{lines}"));
    let failure = variables
        .absent()
        .iter()
        .fold(failure, |failure, file| failure.hint(format!("`{}`, which suite.yaml names, is not there", file.display())));
    failure.hint("set them in the environment, or in a file: `--env-file FILE`, or `env_file: FILE` in suite.yaml")
}
