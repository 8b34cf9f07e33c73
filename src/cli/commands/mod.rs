//! One file per command: its arguments (whose docs are its help), `run`, and what only it needs. What several need is here.

use tokio::runtime::{Builder, Runtime};

use crate::{
    cli::Failure,
    draft::{DraftError, Redaction, Saved},
    fixture::LoadError,
    report::Format,
    runtime::docker::EngineError,
    stack,
    support::{
        env::Os,
        project::Project,
        source::{Level, Paint, Problems},
        words::counted,
    },
    term::{Look, Role, Ui},
    webhook::Providers,
};

pub(super) mod completions;
pub(super) mod demo;
pub(super) mod doctor;
pub(super) mod down;
pub(super) mod env;
pub(super) mod from;
pub(super) mod images;
pub(super) mod init;
pub(super) mod launch;
pub(super) mod lint;
pub(super) mod logs;
pub(super) mod open;
pub(super) mod record;
pub(super) mod replay;
pub(super) mod run;
pub(super) mod save_trace;
pub(super) mod schema;
pub(super) mod status;
pub(super) mod supervise;
pub(super) mod tail;
pub(super) mod trace;
pub(super) mod up;

/// What stdout gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OutputFormat {
    /// Lines for a person
    Text,
    /// JSON
    Json,
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Text => Self::Text,
            OutputFormat::Json => Self::Json,
        }
    }
}

/// Checked files, or every problem drawn and the failure that sums them up.
fn valid<T>(result: Result<T, Problems>, ui: &Ui) -> Result<T, Failure> {
    result.map_err(|problems| {
        ui.explain(&problems.render(paint(ui.err_look())));
        Failure::usage(summary(&problems))
    })
}

/// The providers that fixtures of the project may name.
fn providers(project: &Project, ui: &Ui) -> Result<Providers, Failure> {
    valid(stack::providers(project.root()), ui)
}

/// No engine, and what to do about it.
fn no_engine(error: &EngineError) -> Failure {
    Failure::environment(error as &dyn std::error::Error).hint(error.hint())
}

/// A length of time above zero.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| "a duration such as `5s` or `500ms`".to_owned())?;
    std::time::Duration::try_from(span)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "a duration above zero".to_owned())
}

/// The project of the working directory.
fn project() -> Result<Project, Failure> {
    let here = std::env::current_dir().map_err(|error| Failure::environment(&error as &dyn std::error::Error))?;
    Ok(Project::find(&here, &Os))
}

/// The runtime of commands that serve or ask something.
fn async_runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread().enable_all().build().map_err(|error| Failure::environment(&error as &dyn std::error::Error))
}

/// Loaded fixtures, or every problem of every file drawn and the failure that sums them up.
fn loaded<T>(result: Result<T, LoadError>, ui: &Ui) -> Result<T, Failure> {
    result.map_err(|error| match error {
        LoadError::Nothing(nothing) => {
            let failure = Failure::nothing_selected(nothing.message);
            nothing.help.into_iter().fold(failure, Failure::hint)
        }
        LoadError::NoProfile { ref help, .. } => Failure::usage(&error as &dyn std::error::Error).hint(help.as_str()),
        LoadError::Invalid(problems) => {
            ui.explain(&problems.render(paint(ui.err_look())));
            Failure::usage(summary(&problems))
        }
    })
}

/// Carets in colour where the stream takes it.
fn paint(look: &Look) -> Paint {
    if look.paint(Role::Error, "x") == "x" { Paint::Plain } else { Paint::Colour }
}

/// `3 problems in 2 files`.
fn summary(problems: &Problems) -> String {
    let errors = problems.count(Level::Error);
    let files = problems.files().len();
    let plural = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let options = problems.files().iter().all(|file| file.file.starts_with("--"));
    let place = if options { "the options".to_owned() } else { plural(files, "file") };
    format!("{} in {place}", plural(errors, "problem"))
}

/// A scale of timers.
fn factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| "a number such as `0.01`".to_owned())?;
    if factor.is_finite() && factor > 0.0 { Ok(factor) } else { Err("a number above zero".to_owned()) }
}

/// Why a draft was not written, and what to do.
fn undrafted(error: &DraftError) -> Failure {
    match error {
        DraftError::Exists { .. } => Failure::usage(error as &dyn std::error::Error).hint("`--force` replaces it"),
        DraftError::Write { .. } => Failure::environment(error as &dyn std::error::Error),
        DraftError::Leak { .. } | DraftError::Unreadable { .. } => Failure::usage(error as &dyn std::error::Error),
    }
}

/// The line about a fixture that was written: what it is, where, and what was replaced in it.
fn drafted(redaction: &Redaction, saved: &Saved, facts: &[String], ui: &Ui) -> String {
    let (look, delivery) = (ui.look(), redaction.redacted());
    let words = delivery.words();
    let what = if words.is_empty() { "request" } else { &words };
    let spans = match saved.spans {
        0 => None,
        spans => Some(format!("{}, {}", counted(spans, "span", "spans"), counted(saved.services, "service", "services"))),
    };
    let replaced = format!("{} replaced", counted(delivery.counts().total(), "value", "values"));
    let facts: Vec<_> = facts.iter().cloned().chain(spans).chain([replaced]).collect();
    let (tick, arrow) = (look.paint(Role::Good, look.glyph("✓", "ok")), look.glyph("→", "->"));
    format!("{tick} {what} {arrow} {}  ({})", saved.fixture.display(), facts.join(", "))
}

/// The name of a fixture, which stays within its folder.
fn fixture_name(text: &str) -> Result<String, String> {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|sign| sign.is_ascii_alphanumeric() || "._-".contains(sign))
    };
    let name = text.strip_suffix(".yaml").unwrap_or(text);
    if name.split('/').all(plain) {
        Ok(name.to_owned())
    } else {
        Err("letters, digits, `-`, `_` and `.`, with `/` between folders".to_owned())
    }
}
