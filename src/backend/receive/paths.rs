//! Paths that senders use by mistake, and what helps.

use super::signal::{Logs, Metrics, Signal, Traces};

/// What to do about a path that is none of OTLP over HTTP; nothing where it is no known mistake.
pub(super) fn fix(path: &str) -> Option<String> {
    let own = [Traces::PATH, Metrics::PATH, Logs::PATH];
    let ends = own.into_iter().find(|own| path.trim_end_matches('/').ends_with(own));
    let Some(ends) = ends else { return foreign(path) };
    let before = path.trim_end_matches('/').strip_suffix(ends).unwrap_or_default();
    if own.into_iter().any(|own| before.trim_end_matches('/').ends_with(own)) {
        Some(format!("the endpoint holds {ends} and the exporter appends it: leave it away in OTEL_EXPORTER_OTLP_ENDPOINT"))
    } else if before.chars().all(|sign| sign == '/') {
        Some("leave the slash at the end of the endpoint away".to_owned())
    } else {
        Some(format!("leave `{before}` in the endpoint away"))
    }
}

/// Paths of other protocols, and none at all.
fn foreign(path: &str) -> Option<String> {
    match path.trim_end_matches('/') {
        "" => Some(
            "the endpoint of one signal is used as it is: add /v1/traces to OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or set \
             OTEL_EXPORTER_OTLP_ENDPOINT instead"
                .to_owned(),
        ),
        "/api/v1/spans" | "/api/v2/spans" => Some("that is Zipkin's path: set OTEL_TRACES_EXPORTER=otlp".to_owned()),
        "/api/traces" => Some("that is Jaeger's path: set OTEL_TRACES_EXPORTER=otlp".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::fix;

    #[test]
    fn each_known_mistake_has_its_fix() {
        for (path, words) in [
            ("/v1/traces/v1/traces", "the exporter appends it"),
            ("/v1/traces/v1/metrics", "the exporter appends it"),
            ("//v1/traces", "leave the slash"),
            ("/v1/traces/", "leave the slash"),
            ("/otlp/v1/logs", "leave `/otlp` in the endpoint away"),
            ("/", "add /v1/traces"),
            ("/api/v2/spans", "Zipkin"),
            ("/api/traces", "Jaeger"),
        ] {
            assert!(fix(path).is_some_and(|fix| fix.contains(words)), "{path}: {:?}", fix(path));
        }
        assert_eq!(fix("/metrics"), None);
    }
}
