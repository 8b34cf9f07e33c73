//! What a replay stands on: the project's stack that is up, the services of `devstack demo`, or an embedded stack for the length of the run.
//!
//! Made for `replay`, which gives the [`Grounds`] to `check` and stops afterwards what was started here.

use std::sync::Arc;

use super::{Failure, commands::up::RuntimeOption, isolation::DemoIsolation};
use crate::{
    check::{self, Grounds, Judge, ServiceAddress},
    client::{HopAddress, StoreAddress, StoreKind},
    demo::Fault,
    runtime::{
        Embedded, EmbeddedConfig, ExtraDemo, Kept, Note, Owner, RuntimeKind, StackState,
        supervisor::{self, Control, Found},
    },
    stack,
    support::{address::Address, env::Os, project::Project},
    webhook::Secrets,
};

/// What the options say about it.
#[derive(Debug, Clone, Default)]
pub(super) struct Wishes {
    /// `--runtime`: insists on this kind.
    pub(super) runtime: Option<RuntimeOption>,
    /// `--stack`: insists on this one.
    pub(super) stack: Option<String>,
    /// `--time-scale` of the demo services.
    pub(super) time_scale: Option<f64>,
    /// `--fault`s of the demo services.
    pub(super) faults: Vec<Fault>,
}

/// Grounds, and what was started for them.
pub(super) struct Stand {
    /// What the run stands on.
    pub(super) grounds: Grounds,
    started: Started,
}

/// What ends with the run.
enum Started {
    /// Nothing: it was there and stays.
    Nothing,
    /// A whole stack.
    Embedded(Box<Embedded>),
    /// Demo services beside a stack.
    Demo(Box<ExtraDemo>),
}

/// Services to send to.
struct Demo {
    services: Vec<(String, String)>,
    externals: String,
    secrets: Secrets,
}

impl Stand {
    /// Finds or starts it. A stack that is up is used or refused, never passed over.
    pub(super) async fn find(wishes: &Wishes, project: &Project, http: &reqwest::Client) -> Result<Self, Failure> {
        let config = EmbeddedConfig::from_env(&Os);
        let time_scale = wishes.time_scale.unwrap_or(config.time_scale);
        let config = EmbeddedConfig { time_scale, faults: wishes.faults.clone(), ..config };
        if let Some(note) = stack_up(wishes, project).await? {
            return Self::on_stack(wishes, &note, config, http).await;
        }
        if let Some(kind) = wishes.runtime.filter(|kind| matches!(kind, RuntimeOption::Docker | RuntimeOption::Remote)) {
            let kind = if kind == RuntimeOption::Docker { RuntimeKind::Docker } else { RuntimeKind::Remote };
            return Err(Failure::environment(format!("no {kind} stack is up")).hint(format!("devstack up --runtime {kind}")));
        }
        if let Some(name) = &wishes.stack {
            return Err(Failure::environment(format!("the stack `{name}` is not up")).hint(format!("devstack up --stack {name}")));
        }
        // Kept services have the timers and the faults they were started with.
        let of_our_own = !wishes.faults.is_empty() || wishes.time_scale.is_some();
        if let Some(folder) = project.state().filter(|_| !of_our_own)
            && let Some(kept) = Kept::find(folder, http).await.map_err(|error| environment(&error))?
        {
            let stack = format!("embedded stack · demo services of `devstack demo` (pid {})", kept.pid);
            return Ok(Self { grounds: of_kept(&kept, stack, http, config), started: Started::Nothing });
        }
        let embedded = Embedded::start(config.clone()).await.map_err(|error| environment(&error))?;
        let grounds = of_kept(embedded.addresses(), "embedded stack · demo services".to_owned(), http, config);
        Ok(Self { grounds, started: Started::Embedded(Box::new(embedded)) })
    }

    /// Ends what was started for the run, each after what it has to hand over.
    pub(super) async fn end(self) {
        match self.started {
            Started::Nothing => {}
            Started::Embedded(embedded) => embedded.stop().await,
            Started::Demo(demo) => demo.stop().await,
        }
    }

    /// On a stack that is up: with the demo services that run beside it, unless the options ask for others.
    async fn on_stack(wishes: &Wishes, note: &Note, config: EmbeddedConfig, http: &reqwest::Client) -> Result<Self, Failure> {
        let of_our_own = !wishes.faults.is_empty() || wishes.time_scale.is_some();
        let named = if note.runtime == RuntimeKind::Embedded { String::new() } else { format!(" {}", note.stack) };
        let stack = format!("{} stack{named} · demo services", note.runtime);
        if let Some(demo) = note.demo.clone().filter(|_| !of_our_own) {
            let demo = Demo { services: demo.services, externals: demo.externals, secrets: demo.secrets };
            let grounds = of_note(note, demo, format!("{stack} of `devstack up`"), http, config);
            return Ok(Self { grounds, started: Started::Nothing });
        }
        let secrets = config.secrets.clone();
        let extra = ExtraDemo::start(&config, &note.otlp_http, secrets.clone()).await.map_err(|error| environment(&error))?;
        let demo = Demo { services: extra.services(), externals: extra.externals(), secrets };
        let grounds = of_note(note, demo, stack, http, config);
        Ok(Self { grounds, started: Started::Demo(Box::new(extra)) })
    }
}

/// The project's stack, where one is up; one that is not whole, or not what is insisted on, is an error.
async fn stack_up(wishes: &Wishes, project: &Project) -> Result<Option<Note>, Failure> {
    let Some(owner) = Owner::of(project) else { return Ok(None) };
    let note = match supervisor::find(&owner).map_err(|error| environment(&error))? {
        Found::Nothing => return Ok(None),
        Found::Up(note) => note,
        Found::Changing { .. } => {
            return Err(Failure::environment("the stack is just changing").hint("`devstack status` says how far it is"));
        }
        Found::Dead(note) => {
            return Err(Failure::environment(format!("the supervisor of the stack `{}` is gone", note.stack))
                .hint("`devstack up` starts it again, `devstack down` clears it away"));
        }
    };
    fits(wishes, &note)?;
    let control = Control::of(&note).map_err(|error| environment(&error))?;
    let status = control.status().await.map_err(|error| environment(&error).hint("`devstack down` ends it"))?;
    match status.state {
        StackState::Up => Ok(Some(*note)),
        _ => {
            let reason = status.reason.unwrap_or_else(|| "it is not up".to_owned());
            Err(Failure::environment(format!("the stack `{}` is not whole: {reason}", note.stack))
                .hint("`devstack up` puts it right, `devstack logs` shows why"))
        }
    }
}

/// Whether what is up is what the options insist on.
fn fits(wishes: &Wishes, note: &Note) -> Result<(), Failure> {
    let wanted = wishes.runtime.and_then(|option| match option {
        RuntimeOption::Auto => None,
        RuntimeOption::Docker => Some(RuntimeKind::Docker),
        RuntimeOption::Embedded => Some(RuntimeKind::Embedded),
        RuntimeOption::Remote => Some(RuntimeKind::Remote),
    });
    if let Some(wanted) = wanted.filter(|wanted| *wanted != note.runtime) {
        let message = format!("the stack that is up is {}, not {wanted}", note.runtime);
        return Err(Failure::environment(message).hint(format!("devstack up --runtime {wanted}")));
    }
    if let Some(name) = wishes.stack.as_ref().filter(|name| **name != note.stack) {
        let message = format!("the stack that is up is `{}`, not `{name}`", note.stack);
        return Err(Failure::environment(message).hint(format!("devstack up --stack {name}")));
    }
    Ok(())
}

fn of_kept(kept: &Kept, stack: String, http: &reqwest::Client, config: EmbeddedConfig) -> Grounds {
    let demo = Demo { services: kept.services.clone(), externals: kept.externals.clone(), secrets: kept.secrets.clone() };
    let store = StoreAddress { kind: StoreKind::Tempo, at: Address::plain(kept.ledger.as_str()) };
    let way = Way {
        stack,
        ledger: &kept.ledger,
        otlp_http: &kept.otlp_http,
        judge: Judge::Ledger,
        store: Some(store),
        hops: Vec::new(),
    };
    grounds(way, demo, http, config)
}

fn of_note(note: &Note, demo: Demo, stack: String, http: &reqwest::Client, config: EmbeddedConfig) -> Grounds {
    let judge = match note.judge {
        stack::Judge::Ledger => Judge::Ledger,
        stack::Judge::Stored => Judge::Stored,
    };
    let (ledger, otlp_http, store) = (&note.ledger, &note.otlp_http, note.store.clone());
    grounds(Way { stack, ledger, otlp_http, judge, store, hops: note.way() }, demo, http, config)
}

/// The way that telemetry takes.
struct Way<'a> {
    stack: String,
    ledger: &'a str,
    otlp_http: &'a str,
    judge: Judge,
    store: Option<StoreAddress>,
    hops: Vec<HopAddress>,
}

fn grounds(way: Way<'_>, demo: Demo, http: &reqwest::Client, config: EmbeddedConfig) -> Grounds {
    let isolation = DemoIsolation::new(config, way.otlp_http.to_owned(), demo.secrets.clone());
    Grounds {
        stack: way.stack,
        aim: check::Aim::default(),
        http: http.clone(),
        ledger: way.ledger.to_owned(),
        judge: way.judge,
        store: way.store,
        store_patience: check::STORE_PATIENCE,
        hops: way.hops,
        flush: check::SDK_DELAY,
        examiner: None,
        otlp: way.otlp_http.to_owned(),
        services: demo.services.into_iter().map(|(name, url)| ServiceAddress { name, url }).collect(),
        externals: Some(demo.externals),
        secrets: demo.secrets,
        isolation: Some(Arc::new(isolation)),
    }
}

fn environment(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::environment(error as &dyn std::error::Error)
}
