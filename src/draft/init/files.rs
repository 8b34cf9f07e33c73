//! The files that `devstack init` writes, from what was chosen.
//!
//! Called by `cli`, which writes those that are not there yet.

use std::fmt::Write as _;

use super::{
    project::project,
    samples::{Sample, sample},
};
use crate::{
    draft::{provider::Sender, yaml},
    webhook::Providers,
};

/// What was chosen, by a person or for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Services, the one that takes the webhooks first; may be empty.
    pub services: Vec<Chosen>,
    /// Where the webhooks go while no service is named.
    pub port: Option<u16>,
    /// The provider of the first webhook.
    pub provider: String,
    /// The path that takes it.
    pub path: Option<String>,
    /// Variables with addresses that nothing here says, and the file that reads each.
    pub unsaid: Vec<(String, String)>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// What it is called.
    pub name: String,
    /// What starts it.
    pub command: String,
    /// Where it listens.
    pub port: Option<u16>,
    /// The path that says that it is ready.
    pub ready: Option<String>,
    /// Variables, with references to secrets and to other services.
    pub environment: Vec<(String, String)>,
    /// Services that it calls.
    pub after: Vec<String>,
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path below the project's folder.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// What it is for, in a few words.
    pub what: String,
}

/// The port that is written where none is known.
pub(super) const SOME_PORT: u16 = 3000;

/// The files, in the order in which they are told.
pub fn files(choice: &Choice) -> Vec<File> {
    let sample = sample(&choice.provider);
    let folder = format!("fixtures/{}", choice.provider);
    let fixture = fixture(choice, &sample);
    let file = |path: String, bytes: Vec<u8>, what: &str| File { path, bytes, what: what.to_owned() };
    let started = match choice.services.as_slice() {
        [] => "services, to be filled in".to_owned(),
        services => {
            let names: Vec<_> = services.iter().map(|service| format!("`{}`", service.name)).collect();
            format!("how {} {} started", and(&names), if names.len() == 1 { "is" } else { "are" })
        }
    };
    vec![
        file("devstack.yaml".to_owned(), project(choice).into_bytes(), &started),
        file("fixtures/suite.yaml".to_owned(), suite(choice).into_bytes(), "what the fixtures are sent to, and the rules"),
        file(format!("{folder}/{}.yaml", sample.stem), fixture.into_bytes(), "a first fixture"),
        file(format!("{folder}/{}.{}", sample.stem, sample.ending), sample.body, "its body, invented"),
    ]
}

/// `a`, `a and b`, `a, b and c`.
fn and(names: &[String]) -> String {
    match names {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        names => names.concat(),
    }
}

fn suite(choice: &Choice) -> String {
    let target = match choice.services.first() {
        Some(first) => {
            format!("# The service of devstack.yaml that the fixtures are sent to.\ntarget: {}\n", yaml::scalar(&first.name))
        }
        None => format!("# Where the fixtures are sent to.\ntarget: http://localhost:{}\n", choice.port.unwrap_or(SOME_PORT)),
    };
    let rules = "# One trace without gaps, errors that say what they are, no personal values.\nrules: [otel]\n";
    let deadline =
        "# The longest a case may take. Exporters send every 5 s, unless devstack starts the service.\ndeadline: 15s\n";
    format!("{target}{rules}{deadline}")
}

fn fixture(choice: &Choice, sample: &Sample) -> String {
    let sender = Sender::named(&Providers::built_in(), &choice.provider);
    let file = format!("{}.{}", sample.stem, sample.ending);
    let route = choice
        .path
        .clone()
        .or_else(|| sender.route().map(str::to_owned))
        .unwrap_or_else(|| format!("/webhooks/{}", default_route(choice, sample)));
    let mut text = String::new();
    let _ = writeln!(
        text,
        "# A first fixture. Put a real body into {file} (or let `devstack record` write one), and say what must come of it."
    );
    let _ = writeln!(
        text,
        "name: a {} {} is taken",
        if choice.provider == "plain" { "plain" } else { &choice.provider },
        sample.stem
    );
    let _ = writeln!(text, "tags: [{}]", choice.provider);
    let mut request = vec![(choice.provider.clone(), yaml::scalar(&file))];
    if sender.route() != Some(route.as_str()) {
        request.push(("path".to_owned(), yaml::scalar(&route)));
    }
    let headers: Vec<_> = sample.headers.iter().map(|(name, value)| ((*name).to_owned(), yaml::scalar(value))).collect();
    if !headers.is_empty() {
        request.push(("headers".to_owned(), yaml::map(&headers)));
    }
    let _ = writeln!(text, "request: {}", yaml::map(&request));
    text.push_str("response: { status: { in: [200, 201, 202, 204] } }\n");
    text.push_str("trace:\n  - server: { starts_with: POST }   # the span of the request; its exact name says more\n");
    if let Some(first) = choice.services.first() {
        let _ = writeln!(text, "    service: {}", yaml::scalar(&first.name));
    }
    text.push_str("none: [{ status: error }]\n");
    match choice.services.as_slice() {
        [first, second, ..] => {
            let (first, second) = (&first.name, &second.name);
            let _ = writeln!(text, "# edges: [{first} -> {second}]   # fails when the trace context is lost between them");
        }
        _ => text.push_str("# edges: [api -> worker]   # fails when the trace context is lost between two services\n"),
    }
    text
}

fn default_route(choice: &Choice, sample: &Sample) -> String {
    if choice.provider == "plain" {
        sample.stem.split('-').next().unwrap_or("plain").to_owned() + "s"
    } else {
        choice.provider.clone()
    }
}
