//! What a service's telemetry does: who it is, where it sends to, how often, what it samples.
//!
//! Made from the environment by `environment`, or by programs that know; read by `exporters`, `resource` and `telemetry`.

use std::time::Duration;

use super::error::InvalidSettings;
use crate::support::env::Env;

/// How telemetry travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// `http/protobuf`.
    #[default]
    HttpProtobuf,
    /// `http/json`.
    HttpJson,
    /// `grpc`.
    Grpc,
}

/// Whether request bodies are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// `none`.
    #[default]
    None,
    /// `gzip`.
    Gzip,
}

/// Which spans are recorded and exported.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Sampling {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// This share of traces, by trace id.
    Ratio(f64),
    /// As the parent; roots all.
    #[default]
    ParentOrAll,
    /// As the parent; roots none.
    ParentOrNone,
    /// As the parent; of the roots this share.
    ParentOrRatio(f64),
}

/// Which names HTTP attributes go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpNames {
    /// The guide's: `http.method`.
    #[default]
    Guide,
    /// The guide's and the stable ones: `http.method` and `http.request.method`.
    Both,
    /// The stable ones only: `http.request.method`.
    Stable,
}

/// When spans and logs leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Records of one request at most.
    pub max_batch: usize,
    /// Records that wait at most; more are dropped.
    pub max_queue: usize,
    /// Time between exports.
    pub delay: Duration,
    /// Time one export may take, retries included.
    pub timeout: Duration,
}

/// Where telemetry goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Base URL; `None` stands for the protocol's default port on localhost.
    pub endpoint: Option<String>,
    /// Full URL for traces, where it differs.
    pub traces: Option<String>,
    /// Full URL for metrics, where it differs.
    pub metrics: Option<String>,
    /// Full URL for logs, where it differs.
    pub logs: Option<String>,
    /// Protocol of all signals.
    pub protocol: Protocol,
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
    /// Time one request may take.
    pub timeout: Duration,
    /// Compression of request bodies.
    pub compression: Compression,
}

/// Settings of one service's telemetry.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `false`: nothing is recorded or exported; trace context passes through unchanged.
    pub enabled: bool,
    /// `service.name`.
    pub service: String,
    /// `service.version`.
    pub version: String,
    /// `service.namespace`.
    pub namespace: String,
    /// `service.instance.id`; a random UUID unless set.
    pub instance: String,
    /// `deployment.environment`.
    pub environment: String,
    /// Further resource attributes.
    pub resource: Vec<(String, String)>,
    /// Address (`http://host:port`) at which the service answers for its work.
    pub work_endpoint: Option<String>,
    /// Where telemetry goes.
    pub destination: Destination,
    /// When spans and logs leave.
    pub batching: Batching,
    /// Export every span at once (`OTEL_DEBUG`).
    pub immediate: bool,
    /// Which spans are recorded.
    pub sampling: Sampling,
    /// Time between exports of metrics.
    pub metric_interval: Duration,
    /// Which names HTTP attributes go by.
    pub http_names: HttpNames,
}

impl Settings {
    /// The guide's defaults for a service of this name.
    pub fn new(service: &str) -> Self {
        unimplemented!("{service}")
    }

    /// Reads every variable of [`super::variables`]; what is unset has the guide's default.
    ///
    /// Where the guide and the OpenTelemetry specification spell a variable differently (`OTEL_BSP_SCHEDULE_DELAY_MILLIS` and
    /// `OTEL_BSP_SCHEDULE_DELAY`), the guide's spelling wins if both are set.
    ///
    /// # Errors
    /// All variables whose values cannot be used, together.
    pub fn from_env(env: &dyn Env, default_service: &str) -> Result<Self, InvalidSettings> {
        let _ = env;
        Ok(Self::new(default_service))
    }

    /// `service.name`.
    #[must_use]
    pub fn with_service(mut self, service: &str) -> Self {
        service.clone_into(&mut self.service);
        self
    }

    /// `service.version`.
    #[must_use]
    pub fn with_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// `service.instance.id`.
    #[must_use]
    pub fn with_instance(mut self, instance: &str) -> Self {
        instance.clone_into(&mut self.instance);
        self
    }

    /// Base URL of the receiver, for all signals.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: &str) -> Self {
        self.destination.endpoint = Some(endpoint.to_owned());
        self
    }

    /// Protocol of all signals.
    #[must_use]
    pub fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.destination.protocol = protocol;
        self
    }

    /// Time between exports of spans and logs.
    #[must_use]
    pub fn with_schedule_delay(mut self, delay: Duration) -> Self {
        self.batching.delay = delay;
        self
    }

    /// Time between exports of metrics.
    #[must_use]
    pub fn with_metric_interval(mut self, interval: Duration) -> Self {
        self.metric_interval = interval;
        self
    }

    /// Address (`http://host:port`) at which the service answers for its work.
    #[must_use]
    pub fn with_work_endpoint(mut self, address: &str) -> Self {
        self.work_endpoint = Some(address.to_owned());
        self
    }
}
