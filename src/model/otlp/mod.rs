//! Between the wire's shapes (`opentelemetry-proto`) and the model's.
//!
//! Fed by the receiver and by readers of files and backends; spans go both ways, logs and metrics only in.

mod common;
mod logs;
mod metrics;
mod traces;

pub use common::{attributes_in, attributes_out};
pub use logs::logs_of;
pub use metrics::{BadPoints, points_of};
pub use traces::{BadSpan, spans_of, traces_data};
