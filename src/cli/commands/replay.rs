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
        project::stack_up,
        secrets,
        stand::{Stand, Wishes},
        target::{TargetOptions, Wanted},
    },
    up::RuntimeOption,
};
use crate::{
    check::{self, Finished, Plan, RunEvent},
    client,
    demo::Fault,
    fixture::{self, EvidenceFloor, LoadOptions, Partition, Rate, Suite, Target, target::host},
    report::{ReportFile, Reporter, Sources},
    runs::Store,
    stack::{self, OTLP_GRPC, OTLP_HTTP, Settings},
    support::{
        clock::{self, Stopwatch},
        env::Os,
        project::Project,
    },
    term::Ui,
};

/// Send fixtures, wait for evidence, check their traces, report
///
/// Without PATH it takes ./fixtures, else the built-in set. It stands on the project's stack that is up (`devstack up`); with none up it
/// starts an embedded one on free ports for the length of the run. Demo services are started with the run where none are kept.
///
/// With `--target`, or `target:` in suite.yaml, fixtures go to a service that runs already; without a stack the run then takes the ports
/// 4317 and 4318, where services export by default. Secrets come from `--env-file`, else the environment, else `env_file:` of suite.yaml.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack replay fixtures
  devstack replay fixtures/stripe --tag smoke
  devstack replay --name whatsapp/text-message --repeat 20
  devstack replay --target http://localhost:3000 --env-file .env.test
  devstack replay --profile ci
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

    /// What the fixtures are sent to: demo, an address, or the name of a service (default: what suite.yaml says, else demo)
    #[arg(long, value_name = "TARGET", help_heading = "Target")]
    target: Option<Target>,

    /// Settings of suite.yaml under this name in `profiles:`
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    profile: Option<String>,

    /// A file of variables with the secrets that deliveries are signed with (can be repeated: the last goes first)
    #[arg(long, value_name = "FILE", help_heading = "Target")]
    env_file: Vec<PathBuf>,

    /// Send to this host although it is not this machine (can be repeated)
    #[arg(long, value_name = "HOST", value_parser = allowed_host, help_heading = "Target")]
    allow_target: Vec<String>,

    /// How many requests are sent at most, evenly spaced over all cases: 5/s or 60/m
    #[arg(long, value_name = "RATE", help_heading = "Target")]
    rate: Option<Rate>,

    /// The ports that a run without a stack takes for a target's telemetry, gRPC and HTTP
    #[arg(long, value_name = "GRPC,HTTP", value_parser = two_ports, hide = true)]
    otlp_ports: Option<(u16, u16)>,

    /// How many cases run at once (default: 16, on a target other than the demo 4)
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Run")]
    jobs: Option<u16>,

    /// How often each fixture runs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "Run")]
    repeat: u32,

    /// How long a case may take from its first byte (default: what suite.yaml says, else 5s, on a target other than the demo 15s)
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

/// What is to be run.
struct Order {
    plan: Plan,
    wishes: Wishes,
    clock: Stopwatch,
    run_id: String,
}

pub(crate) fn run(args: &ReplayArgs, ui: &Ui) -> Result<Exit, Failure> {
    let clock = Stopwatch::start();
    let started = clock::unix_nanos();
    // Made first, so that a bad path fails before anything is sent.
    let files = args.report.iter().map(|option| ReportFile::create(option)).collect::<Result<Vec<_>, _>>();
    let files = files.map_err(|error| Failure::usage(&error as &dyn std::error::Error))?;
    let project = super::project()?;
    let suite = load(args, &project, ui)?;
    let sources = sources(&suite);
    let wishes = wishes(args, &suite, &project, ui)?;
    let on_target = wishes.wanted.target != Target::Demo;
    let jobs = wishes.wanted.jobs.or(on_target.then_some(check::TARGET_JOBS));
    let order = Order { plan: Plan::new(suite, args.repeat, jobs), wishes, clock, run_id: run_id(started) };

    let runtime = super::async_runtime()?;
    let finished = runtime.block_on(replay(args, order, &project, ui, &sources))?;
    for file in files {
        file.write(&finished.report, &sources).map_err(|error| Failure::environment(&error as &dyn std::error::Error))?;
    }
    keep(&finished, &project, ui);
    Ok(Exit::of_run(&finished.report))
}

/// The fixtures that were asked for; all problems of all files at once.
fn load(args: &ReplayArgs, project: &Project, ui: &Ui) -> Result<Suite, Failure> {
    let providers = super::valid(stack::providers(project.root()), ui)?.with_urls_of(&Os);
    let options = LoadOptions {
        tags: args.tag.clone(),
        names: args.name.clone(),
        partition: args.partition,
        profile: args.profile.clone(),
        providers,
        externals: stack::external_names(project.root()),
        ..LoadOptions::default()
    };
    let mut suite = super::loaded(fixture::load(&args.paths, &options), ui)?;
    for fixture in &mut suite.fixtures {
        fixture.deadline = args.deadline.or(fixture.deadline);
        fixture.evidence = args.evidence.map(Into::into).max(fixture.evidence);
    }
    Ok(suite)
}

async fn replay(args: &ReplayArgs, order: Order, project: &Project, ui: &Ui, sources: &Sources) -> Result<Finished, Failure> {
    let stop = CancellationToken::new();
    let signals = interrupt::cancel_on_signal(stop.clone(), ui.eraser());
    let http = client::loopback().map_err(|error| Failure::environment(&error as &dyn std::error::Error))?;
    let stand = Stand::find(&order.wishes, project, &http, &stop).await?;
    stand.warnings.iter().for_each(|warning| ui.warn(warning));
    let grounds = stand.grounds.clone();

    let (events, mut inbox) = mpsc::unbounded_channel::<RunEvent>();
    let mut reporter = Reporter::new(ui, args.format.into());
    let running = check::run(order.plan, Arc::new(grounds), order.clock, order.run_id, events, stop);
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

/// What is wanted, whole and allowed, before anything is started.
fn wishes(args: &ReplayArgs, suite: &Suite, project: &Project, ui: &Ui) -> Result<Wishes, Failure> {
    let options = TargetOptions {
        target: args.target.clone(),
        env_files: args.env_file.clone(),
        rate: args.rate,
        jobs: args.jobs.map(usize::from),
        allow: args.allow_target.clone(),
    };
    let wanted = Wanted::of(options, &suite.fixtures)?;
    let of_the_demo = [(!args.fault.is_empty(), "--fault"), (args.time_scale.is_some(), "--time-scale")];
    if let Some((_, option)) = of_the_demo.iter().find(|(given, _)| *given && wanted.target != Target::Demo) {
        return Err(Failure::usage(format!("`{option}` is for the demo services, and the target is `{}`", wanted.target)));
    }
    // Only a service of the project's own is looked for in its file, and only then its variables must be set.
    let settings = match &wanted.target {
        Target::Service(name) if !wanted.services.contains_key(name) => super::valid(stack::settings(project.root(), &Os), ui)?,
        _ => Settings::default(),
    };
    // Services that `up` runs have what the stack gave to them. Whether it can be stood on is looked at later.
    let given = if settings.services.is_empty() { None } else { stack_up(project).ok() };
    let secrets = secrets::of_run(&suite.fixtures, &wanted, &settings, given.map(|note| note.secrets).as_ref())?;
    Ok(Wishes {
        runtime: args.runtime,
        stack: args.stack.clone(),
        time_scale: args.time_scale,
        faults: args.fault.clone(),
        wanted,
        settings,
        secrets,
        otlp_ports: args.otlp_ports.unwrap_or((OTLP_GRPC, OTLP_HTTP)),
    })
}

fn allowed_host(text: &str) -> Result<String, String> {
    host(text).map_err(|complaint| complaint.help.map(|help| format!("{}; {help}", complaint.label)).unwrap_or(complaint.label))
}

fn two_ports(text: &str) -> Result<(u16, u16), String> {
    let ports = text.split_once(',').and_then(|(grpc, http)| Some((grpc.parse().ok()?, http.parse().ok()?)));
    ports.ok_or_else(|| "two ports such as `4317,4318`".to_owned())
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
