//! `devstack launch`: this program in the moment before it becomes a service. Started by `runtime::services`; not for people.

use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use crate::{cli::Failure, runtime::services};

#[derive(Debug, Args)]
pub(crate) struct LaunchArgs {
    /// The book of starts and ends
    book: PathBuf,

    /// What is written into it, as JSON
    start: String,

    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Returns only where the program could not be started.
pub(crate) fn run(args: &LaunchArgs) -> Failure {
    let error = services::launch(&args.book, &args.start, &args.command);
    let program = args.command.first().map(|program| program.to_string_lossy()).unwrap_or_default();
    Failure::environment(format!("could not start `{program}`: {error}"))
}
