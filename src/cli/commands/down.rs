//! `devstack down`: takes down what `up` started, after a crash too.

use clap::Args;

use crate::{
    cli::{Failure, exit::Exit, project::owner},
    report::stack::Drawer,
    runtime::{Events, supervisor},
    support::{clock::Stopwatch, env::Os},
    term::{Ui, text::time},
};

/// Take the stack down; works after a crash, by label
///
/// Removes this project's containers and network, and nothing of anybody else's. Data in volumes stays unless --volumes says otherwise.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack down
  devstack down --volumes                (traces, metrics and dashboards are gone for good)")]
pub(crate) struct DownArgs {
    /// Delete the data, too
    #[arg(long)]
    volumes: bool,

    /// What stdout gets
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: super::OutputFormat,
}

pub(crate) fn run(args: &DownArgs, ui: &Ui) -> Result<Exit, Failure> {
    let clock = Stopwatch::start();
    let owner = owner(&super::project()?)?;
    let runtime = super::async_runtime()?;
    let (events, mut told) = Events::channel();
    let mut drawer = Drawer::new(ui);
    let ended = runtime.block_on(async {
        let drawing = async {
            while let Some(event) = told.recv().await {
                drawer.on(&event);
            }
        };
        let ending = async {
            let ended = supervisor::down(&owner, args.volumes, &events, &Os).await;
            drop(events);
            ended
        };
        tokio::join!(ending, drawing).0
    });
    let ended = ended.map_err(|failure| super::up::failed(&failure, ui))?;
    match args.format {
        super::OutputFormat::Json => {
            let volumes = args.volumes;
            ui.data(&format!("{:#}", serde_json::json!({"version": 1, "stack": ended.stack, "removed": ended.removed, "volumes": volumes, "warnings": ended.warnings})));
        }
        super::OutputFormat::Text if ended.stack.is_none() && ended.removed.is_empty() => ui.data("Nothing was up."),
        super::OutputFormat::Text => ui.data(&format!("Down in {}.", time(clock.elapsed()))),
    }
    Ok(Exit::Held)
}
