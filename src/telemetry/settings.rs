//! What a service's telemetry does: who it is, where it sends to, how often, what it samples.
//!
//! Made from the environment by `environment`, or by programs that know; read by `exporters`, `resource` and `service`.

use std::time::Duration;

use super::environment;
use super::error::InvalidSettings;
use crate::support::env::Env;
use crate::support::random;

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

impl Default for Batching {
    /// The guide's: 512 of at most 2048, every 5 s, 30 s each.
    fn default() -> Self {
        Self { max_batch: 512, max_queue: 2048, delay: Duration::from_secs(5), timeout: Duration::from_secs(30) }
    }
}

impl Default for Destination {
    /// OTLP over HTTP to this machine, without headers or compression, 10 s a request.
    fn default() -> Self {
        Self {
            endpoint: None,
            traces: None,
            metrics: None,
            logs: None,
            protocol: Protocol::default(),
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            compression: Compression::default(),
        }
    }
}

impl Destination {
    /// The base URL, without a slash at its end.
    pub(super) fn base(&self) -> &str {
        let default = match self.protocol {
            Protocol::Grpc => "http://localhost:4317",
            Protocol::HttpProtobuf | Protocol::HttpJson => "http://localhost:4318",
        };
        self.endpoint.as_deref().unwrap_or(default).trim_end_matches('/')
    }
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
    /// The guide's defaults for a service of this name; the instance id is a new random UUID.
    pub fn new(service: &str) -> Self {
        Self {
            enabled: true,
            service: service.to_owned(),
            version: "0.1.0".to_owned(),
            namespace: "medicalcor".to_owned(),
            instance: random::uuid(),
            environment: "development".to_owned(),
            resource: Vec::new(),
            work_endpoint: None,
            destination: Destination::default(),
            batching: Batching::default(),
            immediate: false,
            sampling: Sampling::default(),
            metric_interval: Duration::from_mins(1),
            http_names: HttpNames::default(),
        }
    }

    /// Reads every variable of [`super::variables`]; what is unset has the guide's default.
    ///
    /// Where the guide and the OpenTelemetry specification spell a variable differently (`OTEL_BSP_SCHEDULE_DELAY_MILLIS` and
    /// `OTEL_BSP_SCHEDULE_DELAY`), the guide's spelling wins if both are set, because services that follow the guide set that one.
    /// Setters called afterwards win over the environment.
    ///
    /// # Errors
    /// All variables whose values cannot be used, together.
    pub fn from_env(env: &dyn Env, default_service: &str) -> Result<Self, InvalidSettings> {
        environment::read(env, default_service)
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

    /// Base URL of the receiver, for all signals; an `http://` URL.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: &str) -> Self {
        self.destination.endpoint = Some(endpoint.to_owned());
        self.destination.traces = None;
        self.destination.metrics = None;
        self.destination.logs = None;
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
