//! The path of a scripted answer: `/v1/messages`, `/crm/v3/objects/contacts/{id}`, `/files/*`.
//!
//! Written in a project's `externals:` (`stack`); matched by `standin`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A path whose segments are words, or stand for any one segment (`*`, `{name}`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern {
    text: String,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Paths begin with a slash.
    #[error("the path `{0}` does not begin with `/`")]
    NoSlash(String),
    /// The query is not matched.
    #[error("the path `{0}` has a query, which is not matched: leave out what begins with `?`")]
    Query(String),
    /// A segment is neither a word nor a whole placeholder.
    #[error("the segment `{segment}` of the path `{path}` is neither a word nor `*` nor `{{name}}`")]
    Segment {
        /// The whole path.
        path: String,
        /// The segment.
        segment: String,
    },
}

impl PathPattern {
    /// Whether a path fits; empty segments and a slash at the end do not matter.
    pub fn matches(&self, path: &str) -> bool {
        let (mut wanted, mut given) = (segments(&self.text), segments(path));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if is_any(wanted) || wanted == given => {}
                _ => return false,
            }
        }
    }
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if !text.starts_with('/') {
            return Err(PatternError::NoSlash(text.to_owned()));
        }
        if text.contains('?') {
            return Err(PatternError::Query(text.to_owned()));
        }
        if let Some(odd) = segments(text).find(|segment| !is_any(segment) && segment.contains(['*', '{', '}'])) {
            return Err(PatternError::Segment { path: text.to_owned(), segment: odd.to_owned() });
        }
        Ok(Self { text: text.to_owned() })
    }
}

impl TryFrom<String> for PathPattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.text
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn is_any(segment: &str) -> bool {
    let inside = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    segment == "*" || inside.is_some_and(|name| !name.is_empty() && !name.contains(['{', '}', '*']))
}

#[cfg(test)]
mod tests {
    use super::PathPattern;

    #[test]
    fn a_placeholder_is_one_segment() {
        let pattern: PathPattern = "/crm/{id}/notes/*".parse().unwrap();
        assert!(pattern.matches("/crm/7/notes/a") && pattern.matches("crm/7/notes/a/"));
        for other in ["/crm/7/notes", "/crm/7/notes/a/b", "/crm/notes/a", "/CRM/7/notes/a", "/"] {
            assert!(!pattern.matches(other), "{other}");
        }
        let root: PathPattern = "/".parse().unwrap();
        assert!(root.matches("/") && root.matches("") && !root.matches("/a"));
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        for (text, said) in [
            ("v1", "the path `v1` does not begin with `/`"),
            ("", "the path `` does not begin with `/`"),
            ("/v1?a=1", "the path `/v1?a=1` has a query, which is not matched: leave out what begins with `?`"),
            ("/v1/a*", "the segment `a*` of the path `/v1/a*` is neither a word nor `*` nor `{name}`"),
            ("/v1/{}", "the segment `{}` of the path `/v1/{}` is neither a word nor `*` nor `{name}`"),
        ] {
            assert_eq!(text.parse::<PathPattern>().unwrap_err().to_string(), said);
        }
    }
}
