//! `devstack up`: starts the stack and returns when telemetry flows.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Failure, exit::Exit, interrupt, project::owner},
    report::stack::{self, Drawer},
    runtime::{
        Events, Order, Owner, Pull, Ready, RuntimeKind, UpEvent, UpFailure, build,
        docker::{Engine, EngineError},
        supervisor::{self, Found},
    },
    stack::{Loaded, RuntimeWish, Stack, Wanted},
    support::{clock::Stopwatch, env::Os},
    term::{Look, Ui},
};

/// How long all of it may take where `--timeout` does not say: images may have to come over a slow line.
const PATIENCE: Duration = Duration::from_mins(5);

/// Start the stack; return when telemetry flows through every hop
///
/// It returns when a trace and a metric, where metrics are kept, went all the way.
///
/// With a container engine that is the collector, Tempo, Prometheus and Grafana; without one, devstack's own backend in one process.
/// `devstack replay`, `trace` and `status` use it from then on. A second `up` does nothing, or replaces only what changed.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[command(after_help = "Examples:
  devstack up
  devstack up --runtime embedded
  devstack up --stack jaeger --set components.jaeger.image=jaegertracing/jaeger:2.14.0
  devstack up --ports auto               (a second stack beside another project's)
  devstack up --network shop_default     (services in containers of that network: `devstack env --for container`)
  devstack down")]
pub(crate) struct UpArgs {
    /// Where it runs (default: what devstack.yaml says, else docker when an engine answers, else embedded)
    #[arg(long, value_name = "RUNTIME", help_heading = "Stack")]
    runtime: Option<RuntimeOption>,

    /// Which stack: default, jaeger, remote, or a stack file
    #[arg(long, value_name = "STACK", help_heading = "Stack")]
    stack: Option<String>,

    /// Change something of the stack, for example components.tempo.image=grafana/tempo:3.0.4 (can be repeated)
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Stack")]
    set: Vec<String>,

    /// Fixed ports (4317, 4318, 3200, 9090, 3030, 16686) or any free ones
    #[arg(long, value_name = "PORTS", help_heading = "Stack")]
    ports: Option<PortsOption>,

    /// Whether images are fetched
    #[arg(long, value_name = "WHEN", default_value = "missing", help_heading = "Stack")]
    pull: PullOption,

    /// Let the collector join this network, for services that run in containers
    #[arg(long, value_name = "NAME", help_heading = "Stack")]
    network: Option<String>,

    /// Where devstack's own ports listen; with another address than a loopback one, other machines may send to them and read from them
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), hide_default_value = true, help_heading = "Stack")]
    listen: IpAddr,

    /// Answer requests for this host name, too (can be repeated; default: localhost and addresses)
    #[arg(long, value_name = "NAME", value_parser = host_name, help_heading = "Stack")]
    allow_host: Vec<String>,

    /// Run the demo services beside it
    #[arg(long, help_heading = "Run")]
    demo: bool,

    /// Leave out the services and externals of devstack.yaml
    #[arg(long, help_heading = "Run")]
    no_services: bool,

    /// Stay in the foreground; Ctrl-C takes the stack down
    #[arg(long, help_heading = "Run")]
    attach: bool,

    /// How long all of it may take
    #[arg(long, value_name = "DURATION", value_parser = super::duration, help_heading = "Run")]
    timeout: Option<Duration>,

    /// Say how long each container took, and all of it together
    #[arg(long, help_heading = "Output")]
    timings: bool,

    /// What stdout gets
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: super::OutputFormat,
}

/// `--runtime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuntimeOption {
    /// Docker when an engine answers, else embedded
    Auto,
    /// Real components in containers
    Docker,
    /// devstack's own backend in one process
    Embedded,
    /// Endpoints that run elsewhere
    Remote,
}

/// `--ports`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PortsOption {
    /// The well-known ones
    Fixed,
    /// Any free ones; `devstack status` shows which
    Auto,
}

/// `--pull`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PullOption {
    /// Those that are not there
    Missing,
    /// None
    Never,
    /// All, to have the newest under their tags
    Always,
}

pub(crate) fn run(args: &UpArgs, ui: &Ui) -> Result<Exit, Failure> {
    let clock = Stopwatch::start();
    let project = super::project()?;
    let wanted = Wanted {
        stack: args.stack.clone(),
        runtime: args.runtime.map(Into::into),
        sets: args.set.clone(),
        root: project.root().to_owned(),
        services: !args.no_services,
    };
    let loaded = super::valid(crate::stack::load(&wanted, &Os), ui)?;
    let runtime = super::async_runtime()?;
    runtime.block_on(async {
        let order = order(args, loaded, owner(&project)?, ui).await?;
        if args.attach { Box::pin(attached(args, order, ui, clock)).await } else { in_background(args, &order, ui, clock).await }
    })
}

async fn in_background(args: &UpArgs, order: &Order, ui: &Ui, clock: Stopwatch) -> Result<Exit, Failure> {
    let stop = CancellationToken::new();
    let signals = interrupt::cancel_on_signal(stop.clone(), ui.eraser());
    let (events, mut told) = Events::channel();
    let mut drawer = Drawer::new(ui);
    let drawing = async {
        while let Some(event) = told.recv().await {
            drawer.on(&event);
        }
    };
    let starting = async {
        let ended = supervisor::up(order, &events, &stop).await;
        drop(events);
        ended
    };
    let (ended, ()) = tokio::join!(starting, drawing);
    signals.abort();
    if ended.is_ok() {
        drawer.end();
    } else {
        drawer.done();
    }
    let ready = ended.map_err(|failure| failed(&failure, ui))?;
    tell(args, &ready, &drawer, ui, clock);
    Ok(Exit::Held)
}

async fn attached(args: &UpArgs, order: Order, ui: &Ui, clock: Stopwatch) -> Result<Exit, Failure> {
    let stop = CancellationToken::new();
    let signals = interrupt::cancel_on_signal(stop.clone(), ui.eraser());
    let (events, mut told) = Events::channel();
    let mut drawer = Drawer::new(ui);
    let drawing = async {
        while let Some(event) = told.recv().await {
            drawer.on(&event);
            if let UpEvent::Ready(ready) = &event {
                tell(args, ready, &drawer, ui, clock);
                ui.status("Ctrl-C takes it down.");
            }
        }
    };
    let orders = supervisor::Orders { cancel: stop.clone(), end: stop };
    let living = async {
        let lived = supervisor::supervise(order, &events, &orders, clock).await;
        drop(events);
        lived
    };
    let (lived, ()) = tokio::join!(living, drawing);
    signals.abort();
    drawer.done();
    lived.map_err(|failure| failed(&failure, ui))?;
    Ok(Exit::Held)
}

/// What is to run where, decided.
async fn order(args: &UpArgs, loaded: Loaded, owner: Owner, ui: &Ui) -> Result<Order, Failure> {
    ui.explain(&loaded.warnings.render(super::paint(ui.err_look())));
    let runtime = decide(args.runtime, &loaded, &owner, ui).await?;
    let free_ports = args.ports.map_or(loaded.free_ports, |ports| ports == PortsOption::Auto);
    let stack = match runtime {
        RuntimeKind::Embedded => Stack::embedded(),
        _ if free_ports => loaded.stack.on_free_ports(),
        _ => loaded.stack,
    };
    if args.network.is_some() && runtime != RuntimeKind::Docker {
        return Err(Failure::usage(format!("`--network` is for containers, and this is the {runtime} runtime")));
    }
    if !args.listen.is_loopback() {
        ui.warn(&format!("`--listen {}`: whoever reaches this machine may send to the stack and read what it has", args.listen));
    }
    Ok(Order {
        owner,
        runtime,
        stack,
        free_ports,
        listen: args.listen,
        allow_hosts: args.allow_host.clone(),
        pull: args.pull.into(),
        network: args.network.clone(),
        deadline: args.timeout.unwrap_or(PATIENCE),
        demo: args.demo,
        settings: loaded.settings,
        build: build(),
    })
}

/// `--runtime`, else what devstack.yaml says, else docker where an engine answers; one line says which and why.
async fn decide(option: Option<RuntimeOption>, loaded: &Loaded, owner: &Owner, ui: &Ui) -> Result<RuntimeKind, Failure> {
    let wish = option.map(RuntimeWish::from).or(loaded.runtime).unwrap_or(RuntimeWish::Auto);
    let remote = loaded.stack.is_remote();
    match wish {
        RuntimeWish::Embedded => Ok(RuntimeKind::Embedded),
        RuntimeWish::Remote if !remote => {
            Err(Failure::usage(format!("the stack `{}` has components and no endpoints", loaded.stack.name))
                .hint("`--stack remote`, or a stack file with `endpoints`"))
        }
        RuntimeWish::Docker if remote => {
            Err(Failure::usage(format!("the stack `{}` runs elsewhere: it has endpoints and no components", loaded.stack.name))
                .hint("`--runtime remote`"))
        }
        RuntimeWish::Remote | RuntimeWish::Auto if remote => Ok(RuntimeKind::Remote),
        RuntimeWish::Docker => match Engine::discover(&Os).await {
            Ok(_) => Ok(RuntimeKind::Docker),
            Err(error) => Err(super::no_engine(&error)),
        },
        RuntimeWish::Auto | RuntimeWish::Remote => match Engine::discover(&Os).await {
            Ok(_) => Ok(RuntimeKind::Docker),
            // Containers of this project are somewhere: to begin something else in silence would lose sight of them.
            Err(error) if runs_containers(owner) => {
                Err(super::no_engine(&error).hint("or say `--runtime embedded` to run without them"))
            }
            Err(EngineError::Absent { .. }) => {
                ui.status("no container engine here: using the embedded runtime (`--runtime docker` insists)");
                Ok(RuntimeKind::Embedded)
            }
            // One that is there and does not answer is no reason to do something else in silence.
            Err(error) => Err(super::no_engine(&error)),
        },
    }
}

/// Whether the project's stack that is up, or was when its supervisor died, has containers.
fn runs_containers(owner: &Owner) -> bool {
    matches!(supervisor::find(owner), Ok(Found::Up(note) | Found::Dead(note)) if note.runtime == RuntimeKind::Docker)
}

/// A name as it stands in a request, without scheme and port.
fn host_name(name: &str) -> Result<String, String> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if plain && !name.is_empty() { Ok(name.to_owned()) } else { Err("a host name, without scheme and port".to_owned()) }
}

fn tell(args: &UpArgs, ready: &Ready, drawer: &Drawer<'_>, ui: &Ui, clock: Stopwatch) {
    match args.format {
        super::OutputFormat::Json => ui.data(&format!("{:#}", public(ready))),
        super::OutputFormat::Text => ui.data(&stack::ready(ready, clock.elapsed(), ui.look())),
    }
    if args.timings {
        ui.status(&timings(drawer.timings(), clock.elapsed()));
    }
}

/// Without secrets.
fn public(ready: &Ready) -> serde_json::Value {
    let mut value = serde_json::to_value(ready).expect("a note has only text keys");
    value["note"].as_object_mut().map(|note| note.remove("secrets"));
    value["note"]["demo"].as_object_mut().map(|demo| demo.remove("secrets"));
    if let Some(store) = value["note"]["store"]["at"].as_object_mut() {
        store.remove("headers");
    }
    if let Some(prometheus) = value["note"]["prometheus"].as_object_mut() {
        prometheus.remove("headers");
    }
    value
}

fn timings(timings: &[(String, u64)], all: Duration) -> String {
    let mut lines: Vec<_> = timings.iter().map(|(name, millis)| format!("  {name:12} {millis:>6} ms")).collect();
    let slowest = timings.iter().map(|(_, millis)| *millis).max();
    let all = all.as_millis();
    lines.push(match slowest {
        Some(slowest) if slowest > 0 => {
            format!("  {:12} {all:>6} ms = {:.2} x the slowest", "all", all as f64 / slowest as f64)
        }
        _ => format!("  {:12} {all:>6} ms", "all"),
    });
    lines.join("\n")
}

/// The failure with its details drawn.
pub(crate) fn failed(failure: &UpFailure, ui: &Ui) -> Failure {
    told(failure, ui.err_look())
}

/// The same, drawn in this look.
pub(crate) fn told(failure: &UpFailure, look: &Look) -> Failure {
    if failure.cancelled {
        return Failure::interrupted("interrupted; what this run had made is removed");
    }
    let message = match &failure.component {
        Some(component) if !failure.message.starts_with(component.as_str()) => format!("{component}: {}", failure.message),
        _ => failure.message.clone(),
    };
    let drawn = stack::failure(failure, look);
    let text = if drawn.is_empty() { message } else { format!("{message}\n{}", drawn.trim_end()) };
    failure.hints.iter().fold(Failure::environment(text), |failed, hint| failed.hint(hint.clone()))
}

impl From<RuntimeOption> for RuntimeWish {
    fn from(option: RuntimeOption) -> Self {
        match option {
            RuntimeOption::Auto => Self::Auto,
            RuntimeOption::Docker => Self::Docker,
            RuntimeOption::Embedded => Self::Embedded,
            RuntimeOption::Remote => Self::Remote,
        }
    }
}

impl From<PullOption> for Pull {
    fn from(option: PullOption) -> Self {
        match option {
            PullOption::Missing => Self::Missing,
            PullOption::Never => Self::Never,
            PullOption::Always => Self::Always,
        }
    }
}
