//! `devstack run`: one's own program beside the stack that is up, exporting to it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};

use super::Paint;
use crate::{
    cli::{
        Failure, arrived,
        exit::Exit,
        project::{owner, stack_up},
    },
    runtime::{
        Note, Owner, UpFailure, service_settings,
        services::{self, End, Given, How, Input, Output, Place, Process, Raw, Spec, Starter, StarterKind},
    },
    support::{
        env::{Env, Os},
        env_file::EnvFile,
    },
    term::{Pass, Ui},
    webhook::secrets::TRIGGER_SECRET_KEY,
};

/// How long the rest of a group may take once the program itself has ended.
const GRACE: Duration = Duration::from_secs(10);

/// How long nobody waits for a program that is run like this: it is ready when the person in front of it says so.
const NO_DEADLINE: Duration = Duration::MAX;

/// Programs whose name says nothing of what they run.
const RUNNERS: [&str; 24] = [
    "node", "npm", "npx", "pnpm", "yarn", "bun", "deno", "tsx", "python", "python3", "uv", "poetry", "flask", "uvicorn",
    "gunicorn", "go", "cargo", "java", "ruby", "bundle", "php", "dotnet", "sh", "bash",
];

/// Run a program of your own beside the stack, exporting to it
///
/// Sets the OTEL_* variables with which its telemetry arrives at once, shows what it writes, and keeps it for `devstack logs`. Ctrl-C
/// sends it SIGTERM, so that it sends what it has; a second one kills it. The exit code is the program's, or 128 and the number of the
/// signal that ended it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack run -- pnpm dev
  devstack run --name api --env-file .env -- node --import ./telemetry.mjs api.mjs
  devstack run -- opentelemetry-instrument flask run --port 5000")]
pub(crate) struct RunArgs {
    /// Its name in traces (default: the program's, or the folder's for node, python and the like)
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// A file of NAME=value lines for it; what it says wins
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,

    /// The program and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

pub(crate) fn run(args: &RunArgs, ui: &Ui) -> Result<Exit, Failure> {
    let project = super::project()?;
    let (owner, note) = (owner(&project)?, stack_up(&project)?);
    let spec = spec(args, &note, ui)?;
    super::async_runtime()?.block_on(async {
        for left in services::end_leftovers(&owner.state).await {
            ui.warn(&format!("{} (pid {}) was left by a devstack that died; it is ended", left.name, left.pid));
        }
        if let Some(other) = services::alive(&owner.state).into_iter().find(|other| other.name == spec.name) {
            let failure = Failure::usage(format!("`{}` is running already (pid {})", other.name, other.pid));
            return Err(failure.hint("give this one another `--name`: nobody could tell their telemetry apart"));
        }
        let before = arrived::Counted::read(&note).await;
        let end = watched(&spec, &owner, ui).await?;
        ui.status(&before.since(&note, &spec.otel_name).await);
        Ok(Exit::Command(code(end)))
    })
}

/// Starts it and waits for its end; signals go to it.
async fn watched(spec: &Spec, owner: &Owner, ui: &Ui) -> Result<End, Failure> {
    let failed = |error: std::io::Error| Failure::environment(&error as &dyn std::error::Error);
    let place = Place {
        state: owner.state.clone(),
        by: Starter::this(StarterKind::Run),
        launcher: std::env::current_exe().map_err(failed)?,
        deadline: NO_DEADLINE,
    };
    // Before there is somebody to end: a signal in between would leave it alone.
    let mut signals = Signals::new().map_err(failed)?;
    let left = Arc::new(Notify::new());
    let output = Output { sink: None, raw: Some(passing(Arc::clone(&left))) };
    let process = Process::start(spec, &place, Input::Inherited, output, None).map_err(failed)?;
    let mut asked = false;
    loop {
        tokio::select! {
            end = process.ended() => return Ok(end),
            // As a pipe without a reader ends whoever writes into it.
            () = left.notified(), if !asked => {
                process.ask();
                asked = true;
            }
            () = signals.next() => {
                if asked {
                    process.kill();
                } else {
                    process.ask();
                    ui.status(&format!("\nAsked {} to end; Ctrl-C again kills it.", spec.name));
                }
                asked = true;
            }
        }
    }
}

/// Passes on what it writes; a terminal that is slow slows it down, and nobody else.
fn passing(left: Arc<Notify>) -> Raw {
    let pass = Pass::default();
    Arc::new(move |stderr, bytes| {
        if !tokio::task::block_in_place(|| pass.on(stderr, bytes)) {
            left.notify_one();
        }
    })
}

/// What asks a program to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

fn spec(args: &RunArgs, note: &Note, ui: &Ui) -> Result<Spec, Failure> {
    let here = std::env::current_dir().map_err(|error| Failure::environment(&error as &dyn std::error::Error))?;
    let file = args.env_file.as_deref().map(EnvFile::read).transpose();
    let file = file.map_err(|error| Failure::usage(&error as &dyn std::error::Error))?;
    let mut explicit = file.map(EnvFile::into_variables).unwrap_or_default();
    if args.name.is_some() {
        explicit.remove("OTEL_SERVICE_NAME");
    }
    let said = || explicit.get("OTEL_SERVICE_NAME").cloned().or_else(|| Os.get("OTEL_SERVICE_NAME"));
    let otel_name = args.name.clone().or_else(said).unwrap_or_else(|| default_name(&args.command, &here));
    let mut spec = Spec {
        name: file_name(&otel_name),
        otel_name,
        program: args.command.clone(),
        directory: here,
        environment: BTreeMap::new(),
        unset: Vec::new(),
        url: None,
        grace: GRACE,
        overridden: Vec::new(),
    };
    let given = Given {
        otel: service_settings(&note.otlp_http),
        otlp_grpc: note.otlp_grpc.clone(),
        variables: colours(ui).into_iter().chain(trigger_key(note)).collect(),
        secrets: BTreeMap::new(),
        externals: note.externals.clone(),
    };
    spec.set(&given, None, explicit);
    for name in &spec.overridden {
        ui.warn(&format!("`{name}` of the file wins over what it would get from devstack"));
    }
    // Its name says nothing that the program's does not.
    let nobody = |failure| UpFailure { component: None, ..failure };
    spec.found().map_err(|failure| super::up::failed(&nobody(failure), ui))?;
    Ok(spec)
}

/// The key that the stand-in for the Trigger.dev API lets callers in by, where there is one.
fn trigger_key(note: &Note) -> Option<(String, String)> {
    note.enqueued.as_ref()?;
    note.secrets.get(TRIGGER_SECRET_KEY).map(|key| (TRIGGER_SECRET_KEY.to_owned(), key.to_owned()))
}

/// Its output goes through a pipe, which programs take for no terminal: those that can be told are told otherwise.
fn colours(ui: &Ui) -> Vec<(String, String)> {
    let decided = ["FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR"].iter().any(|name| Os.get(name).is_some());
    if decided || super::paint(ui.look()) == Paint::Plain {
        return Vec::new();
    }
    let true_colour = Os.get("COLORTERM").is_some_and(|term| term == "truecolor" || term == "24bit");
    let many = Os.get("TERM").is_some_and(|term| term.contains("256"));
    // Node's levels: 16, 256 and all colours.
    let level = if true_colour {
        "3"
    } else if many {
        "2"
    } else {
        "1"
    };
    [("FORCE_COLOR", level), ("CLICOLOR_FORCE", "1")].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// The program's name, or where that says nothing the folder's.
fn default_name(command: &[String], here: &Path) -> String {
    let program = command.first().map(Path::new).and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    let folder = || here.file_name().map(|name| name.to_string_lossy().into_owned());
    let telling =
        program.filter(|program| !RUNNERS.contains(&program.trim_end_matches(|ch: char| ch.is_ascii_digit() || ch == '.')));
    telling.or_else(folder).unwrap_or_else(|| "service".to_owned())
}

/// The name in commands: what of the name in traces can be part of a file's.
fn file_name(name: &str) -> String {
    let plain = |ch: char| if ch.is_ascii_alphanumeric() || ch == '_' { ch } else { '-' };
    let name: String = name.chars().take(60).map(plain).collect();
    let name = name.trim_matches('-');
    if name.is_empty() || name == "devstack" { "service".to_owned() } else { name.to_owned() }
}

/// As a shell has it.
fn code(end: End) -> u8 {
    match end.how {
        How::Code(code) => code as u8,
        How::Signal(number) => 128 + number as u8,
        How::Unseen => Exit::Environment.code(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{default_name, file_name};

    #[test]
    fn a_name_says_what_runs_and_not_by_what() {
        let name = |command: &[&str]| {
            let command: Vec<_> = command.iter().map(|part| (*part).to_owned()).collect();
            default_name(&command, Path::new("/home/me/shop"))
        };
        assert_eq!(name(&["./target/debug/orders"]), "orders");
        assert_eq!(name(&["node", "api.mjs"]), "shop");
        assert_eq!(name(&["/usr/bin/python3.12", "app.py"]), "shop");
        assert_eq!(name(&["bin/api.sh"]), "api");
    }

    #[test]
    fn a_name_in_commands_is_part_of_a_path_and_leads_nowhere() {
        assert_eq!(file_name("shop-api"), "shop-api");
        assert_eq!(file_name("../../etc/passwd"), "etc-passwd");
        assert_eq!(file_name("@shop/api.v2"), "shop-api-v2");
        assert_eq!((file_name("…"), file_name("devstack")), ("service".to_owned(), "service".to_owned()));
    }
}
