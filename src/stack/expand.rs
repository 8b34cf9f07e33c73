//! Variables in the values of endpoints: `${NAME}` and `${NAME:-default}`.
//!
//! Called by `formats`, which checks how they are written, and by `endpoints`, which replaces them from the environment.

use super::formats::variable;
use crate::support::{env::Env, yaml::shape::Complaint};

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// As it is.
    Text(&'a str),
    /// A variable.
    Variable {
        /// Its name.
        name: &'a str,
        /// What stands for it when it is not set.
        default: Option<&'a str>,
    },
}

/// A variable that is not set and has no default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unset<'a>(pub(super) &'a str);

/// Takes a text apart. A dollar without a brace is a dollar.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, Complaint> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let inside = &rest[start + 2..];
        let Some(end) = inside.find('}') else {
            return Err(Complaint::new("a `${` without its `}`", "not closed").help("write `${NAME}` or `${NAME:-default}`"));
        };
        let (name, default) = match inside[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&inside[..end], None),
        };
        variable(name)?;
        if start > 0 {
            parts.push(Part::Text(&rest[..start]));
        }
        parts.push(Part::Variable { name, default });
        rest = &inside[end + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

/// The text with its variables replaced.
pub(super) fn expand<'a>(parts: &[Part<'a>], env: &dyn Env) -> Result<String, Unset<'a>> {
    let values = parts.iter().map(|part| match part {
        Part::Text(text) => Ok((*text).to_owned()),
        Part::Variable { name, default } => env.get(name).or(default.map(str::to_owned)).ok_or(Unset(name)),
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::{Unset, expand, parts};
    use crate::support::env::Map;

    fn expanded(text: &str) -> Result<String, String> {
        let env: Map = [("HOST", "tempo"), ("EMPTY", "")].into_iter().collect();
        let parts = parts(text).map_err(|complaint| complaint.message)?;
        expand(&parts, &env).map_err(|Unset(name)| name.to_owned())
    }

    #[test]
    fn variables_defaults_and_plain_dollars() {
        assert_eq!(expanded("http://${HOST}:${PORT:-3200}/$x").as_deref(), Ok("http://tempo:3200/$x"));
        assert_eq!(expanded("${EMPTY:-}").as_deref(), Ok(""));
        assert_eq!(expanded("${EMPTY}"), Err("EMPTY".to_owned()));
        assert_eq!(expanded("${HOST"), Err("a `${` without its `}`".to_owned()));
        assert!(expanded("${}").is_err());
        assert!(expanded("${a b}").is_err());
    }
}
