//! Texts with places to fill: what is signed, and what a header holds.
//!
//! Made by `built_in` and by `file` (a project's own providers); rendered by [`sign`](super::sign()), matched against what came by
//! [`verify`](super::verify()). `${timestamp}.${body}` is one.

use std::{fmt, str::FromStr};

/// The mark of a secret in a template: `${secret.CRM_WEBHOOK_SECRET}`.
const SECRET: &str = "secret.";

/// What a place in a template stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// The bytes of the body.
    Body,
    /// Unix seconds of the signing.
    Timestamp,
    /// The id of the delivery.
    Id,
    /// The URL that the delivery goes to.
    Url,
    /// The fields of a form, sorted by name, each name followed by its value, without anything between.
    Params,
    /// The encoded signature.
    Signature,
    /// A secret as it is, by its environment variable.
    Secret(String),
}

impl Variable {
    /// Every name but those of secrets.
    pub const NAMES: [&'static str; 6] = ["body", "timestamp", "id", "url", "params", "signature"];

    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "body" => Self::Body,
            "timestamp" => Self::Timestamp,
            "id" => Self::Id,
            "url" => Self::Url,
            "params" => Self::Params,
            "signature" => Self::Signature,
            _ => Self::Secret(name.strip_prefix(SECRET).filter(|name| !name.is_empty())?.to_owned()),
        })
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "body",
            Self::Timestamp => "timestamp",
            Self::Id => "id",
            Self::Url => "url",
            Self::Params => "params",
            Self::Signature => "signature",
            Self::Secret(name) => return write!(f, "{SECRET}{name}"),
        })
    }
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that stands for itself.
    Literal(String),
    /// A place to fill.
    Variable(Variable),
}

/// A text with places to fill; no two literals stand side by side and none is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `${` without `}`.
    #[error("`${{` is not closed")]
    Open,
    /// A name that stands for nothing.
    #[error("`${{{name}}}` stands for nothing")]
    Unknown {
        /// What is between the braces.
        name: String,
    },
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let (name, after) = behind.split_once('}').ok_or(TemplateError::Open)?;
            if !before.is_empty() {
                parts.push(Part::Literal(before.to_owned()));
            }
            let variable = Variable::parse(name).ok_or_else(|| TemplateError::Unknown { name: name.to_owned() })?;
            parts.push(Part::Variable(variable));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(text),
            Part::Variable(variable) => write!(f, "${{{variable}}}"),
        })
    }
}

impl Template {
    /// Its parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// What is to be filled, in order; a name may come twice.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.0.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            Part::Literal(_) => None,
        })
    }

    /// Whether it has a place for `variable`.
    pub fn has(&self, variable: &Variable) -> bool {
        self.variables().any(|own| own == variable)
    }

    /// The bytes with every place filled.
    pub fn render<E>(&self, mut fill: impl FnMut(&Variable, &mut Vec<u8>) -> Result<(), E>) -> Result<Vec<u8>, E> {
        let mut bytes = Vec::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => bytes.extend_from_slice(text.as_bytes()),
                Part::Variable(variable) => fill(variable, &mut bytes)?,
            }
        }
        Ok(bytes)
    }

    /// What stands in the places when `text` was made with this template; `None` when it was not. A place reaches to the next literal.
    pub fn captures<'t>(&self, text: &'t str) -> Option<Vec<(&Variable, &'t str)>> {
        let mut found = Vec::new();
        let (mut rest, mut open) = (text, None);
        for part in &self.0 {
            match (part, open.take()) {
                (Part::Literal(literal), None) => rest = rest.strip_prefix(literal.as_str())?,
                (Part::Literal(literal), Some(variable)) => {
                    let (value, behind) = rest.split_once(literal.as_str())?;
                    found.push((variable, value));
                    rest = behind;
                }
                (Part::Variable(variable), None) => open = Some(variable),
                (Part::Variable(_), Some(_)) => return None,
            }
        }
        match open {
            Some(variable) => found.push((variable, rest)),
            None if rest.is_empty() => {}
            None => return None,
        }
        Some(found)
    }

    /// The templates of the items of a list: `t=${timestamp},v1=${signature}` at `,`.
    pub fn split(&self, separator: char) -> Vec<Self> {
        let mut items = vec![Self(Vec::new())];
        let mut push = |part: Part, new: bool| {
            if new {
                items.push(Self(Vec::new()));
            }
            if let Some(last) = items.last_mut().filter(|_| part != Part::Literal(String::new())) {
                last.0.push(part);
            }
        };
        for part in &self.0 {
            match part {
                Part::Variable(_) => push(part.clone(), false),
                Part::Literal(text) => {
                    text.split(separator).enumerate().for_each(|(at, text)| push(Part::Literal(text.to_owned()), at > 0));
                }
            }
        }
        items
    }

    /// The template without the text in front of its first place.
    #[must_use]
    pub fn bare(&self) -> Self {
        let front = usize::from(matches!(self.0.first(), Some(Part::Literal(_))));
        Self(self.0[front..].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::{Template, TemplateError};

    fn template(text: &str) -> Template {
        text.parse().expect("a template")
    }

    fn captured(text: &str, value: &str) -> Option<Vec<(String, String)>> {
        let template = template(text);
        let found = template.captures(value)?;
        Some(found.into_iter().map(|(variable, value)| (variable.to_string(), value.to_owned())).collect())
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        for text in ["", "a", "${body}", "t=${timestamp},v1=${signature}", "${url}${params}", "x${secret.A_B}y", "$ {body} }"] {
            assert_eq!(template(text).to_string(), text);
        }
        assert_eq!("${body".parse::<Template>(), Err(TemplateError::Open));
        for name in ["", "bdoy", "secret.", "Body"] {
            assert_eq!(format!("a${{{name}}}").parse::<Template>(), Err(TemplateError::Unknown { name: name.to_owned() }));
        }
    }

    #[test]
    fn a_text_is_taken_apart_as_it_was_put_together() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(captured("v0=${signature}", "v0=12"), Some(vec![pair("signature", "12")]));
        assert_eq!(captured("v0=${signature}", "v1=12"), None);
        assert_eq!(captured("${timestamp}:${signature};", "7:ab;"), Some(vec![pair("timestamp", "7"), pair("signature", "ab")]));
        assert_eq!(captured("${timestamp}:${signature};", "7:ab;c"), None);
        assert_eq!(captured("${timestamp}${signature}", "7ab"), None, "nobody knows where one ends");
    }

    #[test]
    fn a_list_has_a_template_for_each_item() {
        let items = |text: &str, separator| template(text).split(separator).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(items("t=${timestamp},v1=${signature}", ','), ["t=${timestamp}", "v1=${signature}"]);
        assert_eq!(items("v1,${signature}", ' '), ["v1,${signature}"]);
        assert_eq!(items("${id},${signature},", ','), ["${id}", "${signature}", ""]);
        assert_eq!(template("sha256=${signature}").bare().to_string(), "${signature}");
        assert_eq!(template("${signature}").bare().to_string(), "${signature}");
    }
}
