//! The `OTEL_*` settings with which a service exports to the stack that is up, soon enough to be judged.
//!
//! Made from a stack's [`Note`]; given to services by `devstack run`, printed by `devstack env`.

use super::Note;
use crate::{model::FLUSH_ATTRIBUTE, stack::Role};

/// Who exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// A process of this machine: to devstack's own receiver.
    Host,
    /// A container on the stack's network: to the collector, because the receiver listens on this machine's loopback only.
    Container,
    /// A Node program of this machine.
    Node,
    /// A Python program of this machine.
    Python,
    /// A Go program of this machine.
    Go,
}

/// Node's SDK looks for clouds by asking addresses that nobody has on this machine, and waits for them: these detectors ask nobody. The
/// last one wins, so an instance id of `OTEL_RESOURCE_ATTRIBUTES` stays (`@opentelemetry/sdk-node`, README).
const NODE_DETECTORS: (&str, &str) = ("OTEL_NODE_RESOURCE_DETECTORS", "serviceinstance,host,os,process,env");

/// Python's log records are exported only where this is set (opentelemetry-python, `opentelemetry-sdk`).
const PYTHON_LOGS: (&str, &str) = ("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", "true");

/// Which exporter: the default of most SDKs (SDK environment variables, exporter selection), and what a shell may have set otherwise.
const EXPORTERS: [(&str, &str); 3] =
    [("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_METRICS_EXPORTER", "otlp"), ("OTEL_LOGS_EXPORTER", "otlp")];

/// The name of the collector on the network, where the note names none.
const COLLECTOR: &str = "collector";
/// The port of OTLP over HTTP, in the collector's container.
const HTTP_PORT: u16 = 4318;

/// Milliseconds between exports of spans and logs: a verdict waits for them.
const DELAY: &str = "50";
/// Milliseconds that an export may take.
const TIMEOUT: &str = "5000";
/// Milliseconds between exports of metrics.
const METRICS: &str = "1000";

/// Variables and their values, in the order in which a person would write them.
///
/// Delays come in the standard's spelling and in the guide's (`…_MILLIS`). There is no variable for headers: neither receiver nor
/// collector wants any.
pub fn settings(note: &Note, audience: Audience) -> Vec<(String, String)> {
    match audience {
        Audience::Host => host_settings(&note.otlp_http),
        Audience::Container => host_settings(&format!("http://{}:{HTTP_PORT}", collector(note))),
        Audience::Node => with(host_settings(&note.otlp_http), EXPORTERS.into_iter().chain([NODE_DETECTORS])),
        Audience::Python => with(host_settings(&note.otlp_http), EXPORTERS.into_iter().chain([PYTHON_LOGS])),
        Audience::Go => with(host_settings(&note.otlp_http), EXPORTERS),
    }
}

/// The settings of a program that devstack starts itself: those of every language, because each SDK reads its own only.
pub fn service_settings(otlp_http: &str) -> Vec<(String, String)> {
    with(host_settings(otlp_http), EXPORTERS.into_iter().chain([NODE_DETECTORS, PYTHON_LOGS]))
}

fn with(
    mut settings: Vec<(String, String)>,
    more: impl IntoIterator<Item = (&'static str, &'static str)>,
) -> Vec<(String, String)> {
    settings.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
    settings
}

/// The settings that every language has, for a receiver of OTLP over HTTP at this address.
fn host_settings(otlp_http: &str) -> Vec<(String, String)> {
    let flush = format!("{FLUSH_ATTRIBUTE}={DELAY}");
    let pairs = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", otlp_http),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_BSP_SCHEDULE_DELAY", DELAY),
        ("OTEL_BSP_SCHEDULE_DELAY_MILLIS", DELAY),
        ("OTEL_BSP_EXPORT_TIMEOUT", TIMEOUT),
        ("OTEL_BSP_EXPORT_TIMEOUT_MILLIS", TIMEOUT),
        ("OTEL_BLRP_SCHEDULE_DELAY", DELAY),
        ("OTEL_METRIC_EXPORT_INTERVAL", METRICS),
        // Some SDKs refuse an interval that is shorter than the time an export may take.
        ("OTEL_METRIC_EXPORT_TIMEOUT", METRICS),
        // So that the judge need not assume the default.
        ("OTEL_RESOURCE_ATTRIBUTES", flush.as_str()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Its name is its host name for the other containers.
fn collector(note: &Note) -> &str {
    note.hops.iter().find(|hop| hop.role == Role::Collector).map_or(COLLECTOR, |hop| &hop.name)
}

#[cfg(test)]
mod tests {
    use super::{Audience, settings};
    use crate::{
        runtime::{Hop, NOTE_VERSION, Note},
        stack::Role,
    };

    fn note() -> Note {
        serde_json::from_value(serde_json::json!({
            "version": NOTE_VERSION, "build": "", "pid": 1, "pid_started": "", "since": 0, "runtime": "docker", "stack": "default",
            "digest": "", "control": "", "otlp_grpc": "http://127.0.0.1:14317", "otlp_http": "http://127.0.0.1:14318", "ledger": "",
            "judge": "ledger", "store": null, "prometheus": null, "grafana": null, "hops": [], "components": {},
            "network": "devstack-shop", "demo": null,
        }))
        .unwrap()
    }

    fn value(note: &Note, audience: Audience, name: &str) -> String {
        settings(note, audience).into_iter().find(|(known, _)| known == name).unwrap().1
    }

    #[test]
    fn the_host_exports_to_the_receiver_and_containers_to_the_collector() {
        let endpoint = |note: &Note, audience| value(note, audience, "OTEL_EXPORTER_OTLP_ENDPOINT");
        let mut note = note();
        assert_eq!(endpoint(&note, Audience::Host), "http://127.0.0.1:14318");
        assert_eq!(endpoint(&note, Audience::Container), "http://collector:4318");
        note.hops.push(Hop { name: "otel".to_owned(), role: Role::Collector, metrics: String::new() });
        assert_eq!(endpoint(&note, Audience::Container), "http://otel:4318");
    }

    #[test]
    fn each_language_gets_its_own_and_no_program_is_told_what_to_load() {
        let has = |audience, name: &str| settings(&note(), audience).iter().any(|(known, _)| known == name);
        assert!(has(Audience::Node, "OTEL_NODE_RESOURCE_DETECTORS") && !has(Audience::Python, "OTEL_NODE_RESOURCE_DETECTORS"));
        assert!(has(Audience::Python, "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED"));
        for audience in [Audience::Node, Audience::Python, Audience::Go] {
            assert_eq!(value(&note(), audience, "OTEL_TRACES_EXPORTER"), "otlp");
            assert_eq!(value(&note(), audience, "OTEL_EXPORTER_OTLP_ENDPOINT"), "http://127.0.0.1:14318");
            assert!(!has(audience, "NODE_OPTIONS"));
        }
        assert!(!has(Audience::Host, "OTEL_TRACES_EXPORTER"));
    }

    #[test]
    fn delays_are_short_in_both_spellings_and_there_are_no_headers() {
        let settings = settings(&note(), Audience::Host);
        for name in ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_SCHEDULE_DELAY_MILLIS", "OTEL_BLRP_SCHEDULE_DELAY"] {
            assert!(settings.contains(&(name.to_owned(), "50".to_owned())), "{name}");
        }
        assert!(settings.iter().all(|(name, _)| !name.contains("HEADERS")));
    }
}
