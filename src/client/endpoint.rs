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
}

impl Endpoint {
    /// An address with its headers, certificates and patience.
    pub(super) fn new(at: &Address) -> Result<Self, ClientError> {
        Ok(Self { http: client_for(at)?, base: at.url.clone(), patience: at.timeout })
    }

    /// An address that needs nothing, asked with a client that is there already.
    pub(super) fn plain(http: Client, base: impl Into<String>) -> Self {
        Self { http, base: base.into(), patience: PATIENCE }
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
}

/// Without the client, which knows the headers.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("base", &address::shown(&self.base)).finish_non_exhaustive()
    }
}
