//! Idempotency keys as the MedicalCor API makes them: a namespace and a hash of what identifies the delivery.
//!
//! Fed by the webhook routes and by tasks that trigger child tasks; read by the Trigger endpoint, which runs a key once.

use sha2::{Digest, Sha256};

/// Hex digits of the hash that the API keeps (`medicalcor.md` 2.1).
const KEPT_DIGITS: usize = 32;

/// The API's key: `<namespace>:` and the first 32 hex digits of SHA-256 over the components joined by `:`.
pub(crate) fn key(namespace: &str, components: &[&str]) -> String {
    let hash = const_hex::encode(Sha256::digest(components.join(":")));
    format!("{namespace}:{}", &hash[..KEPT_DIGITS])
}

/// What travels in `options.idempotencyKey`: the Trigger SDK hashes the API's key once more, to 64 hex digits.
pub(crate) fn wire_key(key: &str) -> String {
    const_hex::encode(Sha256::digest(key))
}

#[cfg(test)]
mod tests {
    use super::{key, wire_key};

    #[test]
    fn keys_are_those_of_the_real_system() {
        let vectors: [(&str, &[&str], &str); 6] = [
            ("wa-msg", &["wamid.TEST1"], "wa-msg:c616bedf984d84e03c716bd5e7d3887d"),
            ("wa-status", &["wamid.TEST1", "delivered"], "wa-status:6e2a07850af5f0d358383ee170ebb05a"),
            ("payment-success", &["pi_123"], "payment-success:8bbf7c44c84adb6111948a0baed19b14"),
            ("payment-failed", &["pi_123"], "payment-failed:8bbf7c44c84adb6111948a0baed19b14"),
            ("refund", &["refund_pi_123"], "refund:488b27c2c65352df75709b604072bcd8"),
            ("booking", &["hs_1", "slot-9"], "booking:d53f65d2de27969754ae1383d41e98e6"),
        ];
        for (namespace, components, expected) in vectors {
            assert_eq!(key(namespace, components), expected);
        }
    }

    #[test]
    fn the_wire_key_is_a_second_hash() {
        let wire = wire_key("wa-msg:c616bedf984d84e03c716bd5e7d3887d");
        assert_eq!(wire.len(), 64);
        assert_ne!(wire, wire_key("wa-msg:other"));
    }
}
