//! One file per command: its arguments (whose docs are its help), `run`, and what only it needs. What several need is here.

use tokio::runtime::{Builder, Runtime};

use crate::{
    cli::Failure,
    fixture::LoadError,
    support::{
        env::Os,
        project::Project,
        source::{Level, Paint, Problems},
    },
    term::{Look, Role, Ui},
};

pub(super) mod completions;
pub(super) mod demo;
pub(super) mod lint;
pub(super) mod replay;
pub(super) mod schema;
pub(super) mod trace;

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
    format!("{} in {}", plural(errors, "problem"), plural(files, "file"))
}

/// A scale of timers.
fn factor(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| "a number such as `0.01`".to_owned())?;
    if factor.is_finite() && factor > 0.0 { Ok(factor) } else { Err("a number above zero".to_owned()) }
}
