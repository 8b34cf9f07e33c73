//! `devstack trace`: shows a trace of a kept run, of the stack that is up, or of an OTLP file.

use std::{
    collections::HashSet,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, ValueEnum};

use crate::{
    cli::{Failure, commands::save_trace, exit::Exit, live_trace},
    model::{OWN_SERVICE, Span, Trace, TraceId, otlp},
    report::trace_json::{self, TraceEntry},
    runs::{FindError, Found, OtlpFileError, Reading, Store, otlp_file},
    runtime::{
        Note, Owner,
        supervisor::{self, Found as StackFound},
    },
    support::{env::Os, project::Project},
    term::{Ui, rows::View, trace_tree, waterfall},
};

/// So many spans are drawn without `--all`.
const ROWS: usize = 200;
/// So many traces of a file are drawn without `--all`.
const TRACES: usize = 10;

/// Show a trace of a kept run, of the stack that is up, or of a file
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(
    after_help = "Without an argument the trace of the last run is shown, as with --last. An id that no kept run has is looked for in the stack
that is up: first in what devstack's receiver holds, then in the trace store (which finds whole ids only).

Examples:
  devstack trace --last
  devstack trace 4bf9
  devstack trace 4bf9 --tree
  devstack trace 4bf9 --format otlp > trace.json
  devstack trace 4bf9 --save-as fixtures/orders/created.yaml
  devstack trace collector-export.jsonl"
)]
pub(crate) struct TraceArgs {
    /// Beginning of a trace id, correlation id, or file with OTLP JSON (`-` reads stdin)
    #[arg(value_name = "ID|FILE", conflicts_with = "last")]
    what: Option<String>,

    /// Show the last run: the trace of its first case that did not hold, else of its last case
    #[arg(long)]
    last: bool,

    /// Draw what called what, with events and messages (short for `--format tree`)
    #[arg(long, conflicts_with = "format")]
    tree: bool,

    /// What stdout gets
    #[arg(long, value_name = "FORMAT", default_value = "waterfall")]
    format: TraceFormat,

    /// Draw every span and every trace, however many
    #[arg(long)]
    all: bool,

    /// Write a fixture that expects such a trace, with the body where `devstack record` took it
    #[arg(long, value_name = "FILE", value_parser = yaml_file, conflicts_with_all = ["tree", "format", "all"])]
    save_as: Option<PathBuf>,

    /// Replace the file of --save-as when it is there
    #[arg(long, requires = "save_as")]
    force: bool,
}

fn yaml_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let named = path.file_stem().is_some_and(|stem| !stem.is_empty()) && !text.ends_with(".golden.yaml");
    let fits = path.extension().is_some_and(|extension| extension == "yaml") && named;
    if fits { Ok(path) } else { Err("the path of a fixture, such as `fixtures/orders/created.yaml`".to_owned()) }
}

/// How a trace is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceFormat {
    /// Bars over time
    Waterfall,
    /// What called what
    Tree,
    /// JSON with plain attributes
    Json,
    /// OTLP JSON, complete
    Otlp,
}

/// A trace to show, and what is known of it.
struct Shown {
    trace: Trace,
    run: Option<String>,
    case: Option<String>,
    file: Option<PathBuf>,
    /// Where it was found, when that was no run and no file.
    from: Option<String>,
}

pub(crate) fn run(args: &TraceArgs, ui: &Ui) -> Result<Exit, Failure> {
    let directory =
        std::env::current_dir().map_err(|error| Failure::environment(format!("cannot tell the working directory: {error}")))?;
    run_in(args, ui, &Project::find(&directory, &Os))
}

/// The command in a given project.
pub(crate) fn run_in(args: &TraceArgs, ui: &Ui, project: &Project) -> Result<Exit, Failure> {
    let traces = match args.what.as_deref() {
        None => kept(last(project)?, ui),
        Some(what) if is_file(what) => of_file(read_file(what)?, ui),
        Some(id) => find(project, id, ui)?,
    };
    if let Some(path) = &args.save_as {
        return save_trace::save(&traces.into_iter().map(|shown| shown.trace).collect::<Vec<_>>(), path, args.force, project, ui);
    }
    match if args.tree { TraceFormat::Tree } else { args.format } {
        TraceFormat::Json => ui.data(&as_json(&traces)),
        TraceFormat::Otlp => ui.data(&as_otlp(&traces)),
        drawn => draw(&traces, drawn, args.all, ui),
    }
    Ok(Exit::Held)
}

/// Whether the argument means a file: it says so by its form, or there is one and it cannot be the beginning of a trace id.
fn is_file(what: &str) -> bool {
    let path = Path::new(what);
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let id_like = what.len() <= 32 && what.bytes().all(|byte| byte.is_ascii_hexdigit());
    what == "-"
        || what.contains(std::path::MAIN_SEPARATOR)
        || ["json", "jsonl", "ndjson"].contains(&extension)
        || (!id_like && path.is_file())
}

fn read_file(what: &str) -> Result<Reading, Failure> {
    let reading = if what == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|source| OtlpFileError::Read { path: PathBuf::from("stdin"), source })
            .and_then(|_| otlp_file::parse(&text, "stdin"))
    } else {
        otlp_file::read(Path::new(what))
    };
    reading.map_err(|error| {
        let hint = "`devstack trace` reads OTLP JSON, as the Collector's file exporter writes and `devstack trace ID --format otlp` prints";
        let readable = !matches!(error, OtlpFileError::Read { .. });
        let failure = Failure::usage(&error as &dyn std::error::Error);
        if readable { failure.hint(hint) } else { failure }
    })
}

fn last(project: &Project) -> Result<Found, Failure> {
    Store::of(project).map_err(FindError::Store).and_then(|store| store.last_trace()).map_err(|error| failure(&error))
}

/// In a kept run, else in the stack that is up.
fn find(project: &Project, id: &str, ui: &Ui) -> Result<Vec<Shown>, Failure> {
    let found = Store::of(project).map_err(FindError::Store).and_then(|store| store.find_trace(id));
    let error = match found {
        Ok(found) => return Ok(kept(found, ui)),
        Err(error @ (FindError::Unknown { .. } | FindError::NoRuns)) => error,
        Err(error) => return Err(failure(&error)),
    };
    let Some(note) = stack_up(project) else { return Err(failure(&error)) };
    match super::async_runtime()?.block_on(live_trace::find(&note, id))? {
        Some(live) => Ok(of_stack(live)),
        None => Err(Failure::nothing_selected(format!("{error}; {} has no such trace either", live_trace::named(&note)))
            .hint("the trace store finds whole ids only (32 hex digits); `devstack tail` shows what arrives")),
    }
}

/// The stack that is up; whatever else there is of one has no traces to show.
fn stack_up(project: &Project) -> Option<Note> {
    match supervisor::find(&Owner::of(project)?) {
        Ok(StackFound::Up(note)) => Some(*note),
        _ => None,
    }
}

fn failure(error: &FindError) -> Failure {
    match error {
        FindError::Store(_) | FindError::Trace { .. } => Failure::environment(error as &dyn std::error::Error),
        FindError::NoRuns => Failure::nothing_selected(error.to_string()).hint("run `devstack replay` first"),
        FindError::NoTraces { .. } => Failure::nothing_selected(error.to_string()),
        FindError::Unknown { .. } => Failure::nothing_selected(error.to_string())
            .hint("the last 20 runs of this project are kept; a file needs its path: `./trace.json`"),
        FindError::Ambiguous { .. } => Failure::nothing_selected(error.to_string()).hint("give more of the id"),
    }
}

fn kept(found: Found, ui: &Ui) -> Vec<Shown> {
    found.warnings.iter().for_each(|warning| ui.warn(warning));
    let shown = |stored: crate::runs::StoredTrace| Shown {
        trace: Trace::new(stored.spans.into_iter().map(Arc::new)),
        run: Some(stored.run),
        case: stored.case,
        file: Some(stored.file),
        from: None,
    };
    found.traces.into_iter().map(shown).collect()
}

fn of_stack(live: live_trace::Live) -> Vec<Shown> {
    let from = live.from;
    live.traces.into_iter().map(|trace| Shown { trace, run: None, case: None, file: None, from: Some(from.clone()) }).collect()
}

/// The traces of a file, in order of their first span in it.
fn of_file(reading: Reading, ui: &Ui) -> Vec<Shown> {
    reading.warnings.iter().for_each(|warning| ui.warn(warning));
    let mut order: Vec<TraceId> = Vec::new();
    let mut spans: std::collections::HashMap<TraceId, Vec<Arc<Span>>> = std::collections::HashMap::new();
    for span in reading.spans {
        spans.entry(span.trace_id).or_insert_with(|| {
            order.push(span.trace_id);
            Vec::new()
        });
        spans.entry(span.trace_id).or_default().push(Arc::new(span));
    }
    let shown = |id: TraceId| {
        let trace = Trace::new(spans.remove(&id).unwrap_or_default());
        Shown { trace, run: None, case: None, file: None, from: None }
    };
    order.into_iter().map(shown).collect()
}

fn draw(traces: &[Shown], format: TraceFormat, all: bool, ui: &Ui) {
    let most = if all { traces.len() } else { TRACES.min(traces.len()) };
    for (at, shown) in traces[..most].iter().enumerate() {
        if ui.closed() {
            return;
        }
        let (trace, hidden) = without_own(&shown.trace);
        let view = View {
            title: shown.case.clone().or_else(|| shown.from.clone()),
            hidden,
            limit: (!all).then_some(ROWS),
            file: shown.file.clone(),
        };
        let gap = if at == 0 { "" } else { "\n" };
        let drawn = match format {
            TraceFormat::Tree => trace_tree::render(&trace, &view, ui.look()),
            _ => waterfall::render(&trace, &view, ui.look()),
        };
        ui.data(&format!("{gap}{drawn}"));
    }
    if most < traces.len() {
        ui.status(&format!("{} of {} traces shown (--all shows every one).", most, traces.len()));
    }
}

/// The trace without the spans of devstack itself, and those; all of it where nothing else is there.
fn without_own(trace: &Trace) -> (Trace, HashSet<crate::model::SpanId>) {
    let (own, others): (Vec<_>, Vec<_>) = trace.spans().iter().cloned().partition(|span| span.service() == OWN_SERVICE);
    if others.is_empty() {
        return (trace.clone(), HashSet::new());
    }
    (Trace::new(others), own.iter().map(|span| span.span_id).collect())
}

fn as_json(traces: &[Shown]) -> String {
    let counted: Vec<_> = traces.iter().map(|shown| without_own(&shown.trace).0).collect();
    let pairs = traces.iter().zip(&counted);
    let entries: Vec<_> = pairs
        .map(|(shown, counted)| TraceEntry {
            trace: &shown.trace,
            counted,
            run: shown.run.as_deref(),
            case: shown.case.as_deref(),
        })
        .collect();
    trace_json::render(&entries)
}

fn as_otlp(traces: &[Shown]) -> String {
    let spans = traces.iter().flat_map(|shown| shown.trace.spans()).map(AsRef::as_ref);
    serde_json::to_string(&otlp::traces_data(spans)).expect("OTLP types can be written as JSON") + "\n"
}
