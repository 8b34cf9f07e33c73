//! `devstack demo`: the demo services in the foreground.

use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Failure, exit::Exit, interrupt},
    client,
    demo::Fault,
    runtime::{Embedded, EmbeddedConfig, Kept},
    support::{env::Os, project::Project},
    term::Ui,
};

/// Runs the demo services and a backend in the foreground, until Ctrl-C.
///
/// While it runs, `devstack replay` in another terminal of the same project uses these services.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack demo                 (then, in another terminal: devstack replay fixtures)
  devstack demo --time-scale 1  (timers as long as in life)
  DATABASE_URL=postgres://… REDIS_URL=redis://… devstack demo")]
pub(crate) struct DemoArgs {
    /// How long timers last: 0.01 makes a second ten milliseconds
    #[arg(long, value_name = "FACTOR", default_value_t = crate::demo::DEMO_TIME_SCALE, value_parser = super::factor)]
    time_scale: f64,

    /// Build a fault into the services (see CONTRIBUTING.md)
    #[arg(long, value_name = "FAULT", hide = true)]
    fault: Vec<Fault>,
}

pub(crate) fn run(args: DemoArgs, ui: &Ui) -> Result<Exit, Failure> {
    let project = super::project()?;
    super::async_runtime()?.block_on(demo(args, &project, ui))
}

async fn demo(args: DemoArgs, project: &Project, ui: &Ui) -> Result<Exit, Failure> {
    let stop = CancellationToken::new();
    let signals = interrupt::cancel_on_signal(stop.clone(), ui.eraser());
    let http = client::loopback().map_err(|error| Failure::environment(&error as &dyn std::error::Error))?;
    let config = EmbeddedConfig { time_scale: args.time_scale, faults: args.fault, ..EmbeddedConfig::from_env(&Os) };
    let embedded = Embedded::start(config).await.map_err(|error| Failure::environment(&error as &dyn std::error::Error))?;
    let note = match project.state() {
        Some(folder) => embedded.addresses().leave(folder, &http).await.map(Some),
        None => Ok(None),
    };
    let note = match note {
        Ok(note) => note,
        Err(error) => {
            embedded.stop().await;
            return Err(Failure::environment(&error as &dyn std::error::Error));
        }
    };
    if note.is_none() {
        ui.warn("there is no place for state, so `devstack replay` will not find these services (set HOME or XDG_STATE_HOME)");
    }
    ui.data(&addresses(embedded.addresses()));
    ui.status("Ready. Ctrl-C stops.");
    stop.cancelled().await;
    ui.status("Stopping…");
    drop(note);
    embedded.stop().await;
    signals.abort();
    Ok(Exit::Held)
}

fn addresses(kept: &Kept) -> String {
    let mut lines: Vec<(&str, &str)> = kept.services.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
    lines.extend([("externals", kept.externals.as_str()), ("OTLP over HTTP", &kept.otlp_http), ("Tempo's API", &kept.ledger)]);
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let lines: Vec<_> = lines.iter().map(|(name, url)| format!("  {name:width$}  {url}")).collect();
    lines.join("\n")
}
