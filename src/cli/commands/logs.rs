//! `devstack logs`: what components, and devstack itself, wrote.

use clap::Args;
use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Failure, exit::Exit, interrupt, project::owner},
    report::stack::{LogLines, since},
    runtime::{
        LogLine, LogsWanted, Owner, services,
        supervisor::{self, Control, Found},
    },
    support::clock,
    term::Ui,
};

/// Show what components and services wrote
///
/// Without a name, all of them. `devstack` is the supervisor's own journal, which is there after a crash too, as is what services
/// wrote.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack logs
  devstack logs -f collector
  devstack logs --since 5m --tail 50 tempo prometheus
  devstack logs devstack")]
pub(crate) struct LogsArgs {
    /// Components and services
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Go on as lines come, until Ctrl-C
    #[arg(long, short)]
    follow: bool,

    /// Only lines from then on: a duration back (5m) or a moment (2026-11-22T12:00:00Z)
    #[arg(long, value_name = "WHEN", value_parser = |text: &str| since(text, clock::unix_seconds()))]
    since: Option<i64>,

    /// Only the last so many lines of each
    #[arg(long, short = 'n', value_name = "N")]
    tail: Option<usize>,

    /// What stdout gets: lines, or a JSON document for each
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: super::OutputFormat,
}

pub(crate) fn run(args: &LogsArgs, ui: &Ui) -> Result<Exit, Failure> {
    let owner = owner(&super::project()?)?;
    let wanted = LogsWanted { names: args.names.clone(), since: args.since, tail: args.tail, follow: args.follow };
    let mut lines = LogLines::new(ui.look());
    let mut show = |line: &LogLine| match args.format {
        super::OutputFormat::Text => ui.data(&lines.render(line)),
        super::OutputFormat::Json => ui.data(&serde_json::to_string(line).expect("a line has only text keys")),
    };
    super::async_runtime()?.block_on(async {
        let Some(control) = living(&owner)? else { return of_the_files(&owner, &wanted, &mut show).await };
        let stop = CancellationToken::new();
        let signals = interrupt::cancel_on_signal(stop.clone(), ui.eraser());
        let found = control.logs(&wanted).await;
        let mut found = std::pin::pin!(found.map_err(|error| Failure::environment(&error as &dyn std::error::Error))?);
        loop {
            let line = tokio::select! {
                line = found.next() => line,
                () = stop.cancelled() => None,
            };
            match line {
                Some(line) if !ui.closed() => show(&line),
                _ => break,
            }
        }
        signals.abort();
        Ok(Exit::Held)
    })
}

/// The supervisor, where one is up.
fn living(owner: &Owner) -> Result<Option<Control>, Failure> {
    match supervisor::find(owner).map_err(|error| Failure::environment(&error as &dyn std::error::Error))? {
        Found::Up(note) => Control::of(&note).map(Some).map_err(|error| Failure::environment(&error as &dyn std::error::Error)),
        Found::Changing { .. } | Found::Dead(_) | Found::Nothing => Ok(None),
    }
}

/// Without a supervisor there is what the last one wrote, and what services did.
async fn of_the_files(owner: &Owner, wanted: &LogsWanted, show: &mut impl FnMut(&LogLine)) -> Result<Exit, Failure> {
    let asked = wanted.names.is_empty() || wanted.names.iter().any(|name| name == "devstack");
    let file = supervisor::journal_file(owner);
    let mut lines = if asked { supervisor::journal_lines(&file, wanted.since, wanted.tail) } else { Vec::new() };
    let kept = LogsWanted { follow: false, ..wanted.clone() };
    lines.extend(services::follow_logs(&owner.state, &kept).collect::<Vec<_>>().await);
    lines.sort_by_key(|line| line.at_ns);
    if lines.is_empty() {
        return Err(Failure::environment("nothing is up, so nothing is written").hint("`devstack up` starts the stack"));
    }
    lines.iter().for_each(show);
    Ok(Exit::Held)
}
