//! The examples' own fixtures and recipes: `devstack replay` as their READMEs say it, and `ci/check.sh`.

use super::{install, project::Project};
use crate::sandbox::Run;

/// `replay`, then the recipe without the lines that install: the copy comes with its packages.
fn holds(project: &Project, cases: usize, installs: &[&str]) {
    let run = project.devstack(&["replay", "--format", "json"]);
    assert_eq!(run.code, 0, "{}\n{}", run.err, run.out);
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let verdicts: Vec<_> = report["cases"].as_array().unwrap().iter().map(|case| &case["verdict"]).collect();
    assert_eq!(verdicts, vec!["held"; cases], "{report:#}");

    for line in installs {
        project.example.without_line("ci/check.sh", line);
    }
    let run = Run::of(&project.command("bash", &["ci/check.sh"]).output().unwrap());
    assert_eq!(run.code, 0, "{}\n{}", run.err, run.out);
    let written = project.read("traces.xml");
    assert_eq!(written.matches("<testcase ").count(), cases, "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_the_node_example_hold() {
    let Some(example) = install::node() else { return };
    let project = Project::of(example, &[]).await;
    project.on_free_ports(&[3000, 3001]);
    holds(&project, 3, &["npm ci"]);
    // A recipe that cannot fail is none.
    project.example.without_line("api.mjs", "propagation.inject(context.active(), job)");
    let run = Run::of(&project.command("bash", &["ci/check.sh"]).output().unwrap());
    assert_eq!(run.code, 1, "{}\n{}", run.err, run.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_the_python_example_hold() {
    let Some(example) = install::python() else { return };
    let project = Project::of(example, &[]).await;
    project.on_free_ports(&[5000]);
    holds(&project, 2, &["-m venv", "pip install"]);
}
