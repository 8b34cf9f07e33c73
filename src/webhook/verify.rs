//! Verifying a delivery's signature over its raw bytes, in constant time.
//!
//! Called by the demo API before it looks into a body, and by tests as the mirror of [`sign`](super::sign()).
//!
//! Where we decide differently from `MedicalCor`: a timestamp more than [`TOLERANCE`](super::definition::TOLERANCE) in the *future* is
//! refused like one in the past (the original takes any future time, which lets a captured delivery be replayed later); of several `v1`
//! signatures any may match, as Stripe documents for secret rotation (the original looks at the last one only).

use std::convert::Infallible;

use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderName};
use sha2::Sha256;

use super::{
    Parts, Provider, Secrets,
    definition::{Signing, Tolerance},
    sign::{hmac, key, required, signed_text},
    template::{Template, Variable},
};
use crate::support::random;

/// Bytes of the random key under which two secrets are compared.
const KEY_BYTES: usize = 32;

/// Why a delivery cannot be signed, or is not taken as its provider's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// This side has no secret to sign or check with.
    #[error("secret `{variable}` is not set")]
    SecretUnset {
        /// Environment variable of the secret.
        variable: String,
    },
    /// This side's secret is not written as it should be.
    #[error("secret `{variable}` is not base64, or `whsec_` and base64")]
    SecretMalformed {
        /// Environment variable of the secret.
        variable: String,
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
        expected: String,
    },
    /// The header was made with another secret, or for other bytes.
    #[error("header `{header}` does not match the body")]
    Mismatch {
        /// Its name.
        header: HeaderName,
    },
    /// The signature is true, but its timestamp is too far from now.
    #[error("header `{header}` is {age_seconds} s old, accepted is {tolerance_seconds} s")]
    Stale {
        /// Its name.
        header: HeaderName,
        /// Now minus the signed time; negative for a time to come.
        age_seconds: i64,
        /// What was allowed on that side.
        tolerance_seconds: i64,
    },
}

/// Checks that `headers` sign `parts.body` as `provider` does, at `parts.unix_seconds`.
pub fn verify(provider: &Provider, secrets: &Secrets, headers: &HeaderMap, parts: &Parts<'_>) -> Result<(), SignatureError> {
    if let Some(signing) = provider.signing() {
        let key = key(signing, secrets)?;
        verify_signature(provider, signing, &key, headers, parts)?;
    }
    for (name, template) in provider.headers() {
        for variable in template.variables() {
            if let Variable::Secret(variable) = variable {
                verify_shared(name, template, required(secrets, variable)?, headers)?;
            }
        }
    }
    Ok(())
}

/// A header that holds a secret as it is.
fn verify_shared(name: &HeaderName, template: &Template, expected: &str, headers: &HeaderMap) -> Result<(), SignatureError> {
    let given = header(headers, name)?;
    let found = template.captures(given).unwrap_or_default();
    let mut secrets = found.into_iter().filter(|(variable, _)| matches!(variable, Variable::Secret(_)));
    let same = secrets.next().is_some_and(|(_, given)| same_secret(expected, given));
    if same { Ok(()) } else { Err(SignatureError::Mismatch { header: name.clone() }) }
}

/// What a signature's header, and those beside it, say.
#[derive(Default)]
struct Claims<'a> {
    time: Option<&'a str>,
    id: Option<&'a str>,
    signatures: Vec<Vec<u8>>,
}

impl<'a> Claims<'a> {
    /// Takes what `template` finds in `text`; `None` when a signature has not the form of one.
    fn take(&mut self, signing: &Signing, template: &Template, text: &'a str) -> Option<()> {
        for (variable, value) in template.captures(text).unwrap_or_default() {
            match variable {
                Variable::Timestamp => self.time = Some(value),
                Variable::Id => self.id = Some(value),
                Variable::Signature => {
                    let bytes = signing.encoding.decode(value)?;
                    self.signatures.push((bytes.len() == signing.hash.length()).then_some(bytes)?);
                }
                _ => {}
            }
        }
        Some(())
    }
}

/// The signature is checked before the time, so that only a true delivery learns that it came late.
fn verify_signature(
    provider: &Provider,
    signing: &Signing,
    key: &[u8],
    headers: &HeaderMap,
    parts: &Parts<'_>,
) -> Result<(), SignatureError> {
    let name = &signing.header;
    let malformed = || SignatureError::Malformed { header: name.clone(), expected: form_of(signing) };
    let mut claims = Claims::default();
    let given = header(headers, name)?;
    items(signing, given)
        .into_iter()
        .try_for_each(|(template, item)| claims.take(signing, &template, item))
        .ok_or_else(malformed)?;
    for (name, template) in provider.headers() {
        if let Some(given) = headers.get(name).and_then(|value| value.to_str().ok()) {
            claims.take(signing, template, given).ok_or_else(malformed)?;
        }
    }
    if claims.signatures.is_empty() {
        return Err(malformed());
    }
    for (variable, claim) in [(Variable::Timestamp, claims.time), (Variable::Id, claims.id)] {
        if signing.signed.has(&variable) && claim.is_none_or(str::is_empty) {
            let beside = provider.headers().iter().find(|(_, template)| template.has(&variable));
            return Err(beside.map_or_else(malformed, |(header, _)| SignatureError::Missing { header: header.clone() }));
        }
    }
    let time = claims.time.map(|text| text.parse::<i64>().map_err(|_| malformed())).transpose()?;
    let text = signed_text(signing, parts, claims.time.unwrap_or_default(), claims.id.unwrap_or_default());
    if !signing.hash.verify(key, &text, &claims.signatures) {
        return Err(SignatureError::Mismatch { header: name.clone() });
    }
    match (signing.tolerance, time) {
        (Some(tolerance), Some(time)) => near(tolerance, name, parts.unix_seconds.saturating_sub(time)),
        _ => Ok(()),
    }
}

/// The items of a signature's header, each with its template.
fn items<'g>(signing: &Signing, given: &'g str) -> Vec<(Template, &'g str)> {
    let Some(separator) = signing.list else {
        let whole = signing.template.captures(given).is_some() || !signing.bare;
        return vec![(if whole { signing.template.clone() } else { signing.template.bare() }, given)];
    };
    // Other items, such as `v0` of Stripe's test mode, are to be ignored.
    let templates = signing.template.split(separator);
    let known = |item: &'g str| {
        let item = item.trim();
        templates.iter().find(|template| template.captures(item).is_some()).map(|template| (template.clone(), item))
    };
    given.split(separator).filter_map(known).collect()
}

/// A header's form in words: `t=<unix seconds>,v1=<64 hex digits>`.
fn form_of(signing: &Signing) -> String {
    let fill = |variable: &Variable, bytes: &mut Vec<u8>| -> Result<(), Infallible> {
        let words = match variable {
            Variable::Timestamp => "unix seconds".to_owned(),
            Variable::Signature => signing.encoding.words(signing.hash.length()),
            other => other.to_string(),
        };
        bytes.extend_from_slice(format!("<{words}>").as_bytes());
        Ok(())
    };
    let Ok(bytes) = signing.template.render(fill);
    format!("`{}`", String::from_utf8_lossy(&bytes))
}

fn near(tolerance: Tolerance, header: &HeaderName, age_seconds: i64) -> Result<(), SignatureError> {
    let seconds = |limit: std::time::Duration| i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
    if (-seconds(tolerance.future)..=seconds(tolerance.past)).contains(&age_seconds) {
        return Ok(());
    }
    let limit = if age_seconds < 0 { tolerance.future } else { tolerance.past };
    Err(SignatureError::Stale { header: header.clone(), age_seconds, tolerance_seconds: seconds(limit) })
}

/// Whether two secrets are equal, in a time that tells nothing of where they differ or how long they are: both are hashed under a
/// random key first, and the hashes are compared in constant time.
pub fn same_secret(expected: &str, given: &str) -> bool {
    let key = random::bytes::<KEY_BYTES>();
    let hash = |text: &str| hmac::<Hmac<Sha256>>(&key, text.as_bytes());
    hash(given).verify_slice(&hash(expected).finalize().into_bytes()).is_ok()
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, SignatureError> {
    let value = headers.get(name).ok_or_else(|| SignatureError::Missing { header: name.clone() })?;
    value
        .to_str()
        .map_err(|_| SignatureError::Malformed { header: name.clone(), expected: "visible ASCII characters".to_owned() })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::super::{
        Parts, Provider, Secrets, Signature, SignatureError,
        secrets::{CRM_WEBHOOK_SECRET, PIPEDRIVE_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET, WHATSAPP_WEBHOOK_SECRET},
        sign,
    };
    use super::same_secret;

    fn secrets() -> Secrets {
        Secrets::default()
            .with(WHATSAPP_WEBHOOK_SECRET, "devstack-wa-secret")
            .with(STRIPE_WEBHOOK_SECRET, "whsec_devstack")
            .with(PIPEDRIVE_WEBHOOK_SECRET, "pd-secret")
            .with(CRM_WEBHOOK_SECRET, "crm-secret")
    }

    fn verify(provider: &Provider, secrets: &Secrets, headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), SignatureError> {
        super::verify(provider, secrets, headers, &Parts { body, unix_seconds: now, ..Parts::default() })
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
            assert_eq!(verify(&Provider::whatsapp(), &secrets(), &signed, WHATSAPP_BODY, 0), Ok(()));
        }
    }

    #[test]
    fn stripe_takes_300_seconds_either_way_and_no_more() {
        let signed: HeaderMap = sign(
            &Provider::stripe(),
            &secrets(),
            &Parts { body: b"{}", unix_seconds: 1_700_000_000, ..Parts::default() },
            Signature::Valid,
        )
        .unwrap()
        .into_iter()
        .collect();
        let at = |now| verify(&Provider::stripe(), &secrets(), &signed, b"{}", now);
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
            assert_eq!(verify(&Provider::stripe(), &secrets(), &signed, br#"{"id":"evt_1"}"#, 1_700_000_000), Ok(()), "{text}");
        }
    }

    #[test]
    fn every_way_to_be_wrong_is_told_apart() {
        use SignatureError as E;
        let check = |provider: &Provider, pairs: &[(&'static str, &str)]| {
            verify(provider, &secrets(), &headers(pairs), WHATSAPP_BODY, 1_700_000_000).unwrap_err()
        };
        assert!(matches!(check(&Provider::whatsapp(), &[]), E::Missing { .. }));
        assert!(matches!(check(&Provider::whatsapp(), &[("x-hub-signature-256", "sha256=12")]), E::Malformed { .. }));
        assert!(matches!(check(&Provider::whatsapp(), &[("x-hub-signature-256", &"0".repeat(64))]), E::Mismatch { .. }));
        for text in ["", "v1=00", "t=1700000000", "t=soon,v1=00", &format!("v1={WHATSAPP_HEX}")] {
            assert!(matches!(check(&Provider::stripe(), &[("stripe-signature", text)]), E::Malformed { .. }), "{text}");
        }
        let unset = verify(&Provider::stripe(), &Secrets::default(), &HeaderMap::new(), b"", 0);
        assert_eq!(unset, Err(E::SecretUnset { variable: "STRIPE_WEBHOOK_SECRET".to_owned() }));
    }

    #[test]
    fn the_crm_route_wants_its_secret_beside_the_signature() {
        let body = br#"{"event":"updated.person"}"#;
        let signature = "a9c85ba225b0c6dc4138ff2228880ba44533bd7f2fa393b2cba351703089a394";
        let check = |pairs: &[(&'static str, &str)]| verify(&Provider::pipedrive(), &secrets(), &headers(pairs), body, 0);
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
