//! `devstack env`: the `OTEL_*` settings with which a service exports to the stack that is up.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::{
    cli::{Failure, exit::Exit, project::stack_up},
    runtime::{Audience, Note, settings},
    term::Ui,
    webhook::Secrets,
};

/// The version of the JSON shape.
const VERSION: u32 = 1;

/// Print the settings with which a service exports to the stack
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eval \"$(devstack env)\"
  devstack env --for node --service api --format dotenv > .env.otel
  devstack env --format dotenv --for container > otel.env && docker run --env-file otel.env …")]
pub(crate) struct EnvArgs {
    /// How they are written
    #[arg(long, value_name = "FORMAT", default_value = "shell", help_heading = "Output")]
    format: EnvFormat,

    /// Who exports: a process of this machine, in a certain language, or a container on the stack's network
    #[arg(long = "for", value_name = "WHO", default_value = "host")]
    audience: EnvFor,

    /// Its name in traces
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// Add the addresses of externals and the secrets that deliveries are signed with
    #[arg(long)]
    secrets: bool,
}

/// How settings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EnvFormat {
    /// `export` lines for sh, bash and zsh
    Shell,
    /// NAME=value lines for .env files
    Dotenv,
    /// One JSON document
    Json,
}

/// Who exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EnvFor {
    /// A process of this machine
    Host,
    /// A Node program of this machine
    Node,
    /// A Python program of this machine
    Python,
    /// A Go program of this machine
    Go,
    /// A container on the stack's network
    Container,
}

pub(crate) fn run(args: &EnvArgs, ui: &Ui) -> Result<Exit, Failure> {
    let note = stack_up(&super::project()?)?;
    let audience = match (args.audience, &note.network) {
        (EnvFor::Host, _) => Audience::Host,
        (EnvFor::Node, _) => Audience::Node,
        (EnvFor::Python, _) => Audience::Python,
        (EnvFor::Go, _) => Audience::Go,
        (EnvFor::Container, Some(network)) => {
            ui.status(&format!("The container must be on the network {network} (`docker run --network {network} …`)."));
            Audience::Container
        }
        (EnvFor::Container, None) => {
            let why = format!("stack {} has no network of containers (runtime: {})", note.stack, note.runtime);
            return Err(Failure::environment(why).hint("`devstack up --runtime docker` has one"));
        }
    };
    let mut pairs = settings(&note, audience);
    pairs.extend(args.service.iter().map(|name| ("OTEL_SERVICE_NAME".to_owned(), name.clone())));
    if args.secrets {
        pairs.extend(note.externals.iter().map(|external| (external.variable.clone(), external.url.clone())));
        pairs.extend(secrets(&note).variables().map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    ui.data(&match args.format {
        EnvFormat::Shell => lines(&pairs, |name, value| format!("export {name}={}", for_shell(value))),
        EnvFormat::Dotenv => lines(&pairs, |name, value| format!("{name}={}", for_dotenv(value))),
        EnvFormat::Json => format!("{:#}", as_json(&note, &pairs)),
    });
    Ok(Exit::Held)
}

/// The demo's are the ones that its services know.
fn secrets(note: &Note) -> &Secrets {
    note.demo.as_ref().map_or(&note.secrets, |demo| &demo.secrets)
}

fn lines(pairs: &[(String, String)], line: impl Fn(&str, &str) -> String) -> String {
    pairs.iter().map(|(name, value)| line(name, value)).collect::<Vec<_>>().join("\n")
}

fn as_json(note: &Note, pairs: &[(String, String)]) -> Value {
    let env: Map<_, _> = pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    json!({ "version": VERSION, "stack": note.stack, "runtime": note.runtime, "network": note.network, "env": env })
}

/// What no shell and no `.env` reader takes for anything but itself, `and` these signs.
fn is_plain(value: &str, and: &str) -> bool {
    !value.is_empty()
        && value.chars().all(|sign| sign.is_ascii_alphanumeric() || "_./:@%+,-".contains(sign) || and.contains(sign))
}

/// Between single quotes nothing has a meaning; a single quote stands outside of them.
fn for_shell(value: &str) -> String {
    if is_plain(value, "") { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

/// Between double quotes, as most readers have it: `\`, `"`, `$` and line ends are escaped. Plain values stay bare, because
/// `docker run --env-file` takes quotes for part of the value; that includes lists of attributes (`a=b`).
fn for_dotenv(value: &str) -> String {
    if is_plain(value, "=") {
        return value.to_owned();
    }
    let escaped = value.replace('\\', r"\\").replace('"', r#"\""#).replace('$', r"\$").replace('\n', r"\n").replace('\r', r"\r");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{for_dotenv, for_shell};

    #[test]
    fn a_shell_reads_back_what_was_written() {
        for value in ["http://127.0.0.1:4318", "", "a b", "it's", "$HOME `id` \"x\" \\", "two\nlines", "*", "a;b&c|d", "~", "#x"]
        {
            let script = format!("export X={}\nprintf %s \"$X\"", for_shell(value));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), value, "{script}");
        }
        assert_eq!(for_shell("http://127.0.0.1:4318"), "http://127.0.0.1:4318");
    }

    #[test]
    fn dotenv_quotes_only_what_needs_it() {
        assert_eq!(for_dotenv("http://collector:4318"), "http://collector:4318");
        assert_eq!(for_dotenv("devstack.flush_ms=50"), "devstack.flush_ms=50");
        assert_eq!(for_dotenv("a b"), "\"a b\"");
        assert_eq!(for_dotenv("\"$x\"\\\n"), r#""\"\$x\"\\\n""#);
    }
}
