//! Bodies and messages unpacked within a limit, whatever they claim to hold.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::HeaderValue;

/// The window that every zstd encoder may ask for: 8 MiB, as a power of two (RFC 8878, section 3.1.1.1.2).
const USUAL_WINDOW: u32 = 23;

/// How something is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend) enum Compression {
    /// Not at all.
    Identity,
    /// gzip, RFC 1952.
    Gzip,
    /// zstd, RFC 8878.
    Zstd,
}

/// Why something could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub(in crate::backend) enum UnpackError {
    /// More bytes than allowed once unpacked.
    #[error("the {name} body unpacks to more than the limit of {limit} bytes")]
    Bomb {
        /// The compression.
        name: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// Not what it claims to be, or cut short.
    #[error("the body is not whole {name} data: {source}")]
    Broken {
        /// The compression.
        name: &'static str,
        /// What the decoder said.
        source: std::io::Error,
    },
}

impl Compression {
    /// All that is understood, as it is told to senders.
    pub(in crate::backend) const SUPPORTED: &'static str = "gzip, zstd, identity";

    /// What a `content-encoding` or `grpc-encoding` header names; the name itself where it is none that is understood.
    pub(in crate::backend) fn of(header: Option<&HeaderValue>) -> Result<Self, String> {
        let name = header.map_or("identity", |value| value.to_str().unwrap_or("(not text)")).trim().to_ascii_lowercase();
        match name.as_str() {
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            "identity" | "" => Ok(Self::Identity),
            _ => Err(name),
        }
    }

    /// Its name in headers.
    pub(in crate::backend) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Unpacks to at most `limit` bytes; never holds more, whatever the data claims.
    pub(in crate::backend) fn unpack(self, packed: &Bytes, limit: usize) -> Result<Bytes, UnpackError> {
        let unpacked = match self {
            Self::Identity => return Ok(packed.clone()),
            Self::Gzip => up_to(limit, MultiGzDecoder::new(packed.as_ref())),
            Self::Zstd => unzstd(packed, limit),
        };
        let unpacked = unpacked.map_err(|source| UnpackError::Broken { name: self.name(), source })?;
        if unpacked.len() > limit {
            return Err(UnpackError::Bomb { name: self.name(), limit });
        }
        Ok(unpacked.into())
    }
}

/// The window is memory that a frame demands before it has shown a byte: it gets what is usual, or what the limit allows anyway.
fn unzstd(packed: &[u8], limit: usize) -> std::io::Result<Vec<u8>> {
    let mut decoder = zstd::Decoder::with_buffer(packed)?;
    decoder.window_log_max(limit.next_power_of_two().ilog2().clamp(USUAL_WINDOW, 27))?;
    up_to(limit, decoder)
}

/// One byte more than the limit shows that there is more.
fn up_to(limit: usize, from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(compression: Compression, data: &[u8]) -> Bytes {
        match compression {
            Compression::Identity => data.to_vec().into(),
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                encoder.write_all(data).unwrap();
                encoder.finish().unwrap().into()
            }
            Compression::Zstd => zstd::encode_all(data, 3).unwrap().into(),
        }
    }

    #[test]
    fn it_unpacks_up_to_the_limit_and_no_further() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let whole = packed(compression, &[7; 1000]);
            assert_eq!(compression.unpack(&whole, 1000).unwrap(), vec![7; 1000]);
            assert!(matches!(compression.unpack(&whole, 999), Err(UnpackError::Bomb { limit: 999, .. })), "{compression:?}");
            let cut = whole.slice(..whole.len() - 5);
            assert!(matches!(compression.unpack(&cut, 1000), Err(UnpackError::Broken { .. })), "{compression:?}");
            let plain = Bytes::from_static(b"plain");
            assert!(matches!(compression.unpack(&plain, 1000), Err(UnpackError::Broken { .. })), "{compression:?}");
            let twice = [whole.clone(), whole].concat().into();
            assert_eq!(compression.unpack(&twice, 2000).unwrap().len(), 2000, "{compression:?}");
        }
    }

    #[test]
    fn a_window_beyond_the_limit_is_refused_before_it_is_held() {
        // Magic number, a frame header without content size, and a window descriptor of 2^30 bytes.
        let greedy = Bytes::from_static(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0x00, 0x00]);
        let error = Compression::Zstd.unpack(&greedy, 16 * 1024 * 1024).unwrap_err().to_string();
        assert!(error.contains("memory") || error.contains("window"), "{error}");
    }

    #[test]
    fn names_are_known_in_any_case() {
        let of = |name: &'static str| Compression::of(Some(&HeaderValue::from_static(name)));
        assert_eq!(Compression::of(None), Ok(Compression::Identity));
        assert_eq!((of("GZip"), of("zstd"), of("")), (Ok(Compression::Gzip), Ok(Compression::Zstd), Ok(Compression::Identity)));
        assert_eq!(of("br"), Err("br".to_owned()));
    }
}
