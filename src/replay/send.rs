//! One request over HTTP, and what came back.
//!
//! Fed by `check` with prepared bytes. No retries, no redirects, no proxy: what the service answers is what is judged, and a request is sent
//! once (`wire`).

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::wire::{self, Tls};

/// Sends requests to services. A clone shares what it knows of TLS.
#[derive(Debug, Clone, Default)]
pub struct Sender {
    tls: Tls,
}

/// A request that is ready to go.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// HTTP method.
    pub method: Method,
    /// Full address.
    pub url: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The exact bytes.
    pub body: Bytes,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// When the headers came, in nanoseconds since the Unix epoch.
    pub head_ns: u64,
    /// From the first byte sent to the last one received.
    pub elapsed: Duration,
}

/// How much of an answer had come when the time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// Not a byte.
    Nothing,
    /// Status and headers, and not the whole body.
    Head(StatusCode),
}

/// Why nothing came back, as what is said of the service: `did not answer within 14.9 s`.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The address cannot be used.
    #[error("has an address that cannot be used")]
    Address,
    /// The name of the host leads nowhere.
    #[error("cannot be found: the name `{host}` has no address ({reason})")]
    Resolve {
        /// The host.
        host: String,
        /// What the operating system says.
        reason: String,
    },
    /// There is no connection.
    #[error("{}", refusal(*.refused, .reason))]
    Connect {
        /// Whether nobody listens there, rather than that it cannot be reached.
        refused: bool,
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What the operating system says.
        reason: String,
    },
    /// There was no connection in time.
    #[error("could not be connected to within {}", seconds(*.after))]
    ConnectTimeout {
        /// How long was waited.
        after: Duration,
    },
    /// There is a connection, and no TLS on it.
    #[error("could not be spoken to by TLS: {reason}")]
    Tls {
        /// What is wrong.
        reason: String,
    },
    /// It took too long.
    #[error("did not answer within {} (connected after {}, {})", seconds(*.after), millis(*.connected), so_far(*.came))]
    Timeout {
        /// How long was waited.
        after: Duration,
        /// When the connection stood.
        connected: Duration,
        /// What had come.
        came: Came,
    },
    /// The connection was closed before a byte of an answer.
    #[error("closed the connection after the request was sent, without an answer")]
    Closed,
    /// The connection broke.
    #[error("broke the connection before it answered: {reason}")]
    Broken {
        /// What the transport says.
        reason: String,
    },
    /// The connection was closed within the body of the answer.
    #[error("answered {} and closed the connection before its answer was whole", status.as_u16())]
    Cut {
        /// The status.
        status: StatusCode,
    },
    /// What came back is something else.
    #[error("answered something that is not HTTP")]
    NotHttp,
    /// The answer has no end.
    #[error("answered more than {} MiB", limit / 1024 / 1024)]
    TooLarge {
        /// The most that is read, in bytes.
        limit: usize,
    },
}

impl SendError {
    /// The error in one word, for `error.type`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Address | Self::Resolve { .. } | Self::Connect { .. } | Self::ConnectTimeout { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Timeout { .. } => "timeout",
            Self::Closed | Self::Broken { .. } | Self::Cut { .. } => "broken",
            Self::NotHttp | Self::TooLarge { .. } => "answer",
        }
    }

    /// The error in a few words, for a list of answers.
    pub fn brief(&self) -> &'static str {
        match self {
            Self::Address => "no usable address",
            Self::Resolve { .. } => "name without an address",
            Self::Connect { refused: true, .. } => "connection refused",
            Self::Connect { .. } | Self::ConnectTimeout { .. } => "no connection",
            Self::Tls { .. } => "no TLS",
            Self::Timeout { .. } => "timed out",
            Self::Closed | Self::Broken { .. } | Self::Cut { .. } => "connection closed",
            Self::NotHttp => "not HTTP",
            Self::TooLarge { .. } => "endless answer",
        }
    }

    /// Whether the request never reached the service, so that nothing is known of what it would have done.
    pub fn is_before_the_service(&self) -> bool {
        matches!(
            self,
            Self::Address | Self::Resolve { .. } | Self::Connect { .. } | Self::ConnectTimeout { .. } | Self::Tls { .. }
        )
    }
}

impl Sender {
    /// Sends once, and reads the whole answer; gives up when `within` is over.
    pub async fn send(&self, outgoing: Outgoing, within: Duration) -> Result<Answer, SendError> {
        wire::exchange(&self.tls, outgoing, within).await
    }
}

fn refusal(refused: bool, reason: &str) -> String {
    if refused { "refuses connections".to_owned() } else { format!("cannot be connected to: {reason}") }
}

fn so_far(came: Came) -> String {
    match came {
        Came::Nothing => "no byte came".to_owned(),
        Came::Head(status) => format!("{} came without the end of its body", status.as_u16()),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis().max(1))
}
