//! What a project says besides its stack: the services it runs, the externals that are played for them, and the providers whose webhooks
//! they take.
//!
//! Made from `devstack.yaml` by [`settings()`]; carried out by `runtime::services`, for `up`, `run` and `replay`. Nothing in it refers to
//! a file any more, and all variables of the environment are replaced; addresses and secrets are filled in when something runs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{desk::Desk, externals, layers, services};
use crate::{
    support::{
        env::Env,
        millis,
        path_pattern::PathPattern,
        source::{Level, Problems},
        yaml::Entry,
    },
    webhook::{Provider, Providers, file},
};

/// What a project says besides its stack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The file, as people are shown it; `None` where there is none.
    pub file: Option<String>,
    /// The services, each after those that it waits for.
    pub services: Vec<Service>,
    /// The externals, in the order of the file.
    pub externals: Vec<External>,
    /// The variables of the secrets that services are given (`${secret.NAME}`): what is not set is made anew.
    pub secrets: BTreeSet<String>,
}

/// A program of the project's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its name in commands: the key.
    pub name: String,
    /// Its name in traces: `OTEL_SERVICE_NAME`.
    pub otel_name: String,
    /// What runs.
    pub command: Command,
    /// Where it runs, absolute.
    pub directory: PathBuf,
    /// What the project sets explicitly, `env_file` and `environment` together.
    pub environment: BTreeMap<String, Template>,
    /// Where it listens.
    pub port: Option<PortWish>,
    /// Its address, where it is not the one of its port.
    pub url: Option<String>,
    /// How it shows that it is ready.
    pub ready: Readiness,
    /// Services that must be ready before it starts.
    pub after: Vec<String>,
    /// How long it may take to end before it is killed.
    #[serde(rename = "stop_grace_ms", with = "millis")]
    pub stop_grace: Duration,
}

/// What runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A program and its arguments; never empty.
    Program(Vec<String>),
    /// A line for `sh -c`.
    Shell(String),
}

/// A port of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortWish {
    /// Any free one.
    Auto,
    /// This one.
    Fixed(u16),
}

/// How a service shows that it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// Its port (or that of its address) accepts. Without either it is ready as soon as it runs.
    Accepts,
    /// A GET on its address is answered with this status, or with any from 200 to 299.
    Http {
        /// The path.
        path: String,
        /// The status.
        status: Option<u16>,
    },
    /// A line of its output matches this regular expression.
    Log(String),
    /// This port of 127.0.0.1 accepts.
    Port(u16),
}

/// A variable's value with what is filled in when the service starts. May hold what nobody may see, so `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub Vec<Piece>);

/// A part of a [`Template`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// As it is.
    Text(String),
    /// The address of a service or an external.
    Url(String),
    /// What deliveries are signed with, by the name of its variable.
    Secret(String),
}

/// A stand-in for what services call and nobody here runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct External {
    /// Its name: the key.
    pub name: String,
    /// The variable that gets its address.
    pub variable: String,
    /// Where it listens; any free port where `None`.
    pub port: Option<u16>,
    /// How long each answer takes, at least.
    #[serde(rename = "latency_ms", with = "millis")]
    pub latency: Duration,
    /// What it answers: the first that fits a request.
    pub answers: Vec<Answer>,
    /// What it stands in for, such as `trigger.dev`, instead of `answers`.
    pub stand_in: Option<String>,
    /// With `stand_in`: as which service it sends its spans; the worker's name in traces.
    pub service: String,
    /// With `stand_in`: whether it goes on with the trace of each run in a span of its own.
    pub spans: bool,
}

/// What an external answers to the requests that fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Requests of this method; any where `None`.
    pub method: Option<String>,
    /// Requests of this path; any where `None`.
    pub path: Option<PathPattern>,
    /// The status of the answer.
    pub status: u16,
    /// Headers of the answer.
    pub headers: BTreeMap<String, String>,
    /// Its body, as JSON.
    pub json: Option<serde_json::Value>,
    /// Its body, as text.
    pub body: Option<String>,
    /// How long it takes, in milliseconds; as the external says where `None`.
    pub latency_ms: Option<u64>,
}

/// Reads the services and externals of the project in the folder `root`, with variables from `env`. A project without a file has none.
pub fn settings(root: &Path, env: &dyn Env) -> Result<Settings, Problems> {
    let mut desk = Desk::default();
    let project = layers::project(root, &mut desk);
    let settings = read(project, Some(env), &mut desk);
    let problems = desk.into_problems();
    if problems.count(Level::Error) == 0 { Ok(settings) } else { Err(problems) }
}

/// The providers that fixtures of the project in the folder `root` may name. What else its file says is looked at in form only.
pub fn providers(root: &Path) -> Result<Providers, Problems> {
    let mut desk = Desk::default();
    let own = layers::project(root, &mut desk).map(|layer| own_providers(layer, &mut desk)).unwrap_or_default();
    let problems = desk.into_problems();
    if problems.count(Level::Error) == 0 { Ok(Providers::built_in().with(own)) } else { Err(problems) }
}

/// The names of the externals of the project in the folder `root`, for whoever reads what refers to them; of a file with errors, those that
/// can be read. What is wrong in it is told by [`settings()`] and `lint`.
pub fn external_names(root: &Path) -> Vec<String> {
    let mut desk = Desk::default();
    let project = layers::project(root, &mut desk);
    let externals = project.map(|layer| externals::externals(layer, &desk)).unwrap_or_default();
    externals.into_iter().map(|external| external.name).collect()
}

/// What the project's file in this layer says. Without `env` variables stay as they are, and `env_file` is not read.
pub(super) fn read(project: Option<usize>, env: Option<&dyn Env>, desk: &mut Desk) -> Settings {
    let Some(layer) = project else { return Settings::default() };
    // Whatever is wrong in the file is told at once.
    own_providers(layer, desk);
    let externals = externals::externals(layer, desk);
    let services = services::services(layer, &externals, env, desk);
    let asked = services.iter().flat_map(|service| service.environment.values()).flat_map(Template::secrets);
    let secrets = asked.map(str::to_owned).collect();
    Settings { file: Some(desk.layer(layer).file.clone()), services, externals, secrets }
}

/// The project's own providers.
fn own_providers(layer: usize, desk: &mut Desk) -> Vec<Provider> {
    let said = layers::entries(desk, layer);
    let Some(said) = said.iter().find(|entry| entry.key == "providers") else { return Vec::new() };
    let mut problems = Vec::new();
    let decode = |entry: &Entry| file::decode(&entry.key, &entry.value, &mut problems);
    let providers = said.value.entries().iter().filter_map(decode).collect();
    for problem in problems {
        desk.complain(layer, problem);
    }
    providers
}

impl Service {
    /// What the project itself sets a variable of this service to; `None` where it sets nothing, or what is known only when it runs.
    pub fn sets(&self, variable: &str) -> Option<&str> {
        match self.environment.get(variable)?.0.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Its address where it is known beforehand.
    pub fn known_url(&self) -> Option<String> {
        let of_port = || match self.port? {
            PortWish::Fixed(port) => Some(format!("http://127.0.0.1:{port}")),
            PortWish::Auto => None,
        };
        self.url.clone().or_else(of_port)
    }

    /// Whether it has an address that others can be told.
    pub fn has_address(&self) -> bool {
        self.port.is_some() || self.url.is_some()
    }
}

impl Template {
    /// A value without anything to fill in.
    pub fn text(text: impl Into<String>) -> Self {
        Self(vec![Piece::Text(text.into())])
    }

    /// The secrets in it, by their variables.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| if let Piece::Secret(name) = piece { Some(name.as_str()) } else { None })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("…"),
            Self::Url(name) => write!(f, "${{{name}.url}}"),
            Self::Secret(name) => write!(f, "${{secret.{name}}}"),
        }
    }
}
