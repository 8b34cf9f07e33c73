//! The same fixtures, the same verdicts and findings, on every runtime.
//!
//! Every ground is held against the same tables below, so they agree with each other. The shipped fixtures hold; those in `fixtures` beside
//! this file fail, each for one cause; faults in the services show as the same diagnosis. Wherever devstack's own receiver judges, the
//! evidence is the same, too. A judge who has only what is stored (`judge: stored`) differs in what [`STORED`] lists and in nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use serde_json::Value as Json;

use super::{
    project::{docker_slot, replay, shipped, text, up},
    table::{Row, Table, assert_evidence, row, table},
};
use crate::up::stand::Stand;

/// Fixtures that fail, and their one finding.
const CAUSES: [(&str, &str); 12] = [
    ("forbidden-span", "expect.forbidden"),
    ("missing-edge", "expect.edge"),
    ("missing-event", "expect.event"),
    ("missing-span", "expect.missing"),
    ("nothing-expected", "expect.nothing"),
    ("unexpected-span", "expect.unexpected"),
    ("wrong-answer", "expect.response"),
    ("wrong-attribute", "expect.attribute"),
    ("wrong-count", "expect.count"),
    ("wrong-kind", "expect.kind"),
    ("wrong-parent", "expect.parent"),
    ("wrong-status", "expect.status"),
];

/// A fault in the services, and what comes of it.
struct Fault {
    name: &'static str,
    /// The tag of the fixture that meets it.
    tag: &'static str,
    exit: i32,
    verdict: &'static str,
    code: &'static str,
    evidence: &'static str,
}

const FAULTS: [Fault; 3] = [
    Fault { name: "context-lost", tag: "followed", exit: 1, verdict: "failed", code: "cause.context-lost", evidence: "drained" },
    Fault { name: "late-span", tag: "late", exit: 5, verdict: "undecided", code: "judge.deadline", evidence: "arrived" },
    Fault { name: "silent", tag: "followed", exit: 5, verdict: "unobserved", code: "cause.unobserved", evidence: "drained" },
];

/// Shipped fixtures on which a judge of what is stored says something else, and why:
/// - that a trace does not exist is nothing that silence could prove (DESIGN section 7, verdict 5);
/// - a trace whose id the fixture does not choose is found by its correlation id, for which a store is not asked.
const STORED: [&str; 2] = ["whatsapp/traceparent-malformed", "whatsapp/traceparent-unsampled"];

/// Longer than anything that holds takes on a busy machine; what is proved to be wrong does not wait for it either.
const PATIENT: &str = "1m";

/// Longer than silence has to last to prove something; a judge of what is stored waits so long for what never comes.
const IN_VAIN: &str = "14s";

/// A project with the fixtures of this folder, and the body that they send.
fn project() -> Stand {
    let stand = Stand::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/fixtures");
    for entry in fs::read_dir(here).unwrap() {
        let path = entry.unwrap().path();
        stand.sandbox.write(&format!("fixtures/{}", path.file_name().unwrap().display()), fs::read(&path).unwrap());
    }
    stand.sandbox.write("fixtures/hot-lead.json", fs::read(Path::new(shipped()).join("whatsapp/hot-lead.json")).unwrap());
    stand
}

fn causes() -> Table {
    CAUSES.iter().map(|(id, code)| ((*id).to_owned(), row("failed", &[code]))).collect()
}

/// All tables, on what `replay` of this project stands on.
fn assert_contract(stand: &Stand) {
    let (code, report) = replay(stand, &[shipped(), "--deadline", PATIENT]);
    let held = table(&report);
    assert!(held.len() == ids_of_shipped().len() && held.values().all(|found| *found == row("held", &[])), "{held:#?}");
    assert_eq!(code, 0);
    assert_evidence(&report, &["drained"]);

    let (code, report) = replay(stand, &["fixtures", "--tag", "cause", "--deadline", PATIENT]);
    assert_eq!((code, table(&report)), (1, causes()));
    assert_evidence(&report, &["drained"]);

    for fault in FAULTS {
        let (code, report) = replay(stand, &["fixtures", "--tag", fault.tag, "--fault", fault.name]);
        let found: Vec<Row> = table(&report).into_values().collect();
        assert_eq!((code, found), (fault.exit, vec![row(fault.verdict, &[fault.code])]), "{}", fault.name);
        assert_evidence(&report, &[fault.evidence]);
    }
    let (code, report) = replay(stand, &["fixtures", "--tag", "late", "--deadline", PATIENT]);
    assert_eq!(code, 0, "without the fault it holds: {:#}", report["cases"]);
}

/// The same where only what is stored is judged: beside each other, because all of it is waiting for silence.
fn assert_contract_of_stored(stand: &Stand) {
    let (code, report) = thread::scope(|scope| {
        let in_vain = scope.spawn(|| {
            let folder = stand.sandbox.path("fixtures").display().to_string();
            let names = STORED.iter().map(|id| format!("--name={id}"));
            let causes = CAUSES.iter().map(|(id, _)| format!("--name={id}"));
            let names: Vec<_> = names.chain(causes).collect();
            let args = [shipped(), &folder, "--deadline", IN_VAIN].into_iter().chain(names.iter().map(String::as_str));
            replay(stand, &args.collect::<Vec<_>>())
        });
        let names: Vec<_> = ids_of_shipped().into_iter().filter(|id| !STORED.contains(&id.as_str())).collect();
        let flags: Vec<_> = names.iter().map(|id| format!("--name={id}")).collect();
        let args = [shipped(), "--jobs", "24", "--deadline", PATIENT].into_iter().chain(flags.iter().map(String::as_str));
        let (code, report) = replay(stand, &args.collect::<Vec<_>>());
        assert_eq!(table(&report), names.into_iter().map(|id| (id, row("held", &[]))).collect());
        assert_eq!(code, 0);
        assert_evidence(&report, &["quiet"]);
        in_vain.join().unwrap()
    });
    let unobserved = STORED.map(|id| (id.to_owned(), row("unobserved", &["cause.unobserved"])));
    assert_eq!((code, table(&report)), (1, causes().into_iter().chain(unobserved).collect()));
    assert_evidence(&report, &["quiet", "arrived"]);
}

/// Ids of the shipped fixtures: a folder a provider, and beside the fixtures files of other kinds.
fn ids_of_shipped() -> Vec<String> {
    let folders = fs::read_dir(shipped()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let fixtures = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let id = |path: PathBuf| path.with_extension("").strip_prefix(shipped()).unwrap().display().to_string();
    fixtures.map(id).collect()
}

/// What a remote stack has to be told to pass on to the stack of this note and to read from its store.
fn remote_variables(note: &Json) -> Vec<(&'static str, String)> {
    let store = if note["store"]["kind"] == "jaeger" { "DEVSTACK_REMOTE_JAEGER" } else { "DEVSTACK_REMOTE_TEMPO" };
    let known = [
        ("DEVSTACK_REMOTE_OTLP_GRPC", &note["otlp_grpc"]),
        ("DEVSTACK_REMOTE_OTLP_HTTP", &note["otlp_http"]),
        (store, &note["store"]["at"]["url"]),
        ("DEVSTACK_REMOTE_PROMETHEUS", &note["prometheus"]["url"]),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
}

/// Remote stacks on the stack of another project: one judged by devstack's receiver, one by what is stored, side by side because the
/// second does little but wait.
fn assert_contracts_upon(beneath: &Json) {
    thread::scope(|scope| {
        scope.spawn(|| assert_contract_of_remote_stored(beneath));
        assert_contract_of_remote(beneath);
    });
}

fn assert_contract_of_remote(beneath: &Json) {
    let variables = remote_variables(beneath);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let remote = project();
    let note = up(&remote, &["--runtime", "remote"], &variables);
    assert_eq!((&note["runtime"], &note["stack"]), (&"remote".into(), &"remote".into()));
    assert_eq!(note["store"]["at"]["url"], beneath["store"]["at"]["url"]);
    assert_contract(&remote);
}

fn assert_contract_of_remote_stored(beneath: &Json) {
    let stored = project();
    let (kind, store) = (text(&beneath["store"]["kind"]), text(&beneath["store"]["at"]["url"]));
    let otlp = text(&beneath["otlp_http"]);
    let stack = format!("name: stored\njudge: stored\nendpoints: {{ otlp_http: '{otlp}', {kind}: '{store}' }}\n");
    stored.sandbox.write("stored.yaml", stack);
    let note = up(&stored, &["--stack", "stored.yaml"], &[]);
    assert_eq!(note["judge"], "stored");
    assert_contract_of_stored(&stored);
}

#[test]
fn with_nothing_up() {
    assert_contract(&project());
}

#[test]
fn embedded_and_remote_upon_it() {
    let stand = project();
    let note = up(&stand, &["--runtime", "embedded"], &[]);
    assert_eq!(note["runtime"], "embedded");
    assert_contract(&stand);
    assert_contracts_upon(&note);
}

#[test]
fn docker_and_remote_upon_it() {
    let Some(_slot) = docker_slot() else { return };
    let stand = project();
    let note = up(&stand, &["--stack", "jaeger"], &[]);
    assert_eq!(note["runtime"], "docker");
    assert_contract(&stand);
    assert_contracts_upon(&note);
}
