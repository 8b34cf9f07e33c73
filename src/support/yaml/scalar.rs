//! What a plain YAML scalar means: the core schema of YAML 1.2 (section 10.3.2).
//!
//! Called by `read`.

use super::Value;

/// The value of the plain scalar `text`, or what is wrong with it.
pub(super) fn plain(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Value::Double(f64::NAN),
        _ => match number(text)? {
            Some(number) => number,
            None => Value::String(text.to_owned()),
        },
    })
}

/// The value of `text` under one of the tags `str`, `int`, `float`, `bool`, `null` of the core schema.
pub(super) fn tagged(tag: &str, text: &str) -> Result<Value, String> {
    let value = if tag == "str" { Value::String(text.to_owned()) } else { plain(text)? };
    match (tag, value) {
        ("float", Value::Int(value)) => Ok(Value::Double(value as f64)),
        ("str", value @ Value::String(_))
        | ("int", value @ Value::Int(_))
        | ("float", value @ Value::Double(_))
        | ("bool", value @ Value::Bool(_))
        | ("null", value @ Value::Null) => Ok(value),
        _ => Err(format!("`{text}` is not what its tag `!!{tag}` says")),
    }
}

fn number(text: &str) -> Result<Option<Value>, String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(digits) = text.strip_prefix("0x").filter(|digits| all(digits, |c| c.is_ascii_hexdigit())) {
        return integer(i64::from_str_radix(digits, 16).ok(), text);
    }
    if let Some(digits) = text.strip_prefix("0o").filter(|digits| all(digits, |c| ('0'..='7').contains(&c))) {
        return integer(i64::from_str_radix(digits, 8).ok(), text);
    }
    if all(unsigned, |c| c.is_ascii_digit()) {
        return integer(text.parse().ok(), text);
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Ok(Some(Value::Double(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY })));
    }
    // Rust reads `inf`, `nan` and `infinity` too, which are text in YAML.
    let numeric =
        unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') && unsigned.contains(|c: char| c.is_ascii_digit());
    let shaped = unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    Ok(if numeric && shaped { text.parse().ok().map(Value::Double) } else { None })
}

fn integer(value: Option<i64>, text: &str) -> Result<Option<Value>, String> {
    value.map(|value| Some(Value::Int(value))).ok_or_else(|| format!("`{text}` does not fit 64 bits"))
}

fn all(text: &str, test: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(test)
}

#[cfg(test)]
mod tests {
    use super::{Value, plain, tagged};

    #[test]
    fn words_and_numbers_of_the_core_schema() {
        let text = |text: &str| Value::String(text.to_owned());
        for (source, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("no", text("no")),
            ("on", text("on")),
            ("inf", text("inf")),
            ("1s", text("1s")),
            ("-", text("-")),
            (".", text(".")),
            ("1.2.3", text("1.2.3")),
            ("-10m", text("-10m")),
            ("2026-01-01", text("2026-01-01")),
            ("010", Value::Int(10)),
            ("-7", Value::Int(-7)),
            ("+7", Value::Int(7)),
            ("0x1f", Value::Int(31)),
            ("0o17", Value::Int(15)),
            ("1.0", Value::Double(1.0)),
            (".5", Value::Double(0.5)),
            ("1e3", Value::Double(1000.0)),
            ("-.inf", Value::Double(f64::NEG_INFINITY)),
        ] {
            assert_eq!(plain(source), Ok(value), "{source}");
        }
        assert!(plain("9223372036854775808").is_err());
    }

    #[test]
    fn a_tag_holds_its_value_to_its_word() {
        assert_eq!(tagged("str", "200"), Ok(Value::String("200".to_owned())));
        assert_eq!(tagged("float", "1"), Ok(Value::Double(1.0)));
        assert!(tagged("int", "one").is_err());
    }
}
