//! Settings from environment variables, all complaints together.
//!
//! Fed by the process environment or a map; makes `Settings`.

use std::time::Duration;

use super::attributes::{DEPLOYMENT_ENVIRONMENT, SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_NAMESPACE, SERVICE_VERSION};
use super::error::{InvalidSetting, InvalidSettings};
use super::settings::{Batching, Compression, Destination, HttpNames, Protocol, Sampling, Settings};
use super::variables as var;
use crate::support::env::Env;

/// What stands for a value that may hold a secret.
const MASKED: &str = "***";

/// Reads all variables; see [`Settings::from_env`].
pub(super) fn read(env: &dyn Env, default_service: &str) -> Result<Settings, InvalidSettings> {
    let mut reader = Reader { env, invalid: Vec::new() };
    let mut settings = Settings::new(default_service);
    reader.identity(&mut settings);
    settings.enabled = reader.flag(var::OTEL_ENABLED).unwrap_or(true) & !reader.flag(var::OTEL_SDK_DISABLED).unwrap_or(false);
    settings.immediate = reader.flag(var::OTEL_DEBUG).unwrap_or(false);
    settings.destination = reader.destination();
    settings.batching = reader.batching();
    settings.sampling = reader.sampling();
    if let Some(interval) = reader.millis(var::OTEL_METRIC_EXPORT_INTERVAL) {
        settings.metric_interval = interval;
    }
    settings.http_names = reader.http_names();
    if reader.invalid.is_empty() { Ok(settings) } else { Err(InvalidSettings(reader.invalid)) }
}

/// Reads variables and collects what is wrong with them.
struct Reader<'a> {
    env: &'a dyn Env,
    invalid: Vec<InvalidSetting>,
}

impl Reader<'_> {
    /// Who the service is: `OTEL_RESOURCE_ATTRIBUTES`, whose name `OTEL_SERVICE_NAME` overrides.
    fn identity(&mut self, settings: &mut Settings) {
        for (key, value) in self.pairs(var::OTEL_RESOURCE_ATTRIBUTES, false) {
            match key.as_str() {
                SERVICE_NAME => settings.service = value,
                SERVICE_VERSION => settings.version = value,
                SERVICE_NAMESPACE => settings.namespace = value,
                SERVICE_INSTANCE_ID => settings.instance = value,
                DEPLOYMENT_ENVIRONMENT => settings.environment = value,
                _ => settings.resource.push((key, value)),
            }
        }
        if let Some(service) = self.env.get(var::OTEL_SERVICE_NAME) {
            settings.service = service;
        }
    }

    fn destination(&mut self) -> Destination {
        let default = Destination::default();
        Destination {
            endpoint: self.endpoint(var::OTEL_EXPORTER_OTLP_ENDPOINT),
            traces: self.endpoint(var::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT),
            metrics: self.endpoint(var::OTEL_EXPORTER_OTLP_METRICS_ENDPOINT),
            logs: self.endpoint(var::OTEL_EXPORTER_OTLP_LOGS_ENDPOINT),
            protocol: self.protocol(),
            headers: self.pairs(var::OTEL_EXPORTER_OTLP_HEADERS, true),
            timeout: self.millis(var::OTEL_EXPORTER_OTLP_TIMEOUT).unwrap_or(default.timeout),
            compression: self.compression(),
        }
    }

    fn protocol(&mut self) -> Protocol {
        self.parsed(var::OTEL_EXPORTER_OTLP_PROTOCOL, "`http/protobuf`, `http/json` or `grpc`", |text| match text {
            "http/protobuf" => Some(Protocol::HttpProtobuf),
            "http/json" => Some(Protocol::HttpJson),
            "grpc" => Some(Protocol::Grpc),
            _ => None,
        })
        .unwrap_or_default()
    }

    fn compression(&mut self) -> Compression {
        self.parsed(var::OTEL_EXPORTER_OTLP_COMPRESSION, "`none` or `gzip`", |text| match text {
            "none" => Some(Compression::None),
            "gzip" => Some(Compression::Gzip),
            _ => None,
        })
        .unwrap_or_default()
    }

    fn batching(&mut self) -> Batching {
        let default = Batching::default();
        let queue = self.count(var::OTEL_BSP_MAX_QUEUE_SIZE);
        let batch = self.count(var::OTEL_BSP_MAX_EXPORT_BATCH_SIZE);
        let max_queue = queue.unwrap_or(default.max_queue);
        if let Some(batch) = batch.filter(|batch| *batch > max_queue) {
            self.complain(
                var::OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
                batch.to_string(),
                format!("at most the queue's size ({}, {max_queue})", var::OTEL_BSP_MAX_QUEUE_SIZE),
            );
        }
        Batching {
            max_queue,
            max_batch: batch.unwrap_or(default.max_batch).min(max_queue),
            delay: self.either_millis(var::OTEL_BSP_SCHEDULE_DELAY_MILLIS, var::OTEL_BSP_SCHEDULE_DELAY, default.delay),
            timeout: self.either_millis(var::OTEL_BSP_EXPORT_TIMEOUT_MILLIS, var::OTEL_BSP_EXPORT_TIMEOUT, default.timeout),
        }
    }

    fn sampling(&mut self) -> Sampling {
        let ratio = self.parsed(var::OTEL_TRACES_SAMPLER_ARG, "a number from 0 to 1", |text| {
            text.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
        });
        let ratio = ratio.unwrap_or(1.0);
        let allowed = "`always_on`, `always_off`, `traceidratio`, `parentbased_always_on`, `parentbased_always_off` or \
                       `parentbased_traceidratio`";
        self.parsed(var::OTEL_TRACES_SAMPLER, allowed, |text| match text {
            "always_on" => Some(Sampling::AlwaysOn),
            "always_off" => Some(Sampling::AlwaysOff),
            "traceidratio" => Some(Sampling::Ratio(ratio)),
            "parentbased_always_on" => Some(Sampling::ParentOrAll),
            "parentbased_always_off" => Some(Sampling::ParentOrNone),
            "parentbased_traceidratio" => Some(Sampling::ParentOrRatio(ratio)),
            _ => None,
        })
        .unwrap_or_default()
    }

    /// The list may name other areas (`database`, …), which mean nothing here and are no mistake.
    fn http_names(&self) -> HttpNames {
        let list = self.env.get(var::OTEL_SEMCONV_STABILITY_OPT_IN).unwrap_or_default();
        let has = |word: &str| list.split(',').any(|entry| entry.trim() == word);
        if has("http/dup") {
            HttpNames::Both
        } else if has("http") {
            HttpNames::Stable
        } else {
            HttpNames::Guide
        }
    }

    fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.parsed(name, "`true` or `false`", |text| text.to_ascii_lowercase().parse().ok())
    }

    fn count(&mut self, name: &'static str) -> Option<usize> {
        self.parsed(name, "a whole number from 1", |text| text.parse().ok().filter(|count| *count > 0))
    }

    fn millis(&mut self, name: &'static str) -> Option<Duration> {
        self.parsed(name, "a whole number of milliseconds from 1", |text| {
            text.parse().ok().filter(|millis| *millis > 0).map(Duration::from_millis)
        })
    }

    /// The guide's spelling, else the standard's; both are checked.
    fn either_millis(&mut self, guide: &'static str, standard: &'static str, default: Duration) -> Duration {
        let (guide, standard) = (self.millis(guide), self.millis(standard));
        guide.or(standard).unwrap_or(default)
    }

    fn endpoint(&mut self, name: &'static str) -> Option<String> {
        let allowed = "a URL such as `http://localhost:4318` (`http` only: this build speaks no TLS)";
        self.parsed(name, allowed, |text| {
            let url = reqwest::Url::parse(text).ok()?;
            (url.scheme() == "http" && url.has_host()).then(|| text.to_owned())
        })
    }

    /// `key=value,…`; empty entries are skipped, values are percent-decoded.
    fn pairs(&mut self, name: &'static str, secret: bool) -> Vec<(String, String)> {
        let Some(text) = self.env.get(name) else { return Vec::new() };
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let pairs: Option<Vec<_>> =
            entries.map(|entry| pair(entry).filter(|(key, value)| !secret || is_header(key, value))).collect();
        pairs.unwrap_or_else(|| {
            let value = if secret { MASKED.to_owned() } else { text.clone() };
            self.complain(name, value, "`key=value` pairs, separated by commas, values percent-encoded (not JSON)".to_owned());
            Vec::new()
        })
    }

    fn parsed<T>(&mut self, name: &'static str, allowed: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.env.get(name)?;
        let value = parse(text.trim());
        if value.is_none() {
            self.complain(name, text, allowed.to_owned());
        }
        value
    }

    fn complain(&mut self, name: &'static str, value: String, allowed: String) {
        self.invalid.push(InvalidSetting { name, value, allowed });
    }
}

fn pair(entry: &str) -> Option<(String, String)> {
    let (key, value) = entry.split_once('=')?;
    let key = key.trim();
    (!key.is_empty()).then_some(())?;
    Some((key.to_owned(), percent_decode(value.trim())?))
}

fn is_header(key: &str, value: &str) -> bool {
    http::HeaderName::try_from(key).is_ok() && http::HeaderValue::try_from(value).is_ok()
}

/// `None` where a `%` is not followed by two hex digits, or the bytes are not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(crate::support::hex::parse::<1>(digits)?[0]);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::env::Map;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, InvalidSettings> {
        read(&variables.iter().copied().collect::<Map>(), "medicalcor-api")
    }

    #[test]
    fn an_empty_environment_gives_the_guides_defaults() {
        let settings = settings(&[]).unwrap();
        assert!(settings.enabled && !settings.immediate);
        assert_eq!(settings.service, "medicalcor-api");
        assert_eq!(settings.namespace, "medicalcor");
        assert_eq!(settings.destination.base(), "http://localhost:4318");
        assert_eq!(settings.batching.max_batch, 512);
        assert_eq!(settings.batching.max_queue, 2048);
        assert_eq!(settings.batching.delay, Duration::from_secs(5));
        assert_eq!(settings.batching.timeout, Duration::from_secs(30));
        assert_eq!(settings.destination.timeout, Duration::from_secs(10));
        assert_eq!(settings.metric_interval, Duration::from_mins(1));
        assert_eq!(settings.sampling, Sampling::ParentOrAll);
    }

    #[test]
    fn every_variable_is_read() {
        let settings = settings(&[
            (var::OTEL_ENABLED, "FALSE"),
            (var::OTEL_DEBUG, "true"),
            (var::OTEL_SERVICE_NAME, "medicalcor-trigger"),
            (
                var::OTEL_RESOURCE_ATTRIBUTES,
                "service.name=loses,service.version=2.1,team=care%2C%20evening,deployment.environment=ci",
            ),
            (var::OTEL_EXPORTER_OTLP_ENDPOINT, "http://collector:4317/"),
            (var::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, "http://tempo:4317"),
            (var::OTEL_EXPORTER_OTLP_PROTOCOL, "grpc"),
            (var::OTEL_EXPORTER_OTLP_HEADERS, "authorization=Basic%20abc, x-tenant = 7"),
            (var::OTEL_EXPORTER_OTLP_TIMEOUT, "2500"),
            (var::OTEL_EXPORTER_OTLP_COMPRESSION, "gzip"),
            (var::OTEL_BSP_MAX_EXPORT_BATCH_SIZE, "10"),
            (var::OTEL_BSP_MAX_QUEUE_SIZE, "20"),
            (var::OTEL_TRACES_SAMPLER, "parentbased_traceidratio"),
            (var::OTEL_TRACES_SAMPLER_ARG, "0.25"),
            (var::OTEL_METRIC_EXPORT_INTERVAL, "1000"),
            (var::OTEL_SEMCONV_STABILITY_OPT_IN, "database, http/dup"),
        ])
        .unwrap();
        assert!(!settings.enabled && settings.immediate);
        assert_eq!((settings.service.as_str(), settings.version.as_str()), ("medicalcor-trigger", "2.1"));
        assert_eq!(settings.environment, "ci");
        assert_eq!(settings.resource, [("team".to_owned(), "care, evening".to_owned())]);
        assert_eq!(settings.destination.base(), "http://collector:4317");
        assert_eq!(settings.destination.traces.as_deref(), Some("http://tempo:4317"));
        assert_eq!(settings.destination.protocol, Protocol::Grpc);
        let headers =
            [("authorization", "Basic abc"), ("x-tenant", "7")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(settings.destination.headers, headers);
        assert_eq!(settings.destination.timeout, Duration::from_millis(2500));
        assert_eq!(settings.destination.compression, Compression::Gzip);
        assert_eq!((settings.batching.max_batch, settings.batching.max_queue), (10, 20));
        assert_eq!(settings.sampling, Sampling::ParentOrRatio(0.25));
        assert_eq!(settings.metric_interval, Duration::from_secs(1));
        assert_eq!(settings.http_names, HttpNames::Both);
    }

    #[test]
    fn the_guides_spelling_wins_over_the_standard_one() {
        let guide = (var::OTEL_BSP_SCHEDULE_DELAY_MILLIS, "100");
        let standard = (var::OTEL_BSP_SCHEDULE_DELAY, "200");
        assert_eq!(settings(&[standard]).unwrap().batching.delay, Duration::from_millis(200));
        assert_eq!(settings(&[standard, guide]).unwrap().batching.delay, Duration::from_millis(100));
        let timeouts = settings(&[(var::OTEL_BSP_EXPORT_TIMEOUT, "7"), (var::OTEL_BSP_EXPORT_TIMEOUT_MILLIS, "8")]).unwrap();
        assert_eq!(timeouts.batching.timeout, Duration::from_millis(8));
    }

    #[test]
    fn all_malformed_values_are_reported_together() {
        let malformed = [
            (var::OTEL_ENABLED, "yes"),
            (var::OTEL_SDK_DISABLED, "1"),
            (var::OTEL_DEBUG, "on"),
            (var::OTEL_EXPORTER_OTLP_ENDPOINT, "localhost:4318"),
            (var::OTEL_EXPORTER_OTLP_PROTOCOL, "http"),
            (var::OTEL_EXPORTER_OTLP_TIMEOUT, "10s"),
            (var::OTEL_EXPORTER_OTLP_COMPRESSION, "zip"),
            (var::OTEL_BSP_MAX_QUEUE_SIZE, "0"),
            (var::OTEL_BSP_SCHEDULE_DELAY_MILLIS, "-1"),
            (var::OTEL_BSP_SCHEDULE_DELAY, "soon"),
            (var::OTEL_TRACES_SAMPLER, "jaeger_remote"),
            (var::OTEL_TRACES_SAMPLER_ARG, "1.5"),
            (var::OTEL_RESOURCE_ATTRIBUTES, "team"),
            (var::OTEL_METRIC_EXPORT_INTERVAL, ""),
        ];
        let error = settings(&malformed).unwrap_err();
        // The last one is empty, which counts as unset.
        assert_eq!(error.0.len(), malformed.len() - 1);
        for (name, value) in &malformed[..malformed.len() - 1] {
            assert!(error.0.iter().any(|invalid| invalid.name == *name && invalid.value == *value), "`{name}` is not reported");
        }
        assert!(error.to_string().contains("`OTEL_ENABLED=yes`: allowed is `true` or `false`"), "{error}");
    }

    #[test]
    fn headers_in_json_are_refused_without_showing_the_secret() {
        let error = settings(&[(var::OTEL_EXPORTER_OTLP_HEADERS, r#"{"authorization":"secret"}"#)]).unwrap_err();
        assert!(error.to_string().contains("not JSON") && !error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn a_batch_larger_than_the_queue_is_a_mistake_only_if_asked_for() {
        assert_eq!(settings(&[(var::OTEL_BSP_MAX_QUEUE_SIZE, "100")]).unwrap().batching.max_batch, 100);
        let both = settings(&[(var::OTEL_BSP_MAX_QUEUE_SIZE, "100"), (var::OTEL_BSP_MAX_EXPORT_BATCH_SIZE, "101")]);
        assert!(both.unwrap_err().to_string().contains("at most the queue's size"));
    }

    #[test]
    fn either_switch_disables_and_tls_is_refused() {
        assert!(!settings(&[(var::OTEL_SDK_DISABLED, "true")]).unwrap().enabled);
        assert!(!settings(&[(var::OTEL_SDK_DISABLED, "true"), (var::OTEL_ENABLED, "true")]).unwrap().enabled);
        assert!(settings(&[(var::OTEL_EXPORTER_OTLP_ENDPOINT, "https://otlp.example")]).is_err());
    }
}
