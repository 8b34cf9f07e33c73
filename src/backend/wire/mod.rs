//! What OTLP puts around its messages: compression, gRPC frames, statuses, and the answer to an export.
//!
//! Shared by `receive`, which answers senders, and `forward`, which reads the answers of the next hop.

mod compression;
mod export;
mod frame;
mod status;

pub(super) use compression::{Compression, UnpackError};
pub(super) use export::{ExportAnswer, Rejected};
pub(super) use frame::{FrameError, PREFIX, frame, unframe};
pub(super) use status::{Encoding, RpcStatus, is_sent_again};
