//! Forms of text in expectations: durations, regular expressions, edges.
//!
//! The tables name them; the decoder parses with the same functions.

use regex::Regex;

pub use crate::support::yaml::formats::{DURATION, duration};
use crate::support::yaml::shape::{Complaint, Format};

/// A regular expression in the syntax of the `regex` crate.
pub static REGEX: Format = Format { what: "a regular expression", pattern: "", check: |text| regex(text).map(drop) };

/// `SERVICE -> SERVICE`.
pub static EDGE: Format = Format {
    what: "an edge such as `medicalcor-api -> medicalcor-trigger`",
    pattern: r"^\s*\S.*->.*\S\s*$",
    check: |text| edge(text).map(drop),
};

/// Compiles a regular expression.
pub fn regex(text: &str) -> Result<Regex, Complaint> {
    if text.contains("${") {
        let complaint = Complaint::new("a captured value cannot stand in a regular expression", "`${` in here");
        return Err(complaint.help("use `equals`, `contains`, `starts_with` or `ends_with` with it"));
    }
    Regex::new(text).map_err(|error| {
        let error = error.to_string();
        // The crate draws the pattern with a caret of its own and says what is wrong in the last line.
        let what = error.lines().last().unwrap_or_default().trim();
        let what = what.strip_prefix("error: ").unwrap_or(what);
        Complaint::new(format!("bad regular expression: {what}"), "in this pattern")
    })
}

/// Splits `A -> B`.
pub fn edge(text: &str) -> Result<(String, String), Complaint> {
    let wrong = |label: &str| Complaint::new(format!("`{text}` is not an edge"), label).help("write `CALLER -> CALLED`");
    let mut sides = text.split("->").map(str::trim);
    match (sides.next(), sides.next(), sides.next()) {
        (Some(from), Some(to), None) if !from.is_empty() && !to.is_empty() => Ok((from.to_owned(), to.to_owned())),
        (_, None, _) => Err(wrong("no `->`")),
        (_, Some(_), Some(_)) => Err(wrong("more than one `->`")),
        _ => Err(wrong("a service is missing")),
    }
}

#[cfg(test)]
mod tests {
    use super::{edge, regex};

    #[test]
    fn a_bad_regex_says_what_is_wrong_with_it() {
        assert_eq!(regex("a(b").expect_err("unclosed").message, "bad regular expression: unclosed group");
        assert!(regex("^${id}$").is_err());
    }

    #[test]
    fn edges_have_two_sides() {
        assert_eq!(edge("a -> b"), Ok(("a".to_owned(), "b".to_owned())));
        for wrong in ["", "a", "a ->", "-> b", "a -> b -> c", "a - b"] {
            assert!(edge(wrong).is_err(), "{wrong}");
        }
    }
}
