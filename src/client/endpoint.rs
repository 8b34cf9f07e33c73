//! A server and the client that talks to it: what all readers of one address share.
//!
//! Made from an [`Address`]; used by the clients of this room.

use std::{fmt, time::Duration};

use reqwest::{Client, RequestBuilder, Response, Url};

use super::{
    ClientError,
    http::{PATIENCE, client_for, send_within, under},
};
use crate::support::address::{self, Address};

/// Where to ask, with whom, and for how long.
#[derive(Clone)]
pub(super) struct Endpoint {
    http: Client,
    base: String,
    patience: Duration,
    /// What no error may repeat, even where the server does.
    secrets: Vec<String>,
}

/// A shorter piece of a header is no key, and would be found in words that are none.
const SHORTEST_SECRET: usize = 6;

impl Endpoint {
    /// An address with its headers, certificates and patience.
    pub(super) fn new(at: &Address) -> Result<Self, ClientError> {
        Ok(Self { http: client_for(at)?, base: at.url.clone(), patience: at.timeout, secrets: secrets(at) })
    }

    /// An address that needs nothing, asked with a client that is there already.
    pub(super) fn plain(http: Client, base: impl Into<String>) -> Self {
        Self { http, base: base.into(), patience: PATIENCE, secrets: Vec::new() }
    }

    /// Asks for `path`; `complete` adds query and headers. The address comes back for errors about the answer.
    pub(super) async fn get(
        &self,
        path: &str,
        complete: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<(Response, Url), ClientError> {
        let url = under(&self.base, path)?;
        let response = send_within(complete(self.http.get(url.clone())), &url, self.patience).await?;
        Ok((response, url))
    }

    /// An error without the keys that went along: a server may quote in its answer what it was sent.
    pub(super) fn discreet(&self, mut error: ClientError) -> ClientError {
        let said = match &mut error {
            ClientError::Status { body, .. } => body,
            ClientError::Refused { words, .. } => words,
            ClientError::Shape { reason, .. } => reason,
            _ => return error,
        };
        for secret in &self.secrets {
            *said = said.replace(secret.as_str(), "…");
            // A quote is cut somewhere, and that may be within a key.
            let cut = (SHORTEST_SECRET..secret.len()).rev().filter_map(|end| secret.get(..end)).find(|part| said.ends_with(part));
            if let Some(part) = cut {
                said.truncate(said.len() - part.len());
                said.push('…');
            }
        }
        error
    }
}

/// The values of headers and their words (`Bearer`, then a token), the longest first.
fn secrets(at: &Address) -> Vec<String> {
    let words = at.headers.values().flat_map(|value| std::iter::once(value.as_str()).chain(value.split_whitespace()));
    let mut secrets: Vec<_> = words.filter(|word| word.len() >= SHORTEST_SECRET).map(str::to_owned).collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

/// Without the client, which knows the headers.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("base", &address::shown(&self.base)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_quotes_is_told_without_keys_even_where_the_quote_is_cut() {
        let mut at = Address::plain("http://127.0.0.1:1");
        at.headers.insert("authorization".into(), "Bearer abcdef-ghijkl".into());
        let endpoint = Endpoint::new(&at).unwrap();
        for (said, told) in [
            ("no: Bearer abcdef-ghijkl, sorry", "no: …, sorry"),
            ("no: abcdef-ghijkl", "no: …"),
            ("no: Bearer abcdef-gh", "no: …"),
            ("no: abcdef-", "no: …"),
            ("no: abc", "no: abc"),
        ] {
            let error = ClientError::Status { url: String::new(), status: 401, body: said.to_owned() };
            let ClientError::Status { body, .. } = endpoint.discreet(error) else { unreachable!() };
            assert_eq!(body, told);
        }
    }
}
