//! A request from one protocol into the other: the same message in another envelope.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE},
    uri::PathAndQuery,
};

use super::Outgoing;
use crate::backend::wire::{Compression, Encoding, frame};

/// What gRPC says of a call and HTTP has no use for starts so.
const GRPC: &str = "grpc-";

/// An export in protobuf, packed or not.
#[derive(Debug, Clone)]
pub(in crate::backend) struct Message {
    /// How it is packed.
    pub(in crate::backend) compression: Compression,
    /// As it is packed.
    pub(in crate::backend) bytes: Bytes,
}

impl Message {
    /// A message that is not packed.
    pub(in crate::backend) fn plain(bytes: Vec<u8>) -> Self {
        Self { compression: Compression::Identity, bytes: bytes.into() }
    }

    /// The message as it can be sent to anyone: gzip, which every receiver must take, stays; zstd, which few take, is given up.
    pub(in crate::backend) fn widely_understood(compression: Compression, packed: &Bytes, plain: &Bytes) -> Self {
        match compression {
            Compression::Gzip => Self { compression, bytes: packed.clone() },
            Compression::Identity | Compression::Zstd => Self { compression: Compression::Identity, bytes: plain.clone() },
        }
    }
}

/// What came over gRPC, for a receiver that speaks HTTP.
pub(in crate::backend) fn http_request(headers: &HeaderMap, message: Message, path: &'static str) -> Outgoing {
    let mut headers = common(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(Encoding::Protobuf.content_type()));
    if message.compression != Compression::Identity {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(message.compression.name()));
    }
    Outgoing { method: Method::POST, path: PathAndQuery::from_static(path), headers, body: message.bytes }
}

/// What came over HTTP, for a receiver that speaks gRPC.
pub(in crate::backend) fn grpc_request(headers: &HeaderMap, message: &Message, method: &'static str) -> Outgoing {
    let mut headers = common(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let packed = message.compression != Compression::Identity;
    if packed {
        headers.insert(HeaderName::from_static("grpc-encoding"), HeaderValue::from_static(message.compression.name()));
    }
    let body = frame(&message.bytes, packed);
    Outgoing { method: Method::POST, path: PathAndQuery::from_static(method), headers, body }
}

/// The headers that mean the same in both.
fn common(headers: &HeaderMap) -> HeaderMap {
    let envelope = |name: &HeaderName| {
        name.as_str().starts_with(GRPC) || [CONTENT_TYPE, CONTENT_ENCODING, ACCEPT, ACCEPT_ENCODING].contains(name)
    };
    headers.iter().filter(|(name, _)| !envelope(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}
