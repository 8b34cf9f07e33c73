//! Files with errors and selections without a match: a clear sentence, the right exit code, nothing sent.

use super::sandbox::{Run, Sandbox};

fn replayed(files: &[(&str, &str)]) -> Run {
    let sandbox = Sandbox::new();
    for (name, text) in files {
        sandbox.write(&format!("fixtures/{name}"), text);
    }
    sandbox.run(&["replay", "fixtures"])
}

fn assert_refused(run: &Run, words: &[&str]) {
    assert_eq!(run.code, 2, "{}\n{}", run.out, run.err);
    for word in words {
        assert!(run.err.contains(word), "nothing says `{word}`:\n{}", run.err);
    }
    assert!(run.out.is_empty(), "nothing may run: {}", run.out);
}

#[test]
fn every_problem_of_every_file_is_told_in_one_run() {
    let run = replayed(&[
        ("a.yaml", "name: a\nrequest: { path: / }\natributes: {}\ntrace: [{ sever: x }]\n"),
        ("b.yaml", "name: b\nrequest: { whatsap: x.json }\n"),
        ("c.yaml", "name: [unclosed\n"),
    ]);
    assert_refused(&run, &["a.yaml", "`atributes`", "did you mean", "`sever`", "b.yaml", "whatsap", "c.yaml"]);
}

#[test]
fn wrong_type_duplicate_key_and_missing_body() {
    let run = replayed(&[
        ("type.yaml", "name: x\ntags: 3\nrequest: { whatsapp: body.json }\n"),
        ("twice.yaml", "name: x\nname: y\nrequest: { path: / }\n"),
    ]);
    assert_refused(&run, &["type.yaml", "body.json", "twice.yaml", "name"]);
}

#[test]
fn a_body_of_fifty_megabytes_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("fixtures/big.yaml", "name: big\nrequest: { whatsapp: big.json }\n");
    sandbox.write("fixtures/big.json", vec![b' '; 50 * 1024 * 1024]);
    assert_refused(&sandbox.run(&["replay", "fixtures"]), &["big.json"]);
}

#[test]
fn what_comes_in_a_later_version_is_refused_by_name() {
    let run = replayed(&[("later.yaml", "name: x\nrequest: { path: / }\nmetrics: []\ntraceql: \"{}\"\n")]);
    assert_refused(&run, &["metrics", "traceql"]);
}

#[test]
fn a_folder_without_fixtures_and_a_selection_without_a_match_are_code_four() {
    assert_eq!(replayed(&[]).code, 4);
    let sandbox = Sandbox::with_fixture("name: x\nrequest: { path: / }\n");
    let run = sandbox.run(&["replay", "fixtures", "--tag", "nobody-has-this"]);
    assert_eq!(run.code, 4, "{}", run.err);
    assert!(run.err.contains("nobody-has-this"), "{}", run.err);
}

#[test]
fn a_path_that_is_not_there_and_wrong_options_are_code_two() {
    let sandbox = Sandbox::new();
    for args in [
        &["replay", "nowhere"][..],
        &["replay", "--jobs", "0"],
        &["replay", "--fault", "contxt-lost"],
        &["replay", "--report", "junit"],
    ] {
        let run = sandbox.run(args);
        assert_eq!(run.code, 2, "{args:?}: {}", run.err);
        assert!(!run.err.is_empty());
    }
    let hinted = sandbox.run(&["replay", "--fault", "contxt-lost"]).err;
    assert!(hinted.contains("context-lost"), "{hinted}");
}

#[test]
fn a_report_that_cannot_be_written_fails_before_anything_is_sent() {
    let sandbox = Sandbox::with_fixture("name: x\nrequest: { path: / }\n");
    sandbox.write("taken", "a file, not a folder");
    let run = sandbox.run(&["replay", "fixtures", "--report", "junit=taken/report.xml"]);
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(run.err.contains("taken/report.xml"), "{}", run.err);
}
