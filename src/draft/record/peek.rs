//! Looking at a body while it passes: all of it up to a limit, and what is longer goes on as a stream without being looked at.
//!
//! Read by [`super::pass`].

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};

/// A body as far as it was looked at.
pub(super) enum Peeked {
    /// All of it.
    Whole(Bytes),
    /// It is longer than what is looked at; this is what goes on.
    Longer(Body),
}

/// Reads a body up to `limit` bytes. Trailers, which speak of one connection's encoding, end here.
pub(super) async fn peek(body: Body, limit: usize) -> Result<Peeked, axum::Error> {
    let mut rest = body.into_data_stream();
    let mut begun = BytesMut::new();
    while let Some(data) = rest.next().await {
        begun.extend_from_slice(&data?);
        if begun.len() > limit {
            let begun = stream::iter([Ok(begun.freeze())]);
            return Ok(Peeked::Longer(Body::from_stream(begun.chain(rest))));
        }
    }
    Ok(Peeked::Whole(begun.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_longer_goes_on_whole_and_is_not_kept() {
        let parts = ["abc", "def", "ghi"].map(|part| Ok::<_, std::io::Error>(Bytes::from(part)));
        let body = || {
            Body::from_stream(stream::iter(
                parts.iter().map(|part| Ok::<_, std::io::Error>(part.as_ref().unwrap().clone())).collect::<Vec<_>>(),
            ))
        };
        assert!(matches!(peek(body(), 9).await, Ok(Peeked::Whole(bytes)) if bytes == "abcdefghi"));
        let Ok(Peeked::Longer(body)) = peek(body(), 4).await else { panic!("it is longer") };
        assert_eq!(axum::body::to_bytes(body, 100).await.unwrap(), "abcdefghi");
    }
}
