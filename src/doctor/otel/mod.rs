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

pub(super) use reach::reach;

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

/// Everything that the values alone tell.
pub(super) fn variables(env: &dyn Env) -> Vec<Check> {
    let mut checks: Vec<_> = FAMILIES.iter().flat_map(|family| endpoint::check(family, env)).collect();
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
    /// Its protocol in this environment: its own, else that of all signals, else the standard's default.
    fn is_grpc(&self, env: &dyn Env) -> bool {
        let protocol = env.get(self.protocol).or_else(|| env.get(FAMILIES[0].protocol));
        protocol.is_some_and(|protocol| protocol.trim().eq_ignore_ascii_case("grpc"))
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
