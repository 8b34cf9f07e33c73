//! `devstack doctor`: what stands in the way of a stack and of telemetry, each with what to do.

use clap::{Args, ValueEnum};

use crate::{
    cli::{Failure, exit::Exit},
    doctor::{self, Check, Level, Limits, Report, Scene},
    stack::{self, RuntimeWish, Stack, Wanted},
    support::env::Os,
    term::{
        Ui,
        checklist::{self, Item, Mark},
    },
};

/// Check engine, images, ports, disk, clock and `OTEL_*`, with fixes
///
/// Nothing is changed. Ends with exit code 3 when something is broken, with 0 when some things only want attention. Of variables only
/// endpoints are shown, of others the names.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack doctor
  devstack doctor --stack jaeger
  devstack doctor --format json")]
pub(crate) struct DoctorArgs {
    /// The stack whose images and ports are looked at (default: the project's)
    #[arg(long, value_name = "STACK")]
    stack: Option<String>,

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
    let wanted = Wanted { stack: args.stack.clone(), sets: Vec::new(), runtime: None, root: project.root().to_owned() };
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
    Ok(if report.broken > 0 { Exit::Environment } else { Exit::Held })
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
