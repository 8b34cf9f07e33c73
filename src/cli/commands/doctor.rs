//! `devstack doctor`: what stands in the way of a stack and of telemetry, each with what to do.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};

use crate::{
    cli::{Failure, exit::Exit},
    doctor::{self, Check, Level, Limits, Report, Scene},
    stack::{Component, Endpoints, Judge, Port, Role, Stack},
    support::{env::Os, suggest},
    term::{
        Ui,
        checklist::{self, Item, Mark},
    },
};

/// Check engine, ports, disk, clock and `OTEL_*` settings, each with what to do
///
/// Nothing is changed. Ends with exit code 3 when something is broken, with 0 when some things only want attention. Of variables only
/// endpoints are shown, of others the names.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack doctor
  devstack doctor --stack jaeger
  devstack doctor --format json")]
pub(crate) struct DoctorArgs {
    /// The stack whose images and ports are looked at
    #[arg(long, value_name = "NAME", default_value = "default")]
    stack: String,

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
    let stack = stack(&args.stack)?;
    let runtime = super::async_runtime()?;
    let scene = Scene { ports: doctor::wanted(&stack), stack: &stack, project: &project, env: &Os, limits: Limits::default() };
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

/// The shipped stack of this name, as far as it is looked at here: images and ports.
// lead: replace by `stack::load`.
fn stack(name: &str) -> Result<Stack, Failure> {
    const KNOWN: [&str; 3] = ["default", "jaeger", "remote"];
    let parts: &[(Role, &str, &[u16])] = match name {
        "default" => &[
            (Role::Tempo, "grafana/tempo:3.0.3", &[3200]),
            (Role::Prometheus, "prom/prometheus:v3.16.0", &[9090]),
            (Role::Collector, "otel/opentelemetry-collector-contrib:0.158.0", &[]),
            (Role::Grafana, "grafana/grafana:13.2.0", &[3030]),
        ],
        "jaeger" => &[
            (Role::Jaeger, "jaegertracing/jaeger:2.13.0", &[16686]),
            (Role::Prometheus, "prom/prometheus:v3.16.0", &[9090]),
            (Role::Collector, "otel/opentelemetry-collector-contrib:0.158.0", &[]),
        ],
        "remote" => &[],
        other => {
            let failure = Failure::usage(format!("no stack is called `{other}`"));
            let near = suggest::nearest(other, KNOWN).map(|near| format!("did you mean `{near}`?"));
            return Err(failure.hint(near.unwrap_or_else(|| format!("there are {}", KNOWN.join(", ")))));
        }
    };
    let components = parts.iter().map(|(role, image, ports)| component(*role, image, ports)).collect();
    Ok(Stack { name: name.to_owned(), components, endpoints: Endpoints::default(), judge: Judge::Ledger })
}

fn component(role: Role, image: &str, ports: &[u16]) -> Component {
    Component {
        name: role.to_string(),
        role,
        image: image.to_owned(),
        command: Vec::new(),
        environment: BTreeMap::new(),
        files: BTreeMap::new(),
        ports: ports.iter().map(|port| (port.to_string(), Port { container: *port, host: Some(*port) })).collect(),
        volumes: BTreeMap::new(),
        user: None,
        memory: None,
        after: Vec::new(),
        ready: Vec::new(),
        stop_grace: std::time::Duration::ZERO,
    }
}
