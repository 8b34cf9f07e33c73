//! Request bodies within a limit, before and after decompression.

use std::{io::Read, time::Duration};

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;

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
    /// More bytes than allowed once unpacked.
    #[error("the gzip body unpacks to more than the limit of {limit} bytes")]
    Bomb {
        /// The limit in bytes.
        limit: usize,
    },
    /// It took too long.
    #[error("the body did not arrive within {} s", PATIENCE.as_secs())]
    Slow,
    /// The connection broke.
    #[error("the body broke off: {0}")]
    Broken(axum::Error),
    /// Not gzip, or cut short.
    #[error("the body is not whole gzip data: {0}")]
    NotGzip(std::io::Error),
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut chunks = body.into_data_stream();
    tokio::time::timeout(PATIENCE, collect(&mut chunks, limit)).await.unwrap_or(Err(BodyError::Slow))
}

async fn collect(chunks: &mut BodyDataStream, limit: usize) -> Result<Bytes, BodyError> {
    let mut kept = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(BodyError::Broken)?;
        if kept.len() + chunk.len() > limit {
            drop(kept);
            discard(chunks).await;
            return Err(BodyError::TooLarge { limit });
        }
        kept.extend_from_slice(&chunk);
    }
    Ok(kept.freeze())
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

/// Unpacks gzip to at most `limit` bytes; never holds more, whatever the data claims.
pub(super) fn gunzip(packed: &[u8], limit: usize) -> Result<Bytes, BodyError> {
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(packed).take(limit as u64 + 1).read_to_end(&mut unpacked).map_err(BodyError::NotGzip)?;
    if unpacked.len() > limit {
        return Err(BodyError::Bomb { limit });
    }
    Ok(unpacked.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_unpacks_up_to_the_limit_and_no_further() {
        let packed = gzip(&[7; 1000]);
        assert_eq!(gunzip(&packed, 1000).unwrap().len(), 1000);
        assert!(matches!(gunzip(&packed, 999), Err(BodyError::Bomb { limit: 999 })));
        assert!(matches!(gunzip(&packed[..packed.len() - 5], 1000), Err(BodyError::NotGzip(_))));
        assert!(matches!(gunzip(b"plain", 1000), Err(BodyError::NotGzip(_))));
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit_and_no_further() {
        assert_eq!(read(Body::from(vec![1; 10]), 10).await.unwrap().len(), 10);
        assert!(matches!(read(Body::from(vec![1; 11]), 10).await, Err(BodyError::TooLarge { limit: 10 })));
    }
}
