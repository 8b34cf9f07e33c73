//! The files that `devstack init` writes, from what was chosen.
//!
//! Called by `cli`, which writes those that are not there yet.

use std::{collections::BTreeSet, fmt::Write as _};

use super::samples::{Sample, sample};
use crate::{
    draft::{provider::Sender, yaml},
    webhook::{Provider, Providers},
};

/// What was chosen, by a person or for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Services and what starts them, the one that takes the webhooks first; may be empty.
    pub services: Vec<(String, String)>,
    /// Where the first listens.
    pub port: Option<u16>,
    /// The path that says that it is ready.
    pub ready: Option<String>,
    /// The provider of the first webhook.
    pub provider: String,
    /// The path that takes it.
    pub path: Option<String>,
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
const SOME_PORT: u16 = 3000;

/// The files, in the order in which they are told.
pub fn files(choice: &Choice) -> Vec<File> {
    let sample = sample(&choice.provider);
    let folder = format!("fixtures/{}", choice.provider);
    let fixture = fixture(choice, &sample);
    let file = |path: String, bytes: Vec<u8>, what: &str| File { path, bytes, what: what.to_owned() };
    let first = choice
        .services
        .first()
        .map_or_else(|| "services, to be filled in".to_owned(), |(name, _)| format!("how `{name}` is started"));
    vec![
        file("devstack.yaml".to_owned(), project(choice).into_bytes(), &first),
        file("fixtures/suite.yaml".to_owned(), suite(choice).into_bytes(), "what the fixtures are sent to, and the rules"),
        file(format!("{folder}/{}.yaml", sample.stem), fixture.into_bytes(), "a first fixture"),
        file(format!("{folder}/{}.{}", sample.stem, sample.ending), sample.body, "its body, invented"),
    ]
}

fn project(choice: &Choice) -> String {
    let mut text =
        String::from("# The services that `devstack up` and `devstack replay` start. Their OTEL_* variables are set for them.\n");
    let Some((first, _)) = choice.services.first() else {
        text.push_str("# Take the `#` away and say what starts yours:\n#\n# services:\n#   api:\n#     command: npm start\n");
        let _ = writeln!(text, "#     port: {}", choice.port.unwrap_or(SOME_PORT));
        text.push_str("#     ready: /health   # a path that answers 200 once requests are taken\n");
        return text;
    };
    text.push_str("services:\n");
    for (name, command) in &choice.services {
        let _ = writeln!(text, "  {}:\n    command: {}", yaml::scalar(name), yaml::scalar(command));
        if name != first {
            continue;
        }
        match choice.port {
            Some(port) => drop(writeln!(text, "    port: {port}")),
            None => drop(writeln!(text, "    # port: {SOME_PORT}   # where it listens")),
        }
        match &choice.ready {
            Some(path) => drop(writeln!(text, "    ready: {}", yaml::scalar(path))),
            None => text.push_str("    # ready: /health   # a path that answers 200 once requests are taken\n"),
        }
        text.push_str(&environment(choice));
    }
    text
}

/// What the first service is given to check signatures with.
fn environment(choice: &Choice) -> String {
    let providers = Providers::built_in();
    let secrets: BTreeSet<_> = providers.get(&choice.provider).map(Provider::variables).into_iter().flatten().collect();
    if secrets.is_empty() {
        return String::new();
    }
    let lines = secrets.into_iter().map(|name| format!("      {name}: ${{secret.{name}}}\n"));
    format!("    environment:\n{}", lines.collect::<String>())
}

fn suite(choice: &Choice) -> String {
    let target = match choice.services.first() {
        Some((name, _)) => {
            format!("# The service of devstack.yaml that the fixtures are sent to.\ntarget: {}\n", yaml::scalar(name))
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
    if let Some((service, _)) = choice.services.first() {
        let _ = writeln!(text, "    service: {}", yaml::scalar(service));
    }
    text.push_str("none: [{ status: error }]\n");
    match choice.services.get(1) {
        Some((second, _)) => {
            let first = choice.services.first().map_or("", |(name, _)| name);
            let _ = writeln!(text, "# edges: [{first} -> {second}]   # fails when the trace context is lost between them");
        }
        None => text.push_str("# edges: [api -> worker]   # fails when the trace context is lost between two services\n"),
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
