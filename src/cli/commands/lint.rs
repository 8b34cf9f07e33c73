//! `devstack lint`: looks at fixture, suite and stack files without sending or starting anything.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::{
    cli::{Failure, exit::Exit},
    lint,
    term::Ui,
};

/// Check fixture and stack files without running anything
///
/// Without PATH it takes ./fixtures, else the built-in set, and the project's devstack.yaml with the stack it names. Errors end with exit
/// code 2, warnings with 0.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack lint
  devstack lint fixtures/stripe
  devstack lint devstack.yaml stacks/shop.yaml
  devstack lint --format json")]
pub(crate) struct LintArgs {
    /// Fixture files, stack files and folders of them
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// What stdout gets
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: LintFormat,

    /// End with exit code 2 on warnings too
    #[arg(long)]
    strict: bool,
}

/// What stdout gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LintFormat {
    /// Drawings for a person
    Text,
    /// One JSON document
    Json,
}

pub(crate) fn run(args: &LintArgs, ui: &Ui) -> Result<Exit, Failure> {
    let report = lint::lint(&args.paths, Path::new("."));
    if report.fixtures + report.suites + report.stacks == 0 && report.problems.is_empty() {
        return Err(Failure::nothing_selected("no fixtures there")
            .hint("a fixture is a `*.yaml` file; `devstack lint PATH` names a folder"));
    }
    match args.format {
        LintFormat::Json => ui.data(&format!("{:#}", report.to_json())),
        LintFormat::Text => {
            let drawn = report.render(super::paint(ui.look()));
            if !drawn.is_empty() {
                ui.data(&format!("{drawn}\n"));
            }
            ui.data(&report.summary());
        }
    }
    let wrong = report.errors() > 0 || (args.strict && report.warnings() > 0);
    Ok(if wrong { Exit::Usage } else { Exit::Held })
}
