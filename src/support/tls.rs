//! The one provider of cryptography of this process: ring.
//!
//! reqwest and tonic are built without a provider of their own, and a client that is made before one is named panics. So whoever makes
//! HTTP clients calls [`install`] first; `client`, `demo` and `telemetry` do.

use std::sync::Once;

/// Names ring as the provider of TLS, once; one that the program has named before stays.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The error is the provider that is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
