//! The JSON Schemas, the reference page and the reader hold the same language: what the reader takes the schemas take, and what is wrong
//! in form both refuse.
//!
//! The validator here knows the keywords that the schemas use and panics at any other, so that no constraint goes unchecked.

use std::{fs, path::Path, sync::LazyLock};

use devstack::{
    fixture::{self, tables},
    support::{
        source::Problem,
        yaml::{self, shape::Shape},
    },
};
use proptest::prelude::*;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::{inputs, report};

static SCHEMA: LazyLock<Value> = LazyLock::new(fixture::schema);

/// Every key of every object in the schema, and one of none.
static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let objects = SCHEMA["$defs"].as_object().expect("definitions").values();
    let keys = objects.flat_map(|object| object["properties"].as_object().expect("properties").keys().cloned());
    let mut keys: Vec<String> = keys.chain(["strange".to_owned()]).collect();
    keys.sort();
    keys.dedup();
    keys
});

/// The valid fixtures that are mutated, as JSON.
static VALID: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let texts = examples(&fixture::page(), "```yaml");
    texts.iter().map(|text| checked(text, &Shape::Object(&tables::FIXTURE)).1.expect("YAML")).collect()
});

/// Whether `value` satisfies `schema`, whose references lead into `root`.
pub(crate) fn valid(root: &Value, schema: &Value, value: &Value) -> bool {
    let schema = schema.as_object().expect("a schema is an object");
    schema.iter().all(|(keyword, wanted)| keyword_holds(root, schema, keyword, wanted, value))
}

fn keyword_holds(root: &Value, schema: &Map<String, Value>, keyword: &str, wanted: &Value, value: &Value) -> bool {
    let all = |wanted: &Value| wanted.as_array().expect("a list").clone();
    let object = value.as_object();
    match keyword {
        "$schema" | "title" | "description" | "$defs" => true,
        "$ref" => {
            let pointer = wanted.as_str().and_then(|text| text.strip_prefix('#')).expect("a local reference");
            valid(root, root.pointer(pointer).unwrap_or_else(|| panic!("{pointer} leads nowhere")), value)
        }
        "type" => match wanted {
            Value::String(name) => is_a(name, value),
            names => all(names).iter().any(|name| is_a(name.as_str().expect("a type"), value)),
        },
        "enum" => all(wanted).contains(value),
        "pattern" => {
            value.as_str().is_none_or(|text| Regex::new(wanted.as_str().expect("a pattern")).expect("a regex").is_match(text))
        }
        "minimum" => value.as_i64().is_none_or(|number| number >= wanted.as_i64().expect("a bound")),
        "maximum" => value.as_i64().is_none_or(|number| number <= wanted.as_i64().expect("a bound")),
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= wanted.as_u64().expect("a bound")),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| valid(root, wanted, item))),
        "required" => object.is_none_or(|object| all(wanted).iter().all(|key| object.contains_key(key.as_str().expect("a key")))),
        "properties" => object.is_none_or(|object| {
            let known = wanted.as_object().expect("properties");
            object.iter().all(|(key, value)| known.get(key).is_none_or(|schema| valid(root, schema, value)))
        }),
        "additionalProperties" => object.is_none_or(|object| {
            let known = |key: &String| schema.get("properties").is_some_and(|properties| properties.get(key).is_some());
            object.iter().filter(|(key, _)| !known(key)).all(|(_, value)| match wanted {
                Value::Bool(allowed) => *allowed,
                schema => valid(root, schema, value),
            })
        }),
        "propertyNames" => object.is_none_or(|object| object.keys().all(|key| valid(root, wanted, &json!(key)))),
        "allOf" => all(wanted).iter().all(|schema| valid(root, schema, value)),
        "anyOf" => all(wanted).iter().any(|schema| valid(root, schema, value)),
        "oneOf" => all(wanted).iter().filter(|schema| valid(root, schema, value)).count() == 1,
        "not" => !valid(root, wanted, value),
        other => panic!("the schema says `{other}`, which this test does not know"),
    }
}

fn is_a(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("the schema says type `{other}`, which this test does not know"),
    }
}

/// The problems in the form of a text, and its JSON when it is YAML at all.
pub(crate) fn checked(text: &str, shape: &Shape) -> (Vec<Problem>, Option<Value>) {
    let mut problems = Vec::new();
    let node = yaml::read(text, &mut problems);
    if let Some(node) = &node {
        yaml::check(node, shape, &mut problems);
    }
    (problems, node.map(|node| node.to_json()))
}

/// The code blocks of the reference page that begin with this fence.
pub(crate) fn examples(page: &str, fence: &str) -> Vec<String> {
    let fence = format!("{fence}\n");
    page.split(&fence).skip(1).map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}

fn shipped() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new("fixtures").to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the shipped fixtures") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push((path.display().to_string(), fs::read_to_string(&path).expect("text")));
            }
        }
    }
    assert!(files.len() >= 17, "{} files", files.len());
    files
}

#[test]
fn shipped_fixtures_and_documented_examples_satisfy_reader_and_schema() {
    let (fixture, suite) = (&*SCHEMA, fixture::suite_schema());
    let page = fixture::page();
    let mut texts: Vec<(String, String, bool)> =
        shipped().into_iter().map(|(file, text)| (file.clone(), text, file.ends_with("suite.yaml"))).collect();
    texts.extend(examples(&page, "```yaml").into_iter().map(|text| ("an example of the page".to_owned(), text, false)));
    texts.extend(examples(&page, "```yaml suite").into_iter().map(|text| ("the suite of the page".to_owned(), text, true)));
    for (file, text, is_suite) in texts {
        let (shape, schema) =
            if is_suite { (Shape::Object(&tables::SUITE), &suite) } else { (Shape::Object(&tables::FIXTURE), fixture) };
        let (problems, json) = checked(&text, &shape);
        assert_eq!(problems, [], "{file}");
        assert!(valid(schema, schema, &json.expect("YAML")), "the schema refuses {file}:\n{text}");
    }
    assert!(examples(&page, "```yaml").len() >= 4 && !examples(&page, "```yaml suite").is_empty());
}

#[test]
fn what_is_wrong_in_form_the_schema_refuses_too() {
    // Their wrongness is in the form of a text or in what several keys mean together, which patterns can only outline.
    const MEANING: [&str; 5] = ["bad-value", "out-of-range", "duplicate-key", "several-documents", "yaml"];
    let schema = &*SCHEMA;
    let mut refused = 0;
    for input in inputs("one") {
        let text = fs::read_to_string(&input).expect("text");
        let (problems, Some(json)) = checked(&text, &Shape::Object(&tables::FIXTURE)) else { continue };
        if problems.iter().any(|problem| !MEANING.contains(&problem.code)) {
            assert!(!valid(schema, schema, &json), "the schema takes {}", input.display());
            refused += 1;
        } else if problems.is_empty() {
            assert!(valid(schema, schema, &json), "the schema refuses {}", input.display());
        }
    }
    assert!(refused > 20, "only {refused}");
    assert!(report(Path::new("fixtures")).errors() == 0);
}

#[test]
fn the_reference_page_is_fresh() {
    let path = Path::new("fixtures/README.md");
    let page = fixture::page();
    if std::env::var_os("DEVSTACK_BLESS").is_some() {
        fs::write(path, &page).expect("written");
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(committed == page, "fixtures/README.md is not what the tables say; `DEVSTACK_BLESS=1 cargo test lint` writes it");
}

/// A value that a hurried person might write.
fn any_value() -> impl Strategy<Value = Value> {
    let words =
        ["error", "none", "POST /webhooks/stripe", "1s", "$.id", "a -> b", "otel.orphan", "now", "settled", "", "${x}", "GET"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5_i64..700).prop_map(Value::from),
        Just(json!(1.5)),
        proptest::sample::select(words.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((proptest::sample::select(KEYS.as_slice()), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Puts `value` in the place of some part of `whole`: the part that a walk of `steps` leads to. JSON is YAML, so the result is read as it is.
fn mutate(whole: &mut Value, steps: &[usize], value: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *whole = value;
        return;
    };
    match whole {
        Value::Object(entries) if !entries.is_empty() => {
            let at = step % entries.len();
            let key = entries.keys().nth(at).cloned().unwrap_or_default();
            mutate(&mut entries[&key], rest, value);
        }
        Value::Array(items) if !items.is_empty() => {
            let at = step % items.len();
            mutate(&mut items[at], rest, value);
        }
        _ => *whole = value,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Mutated fixtures: what the reader takes the schema takes; what the schema takes is at worst wrong in what a pattern cannot say.
    #[test]
    fn reader_and_schema_agree(example in 0_usize..4, steps in proptest::collection::vec(0_usize..8, 1..6), value in any_value()) {
        let mut json = VALID[example].clone();
        mutate(&mut json, &steps, value);
        let (problems, read) = checked(&json.to_string(), &Shape::Object(&tables::FIXTURE));
        if let Some(read) = read {
            let taken = valid(&SCHEMA, &SCHEMA, &read);
            let form: Vec<&Problem> = problems.iter().filter(|problem| problem.code != "bad-value").collect();
            prop_assert!(taken || !problems.is_empty(), "only the schema refuses {json}");
            prop_assert!(!taken || form.is_empty(), "only the reader refuses {json}: {form:?}");
        }
    }
}
