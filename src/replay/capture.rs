//! Values that a fixture captures from requests and answers, and puts into later texts as `${name}`.
//!
//! Fed by `check` after each step; read by later steps and by the expectations.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Captured values by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captures(BTreeMap<String, String>);

impl Captures {
    /// Remembers a value; a later one of the same name replaces it.
    pub fn insert(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// Puts captured values into a text. What was not captured stays as it is written, so that a mismatch shows it.
    pub fn resolve(&self, text: &str) -> String {
        let mut resolved = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            let Some(end) = from.find('}') else { break };
            resolved.push_str(before);
            match self.0.get(&from[2..end]) {
                Some(value) => resolved.push_str(value),
                None => resolved.push_str(&from[..=end]),
            }
            rest = &from[end + 1..];
        }
        resolved.push_str(rest);
        resolved
    }
}

/// A JSON value as the text that is compared and captured: strings without quotes, everything else as JSON.
pub fn json_of(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::Captures;

    #[test]
    fn known_names_are_put_in_and_unknown_ones_stay() {
        let mut captures = Captures::default();
        captures.insert("payment", "pi_1".to_owned());
        assert_eq!(captures.resolve("id ${payment} and ${other} and ${"), "id pi_1 and ${other} and ${");
    }
}
