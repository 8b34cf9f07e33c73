//! What makes a provider: where its deliveries go, what is in them, and how they are signed. Data, no code.
//!
//! Made by `built_in` and `file`; read through [`Provider`](super::Provider) by everything else.

use std::time::Duration;

use http::{HeaderName, Method};

use super::{
    fields::{FieldKind, Fields, Pattern},
    template::Template,
};

/// How far a signed timestamp may lie from now, either way: the 300 s that Stripe, Slack and Standard Webhooks document.
pub const TOLERANCE: Tolerance = Tolerance { past: Duration::from_secs(300), future: Duration::from_secs(300) };

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
    /// How it signs; `None` when it does not.
    pub signing: Option<Signing>,
}

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// JSON.
    Json,
}

impl Content {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
        }
    }
}

/// How deliveries are signed: an HMAC over a text, encoded, in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// What is signed.
    pub signed: Template,
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
    /// How far the signed time may lie from now; `None` where no time is signed.
    pub tolerance: Option<Tolerance>,
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
            signed: template("${body}"),
            header,
            template: template("${signature}"),
            list: None,
            bare: false,
            secret: secret.into(),
            tolerance: None,
        }
    }
}

/// A template that is part of the program.
pub(super) fn template(text: &str) -> Template {
    text.parse().expect("the templates of built-in definitions are right, which a test shows")
}
