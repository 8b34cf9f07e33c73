//! The JSON Schemas beside the fixtures and stacks are what the code says today; editors read them, people do not write them.

use std::{fs, path::Path};

use devstack::{fixture, stack};
use serde_json::Value;

#[track_caller]
fn is_fresh(folder: &str, kind: &str, schema: &Value) {
    let file = format!("{folder}/{kind}.schema.json");
    let kept = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap_or_default();
    // Not `assert_eq!`, which would print both, thousands of lines.
    assert!(kept == format!("{schema:#}\n"), "{file} is stale: run `cargo run -- schema {kind} > {file}`");
}

#[test]
fn the_schema_of_fixtures_is_fresh() {
    is_fresh("fixtures", "fixture", &fixture::schema());
}

#[test]
fn the_schema_of_suites_is_fresh() {
    is_fresh("fixtures", "suite", &fixture::suite_schema());
}

#[test]
fn the_schema_of_stacks_is_fresh() {
    is_fresh("stacks", "stack", &stack::schema());
}

#[test]
fn the_schema_of_projects_is_fresh() {
    is_fresh("stacks", "project", &stack::project_schema());
}
