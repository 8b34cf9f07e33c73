//! The language of stack files for people and editors: the JSON Schemas and the reference page.
//!
//! Made from the tables that the reader checks by; printed by `devstack schema`, kept fresh as `stacks/README.md` by a test.

use std::collections::BTreeSet;

use serde_json::Value;

use super::tables::{PROJECT, STACK};
use crate::support::yaml::{reference::reference, schema};

/// What stands before the tables.
const INTRODUCTION: &str = include_str!("page.md");

/// The JSON Schema (draft 2020-12) of a stack file.
pub fn schema() -> Value {
    schema::schema(&STACK, "devstack stack")
}

/// The JSON Schema (draft 2020-12) of a project's `devstack.yaml`.
pub fn project_schema() -> Value {
    schema::schema(&PROJECT, "devstack project")
}

/// The reference page in Markdown: how stacks work, with examples, and every key.
pub fn page() -> String {
    let mut seen = BTreeSet::new();
    let tables = [&STACK, &PROJECT].map(|object| reference(object, 3, &mut seen)).concat();
    format!("{}\n\n## Keys\n\n{}\n", INTRODUCTION.trim_end(), tables.trim_end())
}
