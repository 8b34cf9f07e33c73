//! Where a server is and what is needed to talk to it; one type for stores, next hops and remote stacks.
//!
//! Read from stack files by `stack`; used by `client` and `backend`.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// How long an answer may take where nobody says.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An address with what is needed to talk to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// `http://` or `https://`, host, port, and a path where there is one; no slash at the end.
    pub url: String,
    /// Headers for each request; their values are secrets and never shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// PEM certificates to trust besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// How long an answer may take.
    #[serde(rename = "timeout_ms", with = "super::millis", default = "default_timeout")]
    pub timeout: Duration,
}

impl Address {
    /// An address that needs nothing else.
    pub fn plain(url: impl Into<String>) -> Self {
        let url: String = url.into();
        Self { url: url.trim_end_matches('/').to_owned(), headers: BTreeMap::new(), ca: None, timeout: TIMEOUT }
    }
}

fn default_timeout() -> Duration {
    TIMEOUT
}

/// Names of headers without their values.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Address").field("url", &self.url).field("headers", &headers).finish_non_exhaustive()
    }
}
