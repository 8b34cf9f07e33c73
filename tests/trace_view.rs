//! A trace from an OTLP file or a kept run, drawn: waterfall and tree at several widths, and traces that are damaged in every way.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{collections::HashSet, fmt::Write as _, fs, path::PathBuf, sync::Arc, thread};

use devstack::{
    check::{RunReport, Verdict},
    model::{Span, Trace, TraceId},
    report::trace_json::{self, TraceEntry},
    runs::{FindError, OtlpFileError, Store, StoreError, otlp_file},
    support::random,
    term::{
        Look,
        rows::View,
        text::{self, width},
        trace_tree, waterfall,
    },
};

use crate::report::sample;

/// A span of an OTLP document: number, parent, name, kind (OTLP's number), from and to in tenths of a millisecond, error, attribute.
type Line<'a> = (u64, u64, &'a str, u8, u64, u64, bool, Option<(&'a str, &'a str)>);

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const START: u64 = 1_795_368_600_000_000_000;

/// OTLP JSON of spans by service, as the Collector's file exporter writes them.
fn otlp_json(services: &[(&str, &[Line<'_>])]) -> String {
    let mut batches = vec![];
    for (service, lines) in services {
        let spans: Vec<_> = lines.iter().map(span_json).collect();
        batches.push(serde_json::json!({
            "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] },
            "scopeSpans": [{ "scope": { "name": "test" }, "spans": spans }],
        }));
    }
    serde_json::json!({ "resourceSpans": batches }).to_string()
}

fn span_json((number, parent, name, kind, from, to, error, attribute): &Line<'_>) -> serde_json::Value {
    let attributes: Vec<_> =
        attribute.iter().map(|(key, value)| serde_json::json!({ "key": key, "value": { "stringValue": value } })).collect();
    serde_json::json!({
        "traceId": TRACE_ID,
        "spanId": format!("{number:016x}"),
        "parentSpanId": if *parent == 0 { String::new() } else { format!("{parent:016x}") },
        "name": name,
        "kind": kind,
        "startTimeUnixNano": (START + from * 100_000).to_string(),
        "endTimeUnixNano": (START + to * 100_000).to_string(),
        "attributes": attributes,
        "status": if *error { serde_json::json!({ "code": 2, "message": "too many requests" }) } else { serde_json::json!({}) },
    })
}

/// The trace of the design's sketch.
fn whatsapp() -> String {
    otlp_json(&[
        (
            "medicalcor-api",
            &[
                (1, 0, "POST /webhooks/whatsapp", 2, 0, 41, false, Some(("http.status_code", "200"))),
                (2, 1, "trigger.dev.whatsapp-message-handler send", 4, 17, 39, false, None),
            ],
        ),
        (
            "medicalcor-trigger",
            &[
                (
                    3,
                    2,
                    "trigger.task.whatsapp-message-handler",
                    5,
                    60,
                    840,
                    false,
                    Some(("medicalcor.lead.classification", "HOT")),
                ),
                (4, 3, "redis.set", 3, 70, 74, false, Some(("db.system", "redis"))),
                (5, 3, "db.INSERT", 3, 80, 99, false, Some(("db.system", "sqlite"))),
                (6, 3, "hubspot POST", 3, 110, 336, true, Some(("http.status_code", "429"))),
                (7, 3, "hubspot POST", 3, 390, 581, false, Some(("http.status_code", "200"))),
                (8, 3, "openai POST", 3, 600, 840, false, Some(("gen_ai.request.model", "gpt-4o"))),
            ],
        ),
    ])
}

fn parsed(json: &str) -> Trace {
    let reading = otlp_file::parse(json, "test.json").unwrap();
    assert_eq!(reading.warnings, Vec::<String>::new());
    Trace::new(reading.spans.into_iter().map(Arc::new))
}

fn titled() -> View {
    View { title: Some("whatsapp/text-message".into()), ..View::default() }
}

fn widest(text: &str) -> usize {
    text.lines().map(width).max().unwrap_or(0)
}

/// Draws in every way and holds what must hold of every drawing.
fn drawings(trace: &Trace, view: &View) -> Vec<String> {
    let mut all = vec![];
    for columns in [60, 80, 140] {
        for unicode in [true, false] {
            let look = Look { unicode, ..Look::plain().wide(columns) };
            for text in [waterfall::render(trace, view, &look), trace_tree::render(trace, view, &look)] {
                assert!(widest(&text) <= columns, "{} of {columns} columns:\n{text}", widest(&text));
                assert!(!text.chars().any(|ch| ch.is_control() && ch != '\n'), "{text:?}");
                all.push(text);
            }
        }
    }
    all
}

#[test]
fn the_waterfall_of_the_sketch() {
    let trace = parsed(&whatsapp());
    let drawn = waterfall::render(&trace, &titled(), &Look::plain());
    insta::assert_snapshot!("waterfall_80", drawn);
    insta::assert_snapshot!("waterfall_140", waterfall::render(&trace, &titled(), &Look::plain().wide(140)));
    let ascii = Look { unicode: false, ..Look::plain() };
    let drawn = waterfall::render(&trace, &titled(), &ascii);
    assert!(drawn.is_ascii(), "{drawn}");
    insta::assert_snapshot!("waterfall_ascii", drawn);
    drawings(&trace, &titled());
}

#[test]
fn the_tree_has_kinds_and_messages() {
    insta::assert_snapshot!("trace_tree", trace_tree::render(&parsed(&whatsapp()), &titled(), &Look::plain()));
}

#[test]
fn colour_changes_no_word() {
    let trace = parsed(&whatsapp());
    let look = Look { color: true, ..Look::plain() };
    let colored = waterfall::render(&trace, &titled(), &look);
    assert_ne!(colored, waterfall::render(&trace, &titled(), &Look::plain()));
    let stripped = anstream::adapter::strip_str(&colored).to_string();
    assert_eq!(stripped, waterfall::render(&trace, &titled(), &Look::plain()));
}

#[test]
fn orphans_several_roots_and_a_clock_that_is_behind_are_told() {
    let json = otlp_json(&[
        ("api", &[(1, 0, "root one", 2, 100, 200, false, None), (2, 0, "root two", 2, 150, 250, false, None)]),
        ("worker", &[(3, 1, "early", 5, 40, 180, false, None), (4, 99, "lost", 1, 160, 160, false, None)]),
    ]);
    for text in drawings(&parsed(&json), &View::default()) {
        assert!(text.contains("1 span has a parent that never arrived"), "{text}");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("`worker` starts work up to 6.0 ms before `api` asks for it"), "{text}");
        for name in ["root one", "root two", "early", "lost"] {
            assert_eq!(text.matches(name).count(), 1, "{text}");
        }
    }
}

#[test]
fn what_was_hidden_on_purpose_makes_no_orphan() {
    let json = otlp_json(&[("api", &[(2, 1, "POST /x", 2, 0, 10, false, None)])]);
    let hidden: HashSet<_> = [devstack::model::SpanId::new(1_u64.to_be_bytes()).unwrap()].into();
    for text in drawings(&parsed(&json), &View { hidden, ..View::default() }) {
        assert!(!text.contains("never arrived"), "{text}");
    }
}

#[test]
fn ten_thousand_spans_are_cut_and_the_cut_is_told() {
    let mut lines: Vec<Line<'_>> = vec![(1, 0, "root", 2, 0, 100_000, false, None)];
    lines.extend((2..=10_000).map(|number| (number, 1, "db.SELECT", 3, number, number + 5, number > 9_997, None)));
    let trace = parsed(&otlp_json(&[("api", &lines)]));
    let view = View { limit: Some(50), ..View::default() };
    for text in drawings(&trace, &view) {
        assert!(text.contains("9950 more spans, 3 errors among them (--all draws them)"), "{text}");
        assert!(text.lines().count() < 160, "{}", text.lines().count());
    }
    let all = waterfall::render(&trace, &View::default(), &Look::plain());
    assert_eq!(all.matches("db.SELECT").count(), 9_999);
}

#[test]
fn deep_trees_wide_names_and_cycles_stay_in_their_columns() {
    let wide = "データベースへの書き込みを行うとても長い名前のスパンであり続ける";
    let mut lines: Vec<Line<'_>> =
        (1..=300).map(|n| (n, n - 1, wide, 1, n, 1000 - n, false, Some(("http.status_code", wide)))).collect();
    lines.push((400, 401, "round", 1, 0, 5, false, None));
    lines.push((401, 400, "and round", 1, 0, 5, true, None));
    lines.push((402, 402, "its own parent", 1, 0, 5, false, None));
    let trace = parsed(&otlp_json(&[("サービス-一", &lines), ("サービス-二", &[(500, 1, "x", 1, 0, 1, false, None)])]));
    for text in drawings(&trace, &View::default()) {
        assert_eq!(text.matches("and round").count(), 1, "{text}");
        assert_eq!(text.matches("its own parent").count(), 1, "{text}");
    }
}

#[test]
fn hostile_names_are_shown_not_obeyed() {
    let evil = "GET /\u{1b}[2J\u{7}\r\n\u{202e}x";
    let json = otlp_json(&[("svc\u{1b}]0;t\u{7}", &[(1, 0, evil, 2, 0, 1, true, Some(("http.status_code", "\u{9b}1m")))])]);
    for text in drawings(&parsed(&json), &View { title: Some("\u{1b}[H".into()), ..View::default() }) {
        assert!(text.contains("\\u{1b}"), "{text}");
    }
}

#[test]
fn json_has_every_span_and_plain_attributes() {
    let trace = parsed(&whatsapp());
    let entry = TraceEntry { trace: &trace, counted: &trace, run: Some("20261122T173000.123Z"), case: None };
    let json: serde_json::Value = serde_json::from_str(&trace_json::render(&[entry])).unwrap();
    let shown = &json["traces"][0];
    assert_eq!(json["version"], 1);
    assert_eq!((&shown["trace_id"], &shown["errors"]), (&TRACE_ID.into(), &1.into()));
    assert_eq!(shown["spans"].as_array().unwrap().len(), 8);
    assert_eq!(shown["spans"][2]["attributes"]["medicalcor.lead.classification"], "HOT");
    assert_eq!(shown["duration_ms"], 84.0);
}

#[test]
fn json_lines_of_all_signals_and_half_a_line_are_read_as_far_as_they_go() {
    let text =
        format!("{}\n{{\"resourceLogs\":[]}}\n{{}}\n{}\n{{\"resourceSpans\":[{{", whatsapp(), whatsapp().replace("4bf9", "5bf9"));
    let reading = otlp_file::parse(&text, "export.jsonl").unwrap();
    assert_eq!(reading.spans.len(), 16);
    assert_eq!(
        reading.warnings,
        [
            "`export.jsonl` also has `resourceLogs`, which were left out",
            "`export.jsonl` ends in the middle of line 5; the spans before it are shown"
        ]
    );
}

#[test]
fn exports_of_other_tools_are_named() {
    let fault = |text: &str| otlp_file::parse(text, "x.json").unwrap_err().to_string();
    assert!(fault(r#"{"data":[{"traceID":"1","spans":[],"processes":{}}]}"#).contains("Jaeger export"));
    assert!(fault(r#"{"batches":[]}"#).contains("Tempo's `/api/traces`"));
    assert!(fault(r#"{"trace":{"resourceSpans":[]}}"#).contains("`/api/v2/traces`"));
    assert!(fault(r#"[{"traceId":"1","id":"2","timestamp":3}]"#).contains("Zipkin"));
    assert!(fault(r#"{"resource_spans":[]}"#).contains("lowerCamelCase"));
    assert!(fault(r#"{"a":1}"#).contains("only `a`"));
    assert!(fault("[]").contains("a list"));
    assert!(fault("").contains("no spans"));
    assert!(fault("hello").contains("not JSON"));
    assert!(
        fault(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER"}]}]}]}"#).contains("not valid OTLP JSON")
    );
    assert!(matches!(otlp_file::read(&PathBuf::from("no/such.json")), Err(OtlpFileError::Read { .. })));
}

#[test]
fn a_span_with_a_bad_id_is_left_out_and_told() {
    let text = whatsapp().replace("0000000000000008", "08");
    let reading = otlp_file::parse(&text, "x").unwrap();
    assert_eq!((reading.spans.len(), reading.warnings.len()), (7, 1));
    assert!(reading.warnings[0].contains("openai POST") && reading.warnings[0].contains("left out"), "{:?}", reading.warnings);
}

/// A store in a folder that goes when the test ends.
struct Kept {
    store: Store,
    folder: PathBuf,
}

impl Kept {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("devstack-{}", random::uuid()));
        Self { store: Store::at(folder.join("state/runs")), folder }
    }

    fn runs(&self) -> PathBuf {
        self.folder.join("state/runs")
    }

    /// Saves a run whose cases each have the sketch's trace under their own id.
    fn save(&self, report: &RunReport) -> String {
        let traces: Vec<_> = report.cases.iter().map(|case| (case.trace_id, spans(case.trace_id))).collect();
        let saved = self.store.save(report, traces.iter().map(|(id, spans)| (*id, spans.as_slice()))).unwrap();
        assert_eq!(saved.warnings, Vec::<String>::new());
        saved.run.id
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn spans(id: TraceId) -> Vec<Arc<Span>> {
    let reading = otlp_file::parse(&whatsapp(), "x").unwrap();
    reading.spans.into_iter().map(|span| Arc::new(Span { trace_id: id, ..span })).collect()
}

fn run_at(id: &str) -> RunReport {
    RunReport { run: id.into(), ..sample::report() }
}

#[test]
fn a_kept_run_comes_back_as_it_was() {
    let kept = Kept::new();
    let report = sample::report();
    kept.save(&report);
    let latest = kept.store.latest().unwrap().unwrap();
    assert_eq!(latest.report, report);
    let back = latest.run.trace(report.cases[0].trace_id).unwrap();
    let sent: Vec<_> = spans(report.cases[0].trace_id).iter().map(|span| span.as_ref().clone()).collect();
    assert_eq!(back, sent);
}

#[test]
fn only_the_owner_may_look() {
    use std::os::unix::fs::PermissionsExt;
    let kept = Kept::new();
    let run = kept.save(&sample::report());
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = kept.runs().join(run);
    assert_eq!((mode(kept.runs()), mode(folder.clone()), mode(folder.join("traces"))), (0o700, 0o700, 0o700));
    assert_eq!(mode(folder.join("report.json")), 0o600);
    for entry in fs::read_dir(folder.join("traces")).unwrap() {
        assert_eq!(mode(entry.unwrap().path()), 0o600);
    }
}

#[test]
fn the_last_twenty_runs_stay() {
    let kept = Kept::new();
    for number in 0..25 {
        kept.save(&run_at(&format!("20261122T1730{number:02}.000Z")));
    }
    let runs: Vec<_> = kept.store.list().unwrap().runs.into_iter().map(|run| run.id).collect();
    assert_eq!(runs.len(), 20);
    assert_eq!((runs[0].as_str(), runs[19].as_str()), ("20261122T173024.000Z", "20261122T173005.000Z"));
}

#[test]
fn runs_that_end_at_the_same_moment_keep_each_its_own() {
    let kept = Kept::new();
    thread::scope(|scope| {
        for number in 0..8 {
            let kept = &kept;
            scope.spawn(move || {
                let mut report = run_at("20261122T173000.000Z");
                report.cases = vec![sample::held(&format!("case/{number}"), number)];
                kept.save(&report);
            });
        }
    });
    let listing = kept.store.list().unwrap();
    let mut ids: Vec<_> = listing.runs.iter().map(|run| run.report().unwrap().cases[0].id.clone()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..8).map(|number| format!("case/{number}")).collect::<Vec<_>>());
    let left = fs::read_dir(kept.runs()).unwrap().count();
    assert_eq!(left, 8, "nothing unfinished is left behind");
}

#[test]
fn what_is_damaged_or_foreign_is_skipped_and_told() {
    let kept = Kept::new();
    kept.save(&run_at("20261122T173000.000Z"));
    kept.save(&run_at("20261122T173001.000Z"));
    kept.save(&run_at("20261122T173002.000Z"));
    fs::write(kept.runs().join("20261122T173002.000Z/report.json"), "{\"version\":1,").unwrap();
    fs::write(kept.runs().join("20261122T173001.000Z/report.json"), "{\"version\":999}").unwrap();
    fs::write(kept.runs().join("notes.txt"), "mine").unwrap();
    fs::create_dir(kept.runs().join(".DS_Store")).unwrap();
    let latest = kept.store.latest().unwrap().unwrap();
    assert_eq!(latest.run.id, "20261122T173000.000Z");
    let told = latest.warnings.join("\n");
    assert!(told.contains("notes.txt") && told.contains("damaged") && told.contains("version 999"), "{told}");
    assert_eq!(latest.warnings.len(), 3, "{told}");
}

#[test]
fn the_last_trace_is_of_the_first_case_that_did_not_hold_else_of_the_last() {
    let kept = Kept::new();
    assert!(matches!(kept.store.last_trace(), Err(FindError::NoRuns)));
    kept.save(&run_at("20261122T173000.000Z"));
    let found = kept.store.last_trace().unwrap();
    assert_eq!(found.traces[0].case.as_deref(), Some("stripe/payment-failed"));
    let mut report = run_at("20261122T173001.000Z");
    report.cases.iter_mut().for_each(|case| case.verdict = Verdict::Held);
    kept.save(&report);
    assert_eq!(kept.store.last_trace().unwrap().traces[0].case.as_deref(), Some("web/patients"));
}

#[test]
fn a_case_without_a_trace_is_passed_over() {
    let kept = Kept::new();
    let report = sample::report();
    let id = report.cases[4].trace_id;
    let spans = spans(id);
    kept.store.save(&report, [(id, spans.as_slice())]).unwrap();
    assert_eq!(kept.store.last_trace().unwrap().traces[0].id, id);
    kept.store.save(&run_at("20261122T173001.000Z"), []).unwrap();
    assert!(matches!(kept.store.last_trace(), Err(FindError::NoTraces { .. })));
}

#[test]
fn a_trace_is_found_by_prefix_or_correlation_id() {
    let kept = Kept::new();
    kept.save(&run_at("20261122T173000.000Z"));
    assert_eq!(kept.store.find_trace("1212").unwrap().traces[0].case.as_deref(), Some("stripe/payment-failed"));
    assert_eq!(kept.store.find_trace("case-3").unwrap().traces[0].case.as_deref(), Some("stripe/refund"));
    let unknown = kept.store.find_trace("ffff").unwrap_err().to_string();
    assert!(unknown.contains("`ffff`") && unknown.contains("runs searched: 1"), "{unknown}");
    let FindError::Ambiguous { candidates, .. } = kept.store.find_trace("1").unwrap_err() else { panic!("five begin with 1") };
    assert_eq!(candidates.len(), 5);
    let told = kept.store.find_trace("1").unwrap_err().to_string();
    assert!(told.contains("\n  12121212121212121212121212121212  20261122T173000.000Z  stripe/payment-failed"), "{told}");
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_that_names_it() {
    let kept = Kept::new();
    fs::create_dir_all(kept.folder.join("state")).unwrap();
    // A file where the folder should be: as good as read-only, and also for root.
    fs::write(kept.runs(), "").unwrap();
    let fault = kept.store.save(&sample::report(), []).unwrap_err();
    assert!(matches!(fault, StoreError::Save { .. }));
    let mut told = String::new();
    write!(told, "{fault}").unwrap();
    assert!(told.contains("cannot keep the run in") && told.contains("runs"), "{told}");
}

#[test]
fn a_damaged_trace_names_itself_and_its_run() {
    let kept = Kept::new();
    let run = kept.save(&run_at("20261122T173000.000Z"));
    fs::write(kept.runs().join(&run).join(format!("traces/{}.json", "12".repeat(16))), "{").unwrap();
    let fault = kept.store.find_trace("1212").unwrap_err().to_string();
    assert!(fault.contains(&"12".repeat(16)) && fault.contains(&run), "{fault}");
    assert_eq!(text::count(1, "run"), "1 run");
}

/// Runs `devstack` with these arguments in the folder of the store, and gives exit code, stdout and stderr.
fn devstack(kept: &Kept, args: &[&str], stdin: &str) -> (i32, String, String) {
    use std::{
        io::Write as _,
        process::{Command, Stdio},
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_devstack"))
        .args(args)
        .current_dir(&kept.folder)
        .env_clear()
        .env("XDG_STATE_HOME", kept.folder.join("home"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may have ended already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A store where the program looks for it.
fn kept_for_the_program() -> Kept {
    let mut kept = Kept::new();
    fs::create_dir_all(&kept.folder).unwrap();
    fs::write(kept.folder.join("devstack.yaml"), "").unwrap();
    let env: devstack::support::env::Map = [("XDG_STATE_HOME", kept.folder.join("home").to_str().unwrap())].into_iter().collect();
    let project = devstack::support::project::Project::find(&kept.folder, &env);
    kept.store = Store::of(&project).unwrap();
    kept
}

#[test]
fn the_program_shows_kept_traces_and_files_and_says_what_it_cannot() {
    let kept = kept_for_the_program();
    let (code, out, err) = devstack(&kept, &["trace", "--last"], "");
    assert_eq!((code, out.as_str()), (4, ""), "{err}");
    assert_eq!(err, "error: no run of this project has been kept yet\nhint: run `devstack replay` first\n");

    kept.save(&sample::report());
    let (code, out, err) = devstack(&kept, &["trace"], "");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("12121212…1212 · stripe/payment-failed · 8 spans · 84 ms · 1 error\n"), "{out}");
    let (code, _, err) = devstack(&kept, &["trace", "1"], "");
    assert!(
        code == 4 && err.contains("beginning of 5 trace ids") && err.ends_with("hint: give more of the id\n"),
        "{code} {err}"
    );

    let (code, otlp, err) = devstack(&kept, &["trace", "case-3", "--format", "otlp"], "");
    assert_eq!((code, err.as_str()), (0, ""));
    let (code, out, err) = devstack(&kept, &["trace", "-", "--tree"], &otlp);
    assert!(code == 0 && out.contains("error: too many requests"), "{code} {out} {err}");
    fs::write(kept.folder.join("jaeger.json"), r#"{"data":[{"traceID":"1"}]}"#).unwrap();
    let (code, out, err) = devstack(&kept, &["trace", "jaeger.json"], "");
    assert!(code == 2 && out.is_empty() && err.contains("Jaeger export"), "{code} {err}");
}

#[test]
fn spans_of_a_stand_in_are_told_after_the_service() {
    let text = otlp_json(&[("medicalcor-api", &[(1, 0, "POST /", 2, 0, 40, false, None)])]);
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let task = otlp_json(&[("medicalcor-trigger", &[(2, 1, "trigger.task.send", 5, 10, 20, false, None)])]);
    let mut task: serde_json::Value = serde_json::from_str(&task).unwrap();
    let mark = serde_json::json!({ "key": "devstack.stand_in", "value": { "stringValue": "true" } });
    task["resourceSpans"][0]["resource"]["attributes"].as_array_mut().unwrap().push(mark);
    document["resourceSpans"].as_array_mut().unwrap().push(task["resourceSpans"][0].clone());
    let trace = parsed(&document.to_string());
    for columns in [60, 80, 140] {
        let look = Look::plain().wide(columns);
        for drawn in [waterfall::render(&trace, &View::default(), &look), trace_tree::render(&trace, &View::default(), &look)] {
            assert!(drawn.contains("\ntrigger (stand-in)"), "{drawn}");
            assert!(!drawn.contains("api (stand-in)"), "{drawn}");
            assert!(drawn.lines().all(|line| width(line) <= columns), "{columns}: {drawn}");
        }
    }
}
