//! `devstack demo`: the demo services in the foreground.

use std::net::SocketAddr;

use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Failure, exit::Exit, interrupt},
    client,
    demo::Fault,
    runtime::{Alone, AloneConfig, DemoService, Embedded, EmbeddedConfig, Kept, RuntimeError},
    support::{env::Os, project::Project},
    telemetry::Settings,
    term::Ui,
};

/// Run the demo services in the foreground, until Ctrl-C
///
/// Without SERVICE it runs all of them and a backend; while it does, `devstack replay` in another terminal of the same project uses them.
/// With SERVICE it runs just those, without a backend: they export to where `OTEL_EXPORTER_OTLP_ENDPOINT` says, and take their secrets from
/// the environment.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack demo                 (then, in another terminal: devstack replay fixtures)
  devstack demo --time-scale 1  (timers as long as in life)
  DATABASE_URL=postgres://… REDIS_URL=redis://… devstack demo
  devstack demo externals --listen 127.0.0.1:4010
  devstack demo medicalcor-trigger --externals-url http://127.0.0.1:4010")]
pub(crate) struct DemoArgs {
    /// Only these: externals, medicalcor-trigger, medicalcor-api, medicalcor-web
    #[arg(value_name = "SERVICE")]
    services: Vec<DemoService>,

    /// Where a single service listens (default: a free port of 127.0.0.1)
    #[arg(long, value_name = "ADDRESS", requires = "services")]
    listen: Option<SocketAddr>,

    /// Where medicalcor-api is, for medicalcor-web
    #[arg(long, value_name = "URL", requires = "services")]
    api_url: Option<String>,

    /// Where medicalcor-trigger is, for medicalcor-api
    #[arg(long, value_name = "URL", requires = "services")]
    trigger_url: Option<String>,

    /// Where the externals are, for medicalcor-trigger
    #[arg(long, value_name = "URL", requires = "services")]
    externals_url: Option<String>,

    /// How long timers last: 0.01 makes a second ten milliseconds
    #[arg(long, value_name = "FACTOR", default_value_t = crate::demo::DEMO_TIME_SCALE, value_parser = super::factor)]
    time_scale: f64,

    /// Build a fault into the services (see CONTRIBUTING.md)
    #[arg(long, value_name = "FAULT", hide = true)]
    fault: Vec<Fault>,
}

pub(crate) fn run(args: DemoArgs, ui: &Ui) -> Result<Exit, Failure> {
    let project = super::project()?;
    let runtime = super::async_runtime()?;
    if args.services.is_empty() { runtime.block_on(demo(args, &project, ui)) } else { runtime.block_on(alone(args, ui)) }
}

/// Single services, connected with each other and with what the options name.
async fn alone(args: DemoArgs, ui: &Ui) -> Result<Exit, Failure> {
    if args.listen.is_some() && args.services.len() > 1 {
        return Err(Failure::usage("`--listen` is for a single service"));
    }
    if let Some(listen) = args.listen.filter(|listen| !listen.ip().is_loopback()) {
        return Err(Failure::usage(format!(
            "`--listen {listen}` is not on the loopback interface; the demo services stay on 127.0.0.1"
        )));
    }
    let stop = CancellationToken::new();
    let signals = interrupt::cancel_on_signal(stop.clone(), ui.eraser());
    let telemetry = Settings::from_env(&Os, "medicalcor").map_err(|error| Failure::usage(&error as &dyn std::error::Error))?;
    let embedded = EmbeddedConfig::from_env(&Os);
    let services = Alone::start(AloneConfig {
        services: args.services,
        listen: args.listen,
        api_url: args.api_url,
        trigger_url: args.trigger_url,
        externals_url: args.externals_url,
        telemetry,
        secrets: embedded.secrets,
        time_scale: args.time_scale,
        stores: embedded.stores,
        faults: args.fault.into_iter().collect(),
    });
    let services = services.await.map_err(|error| match error {
        RuntimeError::AddressNeeded { .. } => Failure::usage(&error as &dyn std::error::Error),
        other => Failure::environment(&other as &dyn std::error::Error),
    })?;
    let lines: Vec<_> = services.addresses().iter().map(|(name, url)| format!("  {name:18}  {url}")).collect();
    ui.data(&lines.join("\n"));
    ui.status("Ready. Ctrl-C stops.");
    stop.cancelled().await;
    ui.status("Stopping…");
    services.stop().await;
    signals.abort();
    Ok(Exit::Held)
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
