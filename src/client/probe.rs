//! Asks a server whether it answers at all.
//!
//! Read by `runtime` for the status of remote stacks.

use super::{ClientError, endpoint::Endpoint, http::successful};
use crate::support::address::Address;

/// Whether a GET of `path` is answered with 200.
pub async fn probe(at: &Address, path: &str) -> Result<(), ClientError> {
    let (response, url) = Endpoint::new(at)?.get(path, |request| request).await?;
    successful(response, &url).await.map(drop)
}
