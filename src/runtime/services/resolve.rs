//! What runs, complete: addresses filled in, variables in their order of precedence, the program looked for.
//!
//! Made from the services that `stack` decoded and from what is [`Given`] where they run; carried out by `process`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    model::FLUSH_ATTRIBUTE,
    runtime::UpFailure,
    stack::{Command, Piece, Service, Template},
    support::env::{Env, Os},
};

/// Variables that begin so are not handed down: they would lead elsewhere, or carry somebody else's keys.
const NOT_INHERITED: &str = "OTEL_EXPORTER_OTLP_";

/// Where programs are looked for without a `PATH` (execvp(3)).
const NO_PATH: &str = "/bin:/usr/bin";

/// The variable of further resource attributes (OpenTelemetry, "Environment Variable Specification").
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// What a service is told where it runs.
#[derive(Clone, Default)]
pub struct Given {
    /// The `OTEL_*` settings with which it exports here ([`crate::runtime::service_settings`]).
    pub otel: Vec<(String, String)>,
    /// Where OTLP over gRPC is received, for a service that insists on it.
    pub otlp_grpc: String,
    /// Further variables of every service.
    pub variables: Vec<(String, String)>,
    /// What deliveries are signed with, by variable, for `${secret.NAME}`.
    pub secrets: BTreeMap<String, String>,
    /// The externals that run.
    pub externals: Vec<ExternalAt>,
}

/// An external that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalAt {
    /// Its name.
    pub name: String,
    /// The variable that gets its address.
    pub variable: String,
    /// Its address.
    pub url: String,
    /// What it stands in for, such as `trigger.dev`; `None` where it is scripted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<String>,
}

/// A program to run.
#[derive(Clone)]
pub struct Spec {
    /// Its name in commands.
    pub name: String,
    /// Its name in traces.
    pub otel_name: String,
    /// The program and its arguments.
    pub program: Vec<String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// Variables that it gets besides those of this process.
    pub environment: BTreeMap<String, String>,
    /// Variables of this process that it does not get.
    pub unset: Vec<String>,
    /// Its address.
    pub url: Option<String>,
    /// How long it may take to end.
    pub grace: Duration,
    /// Settings of ours that the project sets otherwise, in the words of a warning.
    pub overridden: Vec<String>,
}

impl Spec {
    /// A service with its address and those of all others, by name.
    pub(super) fn of(
        service: &Service,
        port: Option<u16>,
        addresses: &BTreeMap<String, String>,
        given: &Given,
    ) -> Result<Self, UpFailure> {
        let mut explicit = BTreeMap::new();
        for (name, template) in &service.environment {
            explicit.insert(name.clone(), filled(template, &service.name, addresses, given)?);
        }
        let port = port.map(|port| ("PORT".to_owned(), port.to_string()));
        let mut spec = Self {
            name: service.name.clone(),
            otel_name: service.otel_name.clone(),
            program: match &service.command {
                Command::Program(program) => program.clone(),
                Command::Shell(line) => vec!["/bin/sh".to_owned(), "-c".to_owned(), line.clone()],
            },
            directory: service.directory.clone(),
            environment: BTreeMap::new(),
            unset: Vec::new(),
            url: addresses.get(&service.name).cloned(),
            grace: service.stop_grace,
            overridden: Vec::new(),
        };
        spec.set(given, port, explicit);
        spec.found()?;
        Ok(spec)
    }

    /// Lays the variables over each other: ours, the addresses of externals, `PORT`; what is set explicitly has the last word.
    pub fn set(&mut self, given: &Given, port: Option<(String, String)>, explicit: BTreeMap<String, String>) {
        let mut injected: BTreeMap<String, String> = given.otel.iter().cloned().collect();
        injected.insert("OTEL_SERVICE_NAME".to_owned(), self.otel_name.clone());
        if explicit.get("OTEL_EXPORTER_OTLP_PROTOCOL").is_some_and(|protocol| protocol == "grpc") {
            injected.insert("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), given.otlp_grpc.clone());
        }
        let externals = given.externals.iter().map(|external| (external.variable.clone(), external.url.clone()));
        injected.extend(given.variables.iter().cloned().chain(externals).chain(port));
        // What the project says of its resource stays; ours stands beside it.
        let attributes = explicit.get(ATTRIBUTES).cloned().or_else(|| Os.get(ATTRIBUTES)).unwrap_or_default();
        injected.remove(ATTRIBUTES);
        let otherwise = |(name, value): (&String, &String)| {
            let differs = explicit.get(name).is_some_and(|said| said != value);
            (name.starts_with("OTEL_") && differs).then(|| name.clone())
        };
        self.overridden = injected.iter().filter_map(otherwise).collect();
        if let Some(name) = explicit.get("OTEL_SERVICE_NAME").filter(|name| !name.is_empty()) {
            self.otel_name.clone_from(name);
        }
        injected.extend(explicit);
        tell_flush(&mut injected, &attributes);
        self.unset = inherited().into_iter().filter(|name| !injected.contains_key(name)).collect();
        self.environment = injected;
    }

    /// Looks for the program, as the service would.
    pub fn found(&self) -> Result<(), UpFailure> {
        let program = self.program.first().map(String::as_str).unwrap_or_default();
        let path = self.environment.get("PATH").cloned().or_else(|| Os.get("PATH")).unwrap_or_else(|| NO_PATH.to_owned());
        if is_there(program, &self.directory, &path) {
            return Ok(());
        }
        let failure =
            UpFailure { component: Some(self.name.clone()), ..UpFailure::new(format!("there is no program `{program}`")) };
        let looked = if program.contains('/') { format!("in {}", self.directory.display()) } else { "in PATH".to_owned() };
        Err(failure.detail(format!("looked for {looked}")))
    }
}

/// Has the service tell how long it keeps spans back, beside the resource attributes that it has anyway: the judge waits accordingly. What
/// is no number is left to the SDK, and to the judge to assume.
fn tell_flush(environment: &mut BTreeMap<String, String>, attributes: &str) {
    let delay = environment.get("OTEL_BSP_SCHEDULE_DELAY").and_then(|delay| delay.trim().parse::<u64>().ok());
    let others = attributes.split(',').map(str::trim).filter(|pair| !pair.is_empty() && !pair.starts_with(FLUSH_ATTRIBUTE));
    let flush = delay.map(|delay| format!("{FLUSH_ATTRIBUTE}={delay}"));
    let all: Vec<_> = others.map(str::to_owned).chain(flush).collect();
    environment.insert(ATTRIBUTES.to_owned(), all.join(","));
}

/// Whether a variable of an environment is one of those that devstack sets itself and does not hand down.
pub fn is_injected(name: &str) -> bool {
    name.starts_with(NOT_INHERITED)
}

/// Variables of this process that are not handed down.
fn inherited() -> BTreeSet<String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(|name| is_injected(name)).collect()
}

fn filled(template: &Template, service: &str, addresses: &BTreeMap<String, String>, given: &Given) -> Result<String, UpFailure> {
    let mut value = String::new();
    for piece in &template.0 {
        let lacks = |what: String| UpFailure { component: Some(service.to_owned()), ..UpFailure::new(what) };
        match piece {
            Piece::Text(text) => value.push_str(text),
            Piece::Url(name) => {
                let external = || given.externals.iter().find(|external| external.name == *name).map(|external| &external.url);
                let url = addresses.get(name).or_else(external);
                value.push_str(url.ok_or_else(|| lacks(format!("`{name}` does not run, and `{service}` wants its address")))?);
            }
            Piece::Secret(name) => {
                let secret = given.secrets.get(name).ok_or_else(|| {
                    let known: Vec<_> = given.secrets.keys().map(|name| format!("`{name}`")).collect();
                    lacks(format!("there is no secret `{name}`")).hint(format!("known are {}", known.join(", ")))
                })?;
                value.push_str(secret);
            }
        }
    }
    Ok(value)
}

fn is_there(program: &str, directory: &Path, path: &str) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let runs = |path: &Path| path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0);
    if program.contains('/') {
        return runs(&directory.join(program));
    }
    !program.is_empty() && std::env::split_paths(path).any(|folder| runs(&directory.join(folder).join(program)))
}

/// Values may be secrets.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("otel", &self.otel).field("externals", &self.externals).finish_non_exhaustive()
    }
}

/// Values may be secrets, and so may arguments.
impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec").field("name", &self.name).field("directory", &self.directory).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Given {
        Given {
            otel: vec![
                ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), "http://127.0.0.1:4318".to_owned()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL".to_owned(), "http/protobuf".to_owned()),
            ],
            otlp_grpc: "http://127.0.0.1:4317".to_owned(),
            externals: vec![ExternalAt {
                name: "mail".to_owned(),
                variable: "MAIL_URL".to_owned(),
                url: "http://127.0.0.1:1".to_owned(),
                stand_in: None,
            }],
            secrets: [("KEY".to_owned(), "hunter2".to_owned())].into(),
            ..Given::default()
        }
    }

    fn spec(environment: &[(&str, &str)]) -> Spec {
        let service: Service = serde_json::from_value(serde_json::json!({
            "name": "api", "otel_name": "shop-api", "command": { "shell": "true" }, "directory": "/",
            "environment": environment.iter().map(|(name, value)| ((*name).to_owned(), serde_json::json!([{ "text": value }]))).collect::<serde_json::Map<_, _>>(),
            "port": null, "url": null, "ready": "accepts", "after": [], "stop_grace_ms": 1000,
        }))
        .unwrap();
        Spec::of(&service, Some(3000), &BTreeMap::new(), &given()).unwrap()
    }

    #[test]
    fn what_is_set_explicitly_wins_and_is_told_where_it_is_a_setting() {
        let plain = spec(&[]);
        let value = |spec: &Spec, name: &str| spec.environment.get(name).cloned().unwrap_or_default();
        assert_eq!((value(&plain, "PORT"), value(&plain, "MAIL_URL")), ("3000".to_owned(), "http://127.0.0.1:1".to_owned()));
        assert_eq!(value(&plain, "OTEL_SERVICE_NAME"), "shop-api");
        assert!(plain.overridden.is_empty());

        let set =
            spec(&[("PORT", "4000"), ("MAIL_URL", "x"), ("OTEL_SERVICE_NAME", "mine"), ("OTEL_BSP_SCHEDULE_DELAY", "5000")]);
        assert_eq!((value(&set, "PORT"), value(&set, "MAIL_URL")), ("4000".to_owned(), "x".to_owned()));
        assert_eq!((set.otel_name.as_str(), set.overridden.as_slice()), ("mine", ["OTEL_SERVICE_NAME".to_owned()].as_slice()));
    }

    #[test]
    fn a_service_that_insists_on_grpc_gets_that_port() {
        let grpc = spec(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        assert_eq!(grpc.environment["OTEL_EXPORTER_OTLP_ENDPOINT"], "http://127.0.0.1:4317");
    }

    #[test]
    fn nothing_of_a_value_is_shown() {
        assert!(!format!("{:?} {:?}", given(), spec(&[("A", "hunter2")])).contains("hunter2"));
    }
}
