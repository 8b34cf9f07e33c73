//! The verdict rules of DESIGN section 7, one by one, on traces that differ only in what there is to go by.

use std::sync::Arc;

use super::{Gathered, Judgement, judge};
use crate::{
    check::{Evidence, Verdict},
    expect::{
        Place, TraceExpectation,
        rules::Pack,
        sample::{Draft, pattern, span, trace},
    },
    fixture::{PackChoice, Waiver},
    model::{
        Arrival,
        SpanKind::{Client, Consumer, Producer, Server},
        Trace, TraceId,
    },
    support::work::WorkReport,
};

/// The trace that was sent; that of the services is another one here.
fn sent() -> TraceId {
    TraceId::random()
}

/// A case under construction.
struct Case {
    expected: TraceExpectation,
    arrivals: Vec<Arrival>,
    evidence: Evidence,
    least: Evidence,
    overdue: bool,
    evicted: u64,
    waived: Vec<Waiver>,
    reports: Vec<WorkReport>,
    heard: bool,
    strays: Vec<Trace>,
}

fn case(expected: TraceExpectation, spans: Vec<Draft>) -> Case {
    let arrivals = arrivals(&trace(spans));
    Case {
        expected,
        arrivals,
        evidence: Evidence::Arrived,
        least: Evidence::Quiet,
        overdue: false,
        evicted: 0,
        waived: Vec::new(),
        reports: Vec::new(),
        heard: true,
        strays: Vec::new(),
    }
}

fn arrivals(trace: &Trace) -> Vec<Arrival> {
    trace.spans().iter().map(|span| Arrival { span: Arc::clone(span), at_ns: 1, resent: 0 }).collect()
}

impl Case {
    fn on(mut self, evidence: Evidence) -> Self {
        self.evidence = evidence;
        self
    }

    fn overdue(mut self) -> Self {
        self.overdue = true;
        self
    }

    fn judged(&self) -> Option<Judgement> {
        judge(&Gathered {
            file: "case.yaml",
            expected: &self.expected,
            packs: &[PackChoice { pack: Pack::Otel, levels: Vec::new() }],
            waived: &self.waived,
            correlation_id: "c-1",
            secrets: &[],
            answers: &[],
            own: &[],
            arrivals: &self.arrivals,
            logs: &[],
            evicted: self.evicted,
            strays: &self.strays,
            enqueued: None,
            sent: sent(),
            evidence: self.evidence,
            least: self.least,
            overdue: self.overdue,
            silence_proved: self.heard,
            reports: &self.reports,
            never_ended: &[],
        })
    }

    fn verdict(&self) -> Option<Verdict> {
        self.judged().map(|judgement| judgement.verdict)
    }
}

fn there() -> Vec<Draft> {
    vec![span(1).named("GET /").kind(Server), span(2).under(1).named("db.SELECT").kind(Client)]
}

fn exists(name: &str) -> TraceExpectation {
    TraceExpectation { spans: vec![pattern(Client, name)], ..TraceExpectation::default() }
}

fn at_most_one() -> TraceExpectation {
    TraceExpectation { spans: vec![pattern(Client, "db.SELECT").count(0, Some(1))], ..TraceExpectation::default() }
}

#[test]
fn nothing_is_judged_before_it_is_clear_that_the_trace_is_whole() {
    assert_eq!(case(exists("db.SELECT"), there()).verdict(), None, "the rules have not been looked at");
    assert_eq!(case(exists("db.SELECT"), there()).on(Evidence::Drained).verdict(), Some(Verdict::Held));
}

#[test]
fn what_lacks_fails_when_drained_or_at_the_deadline_and_never_on_quiet() {
    let lacking = || case(exists("db.INSERT"), there());
    assert_eq!(lacking().verdict(), None);
    assert_eq!(lacking().on(Evidence::Quiet).verdict(), None);
    assert_eq!(lacking().on(Evidence::Drained).verdict(), Some(Verdict::Failed));
    assert_eq!(lacking().overdue().verdict(), Some(Verdict::Failed));
}

#[test]
fn an_upper_bound_holds_on_quiet_and_is_undecided_without() {
    assert_eq!(case(at_most_one(), there()).verdict(), None);
    assert_eq!(case(at_most_one(), there()).on(Evidence::Quiet).verdict(), Some(Verdict::Held));
    assert_eq!(case(at_most_one(), there()).overdue().verdict(), Some(Verdict::Undecided));
}

#[test]
fn a_bound_that_is_exceeded_fails_at_once() {
    let mut spans = there();
    spans.push(span(3).under(1).named("db.SELECT").kind(Client));
    assert_eq!(case(at_most_one(), spans).verdict(), Some(Verdict::Failed));
}

#[test]
fn two_processes_under_one_name_are_the_cause_only_where_a_service_that_is_named_never_came() {
    let by = |pid: i64, draft: Draft| draft.of("api").resource("process.pid", pid).resource("host.name", "here");
    let spans = || vec![by(7, span(1).named("GET /").kind(Server)), by(8, span(2).under(1).named("db.SELECT").kind(Client))];
    let of =
        |service: &str| TraceExpectation { spans: vec![pattern(Client, "db.SELECT").of(service)], ..TraceExpectation::default() };
    let judged = case(of("worker"), spans()).on(Evidence::Drained).judged().unwrap();
    assert_eq!(judged.verdict, Verdict::Failed);
    assert_eq!(judged.findings[0].headline, "2 processes send as api (pid 7, pid 8), and none as worker.");
    // Two instances of a service are nothing wrong, and of one process nothing is known.
    assert_eq!(case(of("api"), spans()).on(Evidence::Drained).verdict(), Some(Verdict::Held));
    let alone = spans().into_iter().map(|draft| by(7, draft)).collect();
    let judged = case(of("worker"), alone).on(Evidence::Drained).judged().unwrap();
    assert!(judged.findings.iter().all(|finding| finding.code != "cause.shared-name"), "{:?}", judged.findings);
}

#[test]
fn a_demand_for_stronger_evidence_is_kept() {
    let mut strict = case(at_most_one(), there()).on(Evidence::Quiet);
    strict.least = Evidence::Drained;
    assert_eq!(strict.verdict(), None);
    assert_eq!(strict.overdue().verdict(), Some(Verdict::Undecided));
}

#[test]
fn silence_holds_only_when_drained_or_behind_a_barrier() {
    let nothing = || TraceExpectation { nothing: Some(Place::default()), ..TraceExpectation::default() };
    assert_eq!(case(nothing(), vec![]).on(Evidence::Drained).verdict(), Some(Verdict::Held));
    assert_eq!(case(nothing(), vec![]).on(Evidence::Barrier).verdict(), Some(Verdict::Held));
    let mut mute = case(nothing(), vec![]).on(Evidence::Drained);
    mute.heard = false;
    assert_eq!(mute.verdict(), Some(Verdict::Unobserved), "a service that exports nothing is silent too");
    assert_eq!(case(nothing(), vec![]).on(Evidence::Quiet).verdict(), Some(Verdict::Unobserved));
    assert_eq!(case(nothing(), vec![]).verdict(), None, "something may still come");
    assert_eq!(case(nothing(), vec![]).overdue().verdict(), Some(Verdict::Undecided), "heard from, and then cut short");
    let mut unheard = case(nothing(), vec![]).overdue();
    unheard.heard = false;
    assert_eq!(unheard.verdict(), Some(Verdict::Unobserved));
    assert_eq!(case(nothing(), there()).on(Evidence::Drained).verdict(), Some(Verdict::Failed));
}

#[test]
fn nothing_observed_is_never_a_pass_not_even_for_none() {
    let forbids = TraceExpectation::default();
    assert_eq!(case(forbids, vec![]).on(Evidence::Drained).verdict(), Some(Verdict::Unobserved));
    assert_eq!(case(exists("db.SELECT"), vec![]).on(Evidence::Drained).verdict(), Some(Verdict::Unobserved));
}

#[test]
fn spans_thrown_out_of_the_ledger_leave_it_undecided() {
    let mut case = case(exists("db.SELECT"), there()).on(Evidence::Drained);
    case.evicted = 1;
    case.reports.push(WorkReport { service: "api".into(), exported: 3, ..WorkReport::default() });
    assert_eq!(case.verdict(), Some(Verdict::Undecided));
}

#[test]
fn a_broken_rule_fails_unless_it_is_waived() {
    let orphaned = vec![span(1).named("GET /").kind(Server), span(2).under(7).named("db.SELECT").kind(Client)];
    let mut case = case(exists("db.SELECT"), orphaned).on(Evidence::Drained);
    let judgement = case.judged().expect("a verdict");
    assert_eq!(judgement.verdict, Verdict::Failed);
    assert_eq!(judgement.findings[0].code, "rule.otel.orphan");
    case.waived.push(Waiver { code: "otel.orphan".into(), reason: "the test says so".into(), place: None });
    assert_eq!(case.verdict(), Some(Verdict::Held));
}

#[test]
fn lost_spans_are_told_with_what_the_exporter_says() {
    let mut case = case(exists("db.INSERT"), there()).on(Evidence::Drained);
    case.reports.push(WorkReport {
        service: "api".into(),
        lost: 2,
        export_error: Some("connection refused".into()),
        ..WorkReport::default()
    });
    let judgement = case.judged().expect("a verdict");
    assert_eq!(judgement.findings[0].code, "cause.export-lost");
    assert!(judgement.findings[0].details[0].contains("connection refused"));
}

#[test]
fn one_id_with_two_contents_is_a_conflict() {
    let mut case = case(exists("db.SELECT"), there()).on(Evidence::Drained);
    case.arrivals.extend(arrivals(&trace([span(2).under(1).named("db.UPDATE").kind(Client)])));
    let judgement = case.judged().expect("a verdict");
    assert_eq!((judgement.verdict, judgement.findings[0].code.as_str()), (Verdict::Failed, "cause.conflict"));
}

#[test]
fn a_service_that_ignores_the_context_it_was_sent_is_found_by_correlation_id() {
    let mut case = case(exists("db.SELECT"), vec![]).on(Evidence::Drained);
    case.strays.push(trace(there()));
    let judgement = case.judged().expect("a verdict");
    assert_eq!((judgement.verdict, judgement.findings[0].code.as_str()), (Verdict::Failed, "cause.context-lost"));
}

#[test]
fn spans_that_were_acknowledged_and_are_not_there_are_missed() {
    let mut case = case(exists("db.SELECT"), there()).on(Evidence::Drained);
    case.reports.push(WorkReport { service: "api".into(), exported: 2, ..WorkReport::default() });
    assert_eq!(case.verdict(), Some(Verdict::Held));
    case.reports[0].exported = 3;
    let judgement = case.judged().expect("a verdict");
    assert_eq!((judgement.verdict, judgement.findings[0].code.as_str()), (Verdict::Failed, "cause.not-received"));
}

#[test]
fn a_stand_in_fails_a_case_about_its_service_and_says_what_it_proves() {
    let spans = || {
        let send = span(2).under(1).named("send").kind(Producer);
        let task = span(3).under(2).named("task").kind(Consumer).of("worker").stand_in();
        vec![span(1).named("GET /").kind(Server), send, task]
    };
    let expected = || TraceExpectation { spans: vec![pattern(Consumer, "task").of("worker")], ..TraceExpectation::default() };
    assert_eq!(case(expected(), spans()).on(Evidence::Quiet).verdict(), None, "the worker itself may still come");
    let judgement = case(expected(), spans()).on(Evidence::Drained).judged().expect("a verdict");
    assert_eq!((judgement.verdict, judgement.findings.len()), (Verdict::Failed, 1));
    let finding = &judgement.findings[0];
    assert_eq!(finding.code, "expect.stand-in");
    assert_eq!(finding.headline, "Only a stand-in of `worker` answered; `stand_in: ok` accepts that.");
    assert_eq!(finding.details, ["It went on below `send` of api: the trace context did reach it."]);
    let row = judgement.tree.iter().find(|row| row.name == "task").expect("its row");
    assert!(row.stand_in && row.mismatches[0].what == "service", "{row:?}");
    let accepted = TraceExpectation { stand_ins: true, ..expected() };
    assert_eq!(case(accepted, spans()).on(Evidence::Drained).verdict(), Some(Verdict::Held));
}
