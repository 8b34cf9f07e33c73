//! `devstack doctor`: what stands in the way of a stack and of telemetry, each with what to do.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::{
    cli::{
        Failure,
        examiner::{RECENT_NS, exits},
        exit::Exit,
    },
    doctor::{
        self, Check, Level, Limits, Report, Scene,
        target::{self, Examination, List, Receiver, Subject, Told},
    },
    runtime::{
        Owner,
        supervisor::{self, Found},
    },
    stack::{self, RuntimeWish, Stack, Wanted},
    support::{self, env::Os, project::Project},
    term::{
        Ui,
        checklist::{self, Item, Mark},
    },
};

/// Check engine, images, ports, disk, clock and `OTEL_*`, with fixes
///
/// With `--target`, examine the service behind a URL instead: which process listens there, how it was started, where it exports to; and
/// beside a stack that is up whether a span of a control request arrives, how late, or what is rejected.
///
/// Nothing is changed. Ends with exit code 3 when something is broken, with 0 when some things only want attention. Of variables only
/// endpoints are shown, of others the names.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack doctor
  devstack doctor --stack jaeger
  devstack doctor --target http://localhost:3000
  devstack doctor --format json")]
pub(crate) struct DoctorArgs {
    /// The stack whose images and ports are looked at (default: the project's)
    #[arg(long, value_name = "STACK")]
    stack: Option<String>,

    /// Examine the service that answers at this URL: why its traces do not come
    #[arg(long, value_name = "URL", conflicts_with = "stack")]
    target: Option<String>,

    /// How long to wait for a span of the target (default: twice its export delay, and 2 s)
    #[arg(long, value_name = "SECONDS", requires = "target", value_parser = clap::value_parser!(u64).range(1..=600))]
    wait: Option<u64>,

    /// What stdout gets
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: DoctorFormat,
}

/// What stdout gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DoctorFormat {
    /// Lines for a person
    Text,
    /// One JSON document
    Json,
}

pub(crate) fn run(args: &DoctorArgs, ui: &Ui) -> Result<Exit, Failure> {
    let project = super::project()?;
    if let Some(url) = &args.target {
        return on_target(url, args, &project, ui);
    }
    let wanted = Wanted { stack: args.stack.clone(), root: project.root().to_owned(), ..Wanted::default() };
    let loaded = super::valid(stack::load(&wanted, &Os), ui)?;
    // A project that says embedded needs neither images nor the ports of containers, and one with free ports no port in particular.
    let embedded = loaded.runtime == Some(RuntimeWish::Embedded) && args.stack.is_none();
    let stack = if embedded { Stack::embedded() } else { loaded.stack };
    let ports = if loaded.free_ports { Vec::new() } else { doctor::wanted(&stack) };
    let runtime = super::async_runtime()?;
    let scene = Scene { ports, stack: &stack, project: &project, env: &Os, limits: Limits::default() };
    let report = runtime.block_on(doctor::examine(scene));
    // What was given up on may hang for ever: a disk that is gone.
    runtime.shutdown_background();
    match args.format {
        DoctorFormat::Text => ui.data(&drawn(&report, ui)),
        DoctorFormat::Json => {
            ui.data(&serde_json::to_string_pretty(&report).expect("a report has only text keys and finite numbers"));
        }
    }
    Ok(ended(&report))
}

fn ended(report: &Report) -> Exit {
    if report.broken > 0 { Exit::Environment } else { Exit::Held }
}

/// Examines a service, beside the project's stack where one is up.
fn on_target(url: &str, args: &DoctorArgs, project: &Project, ui: &Ui) -> Result<Exit, Failure> {
    let since = support::clock::unix_nanos().saturating_sub(RECENT_NS);
    let subject = Subject {
        url: url.to_owned(),
        receiver: receiver(project),
        measure: true,
        wait: args.wait.map(Duration::from_secs),
        known_exits: Owner::of(project).map(|owner| exits(&owner.state, since).into_values().collect()).unwrap_or_default(),
    };
    let runtime = super::async_runtime()?;
    if subject.receiver.is_some() {
        ui.status(&format!("Sending a control request to {} and waiting for its span…", support::address::shown(url)));
    }
    let examined = runtime.block_on(target::examine(&subject));
    runtime.shutdown_background();
    let examined = examined.map_err(|error| Failure::usage(&error as &dyn std::error::Error))?;
    match args.format {
        DoctorFormat::Text => ui.data(&drawn_target(&examined, ui)),
        DoctorFormat::Json => ui.data(&format!("{:#}", examined.to_json())),
    }
    Ok(ended(&examined.report()))
}

/// The receiver of the project's stack. One that is not whole is as good as none here: the finding says so.
fn receiver(project: &Project) -> Option<Receiver> {
    match supervisor::find(&Owner::of(project)?).ok()? {
        Found::Up(note) => Some(Receiver { otlp_http: note.otlp_http, otlp_grpc: note.otlp_grpc, ledger: note.ledger }),
        Found::Changing { .. } | Found::Dead(_) | Found::Nothing => None,
    }
}

fn drawn_target(examined: &Examination, ui: &Ui) -> String {
    let lists: Vec<_> = examined.lists.iter().map(|list| drawn_list(list, ui)).collect();
    format!("{}\n{}", lists.join("\n"), drawn(&examined.report(), ui))
}

/// The guide's line, and what was found of it.
fn drawn_list(list: &List, ui: &Ui) -> String {
    let texts: Vec<_> = list.lines.iter().map(|line| format!("{}: {}", line.asked, line.because)).collect();
    let items: Vec<_> =
        list.lines.iter().zip(&texts).map(|(line, text)| Item { mark: answer(line.told), text, fix: None }).collect();
    checklist::section(&format!("{} (the guide's list)", list.title), &items, ui.look())
}

fn answer(told: Told) -> Mark {
    match told {
        Told::Yes => Mark::Good,
        Told::No => Mark::Bad,
        Told::Unknown => Mark::Unknown,
    }
}

fn drawn(report: &Report, ui: &Ui) -> String {
    let items: Vec<_> = report.checks.iter().map(item).collect();
    checklist::render(&items, ui.look())
}

fn item(check: &Check) -> Item<'_> {
    let mark = match check.level {
        Level::Ok => Mark::Good,
        Level::Attention => Mark::Attention,
        Level::Broken => Mark::Bad,
    };
    Item { mark, text: &check.message, fix: check.fix.as_deref() }
}
