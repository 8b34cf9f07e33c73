//! One report with a case of every verdict, for the formats to show side by side.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;

use devstack::{
    check::{CaseReport, Evidence, Exchange, Finding, Mark, Mismatch, RunReport, Severity, SourceSpan, TreeRow, Verdict},
    model::{SpanId, SpanKind, TraceId},
    report::Sources,
};

pub(crate) const PAYMENT: &str = "\
name: a failed payment is told to the contact
tags: [stripe]
request: { stripe: payment-failed.json }
response: 200
trace:
  - server: POST /webhooks/stripe
    service: medicalcor-api
    children:
      - producer: trigger.dev.payment-failed-handler send
        children:
          - consumer: trigger.task.payment-failed-handler
            status: error
";

/// The sources of the sample.
pub(crate) fn sources() -> Sources {
    [("fixtures/stripe/payment-failed.yaml", PAYMENT)].into_iter().collect()
}

/// A held case; the others are made from it.
pub(crate) fn held(id: &str, number: u8) -> CaseReport {
    CaseReport {
        id: id.into(),
        repetition: None,
        name: format!("what {id} does"),
        tags: vec![],
        file: format!("fixtures/{id}.yaml"),
        verdict: Verdict::Held,
        evidence: Evidence::Drained,
        trace_id: TraceId::new([0x10 + number; 16]).unwrap(),
        correlation_id: format!("case-{number}"),
        spans: 6,
        services: vec!["medicalcor-api".into()],
        stand_ins: vec![],
        enqueued: vec![],
        elapsed: Duration::from_millis(44),
        judged_after: Duration::from_millis(3),
        exchanges: vec![answered(200, 4)],
        stored: Some((6, 6)),
        findings: vec![],
        warnings: vec![],
        tree: vec![],
        waited: None,
    }
}

pub(crate) fn answered(status: u16, millis: u64) -> Exchange {
    Exchange {
        method: "POST".into(),
        path: "/webhooks/stripe".into(),
        status: Some(status),
        error: None,
        elapsed: Duration::from_millis(millis),
    }
}

pub(crate) fn finding(code: &str, headline: &str) -> Finding {
    Finding {
        code: code.into(),
        severity: Severity::Failure,
        headline: headline.into(),
        details: vec![],
        at: None,
        label: String::new(),
        hint: None,
    }
}

fn row(depth: usize, last: bool, name: &str, service: &str, millis: u64) -> TreeRow {
    TreeRow {
        depth,
        last,
        mark: Mark::Same,
        name: name.into(),
        kind: SpanKind::Internal,
        service: service.into(),
        stand_in: false,
        span_id: SpanId::new([1; 8]),
        elapsed: Some(Duration::from_millis(millis)),
        error: false,
        note: String::new(),
        mismatches: vec![],
    }
}

/// A failed case with a tree, a caret and a second finding.
pub(crate) fn failed() -> CaseReport {
    let offset = PAYMENT.find("status: error").unwrap() + "status: ".len();
    let mismatch = |what: &str, expected: &str, actual: &str| Mismatch {
        what: what.into(),
        expected: expected.into(),
        actual: actual.into(),
    };
    let mut consumer = row(2, true, "trigger.task.payment-failed-handler", "medicalcor-trigger", 61);
    consumer.mark = Mark::Changed;
    consumer.mismatches = vec![
        mismatch("status", "error", "unset"),
        mismatch(
            "medicalcor.correlation_id",
            "the correlation id of the request, `case-2`",
            "`00000000-0000-4000-8000-000000000000-which-is-another-one`",
        ),
    ];
    let mut hubspot = row(3, false, "hubspot POST", "medicalcor-trigger", 48);
    (hubspot.error, hubspot.note) = (true, "500".into());
    let mut missing = row(3, true, "redis.set", "", 0);
    (missing.mark, missing.span_id, missing.elapsed) = (Mark::Missing, None, None);
    let mut extra = row(1, true, "db.SELECT", "medicalcor-api", 0);
    (extra.mark, extra.elapsed) = (Mark::Unexpected, Some(Duration::from_micros(85)));
    CaseReport {
        verdict: Verdict::Failed,
        spans: 11,
        services: vec!["medicalcor-api".into(), "medicalcor-trigger".into()],
        elapsed: Duration::from_millis(112),
        stored: Some((11, 11)),
        tree: vec![
            row(0, true, "POST /webhooks/stripe", "medicalcor-api", 4),
            row(1, false, "trigger.dev.payment-failed-handler send", "medicalcor-api", 2),
            consumer,
            hubspot,
            missing,
            extra,
        ],
        findings: vec![
            Finding {
                details: vec!["`hubspot POST` answered 500 and nothing above it ended in error.".into()],
                at: Some(SourceSpan {
                    file: "fixtures/stripe/payment-failed.yaml".into(),
                    line: 12,
                    column: 21,
                    offset,
                    length: "error".len(),
                }),
                label: "the span says unset".into(),
                ..finding(
                    "rule.medicalcor.hidden-error",
                    "`trigger.task.payment-failed-handler` hides the error of `hubspot POST`.",
                )
            },
            Finding {
                hint: Some("waive it with a reason if it is meant".into()),
                ..finding("rule.otel.orphan", "A second thing is wrong.")
            },
        ],
        ..held("stripe/payment-failed", 2)
    }
}

/// A case of every verdict.
pub(crate) fn report() -> RunReport {
    let undecided = CaseReport {
        verdict: Verdict::Undecided,
        evidence: Evidence::Quiet,
        elapsed: Duration::from_secs(10),
        waited: Some(
            "waited 10 s: medicalcor-trigger exports every 5 s; started by `devstack run` it would export every 50 ms".into(),
        ),
        findings: vec![finding("expect.span.missing", "`trigger.task.refund-handler` had not come when the time was over.")],
        stored: None,
        ..held("stripe/refund", 3)
    };
    let unobserved = CaseReport {
        verdict: Verdict::Unobserved,
        evidence: Evidence::Arrived,
        spans: 0,
        services: vec![],
        elapsed: Duration::from_secs(5),
        stored: None,
        findings: vec![Finding {
            details: vec![
                "The webhook was answered 200 in 4 ms, and medicalcor-api has exported nothing since it started: its endpoint http://127.0.0.1:4319 refuses connections.".into(),
            ],
            hint: Some("devstack doctor --target http://localhost:3000".into()),
            ..finding("cause.nothing-exported", "No span of this trace arrived.")
        }],
        ..held("whatsapp/text-message", 4)
    };
    let broken = CaseReport {
        verdict: Verdict::Broken,
        evidence: Evidence::Arrived,
        spans: 0,
        services: vec![],
        elapsed: Duration::from_millis(2),
        exchanges: vec![Exchange { status: None, error: Some("connection refused".into()), ..answered(0, 2) }],
        stored: None,
        findings: vec![finding("run.refused", "`medicalcor-web` refuses connections.")],
        ..held("web/patients", 5)
    };
    let warned = CaseReport {
        warnings: vec![Finding {
            severity: Severity::Warning,
            ..finding("rule.otel.error-type", "`openai POST` ended in error without `error.type`.")
        }],
        ..held("crm/person-updated", 1)
    };
    RunReport {
        version: devstack::check::outcome::REPORT_VERSION,
        run: "20261122T173000.123Z".into(),
        stack: "embedded stack · demo services".into(),
        target: "demo".into(),
        cases: vec![warned, failed(), undecided, unobserved, broken],
        elapsed: Duration::from_millis(10_610),
        stored: None,
        interrupted: false,
    }
}

/// `count` repetitions of `id`, of which every `bad`-th failed.
pub(crate) fn repeated(id: &str, count: u32, bad: Option<u32>) -> Vec<CaseReport> {
    (1..=count)
        .map(|number| CaseReport {
            id: id.into(),
            repetition: Some(number),
            elapsed: Duration::from_millis(u64::from(40 + number)),
            trace_id: TraceId::new(u128::from(number).to_be_bytes()).unwrap(),
            ..if bad.is_some_and(|bad| number % bad == 0) { failed() } else { held(id, 1) }
        })
        .collect()
}
