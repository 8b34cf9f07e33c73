//! How whatever stands in for a part of a system says so in its telemetry.
//!
//! Set by `standin` on the resource of its spans; read by `model`, so that no expectation on the real service is met by it.

/// The resource attribute; `true` on everything that a stand-in sends.
pub const ATTRIBUTE: &str = "devstack.stand_in";
