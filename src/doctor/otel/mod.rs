//! The `OTEL_*` variables of this shell: what would keep telemetry from arriving.
//!
//! Of variables other than endpoints only the names are ever shown, since headers hold secrets; words of a closed list (`grpc`) are ours,
//! not the user's.

mod endpoint;
mod proxy;
mod reach;
#[cfg(test)]
mod tests;
mod words;

use super::check::{Check, Level};
use crate::support::env::Env;

pub(super) use endpoint::Endpoint;
pub(super) use reach::reach;

/// The ports that the standard gives to the protocols.
const GRPC_PORT: u16 = 4317;
const HTTP_PORT: u16 = 4318;

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Traces,
    Metrics,
    Logs,
}

/// The variables of all signals, or of one.
struct Family {
    /// `None`: for all signals.
    signal: Option<Signal>,
    endpoint: &'static str,
    protocol: &'static str,
    headers: &'static str,
}

const FAMILIES: [Family; 4] = [
    Family {
        signal: None,
        endpoint: "OTEL_EXPORTER_OTLP_ENDPOINT",
        protocol: "OTEL_EXPORTER_OTLP_PROTOCOL",
        headers: "OTEL_EXPORTER_OTLP_HEADERS",
    },
    Family {
        signal: Some(Signal::Traces),
        endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        protocol: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        headers: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    },
    Family {
        signal: Some(Signal::Metrics),
        endpoint: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        protocol: "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
        headers: "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    },
    Family {
        signal: Some(Signal::Logs),
        endpoint: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        protocol: "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
        headers: "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    },
];

/// How a program exports where its variables do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manner {
    /// What it speaks without a protocol variable; `None` where its code decides.
    pub(super) unset: Option<Spoken>,
    /// Ports that belong together: of gRPC and of HTTP.
    pub(super) ports: Vec<(u16, u16)>,
}

/// What goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Grpc,
    Http,
}

impl Manner {
    /// As the specification has it.
    pub(super) fn standard() -> Self {
        Self { unset: Some(Spoken::Http), ports: vec![(GRPC_PORT, HTTP_PORT)] }
    }
}

/// Where the traces of a program go, as far as its variables say.
pub(super) struct TracesTo {
    /// The variable that says it; `None` where it is the default of the standard.
    pub(super) variable: Option<&'static str>,
    /// Its value, which may be unreadable.
    pub(super) endpoint: Option<Endpoint>,
    /// `None` where the code of the program decides.
    pub(super) spoken: Option<Spoken>,
}

/// Where the traces of a program go.
pub(super) fn traces_to(env: &dyn Env, manner: &Manner) -> TracesTo {
    let spoken = FAMILIES[1].spoken(env, manner);
    let set = [&FAMILIES[1], &FAMILIES[0]].into_iter().find_map(|family| Some((family.endpoint, env.get(family.endpoint)?)));
    let default = if spoken == Some(Spoken::Grpc) { "http://localhost:4317" } else { "http://localhost:4318" };
    let text = set.as_ref().map_or(default, |(_, text)| text.trim());
    TracesTo { variable: set.as_ref().map(|(variable, _)| *variable), endpoint: Endpoint::read(text), spoken }
}

/// Everything that the values alone tell of this shell.
pub(super) fn variables(env: &dyn Env) -> Vec<Check> {
    variables_of(env, &Manner::standard())
}

/// Everything that the values alone tell of a program that exports so.
pub(super) fn variables_of(env: &dyn Env, manner: &Manner) -> Vec<Check> {
    let mut checks: Vec<_> = FAMILIES.iter().flat_map(|family| endpoint::check(family, env, manner)).collect();
    checks.extend(FAMILIES.iter().flat_map(|family| words::family(family, env)));
    checks.extend(words::switches(env));
    checks.extend(proxy::check(env));
    checks
}

/// All findings, or the one that there are none.
pub(super) fn summed_up(env: &dyn Env, variables: Vec<Check>, reached: Vec<Check>) -> Vec<Check> {
    let mut checks: Vec<_> = variables.into_iter().chain(reached).collect();
    let set = names().filter(|name| env.get(name).is_some()).count();
    if checks.iter().all(|check| check.level == Level::Ok) {
        let words = match set {
            0 => "no OTEL_* variable is set".to_owned(),
            1 => "the OTEL_* variable that is set has no known mistake".to_owned(),
            set => format!("the {set} OTEL_* variables that are set have no known mistake"),
        };
        checks.insert(0, Check::ok("otel", words).detail("set", set));
    }
    checks
}

/// Every variable that is looked at here.
fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().flat_map(|family| [family.endpoint, family.protocol, family.headers]).chain(words::SWITCHES)
}

impl Family {
    /// Its protocol in this environment: its own, else that of all signals, else what is spoken where none is set.
    fn spoken(&self, env: &dyn Env, manner: &Manner) -> Option<Spoken> {
        let Some(protocol) = env.get(self.protocol).or_else(|| env.get(FAMILIES[0].protocol)) else { return manner.unset };
        Some(if protocol.trim().eq_ignore_ascii_case("grpc") { Spoken::Grpc } else { Spoken::Http })
    }
}

impl Signal {
    /// Where a receiver takes it over HTTP.
    fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
            Self::Logs => "/v1/logs",
        }
    }
}
