//! Randomness behind a handle: the operating system's for ids that must be unique, a seeded one for what `--seed` repeats.
//!
//! Read by `replay` (trace ids, fresh values), `telemetry` and `demo` (ids of runs and instances).

use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};

/// `N` random bytes, never all zero (an all-zero trace or span id is invalid by W3C Trace Context).
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0_u8; N];
    while out.iter().all(|byte| *byte == 0) {
        rand::rng().fill_bytes(&mut out);
    }
    out
}

/// A random version 4 UUID in its canonical text form.
pub fn uuid() -> String {
    let mut raw = bytes::<16>();
    raw[6] = (raw[6] & 0x0f) | 0x40;
    raw[8] = (raw[8] & 0x3f) | 0x80;
    let hex = const_hex::encode(raw);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A repeatable source: the same seed gives the same values in the same order.
#[derive(Debug, Clone)]
pub struct Seeded(StdRng);

impl Seeded {
    /// The source of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A source of the operating system's entropy.
    pub fn from_entropy() -> Self {
        Self(StdRng::from_os_rng())
    }

    /// A number in `0..below`; `below` must not be zero.
    pub fn below(&mut self, below: u64) -> u64 {
        self.0.random_range(0..below)
    }
}
