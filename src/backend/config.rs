//! What a backend is told before it starts, and what can go wrong then.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::sync::watch;

use super::Upstreams;

/// One mebibyte, in bytes.
const MIB: usize = 1024 * 1024;

/// Where the backend listens and how much it takes.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where OTLP over gRPC comes in; port 0 takes a free one.
    pub otlp_grpc: SocketAddr,
    /// Where OTLP over HTTP comes in; port 0 takes a free one.
    pub otlp_http: SocketAddr,
    /// Where questions are answered (Tempo's API and the ledger); port 0 takes a free one.
    pub api: SocketAddr,
    /// The largest request body in bytes, as sent and after decompression.
    pub request_limit: usize,
    /// How much the ledger keeps.
    pub capacity: Capacity,
    /// Host names that requests may be addressed to, besides those of the loopback interface.
    pub allow_hosts: Vec<String>,
    /// Where requests are passed on to; `None` where this backend is the last hop.
    pub forward: Option<watch::Receiver<Upstreams>>,
    /// How much may be under way to there.
    pub under_way: UnderWay,
    /// How long requests under way may take to finish once shutdown was asked for.
    pub drain: Duration,
}

/// How many bytes of each signal the ledger keeps; what came first leaves first. The sizes are estimated: with 128 MiB of webhook
/// traces the process took 8 % more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Bytes of spans.
    pub spans: usize,
    /// Bytes of log records.
    pub logs: usize,
    /// Bytes of metric series.
    pub metrics: usize,
}

/// How much may be under way to the next hop at once. There is no queue behind it: what is more is told to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnderWay {
    /// Requests.
    pub requests: usize,
    /// Bytes of their bodies, as sent; never less than [`Config::request_limit`], so that each request fits when it is alone.
    pub bytes: usize,
}

/// Which of the backend's listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// OTLP over gRPC.
    OtlpGrpc,
    /// OTLP over HTTP.
    OtlpHttp,
    /// Tempo's API and the ledger's.
    Api,
}

/// Why the backend could not start.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// Someone else listens there.
    #[error("{listener} cannot listen on `{address}`: the port is taken")]
    Taken {
        /// Which listener.
        listener: Listener,
        /// The address it was given.
        address: SocketAddr,
    },
    /// The operating system refused for another reason.
    #[error("{listener} cannot listen on `{address}`: {source}")]
    Listen {
        /// Which listener.
        listener: Listener,
        /// The address it was given.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Default for Config {
    fn default() -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            otlp_grpc: anywhere,
            otlp_http: anywhere,
            api: anywhere,
            request_limit: 16 * MIB,
            capacity: Capacity::default(),
            allow_hosts: Vec::new(),
            forward: None,
            under_way: UnderWay::default(),
            drain: Duration::from_secs(5),
        }
    }
}

impl Default for Capacity {
    /// 256 MiB of spans, 32 of logs, 64 of metrics (DESIGN section 6).
    fn default() -> Self {
        Self { spans: 256 * MIB, logs: 32 * MIB, metrics: 64 * MIB }
    }
}

impl Default for UnderWay {
    /// 256 requests of 64 MiB together.
    fn default() -> Self {
        Self { requests: 256, bytes: 64 * MIB }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtlpGrpc => "OTLP over gRPC",
            Self::OtlpHttp => "OTLP over HTTP",
            Self::Api => "the API",
        })
    }
}
