//! What people see when a file is wrong: every file under `tests/cases` with the exact text it leads to.
//!
//! `tests/cases/one/NAME.yaml` is linted alone, `tests/cases/many/NAME/` as a folder, `tests/cases/stack` has both for stacks; the text stands in `NAME.txt` beside it. After a
//! deliberate change, `DEVSTACK_BLESS=1 cargo test lint` writes the texts anew, to be read before they are committed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use devstack::{
    lint::{LintReport, lint},
    support::source::{Level, Paint, WIDTH},
};

pub(crate) mod schema;

const CASES: &str = "tests/cases";

/// Every file or folder under `tests/cases/GROUP` that is an input.
fn inputs(group: &str) -> Vec<PathBuf> {
    let folder = Path::new(CASES).join(group);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    inputs.retain(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "yaml"));
    inputs.sort();
    assert!(!inputs.is_empty(), "no cases in {}", folder.display());
    inputs
}

fn report(input: &Path) -> LintReport {
    lint(&[input.to_owned()], Path::new("."))
}

fn text(report: &LintReport) -> String {
    format!("{}\n\n{}\n", report.render(Paint::Plain), report.summary())
}

fn hold(group: &str) {
    let bless = std::env::var_os("DEVSTACK_BLESS").is_some();
    let mut wrong = Vec::new();
    for input in inputs(group) {
        let expected = input.with_extension("txt");
        let actual = text(&report(&input));
        if bless {
            fs::write(&expected, &actual).expect("written");
        } else if fs::read_to_string(&expected).ok().as_ref() != Some(&actual) {
            wrong.push(format!("{} now leads to\n{actual}", input.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_wrong_file_leads_to_its_text() {
    hold("one");
}

#[test]
fn every_wrong_folder_leads_to_its_text() {
    hold("many");
}

#[test]
fn every_wrong_stack_leads_to_its_text() {
    hold("stack");
}

#[test]
fn every_case_finds_something_and_fits_the_terminal() {
    for input in ["one", "many", "stack"].into_iter().flat_map(inputs) {
        let report = report(&input);
        assert!(!report.problems.is_empty(), "{} is not wrong", input.display());
        for line in text(&report).lines() {
            let width = unicode_width::UnicodeWidthStr::width(line);
            // Paths of the test files are longer than they would be where people run it.
            assert!(width <= WIDTH || line.contains(CASES), "{width} columns: {line}");
        }
    }
}

#[test]
fn the_json_names_every_problem_with_its_place() {
    let report = report(Path::new("tests/cases/one/unknown-key.yaml"));
    let json = report.to_json();
    assert_eq!(json["version"], 1);
    assert_eq!(json["errors"], 2);
    let first = &json["problems"][0];
    assert_eq!(first["file"], "tests/cases/one/unknown-key.yaml");
    assert_eq!((&first["line"], &first["column"], &first["length"]), (&6.into(), &5.into(), &9.into()));
    assert_eq!(first["code"], "unknown-key");
    assert_eq!(first["label"], "did you mean `attributes`?");
}

#[test]
fn all_problems_of_all_files_come_at_once() {
    let alone: usize = inputs("one").iter().map(|input| report(input).problems.count(Level::Error)).sum();
    let together = report(Path::new("tests/cases/one"));
    assert_eq!(together.errors(), alone);
    assert!(alone > 100, "only {alone}");
}

#[test]
fn the_shipped_fixtures_are_without_fault() {
    let report = report(Path::new("fixtures"));
    assert!(report.problems.is_empty(), "{}", text(&report));
    assert!(report.fixtures >= 16);
}
