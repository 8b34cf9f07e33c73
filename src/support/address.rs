//! Where a server is and what is needed to talk to it; one type for stores, next hops and remote stacks.
//!
//! Read from stack files by `stack`; used by `client` and `backend`.

use std::{borrow::Cow, collections::BTreeMap, fmt, time::Duration};

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

/// An address as it may be shown: without the name and the password that some carry before their host.
pub fn shown(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return Cow::Borrowed(url) };
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => Cow::Owned(format!("{scheme}://{}", &rest[at + 1..])),
        None => Cow::Borrowed(url),
    }
}

fn default_timeout() -> Duration {
    TIMEOUT
}

/// Names of headers without their values, and no password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Address").field("url", &shown(&self.url)).field("headers", &headers).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_shown() {
        let mut address = Address::plain("https://jo:pass-word@tempo.example.com/tempo/");
        address.headers.insert("x-key".into(), "a-secret".into());
        let shown = format!("{address:?}");
        assert!(shown.contains("https://tempo.example.com/tempo") && shown.contains("x-key"), "{shown}");
        assert!(!shown.contains("pass-word") && !shown.contains("a-secret"), "{shown}");
        assert_eq!(super::shown("http://127.0.0.1:9/a@b"), "http://127.0.0.1:9/a@b");
    }
}
