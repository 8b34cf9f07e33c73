//! The command line's shape, and the way from arguments to an exit code.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use super::{Failure, commands, exit};
use crate::{
    support::env::Os,
    term::{ColorOption, Ui, UiOptions},
};

/// Replays signed webhooks through instrumented services and says whether the traces that should exist do, and if not, why.
#[derive(Debug, Parser)]
#[command(name = "devstack", version, max_term_width = 100, after_help = exit::TABLE, propagate_version = true)]
#[command(help_template = "{about}\n\n{usage-heading} {usage}\n\n{subcommands}\n\nOptions:\n{options}\n\n{after-help}\n")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    color: ColorOption,

    /// Say only what was asked for
    #[arg(long, short, global = true, help_heading = "Output")]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send fixtures, wait for evidence, check, report
    Replay(commands::replay::ReplayArgs),
    /// Run the demo services in the foreground
    Demo(commands::demo::DemoArgs),
    /// Show a trace: waterfall, tree, JSON, OTLP
    Trace(commands::trace::TraceArgs),
    /// Look at fixture files without sending anything
    Lint(commands::lint::LintArgs),
    /// Print the JSON Schema of a file format
    Schema(commands::schema::SchemaArgs),
    /// Print shell completions
    Completions(commands::completions::CompletionsArgs),
}

/// The clap definition, for completions and tests.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let ui = Ui::new(UiOptions { color: cli.color, quiet: cli.quiet }, &Os);
    let ended = run(cli.command, &ui);
    let code = match ended {
        Ok(exit) => exit,
        Err(failure) => {
            ui.error(&failure.text());
            failure.hints().iter().for_each(|hint| ui.hint(hint));
            failure.exit()
        }
    };
    match ui.finish() {
        Ok(()) => code.into(),
        Err(error) => {
            ui.error(&format!("could not write to stdout: {error}"));
            exit::Exit::Environment.into()
        }
    }
}

fn run(command: Command, ui: &Ui) -> Result<exit::Exit, Failure> {
    match command {
        Command::Replay(args) => commands::replay::run(&args, ui),
        Command::Demo(args) => commands::demo::run(args, ui),
        Command::Trace(args) => commands::trace::run(&args, ui),
        Command::Lint(args) => commands::lint::run(&args, ui),
        Command::Schema(args) => Ok(commands::schema::run(&args, ui)),
        Command::Completions(args) => Ok(commands::completions::run(&args, ui)),
    }
}

/// clap draws its own errors and help; only the code is ours.
fn usage(error: &clap::Error) -> ExitCode {
    // A reader of `--help` that went away is no failure.
    let _ = error.print();
    if error.use_stderr() { exit::Exit::Usage.into() } else { exit::Exit::Held.into() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_sound() {
        super::command().debug_assert();
    }
}
