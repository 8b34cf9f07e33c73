//! Whether a value satisfies a predicate, and how a predicate reads in a sentence.
//!
//! Fed by the matcher with attribute values, names and messages; strict on types, because an attribute of the wrong type breaks every
//! query written for the right one.

use std::fmt;

use super::spec::{Literal, Predicate};
use crate::model::{Value, attributes::write_list};

impl Predicate {
    /// Whether `value` satisfies it; `None` is an attribute that is not there.
    pub fn accepts(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else { return self.accepts_nothing() };
        match self {
            Self::Equals(literal) => literal.equals(value),
            Self::Not(inner) => !inner.accepts(Some(value)),
            Self::In(literals) => literals.iter().any(|literal| literal.equals(value)),
            Self::Matches(regex) => value.as_str().is_some_and(|text| regex.is_match(text)),
            Self::Contains(literal) => contains(value, literal),
            Self::StartsWith(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix.as_str())),
            Self::EndsWith(suffix) => value.as_str().is_some_and(|text| text.ends_with(suffix.as_str())),
            Self::GreaterThan(bound) => value.as_f64().is_some_and(|number| number > *bound),
            Self::AtLeast(bound) => value.as_f64().is_some_and(|number| number >= *bound),
            Self::LessThan(bound) => value.as_f64().is_some_and(|number| number < *bound),
            Self::AtMost(bound) => value.as_f64().is_some_and(|number| number <= *bound),
            Self::Type(name) => value.type_name() == *name,
            Self::Present => true,
            Self::Absent => false,
            Self::All(all) => all.iter().all(|predicate| predicate.accepts(Some(value))),
        }
    }

    /// Whether `text` satisfies it; for names and messages.
    pub fn accepts_text(&self, text: &str) -> bool {
        self.accepts(Some(&Value::from(text)))
    }

    /// `not: x` does not hold for a missing attribute: it asks for another value, not for none. `exists: false` asks for none.
    fn accepts_nothing(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Not(inner) => matches!(**inner, Self::Present),
            Self::All(all) => all.iter().all(Self::accepts_nothing),
            _ => false,
        }
    }

    /// The text that it asks for, where it asks for exactly one.
    pub fn exact_text(&self) -> Option<&str> {
        match self {
            Self::Equals(Literal::String(text)) => Some(text),
            Self::All(all) if all.len() == 1 => all[0].exact_text(),
            _ => None,
        }
    }

    /// Replaces `${name}` in every text it holds.
    #[must_use]
    pub fn resolved(&self, resolve: &impl Fn(&str) -> String) -> Self {
        match self {
            Self::Equals(literal) => Self::Equals(literal.resolved(resolve)),
            Self::Not(inner) => Self::Not(Box::new(inner.resolved(resolve))),
            Self::In(literals) => Self::In(literals.iter().map(|literal| literal.resolved(resolve)).collect()),
            Self::Contains(literal) => Self::Contains(literal.resolved(resolve)),
            Self::StartsWith(text) => Self::StartsWith(resolve(text)),
            Self::EndsWith(text) => Self::EndsWith(resolve(text)),
            Self::All(all) => Self::All(all.iter().map(|predicate| predicate.resolved(resolve)).collect()),
            other => other.clone(),
        }
    }
}

impl Literal {
    /// Equality with a value, of the same type.
    pub fn equals(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::String(expected), Value::String(actual)) => expected == actual,
            (Self::Bool(expected), Value::Bool(actual)) => expected == actual,
            (Self::Int(expected), Value::Int(actual)) => expected == actual,
            #[expect(clippy::float_cmp, reason = "the fixture asks for exactly this number")]
            (Self::Double(expected), Value::Double(actual)) => expected == actual,
            (Self::List(expected), Value::Array(actual)) => {
                expected.len() == actual.len() && expected.iter().zip(actual).all(|(literal, value)| literal.equals(value))
            }
            _ => false,
        }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Double(_) => "double",
            Self::List(_) => "array",
        }
    }

    fn resolved(&self, resolve: &impl Fn(&str) -> String) -> Self {
        match self {
            Self::String(text) => Self::String(resolve(text)),
            Self::List(items) => Self::List(items.iter().map(|item| item.resolved(resolve)).collect()),
            other => other.clone(),
        }
    }
}

fn contains(value: &Value, wanted: &Literal) -> bool {
    match (value, wanted) {
        (Value::String(text), Literal::String(part)) => text.contains(part.as_str()),
        (Value::Array(items), literal) => items.iter().any(|item| literal.equals(item)),
        _ => false,
    }
}

/// What there is, in words that show a difference of type: `"200" (string)` where an int `200` was asked for.
pub fn describe_actual(expected: &Predicate, actual: Option<&Value>) -> String {
    match actual {
        None => "nothing".to_owned(),
        Some(value) => match expected {
            Predicate::Equals(literal) if literal.type_name() != value.type_name() => {
                format!("{value} ({})", value.type_name())
            }
            _ => value.to_string(),
        },
    }
}

/// What was expected, with its type where the actual value is of another one.
pub fn describe_expected(expected: &Predicate, actual: Option<&Value>) -> String {
    match (expected, actual) {
        (Predicate::Equals(literal), Some(value)) if literal.type_name() != value.type_name() => {
            format!("{literal} ({})", literal.type_name())
        }
        _ => expected.to_string(),
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Double(number) => write!(f, "{number:?}"),
            Self::List(items) => write_list(f, items),
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(literal) => write!(f, "{literal}"),
            Self::Not(inner) => write!(f, "not {inner}"),
            Self::In(literals) => {
                f.write_str("one of ")?;
                write_list(f, literals)
            }
            Self::Matches(regex) => write!(f, "/{regex}/"),
            Self::Contains(literal) => write!(f, "containing {literal}"),
            Self::StartsWith(prefix) => write!(f, "starting with {prefix}"),
            Self::EndsWith(suffix) => write!(f, "ending with {suffix}"),
            Self::GreaterThan(bound) => write!(f, "more than {bound}"),
            Self::AtLeast(bound) => write!(f, "at least {bound}"),
            Self::LessThan(bound) => write!(f, "less than {bound}"),
            Self::AtMost(bound) => write!(f, "at most {bound}"),
            Self::Type(name) => write!(f, "any {name}"),
            Self::Present => f.write_str("anything"),
            Self::Absent => f.write_str("nothing"),
            Self::All(all) => {
                for (index, predicate) in all.iter().enumerate() {
                    let and = if index == 0 { "" } else { " and " };
                    write!(f, "{and}{predicate}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(number: i64) -> Predicate {
        Predicate::Equals(Literal::Int(number))
    }

    #[test]
    fn an_integer_is_not_its_text_and_not_its_double() {
        assert!(int(200).accepts(Some(&Value::Int(200))));
        assert!(!int(200).accepts(Some(&Value::from("200"))));
        assert!(!int(200).accepts(Some(&Value::Double(200.0))));
        assert_eq!(describe_actual(&int(200), Some(&Value::from("200"))), "200 (string)");
        assert_eq!(describe_expected(&int(200), Some(&Value::from("200"))), "200 (int)");
    }

    #[test]
    fn a_missing_attribute_satisfies_only_what_asks_for_none() {
        assert!(Predicate::Absent.accepts(None));
        assert!(Predicate::Not(Box::new(Predicate::Present)).accepts(None));
        assert!(!Predicate::Not(Box::new(int(1))).accepts(None));
        assert!(!Predicate::Present.accepts(None));
        assert!(!Predicate::Absent.accepts(Some(&Value::Bool(false))));
    }

    #[test]
    fn bounds_take_numbers_of_both_types_and_nothing_else() {
        let at_least = Predicate::AtLeast(2.0);
        assert!(at_least.accepts(Some(&Value::Int(2))));
        assert!(at_least.accepts(Some(&Value::Double(2.5))));
        assert!(!at_least.accepts(Some(&Value::Int(1))));
        assert!(!at_least.accepts(Some(&Value::from("3"))));
        let both = Predicate::All(vec![at_least, Predicate::LessThan(4.0)]);
        assert!(both.accepts(Some(&Value::Int(3))));
        assert!(!both.accepts(Some(&Value::Int(4))));
    }

    #[test]
    fn contains_looks_into_text_and_lists() {
        let part = Predicate::Contains(Literal::String("ab".into()));
        assert!(part.accepts_text("cabd"));
        assert!(part.accepts(Some(&Value::Array(vec![Value::from("ab")]))));
        assert!(!part.accepts(Some(&Value::Array(vec![Value::from("cab")]))));
    }
}
