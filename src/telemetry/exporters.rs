//! The OTLP exporters of one service: three signals to one destination.
//!
//! Made from `Settings`; owned by the processors that `service` builds.

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::{
    Compression as OtlpCompression, ExporterBuildError, LogExporter, MetricExporter, Protocol as OtlpProtocol, SpanExporter,
    WithExportConfig, WithHttpConfig, WithTonicConfig,
};

use super::error::TelemetryError;
use super::settings::{Compression, Destination, Protocol};
use crate::support::tls;

/// The exporters of the three signals.
#[derive(Debug)]
pub(super) struct Exporters {
    pub(super) spans: SpanExporter,
    pub(super) metrics: MetricExporter,
    pub(super) logs: LogExporter,
}

/// Builds the exporters; connects to nothing yet.
///
/// Endpoint, protocol and time-out come from the destination alone. Headers and compression that the process environment names are
/// added by the exporters themselves, so a destination cannot take them away.
pub(super) fn build(destination: &Destination) -> Result<Exporters, TelemetryError> {
    match destination.protocol {
        Protocol::Grpc => over_grpc(destination),
        Protocol::HttpProtobuf => over_http(destination, OtlpProtocol::HttpBinary),
        Protocol::HttpJson => over_http(destination, OtlpProtocol::HttpJson),
    }
}

fn over_http(destination: &Destination, protocol: OtlpProtocol) -> Result<Exporters, TelemetryError> {
    let client = http_client(destination)?;
    let base = destination.base();
    let traces = destination.traces.clone().unwrap_or_else(|| format!("{base}/v1/traces"));
    let metrics = destination.metrics.clone().unwrap_or_else(|| format!("{base}/v1/metrics"));
    let logs = destination.logs.clone().unwrap_or_else(|| format!("{base}/v1/logs"));
    Ok(Exporters {
        spans: configured_http(SpanExporter::builder().with_http(), &traces, protocol, destination, &client)
            .build()
            .map_err(failure("traces", &traces))?,
        metrics: configured_http(MetricExporter::builder().with_http(), &metrics, protocol, destination, &client)
            .build()
            .map_err(failure("metrics", &metrics))?,
        logs: configured_http(LogExporter::builder().with_http(), &logs, protocol, destination, &client)
            .build()
            .map_err(failure("logs", &logs))?,
    })
}

fn over_grpc(destination: &Destination) -> Result<Exporters, TelemetryError> {
    let base = destination.base();
    let traces = destination.traces.as_deref().unwrap_or(base);
    let metrics = destination.metrics.as_deref().unwrap_or(base);
    let logs = destination.logs.as_deref().unwrap_or(base);
    Ok(Exporters {
        spans: configured_grpc(SpanExporter::builder().with_tonic(), traces, destination)
            .build()
            .map_err(failure("traces", traces))?,
        metrics: configured_grpc(MetricExporter::builder().with_tonic(), metrics, destination)
            .build()
            .map_err(failure("metrics", metrics))?,
        logs: configured_grpc(LogExporter::builder().with_tonic(), logs, destination).build().map_err(failure("logs", logs))?,
    })
}

fn configured_http<B: WithExportConfig + WithHttpConfig>(
    builder: B,
    endpoint: &str,
    protocol: OtlpProtocol,
    destination: &Destination,
    client: &reqwest::Client,
) -> B {
    let headers: HashMap<String, String> = destination.headers.iter().cloned().collect();
    let builder = builder
        .with_http_client(client.clone())
        .with_endpoint(endpoint)
        .with_protocol(protocol)
        .with_timeout(destination.timeout)
        .with_headers(headers);
    match destination.compression {
        Compression::None => builder,
        Compression::Gzip => builder.with_compression(OtlpCompression::Gzip),
    }
}

fn configured_grpc<B: WithExportConfig + WithTonicConfig>(builder: B, endpoint: &str, destination: &Destination) -> B {
    let builder = builder.with_endpoint(endpoint).with_timeout(destination.timeout).with_metadata(metadata(&destination.headers));
    match destination.compression {
        Compression::None => builder,
        Compression::Gzip => builder.with_compression(OtlpCompression::Gzip),
    }
}

fn metadata(headers: &[(String, String)]) -> MetadataMap {
    let pairs = headers.iter().filter_map(|(name, value)| {
        Some((HeaderName::try_from(name.as_str()).ok()?, HeaderValue::try_from(value.as_str()).ok()?))
    });
    MetadataMap::from_headers(pairs.collect::<HeaderMap>())
}

/// One client for all signals, so that they share connections. A proxy named in the environment is not asked to reach this machine.
fn http_client(destination: &Destination) -> Result<reqwest::Client, TelemetryError> {
    tls::install();
    let builder = reqwest::Client::builder().timeout(destination.timeout);
    let builder = if is_loopback(destination.base()) { builder.no_proxy() } else { builder };
    // Where no signal goes by TLS, the system's certificates, which take a while to read, are left alone.
    let endpoints =
        [Some(destination.base()), destination.traces.as_deref(), destination.metrics.as_deref(), destination.logs.as_deref()];
    let plain = endpoints.into_iter().flatten().all(|endpoint| endpoint.starts_with("http://"));
    let builder = if plain { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(|source| TelemetryError::HttpClient { endpoint: destination.base().to_owned(), source })
}

fn is_loopback(endpoint: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(endpoint) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn failure<'a>(signal: &'static str, endpoint: &'a str) -> impl FnOnce(ExporterBuildError) -> TelemetryError + use<'a> {
    let endpoint = endpoint.to_owned();
    move |source| TelemetryError::Exporter { signal, endpoint, source }
}
