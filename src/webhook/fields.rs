//! Which values of a provider's body differ from delivery to delivery, and which tell of a person.
//!
//! One table a provider, made by `built_in` or `file`, read by [`freshen`](super::freshen). A pattern names keys; `*` stands for any
//! index of an array.

use std::{fmt, str::FromStr};

use super::scan::Step;

/// What a value is, which decides how a fresh one is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldKind {
    /// An identifier: fresh in every delivery, so that idempotency does not swallow the next run.
    Id,
    /// When something happened. The newest of these becomes now; all others keep their distance to it.
    Time,
    /// When something will happen (an expiry, a due date): moves along with the times, but is not the newest of them.
    Horizon,
    /// A phone number.
    Phone,
    /// A person's name, or a part of it.
    Name,
    /// An e-mail address.
    Email,
    /// Words a person wrote. They keep their meaning, and a marker that can be searched for is put behind them.
    Text,
}

impl FieldKind {
    /// Whether it tells of a person, and so must never show in telemetry.
    pub fn is_personal(self) -> bool {
        matches!(self, Self::Phone | Self::Name | Self::Email | Self::Text)
    }

    /// Whether it is a moment.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Time | Self::Horizon)
    }
}

/// A path in a body: keys, and `*` for any index of an array. `$.` in front and `[*]` for `.*` say the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Key(String),
    AnyIndex,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing, or nothing between two dots.
    #[error("a key is missing")]
    Empty,
    /// A bracket with anything but `*` in it.
    #[error("only `[*]` stands in brackets: any index")]
    Bracket,
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let path = text.strip_prefix('$').map_or(text, |path| path.strip_prefix('.').unwrap_or(path));
        let dotted = path.replace("[*]", ".*");
        let begins_with_any = path.starts_with('[');
        let mut parts = Vec::new();
        for step in dotted[usize::from(begins_with_any && dotted.starts_with('.'))..].split('.') {
            parts.push(match step {
                "" => return Err(PatternError::Empty),
                "*" => Part::AnyIndex,
                key if key.contains(['[', ']']) => return Err(PatternError::Bracket),
                key => Part::Key(key.to_owned()),
            });
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|part| match part {
            Part::Key(key) => write!(f, ".{key}"),
            Part::AnyIndex => f.write_str("[*]"),
        })
    }
}

impl Pattern {
    /// Whether it leads to `path`.
    pub fn matches(&self, path: &[Step<'_>]) -> bool {
        self.0.len() == path.len()
            && self.0.iter().zip(path).all(|(part, step)| match (part, step) {
                (Part::Key(own), Step::Key(key)) => own == key,
                (Part::AnyIndex, Step::Index(_)) => true,
                _ => false,
            })
    }
}

/// The fields of a provider's bodies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(Vec<(Pattern, FieldKind)>);

impl FromIterator<(Pattern, FieldKind)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Pattern, FieldKind)>>(rows: I) -> Self {
        Self(rows.into_iter().collect())
    }
}

impl Fields {
    /// What stands at `path`; `None` for what every delivery has the same.
    pub fn kind_at(&self, path: &[Step<'_>]) -> Option<FieldKind> {
        self.0.iter().find(|(pattern, _)| pattern.matches(path)).map(|(_, kind)| *kind)
    }

    /// Every pattern and what stands there.
    pub fn iter(&self) -> impl Iterator<Item = &(Pattern, FieldKind)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Provider, Providers, scan::Step};
    use super::{FieldKind, Pattern, PatternError};

    fn path(steps: &[&'static str]) -> Vec<Step<'static>> {
        let step = |text: &&'static str| text.parse().map_or_else(|_| Step::Key((*text).into()), Step::Index);
        steps.iter().map(step).collect()
    }

    #[test]
    fn a_star_is_any_index_and_nothing_else() {
        let pipedrive = Provider::pipedrive();
        let at = |steps: &[&'static str]| pipedrive.fields().kind_at(&path(steps));
        assert_eq!(at(&["current", "phone", "3", "value"]), Some(FieldKind::Phone));
        assert_eq!(at(&["current", "phone", "x", "value"]), None);
        assert_eq!(at(&["current", "phone"]), Some(FieldKind::Phone));
        assert_eq!(at(&["current"]), None);
        assert_eq!(at(&["current", "id", "more"]), None);
    }

    #[test]
    fn no_path_stands_in_a_table_twice() {
        for provider in Providers::built_in().iter() {
            let mut patterns: Vec<_> = provider.fields().iter().map(|(pattern, _)| pattern.to_string()).collect();
            let all = patterns.len();
            patterns.sort_unstable();
            patterns.dedup();
            assert_eq!(patterns.len(), all, "{provider}");
        }
    }

    #[test]
    fn a_pattern_may_be_written_as_a_path_into_json() {
        let pattern = |text: &str| text.parse::<Pattern>().map(|pattern| pattern.to_string());
        for text in ["a.*.b", "$.a.*.b", "$.a[*].b", "a[*].b"] {
            assert_eq!(pattern(text).as_deref(), Ok("$.a[*].b"), "{text}");
        }
        assert_eq!(pattern("$[*].id").as_deref(), Ok("$[*].id"));
        for text in ["", "$", "$.", "a..b", "a.", "$..a", ".a"] {
            assert_eq!(pattern(text), Err(PatternError::Empty), "{text}");
        }
        for text in ["a[0]", "$['a']", "a["] {
            assert_eq!(pattern(text), Err(PatternError::Bracket), "{text}");
        }
    }
}
