//! The JSON Schema (draft 2020-12) of a table, for editors.
//!
//! Made from the same tables as `check`, so that what an editor accepts is what a reader accepts.

use serde_json::{Map, Value, json};

use super::shape::{Group, Need, Object, Shape};

/// The schema of `object` as a document of its own, with every object it uses under `$defs`.
pub fn schema(object: &'static Object, title: &str) -> Value {
    let mut defs = Map::new();
    let root = reference(object, &mut defs);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "$ref": root["$ref"],
        "$defs": defs,
    })
}

/// A reference to `object`, which is put under `$defs` the first time.
fn reference(object: &'static Object, defs: &mut Map<String, Value>) -> Value {
    if !defs.contains_key(object.name) {
        // Stands in until it is done, because objects contain each other.
        defs.insert(object.name.to_owned(), Value::Null);
        let definition = definition(object, defs);
        defs.insert(object.name.to_owned(), definition);
    }
    json!({ "$ref": format!("#/$defs/{}", object.name) })
}

fn definition(object: &'static Object, defs: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in object.keys {
        let mut property = shape(key.shape, defs);
        property["description"] = key.doc.into();
        properties.insert(key.name.to_owned(), property);
    }
    let mut definition = json!({
        "description": object.doc,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    let required: Vec<&str> = object.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        definition["required"] = json!(required);
    }
    let groups: Vec<Value> = object.groups.iter().map(group).collect();
    if !groups.is_empty() {
        definition["allOf"] = groups.into();
    }
    definition
}

fn group(group: &Group) -> Value {
    let each: Vec<Value> = group.keys.iter().map(|key| json!({ "required": [key] })).collect();
    match group.need {
        Need::One => json!({ "oneOf": each }),
        Need::Some => json!({ "anyOf": each }),
        Need::AtMostOne => {
            let none = json!({ "not": { "anyOf": each } });
            json!({ "oneOf": each.into_iter().chain([none]).collect::<Vec<_>>() })
        }
    }
}

fn shape(of: &'static Shape, defs: &mut Map<String, Value>) -> Value {
    match of {
        Shape::Text => json!({ "type": "string", "pattern": "\\S" }),
        Shape::AnyText => json!({ "type": "string" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Int(least, i64::MAX) => json!({ "type": "integer", "minimum": least }),
        Shape::Int(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Shape::Any => json!({}),
        Shape::Nothing => json!({ "type": "null" }),
        Shape::Word(words) => json!({ "enum": words.names().collect::<Vec<_>>() }),
        Shape::Format(format) => json!({ "type": "string", "pattern": format.pattern }),
        Shape::List(item) => json!({ "type": "array", "minItems": 1, "items": shape(item, defs) }),
        Shape::AnyList(item) => json!({ "type": "array", "items": shape(item, defs) }),
        Shape::Map(map) => {
            let mut schema = json!({ "type": "object", "additionalProperties": shape(map.value, defs) });
            if let Some(form) = map.form {
                schema["propertyNames"] = json!({ "pattern": form.pattern });
            }
            schema
        }
        Shape::Object(object) => reference(object, defs),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(|one| shape(one, defs)).collect::<Vec<_>>() }),
    }
}
