//! `devstack status`: what runs, where, since when, how healthy, and what went through.

use clap::Args;

use crate::{
    cli::{Failure, exit::Exit, project::owner},
    report::stack,
    runtime::{StackState, supervisor},
    support::env::Os,
    term::Ui,
};

/// Show what runs, where, how healthy, and what went through
///
/// Ends with exit code 0 when the stack is up and whole or nothing is up, and 3 when something is wrong with it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack status
  devstack status --format json | jq .components[].state")]
pub(crate) struct StatusArgs {
    /// What stdout gets
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: super::OutputFormat,
}

pub(crate) fn run(args: &StatusArgs, ui: &Ui) -> Result<Exit, Failure> {
    let owner = owner(&super::project()?)?;
    let status = super::async_runtime()?.block_on(supervisor::status(&owner, &Os));
    let status = status.map_err(|failure| super::up::failed(&failure, ui))?;
    match args.format {
        super::OutputFormat::Json => {
            let value = serde_json::to_value(&status).expect("a status has only text keys");
            ui.data(&format!("{value:#}"));
        }
        super::OutputFormat::Text => ui.data(&stack::status(&status, ui.look())),
    }
    match status.state {
        StackState::Up | StackState::Down | StackState::Starting => {}
        StackState::Degraded => ui.hint("`devstack up` puts it right, `devstack down` takes it down"),
        StackState::Orphaned => ui.hint("`devstack up` takes over what is left, `devstack down` clears it away"),
    }
    let whole = matches!(status.state, StackState::Up | StackState::Down | StackState::Starting);
    Ok(if whole { Exit::Held } else { Exit::Environment })
}
