//! Signing a delivery as its provider does, over exactly the bytes that are sent.
//!
//! Called by `check` last of all, after the body was prepared and the moment of sending is known; [`verify`](super::verify()) is its mirror.
//!
//! ```text
//! x-hub-signature-256: sha256=<hex HMAC-SHA256 of the body>            WhatsApp
//! stripe-signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of t.body>    Stripe
//! x-pipedrive-signature: <hex HMAC-SHA256 of the body>                 Pipedrive, which also sends
//! x-crm-webhook-secret: <shared secret>
//! ```

use std::convert::Infallible;

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue};
use sha1::Sha1;
use sha2::Sha256;

use super::{
    Provider, Secrets, SignatureError,
    definition::{Hash, Signing},
    form,
    template::{Template, Variable},
};
use crate::support::random;

/// What a delivery's signature is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signature {
    /// Made with the shared secret.
    #[default]
    Valid,
    /// Well formed, made with a secret that nobody shares.
    Forged,
    /// Left out. A secret that goes along as it is (Pipedrive's) is still sent, so that it is the signature whose absence is noticed.
    Missing,
}

/// What a signature is made of. What a provider does not sign may be left at its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts<'a> {
    /// The bytes that are sent.
    pub body: &'a [u8],
    /// The whole URL that they go to.
    pub url: &'a str,
    /// The id of the delivery, for headers that tell it. [`verify`](super::verify()) takes it from there and does not read this.
    pub id: &'a str,
    /// When: of the signing, or now for [`verify`](super::verify()).
    pub unix_seconds: i64,
}

/// The HMAC of `bytes`, under way.
pub(super) fn hmac<M: Mac + KeyInit>(key: &[u8], bytes: &[u8]) -> M {
    <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length").chain_update(bytes)
}

impl Hash {
    /// The HMAC of `bytes`.
    fn sign(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => hmac::<Hmac<Sha256>>(key, bytes).finalize().into_bytes().to_vec(),
            Self::Sha1 => hmac::<Hmac<Sha1>>(key, bytes).finalize().into_bytes().to_vec(),
        }
    }

    /// Whether one of `given` is the HMAC of `bytes`, each compared in constant time.
    pub(super) fn verify(self, key: &[u8], bytes: &[u8], given: &[Vec<u8>]) -> bool {
        match self {
            Self::Sha256 => given.iter().any(|given| hmac::<Hmac<Sha256>>(key, bytes).verify_slice(given).is_ok()),
            Self::Sha1 => given.iter().any(|given| hmac::<Hmac<Sha1>>(key, bytes).verify_slice(given).is_ok()),
        }
    }
}

/// The headers that sign a delivery. An unset secret is [`SignatureError::SecretUnset`], except for what does not need it.
pub fn sign(
    provider: &Provider,
    secrets: &Secrets,
    parts: &Parts<'_>,
    signature: Signature,
) -> Result<Vec<(HeaderName, HeaderValue)>, SignatureError> {
    let mut headers = Vec::with_capacity(2);
    let time = parts.unix_seconds.to_string();
    if let Some(signing) = provider.signing().filter(|_| signature != Signature::Missing) {
        let key = signing_key(signing, secrets, signature)?;
        let text = signed_text(signing, parts, &time, parts.id);
        let made = signing.encoding.encode(&signing.hash.sign(&key, &text));
        headers.push(header(&signing.header, &signing.template, secrets, &[&time, parts.id, &made])?);
    }
    for (name, template) in provider.headers() {
        headers.push(header(name, template, secrets, &[&time, parts.id, ""])?);
    }
    Ok(headers)
}

/// The bytes that a signature is over.
pub(super) fn signed_text(signing: &Signing, parts: &Parts<'_>, time: &str, id: &str) -> Vec<u8> {
    let fill = |variable: &Variable, bytes: &mut Vec<u8>| -> Result<(), Infallible> {
        match variable {
            Variable::Body => bytes.extend_from_slice(parts.body),
            Variable::Timestamp => bytes.extend_from_slice(time.as_bytes()),
            Variable::Id => bytes.extend_from_slice(id.as_bytes()),
            Variable::Url => bytes.extend_from_slice(signing.url.as_deref().unwrap_or(parts.url).as_bytes()),
            Variable::Params => bytes.extend_from_slice(form::sorted(parts.body).as_bytes()),
            Variable::Signature | Variable::Secret(_) => {} // of headers only
        }
        Ok(())
    };
    let Ok(bytes) = signing.signed.render(fill);
    bytes
}

pub(super) fn required<'a>(secrets: &'a Secrets, variable: &str) -> Result<&'a str, SignatureError> {
    secrets.get(variable).ok_or_else(|| SignatureError::SecretUnset { variable: variable.to_owned() })
}

fn signing_key(signing: &Signing, secrets: &Secrets, signature: Signature) -> Result<Vec<u8>, SignatureError> {
    if signature == Signature::Forged {
        return Ok(random::bytes::<32>().to_vec());
    }
    key(signing, secrets)
}

/// The key that both sides share.
pub(super) fn key(signing: &Signing, secrets: &Secrets) -> Result<Vec<u8>, SignatureError> {
    let secret = required(secrets, &signing.secret)?;
    signing.secret_form.key(secret).ok_or_else(|| SignatureError::SecretMalformed { variable: signing.secret.clone() })
}

/// A header by its template. One with a secret is marked, so that HTTP logs do not show it.
fn header(
    name: &HeaderName,
    template: &Template,
    secrets: &Secrets,
    [time, id, signature]: &[&str; 3],
) -> Result<(HeaderName, HeaderValue), SignatureError> {
    let bytes = template.render(|variable, bytes| {
        bytes.extend_from_slice(match variable {
            Variable::Timestamp => time.as_bytes(),
            Variable::Id => id.as_bytes(),
            Variable::Signature => signature.as_bytes(),
            Variable::Secret(variable) => required(secrets, variable)?.as_bytes(),
            Variable::Body | Variable::Url | Variable::Params => &[],
        });
        Ok(())
    })?;
    let malformed =
        |_| SignatureError::Malformed { header: name.clone(), expected: "characters that a header may carry".to_owned() };
    let mut value = HeaderValue::from_bytes(&bytes).map_err(malformed)?;
    value.set_sensitive(template.variables().any(|variable| matches!(variable, Variable::Secret(_))));
    Ok((name.clone(), value))
}
