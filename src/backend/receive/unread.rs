//! Why a request could not be taken apart, and what OTLP makes of it: nearly all of it is permanent, the same bytes would fail again.

use axum::http::StatusCode;
use tonic::Code;

use super::{body::BodyError, decode::DecodeError};
use crate::backend::{
    forward::{Protocol, Refusal},
    wire::{Compression, FrameError, UnpackError},
};

/// Why a request could not be taken apart.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    /// Its body could not be read, or there is no room for it.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// It is packed in a way that is not understood.
    #[error("unsupported {header} `{name}`, supported: [{}]", Compression::SUPPORTED)]
    Compression {
        /// The header that says so.
        header: &'static str,
        /// What it says.
        name: String,
    },
    /// It could not be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// It is not the one message of a gRPC call.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// It is not what it claims.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// JSON in a gRPC message.
    #[error("the message is JSON; OTLP over gRPC is protobuf, JSON is sent over HTTP to {http}")]
    JsonOverGrpc {
        /// Where JSON is taken.
        http: String,
    },
}

impl Unread {
    /// What whoever runs the sender can do, where the reason does not say it.
    pub(super) fn fix(&self) -> Option<&'static str> {
        match self {
            Self::Body(BodyError::TooLarge { .. }) | Self::Unpack(UnpackError::Bomb { .. }) => {
                Some("send smaller batches (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)")
            }
            Self::Compression { .. } => Some("set OTEL_EXPORTER_OTLP_COMPRESSION to gzip or none"),
            Self::Unpack(UnpackError::Broken { .. }) => Some("the header that names the compression must fit the body"),
            Self::Decode(DecodeError::Protobuf { .. } | DecodeError::Json { .. }) => {
                Some("the path, the content-type and the body must be of the same signal and encoding")
            }
            _ => None,
        }
    }

    /// Whether the same request may be taken a little later.
    pub(super) fn is_for_now(&self) -> bool {
        matches!(self, Self::Body(BodyError::NoRoom))
    }

    /// What the sender is answered. OTLP/HTTP: only 429, 502, 503 and 504 are sent again. OTLP/gRPC: `RESOURCE_EXHAUSTED` and
    /// `OUT_OF_RANGE`, which fit what is too large, could make the sender try again, so they are not used.
    pub(super) fn refusal(&self, came_by: Protocol) -> Refusal {
        let (http, code) = match self {
            Self::Body(BodyError::NoRoom) => return Refusal::for_now(self.to_string()),
            Self::Body(BodyError::TooLarge { .. }) | Self::Unpack(UnpackError::Bomb { .. }) => {
                (StatusCode::PAYLOAD_TOO_LARGE, Code::InvalidArgument)
            }
            Self::Body(BodyError::Slow) => (StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded),
            Self::Compression { .. } if came_by == Protocol::Grpc => (StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::Unimplemented),
            Self::Compression { .. } => (StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument),
            Self::Body(BodyError::Broken(_))
            | Self::Unpack(UnpackError::Broken { .. })
            | Self::Frame(_)
            | Self::Decode(_)
            | Self::JsonOverGrpc { .. } => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
        };
        Refusal::new(http, code, self.to_string())
    }
}
