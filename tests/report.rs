//! The formats of one report side by side, and the reporter that shows a run while it goes on.

pub(crate) mod sample;

use devstack::{
    check::{CaseKey, CaseReport, RunEvent, RunReport, Stored, Verdict},
    report::{Format, ReportFile, Reporter, Sources, json, junit, terminal},
    term::{Look, Ui, text::width},
};

fn widest(text: &str) -> usize {
    text.lines().map(width).max().unwrap_or(0)
}

#[test]
fn the_terminal_shows_a_line_per_case_then_what_did_not_hold() {
    let text = terminal::render(&sample::report(), &sample::sources(), &Look::plain());
    insta::assert_snapshot!("terminal", text);
    assert!(widest(&text) <= 80, "{} columns", widest(&text));
}

#[test]
fn every_width_fits_and_says_the_same() {
    let plain = terminal::render(&sample::report(), &sample::sources(), &Look::plain());
    for columns in [60, 72, 100, 140, 200] {
        let text = terminal::render(&sample::report(), &sample::sources(), &Look::plain().wide(columns));
        let (above, counts) = text.trim_end().rsplit_once('\n').unwrap();
        assert!(widest(above) <= columns, "{columns}: {text}");
        assert!(counts.starts_with("1 held, 1 failed"), "{counts}");
        for said in ["hides the error", "waited 10 s", "again    devstack replay stripe/refund", "expected error"] {
            assert!(text.contains(said) && plain.contains(said), "{columns} lost {said}: {text}");
        }
    }
}

#[test]
fn without_utf_8_all_of_ours_is_ascii() {
    let look = Look { unicode: false, ..Look::plain() };
    let text = terminal::render(&sample::report(), &sample::sources(), &look);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("terminal_ascii", text);
}

#[test]
fn colour_changes_no_word() {
    let look = Look { color: true, ..Look::plain() };
    let colored = terminal::render(&sample::report(), &sample::sources(), &look);
    let plain = terminal::render(&sample::report(), &sample::sources(), &Look::plain());
    assert!(colored.contains("\u{1b}[31m"));
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
}

#[test]
fn junit_tells_failures_from_errors_and_carries_the_text() {
    insta::assert_snapshot!("junit", junit::render(&sample::report(), &sample::sources()));
}

#[test]
fn json_is_the_report_and_reads_back() {
    let text = json::render(&sample::report());
    insta::assert_snapshot!("json", text);
    let back: RunReport = serde_json::from_str(&text).unwrap();
    assert_eq!(back, sample::report());
}

#[test]
fn one_held_case_is_one_line_and_the_counts() {
    let report = RunReport { cases: vec![sample::held("crm/deal", 1)], ..sample::report() };
    insta::assert_snapshot!(terminal::render(&report, &Sources::default(), &Look::plain()), @r"
    embedded stack · demo services · 1 fixture

      ✓ crm/deal             6 spans · 1 service       44 ms
    1 held in 10.61 s
    ");
}

#[test]
fn repetitions_are_one_line_a_fixture_and_blocks_stay_few() {
    let mut cases = sample::repeated("crm/deal", 20, None);
    cases.extend(sample::repeated("stripe/payment-failed", 20, Some(2)));
    let report = RunReport { cases, ..sample::report() };
    let text = terminal::render(&report, &sample::sources(), &Look::plain());
    assert_eq!(text.matches("hides the error").count(), 3, "three blocks of ten");
    let lines: Vec<_> = text.lines().take(4).chain(text.lines().skip_while(|line| !line.contains("more repetitions"))).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    embedded stack · demo services · 2 fixtures

      ✓ crm/deal                 20/20 held  p50    50 ms  max    60 ms
      ✗ stripe/payment-failed    10/20 held  p50    50 ms  max    60 ms
        7 more repetitions of stripe/payment-failed did not hold either (--format
        json has all)

    30 held, 10 failed in 10.61 s
    ");
}

#[test]
fn waits_of_held_cases_are_told_once_with_the_longest() {
    let waited = |id: &str, seconds: u64| CaseReport {
        elapsed: std::time::Duration::from_secs(seconds),
        waited: Some(format!("waited {seconds}.0 s: medicalcor-trigger had work under way")),
        ..sample::held(id, 1)
    };
    let report = RunReport { cases: vec![waited("a/a", 2), waited("b/b", 3), sample::held("c/c", 1)], ..sample::report() };
    let text = terminal::render(&report, &Sources::default(), &Look::plain());
    assert_eq!(text.matches("had work under way").count(), 1, "{text}");
    assert!(text.contains("  b/b waited 3.0 s: medicalcor-trigger had work under way, as 1 other case did\n"), "{text}");
}

#[test]
fn the_same_finding_is_told_once_with_how_often() {
    let mut case = sample::failed();
    case.findings = vec![case.findings[0].clone(), case.findings[1].clone(), case.findings[1].clone()];
    let report = RunReport { cases: vec![case], ..sample::report() };
    let text = terminal::render(&report, &sample::sources(), &Look::plain());
    assert!(text.contains("A second thing is wrong. (2 times)"), "{text}");
}

#[test]
fn names_from_the_network_cannot_steer_the_terminal() {
    let mut report = sample::report();
    for case in &mut report.cases {
        case.id = format!("{}\u{1b}[2J", case.id);
        for row in &mut case.tree {
            row.name = "evil\u{1b}]0;title\u{7}".into();
            row.service = "bad\rservice".into();
        }
        for finding in &mut case.findings {
            finding.headline = "up\u{1b}[A".into();
            finding.label = "\u{9b}31m".into();
        }
    }
    let text = terminal::render(&report, &sample::sources(), &Look::plain());
    assert!(!text.chars().any(|ch| ch.is_control() && ch != '\n'), "{text:?}");
    let xml = junit::render(&report, &sample::sources());
    assert!(!xml.contains('\u{1b}'));
}

fn key(case: &CaseReport) -> CaseKey {
    CaseKey { id: case.id.clone(), repetition: case.repetition }
}

/// Runs `order` (positions in the report) through a reporter.
fn live(report: &RunReport, order: &[usize], format: Format) -> (String, String) {
    let (ui, captured) = Ui::captured(&Look::plain(), false);
    let mut reporter = Reporter::new(&ui, format);
    let cases = report.cases.iter().map(key).collect();
    reporter.on(RunEvent::Started { stack: report.stack.clone(), cases });
    for at in order {
        reporter.on(RunEvent::CaseStarted(key(&report.cases[*at])));
    }
    for at in order {
        reporter.on(RunEvent::CaseFinished(Box::new(report.cases[*at].clone())));
    }
    reporter.on(RunEvent::Finished);
    reporter.finish(report, &sample::sources());
    (captured.out(), captured.err())
}

#[test]
fn the_order_of_completion_does_not_show() {
    let report = sample::report();
    let whole = terminal::render(&report, &sample::sources(), &Look::plain());
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
        let (out, err) = live(&report, &order, Format::Text);
        assert_eq!(format!("{err}{out}"), whole, "{order:?}");
    }
}

#[test]
fn lines_come_as_soon_as_all_before_them_are_there() {
    let report = sample::report();
    let (ui, captured) = Ui::captured(&Look::plain(), false);
    let mut reporter = Reporter::new(&ui, Format::Text);
    reporter.on(RunEvent::Started { stack: "s".into(), cases: report.cases.iter().map(key).collect() });
    let mut lines = vec![];
    for at in [1, 0, 2] {
        reporter.on(RunEvent::CaseFinished(Box::new(report.cases[at].clone())));
        lines.push(captured.out().lines().count());
    }
    assert_eq!(lines, [0, 2, 3]);
}

#[test]
fn an_interrupted_run_shows_what_ended_behind_a_gap() {
    let mut report = sample::report();
    report.interrupted = true;
    let whole: Vec<_> = report.cases.drain(..).collect();
    report.cases = vec![whole[0].clone(), whole[4].clone()];
    let (ui, captured) = Ui::captured(&Look::plain(), false);
    let mut reporter = Reporter::new(&ui, Format::Text);
    reporter.on(RunEvent::Started { stack: "s".into(), cases: whole.iter().map(key).collect() });
    reporter.on(RunEvent::CaseFinished(Box::new(whole[4].clone())));
    reporter.on(RunEvent::CaseFinished(Box::new(whole[0].clone())));
    reporter.finish(&report, &sample::sources());
    let out = captured.out();
    assert_eq!(out.matches("web/patients  ").count(), 2, "its line and its block: {out}");
    assert!(!out.contains("stripe/refund"), "it never ran: {out}");
    assert!(out.ends_with("interrupted: 1 held, 1 could not run in 10.61 s\n"), "{out}");
}

#[test]
fn what_the_store_lost_is_counted_and_named() {
    let all = |apart| RunReport {
        cases: vec![sample::held("web/x", 9)],
        stored: Some(Stored { found: 6, of: 6, apart }),
        ..sample::report()
    };
    let shown = |report: &RunReport| terminal::render(report, &sample::sources(), &Look::plain());
    assert!(shown(&all(true)).ends_with("1 held in 10.61 s · stored 6/6\n"), "{}", shown(&all(true)));
    assert!(shown(&all(false)).ends_with("1 held in 10.61 s\n"), "a store that is devstack itself is no news");

    let mut report = all(false);
    let mut lost = report.cases[0].clone();
    (lost.verdict, lost.stored, lost.spans) = (Verdict::Broken, Some((2, 6)), 4);
    let mut finding = sample::failed().findings.remove(0);
    finding.headline = "Tempo has 2 of the 6 spans of this trace.".into();
    finding.code = "witness.lost".into();
    lost.findings = vec![finding];
    report.cases.push(lost);
    report.stored = Some(Stored { found: 8, of: 12, apart: false });
    let text = shown(&report);
    assert!(text.contains("! web/x") && text.contains("stored 2/6"), "{text}");
    assert!(text.contains("Tempo has 2 of the 6 spans"), "{text}");
    assert!(text.ends_with("1 held, 1 not stored whole in 10.61 s · stored 8/12\n"), "{text}");
    let xml = junit::render(&report, &sample::sources());
    assert!(xml.contains(r#"name="stored" value="2/6""#) && xml.contains(r#"type="witness.lost""#), "{xml}");
}

#[test]
fn a_verdict_that_turned_after_its_line_is_told() {
    let failed = sample::failed();
    let first = CaseReport { verdict: Verdict::Held, findings: vec![], tree: vec![], ..failed.clone() };
    let report = RunReport { cases: vec![failed, sample::held("web/x", 9)], ..sample::report() };
    let (ui, captured) = Ui::captured(&Look::plain(), false);
    let mut reporter = Reporter::new(&ui, Format::Text);
    reporter.on(RunEvent::Started { stack: "s".into(), cases: report.cases.iter().map(key).collect() });
    reporter.on(RunEvent::CaseFinished(Box::new(first)));
    reporter.on(RunEvent::CaseFinished(Box::new(report.cases[0].clone())));
    reporter.on(RunEvent::CaseFinished(Box::new(report.cases[1].clone())));
    reporter.finish(&report, &sample::sources());
    assert!(captured.err().contains("stripe/payment-failed: judged again after a late span"), "{}", captured.err());
    assert!(captured.out().contains("hides the error"));
    assert_eq!(captured.out().matches("web/x").count(), 1);
}

#[test]
fn json_keeps_stdout_for_itself() {
    let report = sample::report();
    let (out, err) = live(&report, &[0, 1, 2, 3, 4], Format::Json);
    assert_eq!(serde_json::from_str::<RunReport>(&out).unwrap(), report);
    assert_eq!(err, "");
}

#[test]
fn a_report_file_is_made_at_once_and_bad_options_name_their_fault() {
    let folder = std::env::temp_dir().join(format!("devstack-{}", devstack::support::random::uuid()));
    let path = folder.join("deep/report.xml");
    let file = ReportFile::create(&format!("junit={}", path.display())).unwrap();
    assert!(path.is_file(), "before anything ran");
    file.write(&sample::report(), &sample::sources()).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), junit::render(&sample::report(), &sample::sources()));
    let fault = |option: &str| ReportFile::create(option).unwrap_err().to_string();
    assert_eq!(fault("junit"), "`--report junit` must be `FORMAT=FILE`, for example `junit=report.xml`");
    assert!(fault("juint=x").ends_with("did you mean `junit`?"), "{}", fault("juint=x"));
    assert!(fault(&format!("json={}", folder.display())).starts_with("cannot create the report file"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn services_for_which_only_stand_ins_answered_are_named_at_the_end() {
    let stood_in = |id: &str, services: &[&str]| CaseReport {
        services: vec!["medicalcor-api".into(), "medicalcor-trigger".into(), "medicalcor-mail".into()],
        stand_ins: services.iter().map(|service| (*service).to_owned()).collect(),
        ..sample::held(id, 1)
    };
    let ends = |cases: Vec<CaseReport>| {
        let report = RunReport { cases, ..sample::report() };
        terminal::render(&report, &Sources::default(), &Look::plain()).lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(ends(vec![stood_in("a/a", &["medicalcor-trigger"])]), "your medicalcor-trigger was not tested (stand-in)");
    let both = vec![stood_in("a/a", &["medicalcor-mail", "medicalcor-trigger"])];
    assert_eq!(ends(both), "your medicalcor-mail and medicalcor-trigger were not tested (stand-in)");
    // In another case the service itself answered.
    let mixed = vec![stood_in("a/a", &["medicalcor-trigger"]), stood_in("b/b", &[])];
    assert!(ends(mixed).starts_with("2 held in"));
}

#[test]
fn a_row_of_a_stand_in_says_so_after_the_service() {
    let mut case = sample::failed();
    for row in &mut case.tree {
        row.stand_in = row.service == "medicalcor-trigger";
    }
    for columns in [60, 80, 120] {
        let report = RunReport { cases: vec![case.clone()], ..sample::report() };
        let text = terminal::render(&report, &sample::sources(), &Look::plain().wide(columns));
        assert!(text.contains("trigger (stand-in)") && !text.contains("api (stand-in)"), "{text}");
        assert!(widest(&text) <= columns, "{columns}: {text}");
    }
}
