//! Follows what arrives at a backend, as it arrives (`model::traffic` documents the path).

use futures_util::{Stream, StreamExt as _, stream};
use reqwest::Client;

use super::{
    ClientError,
    http::{PATIENCE, failed, shape, successful, under},
};
use crate::model::{Happening, traffic::TAIL_PATH};

/// Follows a backend's live feed over HTTP.
#[derive(Debug, Clone)]
pub struct TailClient {
    http: Client,
    base: String,
}

impl TailClient {
    /// A follower of the feed at `base`, the address of a backend's API such as `http://127.0.0.1:3200`.
    pub fn new(http: Client, base: impl Into<String>) -> Self {
        Self { http, base: base.into() }
    }

    /// Everything that happens from now on: when this returns, nothing is missed any more. The stream ends when the backend does; an
    /// error is its last item.
    pub async fn follow(&self) -> Result<impl Stream<Item = Result<Happening, ClientError>> + Send + Unpin + use<>, ClientError> {
        let url = under(&self.base, TAIL_PATH)?;
        // Only the head of the answer has to come soon.
        let begun = tokio::time::timeout(PATIENCE, self.http.get(url.clone()).send()).await;
        let late = |_| ClientError::Timeout { url: url.to_string(), after: PATIENCE };
        let response = begun.map_err(late)?.map_err(|error| failed(error, &url, PATIENCE))?;
        let parts = successful(response, &url).await?.bytes_stream().boxed();
        Ok(stream::unfold(Some((parts, Vec::new())), move |state| {
            let url = url.clone();
            async move {
                let (mut parts, mut held) = state?;
                loop {
                    if let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                        let rest = held.split_off(end + 1);
                        let line = std::mem::replace(&mut held, rest);
                        let happening = serde_json::from_slice(&line).map_err(|error| shape(&url, &error));
                        return Some((happening, Some((parts, held))));
                    }
                    match parts.next().await? {
                        Ok(part) => held.extend_from_slice(&part),
                        // A backend that dies does not say goodbye: that is the end, too.
                        Err(_) => return None,
                    }
                }
            }
        })
        .boxed())
    }
}
