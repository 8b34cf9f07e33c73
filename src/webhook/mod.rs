//! Webhook providers: where their deliveries go, how they are signed, and which values of their bodies are fresh in every delivery.
//!
//! A delivery is prepared with [`freshen`] (new ids, times moved to now, personal values that can be searched for), then signed over
//! exactly those bytes with [`sign()`]. The receiving side checks with [`verify()`]. Read by `fixture` (provider names), `replay`
//! (preparing and signing), `demo` (verifying) and `check` (which values must not leak, [`Replacement::needles`]).

mod built_in;
pub mod definition;
mod detect;
pub mod fields;
pub mod file;
mod form;
mod fresh;
mod moment;
pub mod provider;
pub mod scan;
pub mod secrets;
pub mod sign;
pub mod splice;
pub mod template;
pub mod verify;

pub use built_in::PLAIN;
pub use definition::{Content, Definition};
pub use fields::FieldKind;
pub use fresh::Supply;
pub use provider::{Provider, Providers};
pub use scan::ScanError;
pub use secrets::Secrets;
pub use sign::{Parts, Signature, sign};
pub use splice::{Freshness, Prepared, Renewal, Replacement, Shift, SpliceError, freshen};
pub use verify::{SignatureError, same_secret, verify};
