//! Signing a delivery as its provider does, over exactly the bytes that are sent.
//!
//! Called by `replay` last of all, after the body was prepared and the moment of sending is known; [`verify`](super::verify()) is its mirror.
//!
//! ```text
//! x-hub-signature-256: sha256=<hex HMAC-SHA256 of the body>            WhatsApp
//! stripe-signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of t.body>    Stripe
//! x-pipedrive-signature: <hex HMAC-SHA256 of the body>                 Pipedrive, which also sends
//! x-crm-webhook-secret: <shared secret>
//! ```

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue};
use sha2::Sha256;

use super::{Provider, SecretName, Secrets, SignatureError};
use crate::support::random;

/// Header of `WhatsApp`'s signature.
pub const WHATSAPP_SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");
/// Header of Stripe's signature.
pub const STRIPE_SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");
/// Header of Pipedrive's signature.
pub const PIPEDRIVE_SIGNATURE: HeaderName = HeaderName::from_static("x-pipedrive-signature");
/// Header of the secret that the CRM route wants beside the signature.
pub const CRM_SECRET: HeaderName = HeaderName::from_static("x-crm-webhook-secret");

/// What a delivery's signature is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signature {
    /// Made with the shared secret.
    #[default]
    Valid,
    /// Well formed, made with a secret that nobody shares.
    Forged,
    /// Left out. Pipedrive's shared secret is still sent, so that it is the signature whose absence is noticed.
    Missing,
}

/// The HMAC-SHA256 of `parts`, one after the other.
pub(super) fn hmac(secret: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac
}

/// The headers that sign `body` at `unix_seconds` (which only Stripe signs along). An unset secret is
/// [`SignatureError::SecretUnset`], except for what does not need it.
pub fn sign(
    provider: Provider,
    secrets: &Secrets,
    body: &[u8],
    unix_seconds: i64,
    signature: Signature,
) -> Result<Vec<(HeaderName, HeaderValue)>, SignatureError> {
    let mut headers = Vec::with_capacity(2);
    if signature != Signature::Missing {
        let secret = signing_key(provider, secrets, signature)?;
        headers.push(signature_header(provider, &secret, body, unix_seconds));
    }
    if provider == Provider::Pipedrive {
        headers.push((CRM_SECRET, header_value(required(secrets, SecretName::CrmWebhook)?)?));
    }
    Ok(headers)
}

/// The secret a provider signs with.
pub(super) fn secret_of(provider: Provider) -> SecretName {
    match provider {
        Provider::WhatsApp => SecretName::WhatsAppWebhook,
        Provider::Stripe => SecretName::StripeWebhook,
        Provider::Pipedrive => SecretName::PipedriveWebhook,
    }
}

pub(super) fn required(secrets: &Secrets, name: SecretName) -> Result<&str, SignatureError> {
    secrets.get(name).ok_or(SignatureError::SecretUnset { variable: name.variable() })
}

fn signing_key(provider: Provider, secrets: &Secrets, signature: Signature) -> Result<Vec<u8>, SignatureError> {
    if signature == Signature::Forged {
        return Ok(random::bytes::<32>().to_vec());
    }
    Ok(required(secrets, secret_of(provider))?.as_bytes().to_vec())
}

fn signature_header(provider: Provider, secret: &[u8], body: &[u8], unix_seconds: i64) -> (HeaderName, HeaderValue) {
    let hex = |parts: &[&[u8]]| const_hex::encode(hmac(secret, parts).finalize().into_bytes());
    let (name, text) = match provider {
        Provider::WhatsApp => (WHATSAPP_SIGNATURE, format!("sha256={}", hex(&[body]))),
        Provider::Stripe => {
            let signed = format!("{unix_seconds}.");
            (STRIPE_SIGNATURE, format!("t={unix_seconds},v1={}", hex(&[signed.as_bytes(), body])))
        }
        Provider::Pipedrive => (PIPEDRIVE_SIGNATURE, hex(&[body])),
    };
    (name, HeaderValue::from_str(&text).expect("hex digits and ASCII signs make a header value"))
}

/// A secret as a header value that HTTP logs do not show.
fn header_value(secret: &str) -> Result<HeaderValue, SignatureError> {
    let mut value = HeaderValue::from_str(secret)
        .map_err(|_| SignatureError::Malformed { header: CRM_SECRET, expected: "characters that a header may carry" })?;
    value.set_sensitive(true);
    Ok(value)
}
