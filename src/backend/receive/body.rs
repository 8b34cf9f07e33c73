//! Request bodies, read within a limit and within the room there is.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use crate::backend::forward::Allowance;

/// How much of a body that is too large is read and thrown away before it is refused. A sender that is still writing when the
/// connection closes sees a reset instead of the answer; beyond this it has to live with that.
const DISCARD: usize = 128 * 1024 * 1024;

/// How long a sender may take for a whole body.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// More bytes than allowed.
    #[error("the body is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// It would be too much at once.
    #[error("too much is under way to the next hop, come again")]
    NoRoom,
    /// It took too long.
    #[error("the body did not arrive within {} s", PATIENCE.as_secs())]
    Slow,
    /// The connection broke.
    #[error("the body broke off: {0}")]
    Broken(axum::Error),
}

/// Reads a body of at most `limit` bytes; where they need room, they take it as they come.
pub(super) async fn read(body: Body, limit: usize, allowance: Option<&mut Allowance>) -> Result<Bytes, BodyError> {
    let mut chunks = body.into_data_stream();
    tokio::time::timeout(PATIENCE, collect(&mut chunks, limit, allowance)).await.unwrap_or(Err(BodyError::Slow))
}

async fn collect(chunks: &mut BodyDataStream, limit: usize, mut allowance: Option<&mut Allowance>) -> Result<Bytes, BodyError> {
    let mut kept = Kept::default();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(BodyError::Broken)?;
        let refused = if kept.len() + chunk.len() > limit {
            Some(BodyError::TooLarge { limit })
        } else if allowance.as_mut().is_some_and(|allowance| !allowance.take(chunk.len())) {
            Some(BodyError::NoRoom)
        } else {
            None
        };
        if let Some(error) = refused {
            drop(kept);
            discard(chunks).await;
            return Err(error);
        }
        kept.add(chunk);
    }
    Ok(kept.whole())
}

/// A body as far as it is here. Most are one chunk, which is kept as it came.
#[derive(Default)]
struct Kept {
    first: Bytes,
    all: BytesMut,
}

impl Kept {
    fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    fn add(&mut self, chunk: Bytes) {
        if self.len() == 0 {
            self.first = chunk;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&chunk);
    }

    fn whole(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}

async fn discard(chunks: &mut BodyDataStream) {
    let mut discarded = 0;
    while let Some(Ok(chunk)) = chunks.next().await {
        discarded += chunk.len();
        if discarded > DISCARD {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{UnderWay, forward::Room};

    async fn read_of(bytes: usize, limit: usize) -> Result<Bytes, BodyError> {
        read(Body::from(vec![1; bytes]), limit, None).await
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit_and_no_further() {
        assert_eq!(read_of(10, 10).await.unwrap().len(), 10);
        assert!(matches!(read_of(11, 10).await, Err(BodyError::TooLarge { limit: 10 })));
        assert_eq!(read_of(0, 10).await.unwrap().len(), 0);
    }

    #[tokio::test]
    async fn chunks_are_put_together() {
        let chunks = ["a", "bc", "", "d"].map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk.as_bytes())));
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        assert_eq!(read(body, 4, None).await.unwrap(), "abcd");
    }

    #[tokio::test]
    async fn a_body_for_which_there_is_no_room_is_not_held() {
        let room = Room::new(UnderWay { requests: 1, bytes: 10 }, 10);
        let mut held = room.allowance();
        assert!(held.take(5));
        let mut allowance = room.allowance();
        let refused = read(Body::from(vec![1; 6]), 10, Some(&mut allowance)).await;
        assert!(matches!(refused, Err(BodyError::NoRoom)), "{refused:?}");
        assert_eq!(read(Body::from(vec![1; 5]), 10, Some(&mut allowance)).await.unwrap().len(), 5);
    }
}
