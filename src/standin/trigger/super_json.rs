//! Super-JSON: JSON, and beside it which of its values JSON cannot say (superjson 2, as the Trigger.dev SDK uses it).
//!
//! Read by `call`. `{"json": {"a": null, "at": "1970-01-01T00:00:00.000Z"}, "meta": {"values": {"a": ["undefined"], "at": ["Date"]}, "v": 1}}`

use serde::Deserialize;
use serde_json::{Map, Value};

/// What is written as `null` and is not there.
const UNDEFINED: &str = "undefined";

#[derive(Debug, Deserialize)]
struct Packed {
    json: Value,
    #[serde(default)]
    meta: Meta,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    /// Where nothing but fields is annotated, paths and what stands there; for the value itself `["type"]` or `["type", {paths}]`.
    #[serde(default)]
    values: Value,
}

/// The fields of an object in super-JSON, as the task will see them: those that are `undefined` are not there. `None` for anything that
/// has no fields by name, such as a list, a text, a `Map`. Dates, bigints and the like stay the texts they are written as.
pub(super) fn fields(text: &str) -> Result<Option<Map<String, Value>>, serde_json::Error> {
    // By way of an object, because serde takes a list for a struct.
    let packed: Map<String, Value> = serde_json::from_str(text)?;
    let Packed { json, meta } = serde_json::from_value(Value::Object(packed))?;
    let Value::Object(mut fields) = json else { return Ok(None) };
    match meta.values {
        Value::Object(paths) => {
            take_out_undefined(&mut fields, &paths);
            Ok(Some(fields))
        }
        Value::Null => Ok(Some(fields)),
        // The value itself is of a type that JSON does not have.
        _ => Ok(None),
    }
}

/// Only fields of the object itself matter to whoever looks for a name in it; what is `undefined` further down stays `null`.
fn take_out_undefined(fields: &mut Map<String, Value>, paths: &Map<String, Value>) {
    for (path, kind) in paths {
        if kind.get(0).and_then(Value::as_str) == Some(UNDEFINED)
            && let Some(name) = single(path)
        {
            fields.remove(&name);
        }
    }
}

/// The name that a path of one segment stands for; in a segment `.` is written `\.` and a backslash is doubled.
fn single(path: &str) -> Option<String> {
    let mut name = String::new();
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '.' => return None,
            '\\' => name.push(letters.next()?),
            other => name.push(other),
        }
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Value, fields};

    /// What `superjson` 2.2.6 writes for the value in the comment.
    #[test]
    fn the_librarys_own_texts_are_read() {
        for (text, expected) in [
            // { a: 1, d: new Date(0), u: undefined, b: 10n }
            (
                r#"{"json":{"a":1,"d":"1970-01-01T00:00:00.000Z","u":null,"b":"10"},"meta":{"values":{"d":["Date"],"u":["undefined"],"b":["bigint"]},"v":1}}"#,
                Some(json!({"a": 1, "d": "1970-01-01T00:00:00.000Z", "b": "10"})),
            ),
            // { "a.b": undefined, n: { deep: undefined } }
            (
                r#"{"json":{"a.b":null,"n":{"deep":null}},"meta":{"values":{"a\\.b":["undefined"],"n.deep":["undefined"]},"v":1}}"#,
                Some(json!({"n": {"deep": null}})),
            ),
            // { a: null }: null is there
            (r#"{"json":{"a":null}}"#, Some(json!({"a": null}))),
            // [1, new Date(0)]
            (r#"{"json":[1,"1970-01-01T00:00:00.000Z"],"meta":{"values":{"1":["Date"]},"v":1}}"#, None),
            // new Map([["traceparent", "x"]])
            (r#"{"json":[["traceparent","x"]],"meta":{"values":["map"],"v":1}}"#, None),
            // new Error("no")
            (r#"{"json":{"name":"Error","message":"no"},"meta":{"values":["Error"],"v":1}}"#, None),
            // undefined
            (r#"{"json":null,"meta":{"values":["undefined"],"v":1}}"#, None),
        ] {
            assert_eq!(fields(text).unwrap().map(Value::Object), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_super_json_is_refused() {
        for text in ["", "[]", "{}", "no", r#"{"json":"#, r#"{"json":{},"meta":7}"#] {
            assert!(fields(text).is_err(), "{text}");
        }
    }
}
