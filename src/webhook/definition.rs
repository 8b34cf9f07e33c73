//! What makes a provider: where its deliveries go, what is in them, and how they are signed. Data, no code.
//!
//! Made by `built_in` and `file`; read through [`Provider`](super::Provider) by everything else.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, Method};

use super::{
    fields::{FieldKind, Fields, Pattern},
    template::Template,
};

/// How far a signed timestamp may lie from now, either way: the 300 s that Stripe, Slack and Standard Webhooks document.
pub const TOLERANCE: Tolerance = Tolerance { past: Duration::from_mins(5), future: Duration::from_mins(5) };

/// What Standard Webhooks puts in front of a secret, so that it is known for one.
pub(super) const SECRET_PREFIX: &str = "whsec_";

/// A row of a built-in table: the pattern of a path and what stands there.
pub(super) type Row = (&'static str, FieldKind);

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name in fixtures.
    pub name: String,
    /// Other names for it.
    pub aliases: Vec<String>,
    /// The path that takes its deliveries; `None` when every fixture says one.
    pub path: Option<String>,
    /// The HTTP method of its deliveries.
    pub method: Method,
    /// `service.name` of the service that takes them; `None` when that is not known.
    pub service: Option<String>,
    /// What its bodies are.
    pub content: Content,
    /// Values of its bodies that differ from delivery to delivery.
    pub fields: Fields,
    /// Headers beside the signature's; never with `${signature}` or `${body}`.
    pub headers: Vec<(HeaderName, Template)>,
    /// The header that names the event, where there is one; what it says comes from a fixture.
    pub event: Option<HeaderName>,
    /// How it signs; `None` when it does not.
    pub signing: Option<Signing>,
}

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// JSON.
    Json,
    /// `name=value&…`, as an HTML form sends it.
    Form,
}

impl Content {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }
}

/// How deliveries are signed: an HMAC over a text, encoded, in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The hash inside the HMAC.
    pub hash: Hash,
    /// What is signed.
    pub signed: Template,
    /// The URL that is signed instead of the one that the delivery goes to, for services behind a proxy.
    pub url: Option<String>,
    /// The environment variable that has such a URL, where the services know one.
    pub url_variable: Option<String>,
    /// How the HMAC is written.
    pub encoding: Encoding,
    /// The header of the signature.
    pub header: HeaderName,
    /// What the header holds; has `${signature}`.
    pub template: Template,
    /// What divides the items of the header, which then come in any order, with others among them, and with several signatures.
    pub list: Option<char>,
    /// Whether a signature without the text in front of it is taken as well.
    pub bare: bool,
    /// The environment variable of the secret.
    pub secret: String,
    /// How the secret is written.
    pub secret_form: SecretForm,
    /// How far the signed time may lie from now; `None` where no time is signed.
    pub tolerance: Option<Tolerance>,
}

/// The hash inside an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-1: broken as a hash, unbroken inside an HMAC.
    Sha1,
}

impl Hash {
    /// Bytes of the HMAC.
    pub fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha1 => 20,
        }
    }
}

/// How an HMAC is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hex digits, small ones; capitals are taken too.
    Hex,
    /// Base64 with padding (RFC 4648, section 4).
    Base64,
}

impl Encoding {
    /// The HMAC as text.
    pub fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => const_hex::encode(bytes),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }

    /// The bytes of a text; `None` when it is not one of this encoding.
    pub fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex if text.starts_with("0x") => None,
            Self::Hex => const_hex::decode(text).ok(),
            Self::Base64 => STANDARD.decode(text).ok(),
        }
    }

    /// What so many bytes look like, in words.
    pub fn words(self, bytes: usize) -> String {
        match self {
            Self::Hex => format!("{} hex digits", bytes * 2),
            Self::Base64 => format!("base64 of {bytes} bytes"),
        }
    }
}

/// How a secret is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretForm {
    /// Its text is the key.
    Raw,
    /// The key is base64, after `whsec_` where that stands in front.
    Base64,
}

impl SecretForm {
    /// The key of a secret; `None` when it is not written so.
    pub fn key(self, secret: &str) -> Option<Vec<u8>> {
        match self {
            Self::Raw => Some(secret.as_bytes().to_vec()),
            Self::Base64 => STANDARD.decode(secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret)).ok(),
        }
    }
}

/// How far a signed time may lie from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// Before.
    pub past: Duration,
    /// After.
    pub future: Duration,
}

impl Definition {
    /// JSON by POST, not signed, to no path.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            aliases: Vec::new(),
            path: None,
            method: Method::POST,
            service: None,
            content: Content::Json,
            fields: Fields::default(),
            headers: Vec::new(),
            event: None,
            signing: None,
        }
    }

    pub(super) fn with_fields(mut self, rows: &[Row]) -> Self {
        let pattern =
            |text: &str| text.parse::<Pattern>().expect("the patterns of built-in tables are right, which a test shows");
        self.fields = rows.iter().map(|(text, kind)| (pattern(text), *kind)).collect();
        self
    }
}

impl Signing {
    /// The HMAC-SHA256 of the body in hex digits.
    pub fn of_body(header: HeaderName, secret: impl Into<String>) -> Self {
        Self {
            hash: Hash::Sha256,
            signed: template("${body}"),
            url: None,
            url_variable: None,
            encoding: Encoding::Hex,
            header,
            template: template("${signature}"),
            list: None,
            bare: false,
            secret: secret.into(),
            secret_form: SecretForm::Raw,
            tolerance: None,
        }
    }
}

/// A template that is part of the program.
pub(super) fn template(text: &str) -> Template {
    text.parse().expect("the templates of built-in definitions are right, which a test shows")
}
