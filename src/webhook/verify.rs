//! Verifying a delivery's signature over its raw bytes, in constant time.
//!
//! Called by the demo API before it looks into a body, and by tests as the mirror of [`sign`](super::sign()).
//!
//! Where we decide differently from `MedicalCor`: a Stripe timestamp more than [`TOLERANCE_SECONDS`] in the *future* is refused like one
//! in the past (the original takes any future time, which lets a captured delivery be replayed later); of several `v1` signatures any
//! may match, as Stripe documents for secret rotation (the original looks at the last one only).

use hmac::Mac;
use http::{HeaderMap, HeaderName};

use super::sign::{CRM_SECRET, PIPEDRIVE_SIGNATURE, STRIPE_SIGNATURE, WHATSAPP_SIGNATURE, hmac, required, secret_of};
use super::{Provider, SecretName, Secrets};
use crate::support::random;

/// How far Stripe's signed timestamp may lie from now, in seconds, either way; Stripe's own libraries use the same 300.
pub const TOLERANCE_SECONDS: i64 = 300;

/// Length of an HMAC-SHA256 in bytes.
const SIGNATURE_BYTES: usize = 32;

/// Why a delivery cannot be signed, or is not taken as its provider's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// This side has no secret to sign or check with.
    #[error("secret `{variable}` is not set")]
    SecretUnset {
        /// Environment variable of the secret.
        variable: &'static str,
    },
    /// The header is not there.
    #[error("header `{header}` is missing")]
    Missing {
        /// Its name.
        header: HeaderName,
    },
    /// The header does not have the form of a signature.
    #[error("header `{header}` is malformed, expected {expected}")]
    Malformed {
        /// Its name.
        header: HeaderName,
        /// The form it should have.
        expected: &'static str,
    },
    /// The header was made with another secret, or for other bytes.
    #[error("header `{header}` does not match the body")]
    Mismatch {
        /// Its name.
        header: HeaderName,
    },
    /// The signature is true, but its timestamp is too far from now.
    #[error("header `{header}` is {age_seconds} s old, accepted is {tolerance_seconds} s either way")]
    Stale {
        /// Its name.
        header: HeaderName,
        /// Now minus the signed time; negative for a time to come.
        age_seconds: i64,
        /// [`TOLERANCE_SECONDS`].
        tolerance_seconds: i64,
    },
}

/// Checks that `headers` sign `body` as `provider` does, at `now` (Unix seconds).
pub fn verify(provider: Provider, secrets: &Secrets, headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), SignatureError> {
    let secret = required(secrets, secret_of(provider))?.as_bytes();
    match provider {
        Provider::WhatsApp => {
            let given = header(headers, &WHATSAPP_SIGNATURE)?;
            verify_plain(WHATSAPP_SIGNATURE, secret, given.strip_prefix("sha256=").unwrap_or(given), body)
        }
        Provider::Stripe => verify_timed(secret, header(headers, &STRIPE_SIGNATURE)?, body, now),
        Provider::Pipedrive => {
            verify_plain(PIPEDRIVE_SIGNATURE, secret, header(headers, &PIPEDRIVE_SIGNATURE)?, body)?;
            let expected = required(secrets, SecretName::CrmWebhook)?;
            if same_secret(expected, header(headers, &CRM_SECRET)?) {
                Ok(())
            } else {
                Err(SignatureError::Mismatch { header: CRM_SECRET })
            }
        }
    }
}

/// Whether two secrets are equal, in a time that tells nothing of where they differ or how long they are: both are hashed under a
/// random key first, and the hashes are compared in constant time.
pub fn same_secret(expected: &str, given: &str) -> bool {
    let key = random::bytes::<SIGNATURE_BYTES>();
    let expected = hmac(&key, &[expected.as_bytes()]).finalize().into_bytes();
    hmac(&key, &[given.as_bytes()]).verify_slice(&expected).is_ok()
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, SignatureError> {
    let value = headers.get(name).ok_or_else(|| SignatureError::Missing { header: name.clone() })?;
    value.to_str().map_err(|_| SignatureError::Malformed { header: name.clone(), expected: "visible ASCII characters" })
}

fn parse_hex(digits: &str) -> Option<[u8; SIGNATURE_BYTES]> {
    crate::support::hex::parse(digits)
}

fn verify_plain(name: HeaderName, secret: &[u8], digits: &str, body: &[u8]) -> Result<(), SignatureError> {
    let Some(signature) = parse_hex(digits) else {
        return Err(SignatureError::Malformed { header: name, expected: "64 hex digits" });
    };
    hmac(secret, &[body]).verify_slice(&signature).map_err(|_| SignatureError::Mismatch { header: name })
}

/// Stripe's scheme. The signature is checked before the time, so that only a true delivery learns that it came late.
fn verify_timed(secret: &[u8], given: &str, body: &[u8], now: i64) -> Result<(), SignatureError> {
    let malformed = || SignatureError::Malformed { header: STRIPE_SIGNATURE, expected: "`t=<unix seconds>,v1=<64 hex digits>`" };
    let parts = given.split(',').filter_map(|part| part.trim().split_once('='));
    let mut signed_at = None;
    let mut signatures = Vec::new();
    for (key, value) in parts {
        match key {
            "t" => signed_at = Some(value),
            "v1" => signatures.push(parse_hex(value).ok_or_else(malformed)?),
            _ => {} // other schemes, such as v0 of Stripe's test mode, are to be ignored
        }
    }
    let time_text = signed_at.ok_or_else(malformed)?;
    let time: i64 = time_text.parse().map_err(|_| malformed())?;
    if signatures.is_empty() {
        return Err(malformed());
    }
    let expected = hmac(secret, &[time_text.as_bytes(), b".", body]);
    if !signatures.iter().any(|signature| expected.clone().verify_slice(signature).is_ok()) {
        return Err(SignatureError::Mismatch { header: STRIPE_SIGNATURE });
    }
    let age_seconds = now.saturating_sub(time);
    if (-TOLERANCE_SECONDS..=TOLERANCE_SECONDS).contains(&age_seconds) {
        Ok(())
    } else {
        Err(SignatureError::Stale { header: STRIPE_SIGNATURE, age_seconds, tolerance_seconds: TOLERANCE_SECONDS })
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::super::{Provider, SecretName, Secrets, Signature, SignatureError, sign};
    use super::{same_secret, verify};

    fn secrets() -> Secrets {
        Secrets::default()
            .with(SecretName::WhatsAppWebhook, "devstack-wa-secret")
            .with(SecretName::StripeWebhook, "whsec_devstack")
            .with(SecretName::PipedriveWebhook, "pd-secret")
            .with(SecretName::CrmWebhook, "crm-secret")
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    const WHATSAPP_BODY: &[u8] = br#"{"object":"whatsapp_business_account","entry":[]}"#;
    const WHATSAPP_HEX: &str = "4b91bb7eb31394e86e65f0b56fd9298a75d9e577b8ba51f9dc73fa245dbdfc4e";

    #[test]
    fn whatsapp_takes_its_signature_with_and_without_the_prefix() {
        for text in [format!("sha256={WHATSAPP_HEX}"), WHATSAPP_HEX.to_owned()] {
            let signed = headers(&[("x-hub-signature-256", &text)]);
            assert_eq!(verify(Provider::WhatsApp, &secrets(), &signed, WHATSAPP_BODY, 0), Ok(()));
        }
    }

    #[test]
    fn stripe_takes_300_seconds_either_way_and_no_more() {
        let signed: HeaderMap =
            sign(Provider::Stripe, &secrets(), b"{}", 1_700_000_000, Signature::Valid).unwrap().into_iter().collect();
        let at = |now| verify(Provider::Stripe, &secrets(), &signed, b"{}", now);
        assert_eq!(at(1_700_000_300), Ok(()));
        assert_eq!(at(1_699_999_700), Ok(()));
        assert!(matches!(at(1_700_000_301), Err(SignatureError::Stale { age_seconds: 301, .. })));
        assert!(matches!(at(1_699_999_699), Err(SignatureError::Stale { age_seconds: -301, .. })));
    }

    #[test]
    fn stripe_takes_any_of_several_signatures_and_ignores_other_schemes() {
        let good = "46e376ce9348303310c19fedc4f6503c2061ac3bb57bf66754cbe0fef06dcf0f";
        let bad = "0".repeat(64);
        for text in [
            format!("t=1700000000,v1={good},v1={bad}"),
            format!("t=1700000000,v1={bad},v1={good}"),
            format!("t=1700000000, v0={bad}, v1={good}"),
        ] {
            let signed = headers(&[("stripe-signature", &text)]);
            assert_eq!(verify(Provider::Stripe, &secrets(), &signed, br#"{"id":"evt_1"}"#, 1_700_000_000), Ok(()), "{text}");
        }
    }

    #[test]
    fn every_way_to_be_wrong_is_told_apart() {
        use SignatureError as E;
        let check = |provider, pairs: &[(&'static str, &str)]| {
            verify(provider, &secrets(), &headers(pairs), WHATSAPP_BODY, 1_700_000_000).unwrap_err()
        };
        assert!(matches!(check(Provider::WhatsApp, &[]), E::Missing { .. }));
        assert!(matches!(check(Provider::WhatsApp, &[("x-hub-signature-256", "sha256=12")]), E::Malformed { .. }));
        assert!(matches!(check(Provider::WhatsApp, &[("x-hub-signature-256", &"0".repeat(64))]), E::Mismatch { .. }));
        for text in ["", "v1=00", "t=1700000000", "t=soon,v1=00", &format!("v1={WHATSAPP_HEX}")] {
            assert!(matches!(check(Provider::Stripe, &[("stripe-signature", text)]), E::Malformed { .. }), "{text}");
        }
        let unset = verify(Provider::Stripe, &Secrets::default(), &HeaderMap::new(), b"", 0);
        assert_eq!(unset, Err(E::SecretUnset { variable: "STRIPE_WEBHOOK_SECRET" }));
    }

    #[test]
    fn the_crm_route_wants_its_secret_beside_the_signature() {
        let body = br#"{"event":"updated.person"}"#;
        let signature = "a9c85ba225b0c6dc4138ff2228880ba44533bd7f2fa393b2cba351703089a394";
        let check = |pairs: &[(&'static str, &str)]| verify(Provider::Pipedrive, &secrets(), &headers(pairs), body, 0);
        assert_eq!(check(&[("x-pipedrive-signature", signature), ("x-crm-webhook-secret", "crm-secret")]), Ok(()));
        assert!(matches!(check(&[("x-pipedrive-signature", signature)]), Err(SignatureError::Missing { .. })));
        let wrong = check(&[("x-pipedrive-signature", signature), ("x-crm-webhook-secret", "guess")]);
        assert!(matches!(wrong, Err(SignatureError::Mismatch { header }) if header == "x-crm-webhook-secret"));
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(same_secret("abc", "abc"));
        assert!(!same_secret("abc", "abcd"));
        assert!(!same_secret("abc", ""));
    }
}
