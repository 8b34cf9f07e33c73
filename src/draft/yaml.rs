//! Values as the fixtures in the house write them: plain where that is safe, else quoted.
//!
//! Read by [`super::text`] and [`super::init`](crate::draft).

use serde_json::Value as Json;

/// A text as a YAML scalar that stays a text, also between braces.
pub(super) fn scalar(text: &str) -> String {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || " ._/$@+-".contains(sign);
    let begins = text.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '/' || sign == '$');
    let word = matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "none" | "yes" | "no" | "on" | "off");
    if begins && !word && text.chars().all(plain) && !text.ends_with(' ') {
        return text.to_owned();
    }
    if text.chars().any(char::is_control) {
        // A JSON string is a double-quoted YAML scalar.
        return Json::from(text).to_string();
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// A constant of an answer.
pub(super) fn value(value: &Json) -> String {
    match value {
        Json::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// `{ a: 1, b: 2 }` of values that are written already.
pub(super) fn map(pairs: &[(String, String)]) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{}: {value}", scalar(key))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::scalar;
    use crate::support::yaml::{Value, read};

    #[test]
    fn a_text_stays_the_text_it_is() {
        for text in [
            "POST /webhooks/crm",
            "GET /leads/{id}",
            "true",
            "no",
            "12",
            "1.5",
            "~",
            "",
            " x",
            "x ",
            "a: b",
            "a #b",
            "it's",
            "- x",
            "a, b",
            "[x]",
            "*x",
            "&x",
            "!x",
            "%x",
            "`x`",
            "a\nb",
            "\u{7}",
            "\"q\"",
            "$.status",
            "@x",
            "?",
            ">",
            "|",
            "ă",
            "0x10",
            ".inf",
            "x:",
            "#",
        ] {
            for source in [format!("k: {}\n", scalar(text)), format!("k: {{ a: {}, b: 1 }}\n", scalar(text))] {
                let mut problems = Vec::new();
                let node = read(&source, &mut problems).unwrap_or_else(|| panic!("{source}"));
                assert!(problems.is_empty(), "{source}");
                let node = node.get("k").expect("the key");
                let node = if source.contains("b: 1") { node.get("a").expect("the inner key") } else { node };
                assert!(matches!(&node.value, Value::String(got) if got == text), "{source:?} {:?}", node.value);
            }
        }
    }
}
