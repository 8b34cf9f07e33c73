//! The text of a first devstack.yaml.
//!
//! Read by [`super::files`].

use std::fmt::Write as _;

use super::files::{Choice, Chosen, SOME_PORT};
use crate::{draft::yaml, webhook::Providers};

/// What starts the services, and in comments what is not known of them.
pub(super) fn project(choice: &Choice) -> String {
    let mut text =
        String::from("# The services that `devstack up` and `devstack replay` start. Their OTEL_* variables are set for them.\n");
    if choice.services.is_empty() {
        text.push_str("# Take the `#` away and say what starts yours:\n#\n# services:\n#   api:\n#     command: npm start\n");
        let _ = writeln!(text, "#     port: {}", choice.port.unwrap_or(SOME_PORT));
        text.push_str("#     ready: /health   # a path that answers 200 once requests are taken\n");
        return text;
    }
    text.push_str("services:\n");
    for (nth, chosen) in choice.services.iter().enumerate() {
        let signed = if nth == 0 { Some(choice.provider.as_str()) } else { None };
        service(chosen, signed, &mut text);
    }
    if !choice.unsaid.is_empty() {
        text.push_str("# Addresses that the sources read and nothing here says; give those that matter under `environment`:\n");
        for (variable, file) in &choice.unsaid {
            let _ = writeln!(text, "#   {variable}   # in {file}");
        }
    }
    text
}

/// One service; `provider` is who signs what it takes.
fn service(chosen: &Chosen, provider: Option<&str>, text: &mut String) {
    let _ = writeln!(text, "  {}:\n    command: {}", yaml::scalar(&chosen.name), yaml::scalar(&chosen.command));
    if !chosen.environment.is_empty() {
        text.push_str("    environment:\n");
        for (variable, value) in &chosen.environment {
            let _ = writeln!(text, "      {variable}: {value}");
        }
    } else if let Some(secret) = provider.and_then(secret_of) {
        text.push_str("    # environment:   # its own name for what deliveries are signed with\n");
        let _ = writeln!(text, "    #   {secret}: ${{secret.{secret}}}");
    }
    match chosen.port {
        Some(port) => drop(writeln!(text, "    port: {port}")),
        None if provider.is_some() => drop(writeln!(text, "    # port: {SOME_PORT}   # where it listens")),
        None => text.push_str("    # port: 3001   # where it listens, if it does\n"),
    }
    match &chosen.ready {
        Some(path) => drop(writeln!(text, "    ready: {}", yaml::scalar(path))),
        None if provider.is_some() => text.push_str("    # ready: /health   # a path that answers 200 once requests are taken\n"),
        None => {}
    }
    if !chosen.after.is_empty() {
        let _ = writeln!(text, "    after: [{}]", chosen.after.join(", "));
    }
}

/// The variable under which devstack has the key that a provider signs with.
fn secret_of(provider: &str) -> Option<String> {
    Some(Providers::built_in().get(provider)?.key()?.to_owned())
}
