//! `devstack replay`: sends fixtures, waits for evidence, checks, reports.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, ValueEnum};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        Failure,
        exit::Exit,
        interrupt,
        stand::{Stand, Wishes},
    },
    up::RuntimeOption,
};
use crate::{
    check::{self, Finished, Plan, RunEvent},
    client,
    demo::Fault,
    fixture::{self, EvidenceFloor, LoadOptions, Partition, Suite, Target},
    report::{ReportFile, Reporter, Sources},
    runs::Store,
    support::{
        clock::{self, Stopwatch},
        project::Project,
    },
    term::Ui,
};

/// Send fixtures, wait for evidence, check their traces, report
///
/// Without PATH it takes ./fixtures, else the built-in set. It stands on the project's stack that is up (`devstack up`); with none up it
/// starts an embedded one on free ports for the length of the run. Demo services are started with the run where none are kept.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack replay fixtures
  devstack replay fixtures/stripe --tag smoke
  devstack replay --name whatsapp/text-message --repeat 20
  devstack replay fixtures --report junit=report.xml --format json > report.json
  devstack trace --last                  (what the last run left behind)")]
pub(crate) struct ReplayArgs {
    /// Fixture files and folders
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Only fixtures with this tag (can be repeated: any of them)
    #[arg(long, value_name = "TAG", help_heading = "Selection")]
    tag: Vec<String>,

    /// Only fixtures whose id or name contains this, or matches it with `*` (can be repeated)
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    name: Vec<String>,

    /// Only this part of the fixtures, for example hash:1/4
    #[arg(long, value_name = "PART", help_heading = "Selection")]
    partition: Option<Partition>,

    /// How many cases run at once (default: 16)
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Run")]
    jobs: Option<u16>,

    /// How often each fixture runs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "Run")]
    repeat: u32,

    /// How long a case may take from its first byte (default: what suite.yaml says, else 5s)
    #[arg(long, value_name = "DURATION", value_parser = super::duration, help_heading = "Run")]
    deadline: Option<Duration>,

    /// The least evidence on which absence and exact counts may hold
    #[arg(long, value_name = "EVIDENCE", help_heading = "Run")]
    evidence: Option<LeastEvidence>,

    /// Insist on this kind of stack (default: the one that is up, else an embedded one for the length of the run)
    #[arg(long, value_name = "RUNTIME", help_heading = "Run")]
    runtime: Option<RuntimeOption>,

    /// Insist on this stack
    #[arg(long, value_name = "STACK", help_heading = "Run")]
    stack: Option<String>,

    /// How long timers of the demo services last: 0.01, the default, makes a second ten milliseconds
    #[arg(long, value_name = "FACTOR", value_parser = super::factor, help_heading = "Run")]
    time_scale: Option<f64>,

    /// Write a report to a file: junit=FILE, json=FILE or text=FILE (can be repeated)
    #[arg(long, value_name = "FORMAT=FILE", help_heading = "Output")]
    report: Vec<String>,

    /// What stdout gets
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: super::OutputFormat,

    /// Build a fault into the demo services (see CONTRIBUTING.md)
    #[arg(long, value_name = "FAULT", hide = true)]
    fault: Vec<Fault>,
}

/// `--evidence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LeastEvidence {
    /// Nothing new for twice the longest flush period
    Quiet,
    /// A control request through the same instance has arrived
    Barrier,
    /// Every service reported that it is done
    Drained,
}

impl From<LeastEvidence> for EvidenceFloor {
    fn from(least: LeastEvidence) -> Self {
        match least {
            LeastEvidence::Quiet => Self::Quiet,
            LeastEvidence::Barrier => Self::Barrier,
            LeastEvidence::Drained => Self::Drained,
        }
    }
}

pub(crate) fn run(args: &ReplayArgs, ui: &Ui) -> Result<Exit, Failure> {
    let clock = Stopwatch::start();
    let started = clock::unix_nanos();
    // Made first, so that a bad path fails before anything is sent.
    let files = args.report.iter().map(|option| ReportFile::create(option)).collect::<Result<Vec<_>, _>>();
    let files = files.map_err(|error| Failure::usage(&error as &dyn std::error::Error))?;
    let suite = load(args, ui)?;
    let project = super::project()?;
    let sources = sources(&suite);
    let plan = Plan::new(suite, args.repeat, args.jobs.map(usize::from));

    let runtime = super::async_runtime()?;
    let finished = runtime.block_on(replay(args, plan, &project, clock, run_id(started), ui, &sources))?;
    for file in files {
        file.write(&finished.report, &sources).map_err(|error| Failure::environment(&error as &dyn std::error::Error))?;
    }
    keep(&finished, &project, ui);
    Ok(Exit::of_run(&finished.report))
}

/// The fixtures that were asked for; all problems of all files at once.
fn load(args: &ReplayArgs, ui: &Ui) -> Result<Suite, Failure> {
    let options =
        LoadOptions { tags: args.tag.clone(), names: args.name.clone(), partition: args.partition, ..LoadOptions::default() };
    let mut suite = super::loaded(fixture::load(&args.paths, &options), ui)?;
    refuse_other_targets(&suite)?;
    for fixture in &mut suite.fixtures {
        fixture.deadline = args.deadline.or(fixture.deadline);
        fixture.evidence = args.evidence.map(Into::into).max(fixture.evidence);
    }
    Ok(suite)
}

/// The demo services are the only target so far; sending a fixture to them that was written for another system would be a lie.
fn refuse_other_targets(suite: &Suite) -> Result<(), Failure> {
    let other = suite.fixtures.iter().find_map(|fixture| match &fixture.suite.target {
        Some(Target::Demo) | None => None,
        Some(other) => Some((fixture, other)),
    });
    match other {
        None => Ok(()),
        Some((fixture, target)) => {
            let message = format!(
                "`{}` is for `target: {target}`; targets other than the demo services come in a later version",
                fixture.id
            );
            Err(Failure::usage(message).hint("`target: demo` in suite.yaml"))
        }
    }
}

async fn replay(
    args: &ReplayArgs,
    plan: Plan,
    project: &Project,
    clock: Stopwatch,
    run_id: String,
    ui: &Ui,
    sources: &Sources,
) -> Result<Finished, Failure> {
    let stop = CancellationToken::new();
    let signals = interrupt::cancel_on_signal(stop.clone(), ui.eraser());
    let http = client::loopback().map_err(|error| Failure::environment(&error as &dyn std::error::Error))?;
    let stand = Stand::find(&wishes(args), project, &http).await?;
    let grounds = stand.grounds.clone();

    let (events, mut inbox) = mpsc::unbounded_channel::<RunEvent>();
    let mut reporter = Reporter::new(ui, args.format.into());
    let running = check::run(plan, Arc::new(grounds), clock, run_id, events, stop);
    let reporting = async {
        while let Some(event) = inbox.recv().await {
            reporter.on(event);
        }
        reporter
    };
    let (finished, reporter) = tokio::join!(running, reporting);
    reporter.finish(&finished.report, sources);
    stand.end().await;
    signals.abort();
    Ok(finished)
}

fn wishes(args: &ReplayArgs) -> Wishes {
    Wishes { runtime: args.runtime, stack: args.stack.clone(), time_scale: args.time_scale, faults: args.fault.clone() }
}

fn sources(suite: &Suite) -> Sources {
    // Names of files on disk become links; those inside the binary lead nowhere.
    let here = std::env::current_dir().ok().filter(|_| !suite.embedded);
    let mut sources = here.map_or_else(Sources::default, Sources::below);
    for fixture in &suite.fixtures {
        sources.insert(fixture.file.clone(), Arc::clone(&fixture.source));
    }
    sources
}

/// Keeps the run for `trace`; what cannot be kept is a warning, because the verdicts stand.
fn keep(finished: &Finished, project: &Project, ui: &Ui) {
    let traces = finished.traces.iter().map(|(id, spans)| (*id, spans.as_slice()));
    match Store::of(project).and_then(|store| store.save(&finished.report, traces)) {
        Ok(saved) => saved.warnings.iter().for_each(|warning| ui.warn(warning)),
        Err(error) => ui.warn(&error.to_string()),
    }
}

/// The start as `20261122T173000.123Z`: sorts by time and names a file.
fn run_id(started_ns: u64) -> String {
    let at = jiff::Timestamp::from_nanosecond(i128::from(started_ns)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let millis = at.subsec_millisecond();
    format!("{}.{millis:03}Z", at.strftime("%Y%m%dT%H%M%S"))
}
