//! The command line's shape, and the way from arguments to an exit code.

use std::{fmt::Write as _, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::{Failure, commands, exit};
use crate::{
    support::env::Os,
    term::{ColorOption, Ui, UiOptions},
};

/// Replay signed webhooks through instrumented services and say whether the traces that should exist do, and if not, why
#[derive(Debug, Parser)]
#[command(name = "devstack", version, max_term_width = 100, after_help = exit::TABLE, propagate_version = true)]
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
    // Their help is the doc comment of their arguments.
    Up(commands::up::UpArgs),
    Down(commands::down::DownArgs),
    Status(commands::status::StatusArgs),
    Logs(commands::logs::LogsArgs),
    Run(commands::run::RunArgs),
    Open(commands::open::OpenArgs),
    /// The background process of a stack
    #[command(hide = true)]
    Supervise,
    /// The moment before a service
    #[command(hide = true)]
    Launch(commands::launch::LaunchArgs),
    Replay(commands::replay::ReplayArgs),
    Record(commands::record::RecordArgs),
    Demo(commands::demo::DemoArgs),
    Trace(commands::trace::TraceArgs),
    Tail(commands::tail::TailArgs),
    Lint(commands::lint::LintArgs),
    Init(commands::init::InitArgs),
    From(commands::from::FromArgs),
    Doctor(commands::doctor::DoctorArgs),
    Env(commands::env::EnvArgs),
    Images(commands::images::ImagesArgs),
    Schema(commands::schema::SchemaArgs),
    Completions(commands::completions::CompletionsArgs),
}

/// Commands by what one comes for, in the order of `--help`.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Run", &["up", "down", "status", "logs", "run", "env", "open"]),
    ("Test", &["replay", "record", "lint"]),
    ("Look", &["trace", "tail"]),
    ("Set up", &["init", "from", "doctor", "images", "schema", "completions"]),
    ("More", &["demo"]),
];

/// The clap definition, its commands in groups.
pub fn command() -> clap::Command {
    let command = Cli::command();
    let mut template = String::from("{about}\n\n{usage-heading} {usage}\n");
    for (group, names) in GROUPS {
        let _ = write!(template, "\n{group}:\n");
        for name in names {
            let about =
                command.find_subcommand(name).and_then(clap::Command::get_about).map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(template, "  {name:12} {about}");
        }
    }
    template +=
        "\nOptions:\n{options}\n\nStart here:\n  devstack replay fixtures\n  devstack up\n  devstack trace --last{after-help}\n";
    command.help_template(template)
}

/// Runs the program.
pub fn main() -> ExitCode {
    let parsed = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
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
        Command::Up(args) => commands::up::run(&args, ui),
        Command::Down(args) => commands::down::run(&args, ui),
        Command::Status(args) => commands::status::run(&args, ui),
        Command::Logs(args) => commands::logs::run(&args, ui),
        Command::Run(args) => commands::run::run(&args, ui),
        Command::Open(args) => commands::open::run(&args, ui),
        Command::Supervise => commands::supervise::run(),
        Command::Launch(args) => Err(commands::launch::run(&args)),
        Command::Replay(args) => commands::replay::run(&args, ui),
        Command::Record(args) => commands::record::run(&args, ui),
        Command::Demo(args) => commands::demo::run(args, ui),
        Command::Tail(args) => commands::tail::run(&args, ui),
        Command::Trace(args) => commands::trace::run(&args, ui),
        Command::Lint(args) => commands::lint::run(&args, ui),
        Command::Init(args) => commands::init::run(&args, ui),
        Command::From(args) => commands::from::run(&args, ui),
        Command::Doctor(args) => commands::doctor::run(&args, ui),
        Command::Env(args) => commands::env::run(&args, ui),
        Command::Images(args) => commands::images::run(&args, ui),
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

    #[test]
    fn a_command_is_a_line_of_the_help() {
        for command in super::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!((10..=65).contains(&about.chars().count()), "{}: {about}", command.get_name());
        }
    }

    #[test]
    fn every_command_is_in_one_group_of_the_help() {
        let mut grouped: Vec<_> = super::GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        grouped.sort_unstable();
        let command = super::command();
        let mut known: Vec<_> =
            command.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name).collect();
        known.sort_unstable();
        assert_eq!(grouped, known);
    }
}
