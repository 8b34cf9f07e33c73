//! One deviation at a time: in the fixture, so that the services are right and the expectation is not, or in the services.

use serde_json::Value as Json;

use super::sandbox::Sandbox;

/// A fixture that holds, with a place for every kind of mistake.
const GOOD: &str = r"name: a hot lead
request: { whatsapp: hot-lead.json }
response: { status: 200, json: { $.status: received } }
trace:
  - server: POST /webhooks/whatsapp
    service: medicalcor-api
    attributes: { http.route: /webhooks/whatsapp, http.status_code: 200 }
    children:
      - producer: trigger.dev.whatsapp-message-handler send
        count: 1
        children:
          - consumer: trigger.task.whatsapp-message-handler
            service: medicalcor-trigger
            attributes: { trigger.task.attempt: 1, medicalcor.lead.score: { type: int } }
            events: [message_processed]
            children:
              - client: db.INSERT
                count: 2
              - client: hubspot POST
                count: 3
              - client: whatsapp POST
              - producer: trigger.dev.lead-scoring-workflow send
edges: [medicalcor-api -> medicalcor-trigger]
";

/// `exact`: every span below the consumer is named.
fn exact() -> String {
    let consumer = "          - consumer: trigger.task.whatsapp-message-handler\n";
    GOOD.replace(consumer, &format!("{consumer}            exact: true\n")).replace(
        "              - producer: trigger.dev.lead-scoring-workflow send\n",
        "              - producer: trigger.dev.lead-scoring-workflow send\n                children:\n                  - client: medicalcor-trigger POST\n                    children:\n                      - server: POST /api/v1/tasks/{id}/trigger\n                        children: [{ client: redis.set }]\n                  - consumer: trigger.task.lead-scoring-workflow\n                    children:\n                      - internal: trigger.workflow.lead-scoring.fetch-data\n                        children: [{ client: db.SELECT }, { client: hubspot GET }]\n                      - internal: trigger.workflow.lead-scoring.calculate-score\n                        children: [{ client: openai POST }]\n                      - internal: trigger.workflow.lead-scoring.update-crm\n                        children: [{ client: hubspot PATCH }, { client: db.UPDATE }]\n",
    )
}

/// Runs a fixture and hands over its only case.
fn case(fixture: &str, args: &[&str]) -> (i32, Json) {
    let sandbox = Sandbox::with_fixture(fixture);
    let (run, mut report) = sandbox.replay(args);
    let mut case = report["cases"][0].take();
    // Too long for the message of a failed assertion.
    case["tree"] = Json::Null;
    (run.code, case)
}

/// The case failed, on the services' own word that they were done, and some finding says all of `words`.
fn assert_fails(fixture: &str, args: &[&str], words: &[&str]) {
    let (code, case) = case(fixture, args);
    assert_eq!(code, 1, "{case:#}");
    assert_eq!(case["verdict"], "failed", "{case:#}");
    assert_eq!(case["evidence"], "drained", "a deadline was waited for: {case:#}");
    let says = |finding: &Json| {
        let text = format!("{} {}", finding["headline"], finding["details"]);
        words.iter().all(|word| text.contains(word))
    };
    let findings = case["findings"].as_array().expect("findings");
    assert!(findings.iter().any(says), "nothing says {words:?}: {findings:#?}");
}

fn edited(from: &str, to: &str) -> String {
    let text = GOOD.replace(from, to);
    assert_ne!(text, GOOD, "`{from}` is not in the fixture");
    text
}

#[test]
fn the_fixture_itself_holds_with_and_without_exact() {
    for fixture in [GOOD.to_owned(), exact()] {
        let (code, case) = case(&fixture, &[]);
        assert_eq!((code, &case["verdict"]), (0, &Json::from("held")), "{case:#}");
        assert_eq!(case["evidence"], "drained");
        assert_eq!(case["stored"][0], case["stored"][1]);
    }
}

#[test]
fn a_wrong_span_name() {
    assert_fails(&edited("client: whatsapp POST", "client: whatsap POST"), &[], &["whatsap POST", "`whatsapp POST`"]);
}

#[test]
fn a_wrong_parent() {
    let moved = edited(
        "      - producer: trigger.dev.whatsapp-message-handler send\n        count: 1\n",
        "      - client: redis.set\n        children: [{ consumer: trigger.task.whatsapp-message-handler }]\n      - producer: trigger.dev.whatsapp-message-handler send\n        count: 1\n",
    );
    let words = ["hangs under `trigger.dev.whatsapp-message-handler send`", "not under `redis.set`"];
    assert_fails(&moved, &[], &words);
}

#[test]
fn a_wrong_attribute_value() {
    assert_fails(
        &edited("http.status_code: 200 }\n    children", "http.status_code: 201 }\n    children"),
        &[],
        &["http.status_code", "is 200, expected 201"],
    );
}

#[test]
fn a_wrong_attribute_type() {
    assert_fails(&edited("trigger.task.attempt: 1", "trigger.task.attempt: \"1\""), &[], &["1 (int), expected 1 (string)"]);
    assert_fails(GOOD, &["--fault", "wrong-attribute-type"], &["medicalcor.lead.score"]);
}

#[test]
fn a_wrong_kind() {
    assert_fails(&edited("- client: whatsapp POST", "- internal: whatsapp POST"), &[], &["is a client span, expected internal"]);
    assert_fails(GOOD, &["--fault", "wrong-kind"], &["is an internal span, expected consumer"]);
}

#[test]
fn a_missing_event() {
    assert_fails(&edited("message_processed", "message_forgotten"), &[], &["did not record the event `message_forgotten`"]);
    assert_fails(GOOD, &["--fault", "missing-event"], &["did not record the event `message_processed`"]);
}

#[test]
fn an_unexpected_span_under_exact() {
    assert_fails(&exact(), &["--fault", "extra-span"], &["was not expected below"]);
    let unnamed = exact().replace("              - client: whatsapp POST\n", "");
    assert_fails(&unnamed, &[], &["`whatsapp POST`", "was not expected below"]);
}

#[test]
fn a_duplicate_span() {
    assert_fails(GOOD, &["--fault", "duplicate-span"], &["`hubspot POST` came 6 times", "a duplicate span"]);
}

#[test]
fn a_wrong_name_in_the_services() {
    assert_fails(
        GOOD,
        &["--fault", "wrong-name"],
        &["`trigger.task.whatsapp-message-handler`", "`task.whatsapp-message-handler`"],
    );
}

#[test]
fn the_context_lost_on_the_way_names_both_services() {
    let words = ["lost between medicalcor-api and medicalcor-trigger", "a payload without a `traceparent`"];
    assert_fails(GOOD, &["--fault", "context-lost"], &words);
}

#[test]
fn the_context_injected_too_early() {
    let words = ["stands beside its producer", "before the producer span was active"];
    assert_fails(GOOD, &["--fault", "inject-early"], &words);
}

#[test]
fn a_producer_never_ended() {
    let words = ["`trigger.dev.whatsapp-message-handler send` of medicalcor-api was started and never ended"];
    assert_fails(GOOD, &["--fault", "producer-leak"], &words);
}

#[test]
fn an_error_that_is_caught_and_forgotten() {
    // The acknowledgement cannot be sent; the run goes on without it, and says so with an `error_handled` event.
    let failing = "name: x\ngiven: { whatsapp: [500] }\nrequest: { whatsapp: hot-lead.json }\ntrace: [{ consumer: trigger.task.whatsapp-message-handler }]\n";
    let (code, case) = case(failing, &[]);
    assert_eq!(code, 0, "handled and said so: {case:#}");
    assert_fails(failing, &["--fault", "swallowed-error"], &["hides the error of `whatsapp POST`"]);
}

#[test]
fn a_wrong_answer() {
    assert_fails(&edited("status: 200, json", "status: 202, json"), &[], &["The service answered 200, expected 202"]);
    assert_fails(&edited("$.status: received", "$.status: accepted"), &[], &["is received, expected accepted"]);
}

#[test]
fn a_span_that_comes_two_seconds_late_is_waited_for() {
    let (code, case) = case(GOOD, &["--fault", "late-span"]);
    assert_eq!((code, &case["verdict"]), (0, &Json::from("held")), "{case:#}");
    let waited = case["waited"].as_str().expect("the report names what was waited for");
    assert!(waited.contains("medicalcor-trigger"), "{waited}");
    // Without the wait the span would be missing: the same fixture fails when nobody may wait that long.
    let (code, impatient) = self::case(GOOD, &["--fault", "late-span", "--deadline", "500ms"]);
    assert_ne!(code, 0, "{impatient:#}");
}

#[test]
fn nothing_arriving_at_all_is_never_a_pass() {
    let (code, case) = case(GOOD, &["--fault", "silent"]);
    assert_eq!((code, &case["verdict"]), (5, &Json::from("unobserved")), "{case:#}");
    // Silence is what this one expects; from services that export nothing at all it proves nothing.
    let unsampled = "name: x\nrequest: { whatsapp: hot-lead.json, traceparent: unsampled }\ntrace: none\n";
    let (code, case) = self::case(unsampled, &["--fault", "silent"]);
    assert_eq!((code, &case["verdict"]), (5, &Json::from("unobserved")), "{case:#}");
    let (code, case) = self::case(unsampled, &[]);
    assert_eq!((code, &case["verdict"]), (0, &Json::from("held")), "{case:#}");
}

#[test]
fn a_span_that_comes_after_the_verdict_has_the_case_judged_again() {
    let hasty = GOOD.replace("name: a hot lead", "name: a hot lead\ndeadline: 400ms");
    let sandbox = Sandbox::with_fixture(&hasty);
    // Keeps the run going until the late span of the other case has come.
    let patient = "name: takes its time\ndeadline: 20s\nsteps:\n  - request: { path: /leads/none, service: medicalcor-web }\n  - request: { path: /leads/none, service: medicalcor-web }\n    when: 4s\ntrace: [{ server: 'GET /leads/{id}' }]\nwaive: { medicalcor.unhandled-error: a missing page is an answer }\n";
    sandbox.write("fixtures/patient.yaml", patient);
    let (run, report) = sandbox.replay(&["--fault", "late-span"]);
    let case = &report["cases"][0];
    assert_eq!(case["evidence"], "arrived", "the deadline came first: {}", case["findings"]);
    assert_eq!(case["warnings"][0]["code"], "judge.late", "{}\n{}", case["findings"], case["warnings"]);
    // The span is there now, but that nothing else is missing was never known: this is no pass.
    assert_eq!(case["verdict"], "undecided", "{}", case["findings"]);
    assert_eq!((run.code, &report["cases"][1]["verdict"]), (5, &Json::from("held")), "{}", report["cases"][1]["findings"]);
}
