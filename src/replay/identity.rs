//! By what one case is told from all others: its trace, its correlation id, its client address, its nonce.
//!
//! Made by `check` for each case and repetition, read by everything that sends or follows it.

use crate::{
    model::{SpanId, TraceId},
    support::random,
};

/// What every correlation id of a case begins with.
pub const CORRELATION_PREFIX: &str = "devstack-";

/// The identity of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Random, never from the seed: a trace id must be unique in the backend for ever.
    pub trace_id: TraceId,
    /// devstack's root span.
    pub root: SpanId,
    /// Sent as `x-correlation-id`.
    pub correlation_id: String,
    /// Sent as `X-Forwarded-For`, so that rate limits by address do not meet: random within `2001:db8::/32`, which RFC 3849 reserves for
    /// documentation.
    pub address: String,
    /// What fresh values of bodies are made from.
    pub nonce: u64,
}

impl Identity {
    /// A new identity; `nonce` must differ from case to case.
    pub fn new(nonce: u64) -> Self {
        let word = || u16::from_be_bytes(random::bytes());
        Self {
            trace_id: TraceId::random(),
            root: SpanId::random(),
            correlation_id: format!("{CORRELATION_PREFIX}{}", random::uuid()),
            address: format!("2001:db8:{:x}:{:x}::{:x}:{:x}", word(), word(), word(), word()),
            nonce,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Identity;

    #[test]
    fn the_address_is_one_and_within_the_documentation_range() {
        let address: std::net::Ipv6Addr = Identity::new(1).address.parse().expect("an address");
        assert_eq!(address.segments()[..2], [0x2001, 0x0db8]);
    }
}
