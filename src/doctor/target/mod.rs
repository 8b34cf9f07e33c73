//! The service that listens at a URL: why its traces do not come, or that they do.
//!
//! Two questions, apart from each other. What can be told without sending anything: `look` finds the process, `told` judges its command
//! line and variables. What measuring shows: `measure` sends one control request and watches what arrives, `measured` judges that. Both
//! write into [`Facts`]; every rule is a function of these alone. [`Examination`] has all findings, the most probable cause first in
//! [`Examination::sentences`], and the two troubleshooting lists of the guide with what was measured of each line (`lists`).
//!
//! Asked by `cli`: for `doctor --target`, and for a replay in which nothing arrived.

mod behind;
mod examine;
mod facts;
mod finding;
mod language;
mod lists;
mod look;
mod measure;
mod measured;
mod propagation;
mod told;

#[cfg(test)]
mod tests;

pub use behind::{Behind, behind};
pub use examine::{Examination, Probable, Sentences, examine};
pub use facts::{
    Asked, Destination, Exit, ExitHow, Facts, Measured, Process, Reach, Receiver, Relative, SpanSeen, Subject, TargetUrlError,
};
pub use language::{Language, Loading};
pub use lists::{Line, List, Told};
pub use propagation::{Lost, Propagation};
