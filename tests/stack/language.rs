//! The JSON Schemas, the reference page and the reader of stacks hold the same language.

use std::fs;

use devstack::{
    stack::{self, tables},
    support::yaml::shape::Shape,
};
use serde_json::{Value, json};

use crate::lint::schema::{checked, examples, valid};

/// Texts that are right, each with whether it is a project's file.
fn texts() -> Vec<(String, bool)> {
    let page = stack::page();
    let shipped = stack::names().into_iter().map(|name| fs::read_to_string(format!("stacks/{name}.yaml")).unwrap());
    let mut texts: Vec<(String, bool)> = shipped.chain(examples(&page, "```yaml stack")).map(|text| (text, false)).collect();
    texts.extend(examples(&page, "```yaml project").into_iter().map(|text| (text, true)));
    assert!(texts.len() >= 6);
    texts
}

/// The shape and the schema of a stack's or a project's file.
fn language(is_project: bool) -> (Shape, Value) {
    if is_project {
        (Shape::Object(&tables::PROJECT), stack::project_schema())
    } else {
        (Shape::Object(&tables::STACK), stack::schema())
    }
}

#[test]
fn shipped_stacks_and_documented_examples_satisfy_reader_and_schema() {
    for (text, is_project) in texts() {
        let (shape, schema) = language(is_project);
        let (problems, json) = checked(&text, &shape);
        assert_eq!(problems, [], "{text}");
        assert!(valid(&schema, &schema, &json.unwrap()), "the schema refuses\n{text}");
    }
}

#[test]
fn whatever_replaces_a_value_what_the_reader_takes_the_schema_takes() {
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!(0.5),
        json!("x"),
        json!("http://a:1"),
        json!([]),
        json!({}),
        json!({ "strange": 1 }),
    ];
    let (mut taken, mut refused) = (0, 0);
    for (text, is_project) in texts() {
        let (shape, schema) = language(is_project);
        let json = checked(&text, &shape).1.unwrap();
        for pointer in pointers(&json) {
            for value in &values {
                let mut changed = json.clone();
                *changed.pointer_mut(&pointer).unwrap() = value.clone();
                let problems = checked(&changed.to_string(), &shape).0;
                let is_valid = valid(&schema, &schema, &changed);
                if problems.is_empty() {
                    assert!(is_valid, "the schema refuses {pointer} = {value} in\n{text}");
                    taken += 1;
                } else if problems.iter().all(|problem| ["unknown-key", "wrong-type", "unknown-word"].contains(&problem.code)) {
                    assert!(!is_valid, "the schema takes {pointer} = {value} in\n{text}");
                    refused += 1;
                }
            }
        }
    }
    assert!(taken > 100 && refused > 500, "{taken} taken, {refused} refused");
}

/// The place of every value in a document.
fn pointers(value: &Value) -> Vec<String> {
    let below = |key: String, value: &Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        let inner = pointers(value).into_iter().map(|inner| format!("/{key}{inner}")).collect::<Vec<_>>();
        [format!("/{key}")].into_iter().chain(inner).collect::<Vec<_>>()
    };
    match value {
        Value::Object(map) => map.iter().flat_map(|(key, value)| below(key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().flat_map(|(index, value)| below(index.to_string(), value)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_reference_page_of_stacks_is_fresh() {
    let (path, page) = ("stacks/README.md", stack::page());
    if std::env::var_os("DEVSTACK_BLESS").is_some() {
        fs::write(path, &page).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap_or_default() == page,
        "{path} is not what the tables say; `DEVSTACK_BLESS=1 cargo test stack` writes it"
    );
}
