//! A project's externals, played beside a stack for a service of another language: called, scripted by fixtures, and asked what they got.

use serde_json::{Value as Json, json};

use crate::up::stand::Stand;

const SHOP: &str = include_str!("shop.py");

const PROJECT: &str = "services:
  shop: { command: [PYTHON, -u, shop.py], port: auto, ready: /health }
externals:
  mail: { answers: [{ method: POST, path: /send, status: 202, json: { queued: true } }] }
  jobs: { stand_in: trigger.dev, variable: TRIGGER_API_URL, service: shop-worker }
";

/// What a fixture of an order expects of the worker.
const WORKED: &str = "stand_in: ok\nedges: [shop -> shop-worker]\ntrace: [{ producer: trigger.dev.send-mail send }]\n";

/// A project whose stack is up, and where its shop is.
fn stand(fixtures: &[(&str, String)]) -> (Stand, String, Json) {
    let stand = Stand::new();
    stand.sandbox.write("devstack.yaml", PROJECT.replace("PYTHON", &crate::services::python()));
    stand.sandbox.write("shop.py", SHOP);
    // What fails is known long before this, and waited for until then.
    stand.sandbox.write("fixtures/suite.yaml", "service: shop\ndeadline: 3s\n");
    for (name, text) in fixtures {
        stand.sandbox.write(&format!("fixtures/{name}.yaml"), text);
    }
    let up = stand.up(&["--runtime", "embedded"]);
    let shop = up["note"]["services"][0][1].as_str().unwrap().to_owned();
    (stand, shop, up)
}

fn order(how: &str, expected: &str) -> (String, String) {
    let request = format!("name: {how}\nrequest: {{ method: POST, path: /order/{how}, body: {{}} }}\nresponse: 200\n");
    (how.to_owned(), format!("{request}{expected}"))
}

/// A mail that the mailer limits once, or twice where nothing is expected of it.
fn mail(how: &str, more: &str) -> (String, String) {
    let text = format!(
        "name: {how}\ngiven: {{ mail: [{{ status: 429, retry-after: 10ms }}, 429] }}\nrequest: {{ method: POST, path: /mail/{how}, body: {{}} }}\nresponse: 200\ntrace: [{{ server: POST /mail, attributes: {{ mail.answers: 429 429 202 }} }}]\n{more}"
    );
    (format!("mail-{how}"), text)
}

fn replayed(fixtures: &[(String, String)], args: &[&str]) -> (Stand, Json, Json) {
    let fixtures: Vec<_> = fixtures.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let (stand, shop, up) = stand(&fixtures);
    let all: Vec<&str> = ["--target", &shop, "--jobs", "16"].into_iter().chain(args.iter().copied()).collect();
    let (run, report) = stand.sandbox.replay(&all);
    assert!(!run.out.contains("0721") && !run.err.contains("0721"), "no value of a payload is told");
    (stand, report, up)
}

fn case<'a>(report: &'a Json, id: &str) -> &'a Json {
    let cases = report["cases"].as_array().unwrap();
    cases.iter().find(|case| case["id"] == id).unwrap_or_else(|| panic!("{report:#}"))
}

/// Codes and sentences of what is wrong with a case.
fn findings(case: &Json) -> Vec<(&str, &str)> {
    let findings = case["findings"].as_array().unwrap();
    findings.iter().map(|finding| (finding["code"].as_str().unwrap(), finding["headline"].as_str().unwrap())).collect()
}

#[test]
fn externals_are_up_with_the_stack_and_called_stand_ins() {
    let (stand, _, up) = stand(&[]);
    let names: Vec<_> = up["note"]["externals"].as_array().unwrap().iter().map(|at| at["variable"].as_str().unwrap()).collect();
    assert_eq!(names, ["MAIL_URL", "TRIGGER_API_URL"]);
    let trigger = up["note"]["externals"][1]["url"].as_str().unwrap();
    assert_eq!(up["note"]["enqueued"], trigger);
    assert!(up["note"]["scripts"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")));

    let status = stand.status();
    let parts = status["components"].as_array().unwrap();
    let stand_ins: Vec<_> = parts.iter().filter_map(|part| Some((part["name"].as_str()?, part["stand_in"].as_str()?))).collect();
    assert_eq!(stand_ins, [("mail", "mail"), ("jobs", "trigger.dev")]);
    let text = stand.run(&["status"]).out;
    assert!(text.contains("stand-in of trigger.dev") && text.contains(trigger), "{text}");
    let env = stand.run(&["env", "--secrets"]).out;
    assert!(env.contains(&format!("export TRIGGER_API_URL={trigger}\n")), "{env}");
    let key = env.lines().find_map(|line| line.strip_prefix("export TRIGGER_SECRET_KEY=")).unwrap().to_owned();
    let told = stand.run(&["run", "--", "sh", "-c", "echo told $TRIGGER_API_URL $TRIGGER_SECRET_KEY $MAIL_URL"]).out;
    assert!(told.contains(&format!("told {trigger} {key} http://127.0.0.1:")), "{told}");
    assert_eq!(stand.down().code, 0);
    assert!(std::net::TcpStream::connect(trigger.trim_start_matches("http://")).is_err(), "they go with it");
}

#[test]
fn what_was_enqueued_is_proved_and_the_worker_was_not_tested() {
    let (right, alone) = (order("right", WORKED), order("untraced", "trace: [{ server: POST /order }]\n"));
    let refused = ("refused".to_owned(), right.1.replace("stand_in: ok\n", ""));
    let (stand, report, _) = replayed(&[right, alone, refused], &[]);
    let right = case(&report, "right");
    assert_eq!((&right["verdict"], &right["findings"]), (&json!("held"), &json!([])), "{right:#}");
    assert_eq!(right["stand_ins"], json!(["shop-worker"]));
    let run = &right["enqueued"][0];
    assert_eq!((&run["task"], &run["cached"]), (&json!("send-mail"), &json!(false)));
    let named = &run["traceparent"];
    let expected = (&json!("span"), &json!("trigger.dev.send-mail send"), &json!("producer"), &json!("shop"));
    assert_eq!((&named["names"], &named["name"], &named["kind"], &named["service"]), expected);
    // It asks nothing of the worker, and a run that is nobody's fails no case.
    assert_eq!(case(&report, "untraced")["verdict"], "held", "{report:#}");
    let refused = case(&report, "refused");
    assert_eq!(findings(refused)[0].1, "Only a stand-in of `shop-worker` answered; `stand_in: ok` accepts that.");

    let url = report["target"].as_str().unwrap();
    let text = stand.run(&["replay", "fixtures/right.yaml", "--target", url]).out;
    let told = "enqueued: 1 run of send-mail, its traceparent names `trigger.dev.send-mail send`\n(producer)\nyour shop-worker was not tested (stand-in)\n";
    assert!(text.ends_with(told), "{text}");
}

#[test]
fn a_payload_that_leads_nowhere_is_named_with_both_services() {
    let wrong = ["absent", "header", "invalid", "other", "early"];
    let (_stand, report, _) = replayed(&wrong.map(|how| order(how, WORKED)), &[]);
    let worker = "shop-worker cannot go on with this trace.";
    let causes = [
        ("absent", "cause.enqueued-without-context", format!("shop enqueued `send-mail` without a `traceparent`: {worker}")),
        ("header", "cause.enqueued-without-context", format!("shop enqueued `send-mail` without a `traceparent`: {worker}")),
        (
            "invalid",
            "cause.enqueued-invalid-context",
            format!("shop enqueued `send-mail` with a `traceparent` that is not valid: {worker}"),
        ),
        (
            "other",
            "cause.enqueued-other-trace",
            "shop enqueued `send-mail` with the `traceparent` of another trace: shop-worker goes on with that one.".to_owned(),
        ),
        (
            "early",
            "cause.injected-early",
            "shop enqueued `send-mail` with the `traceparent` of `POST /order` (server), not of its producer `trigger.dev.send-mail send`.".to_owned(),
        ),
    ];
    for (how, code, headline) in &causes {
        let case = case(&report, how);
        assert_eq!(case["verdict"], "failed", "{case:#}");
        let found = findings(case);
        assert_eq!(found[0], (*code, headline.as_str()), "{case:#}");
        let causes = found.iter().filter(|(code, _)| code.starts_with("cause.")).count();
        assert_eq!(causes, 1, "what happened in the other cases is not told here: {found:?}");
    }
}

#[test]
fn a_run_that_is_nobodys_or_was_never_made_is_said_where_the_case_fails() {
    for (how, code, said) in [
        ("never", "cause.never-enqueued", "the stand-in for the Trigger.dev API was not asked for it."),
        (
            "nobody",
            "cause.enqueued-without-context",
            "1 run of `send-mail` was enqueued without a `traceparent` while this case ran.",
        ),
        ("denied", "cause.never-enqueued", "the stand-in for the Trigger.dev API was not asked for it."),
    ] {
        let (_stand, report, _) = replayed(&[order(how, WORKED)], &[]);
        let case = case(&report, how);
        let found = findings(case);
        assert!(case["verdict"] == "failed" && found[0].0 == code && found[0].1.ends_with(said), "{found:?}");
        let details = case["findings"][0]["details"].to_string();
        assert_eq!(details.contains("refused 1 call"), how == "denied", "{details}");
    }
}

#[test]
fn given_scripts_an_external_by_trace_by_correlation_id_and_for_a_case_that_is_alone() {
    let unscripted = mail("traced", "")
        .1
        .replace("given: { mail: [{ status: 429, retry-after: 10ms }, 429] }\n", "")
        .replace("429 429 202", "'202'");
    let fixtures = [
        mail("traced", ""),
        mail("correlated", ""),
        mail("bare", "isolated: true\n"),
        ("mail-other".to_owned(), unscripted),
        ("mail-shared".to_owned(), mail("bare", "").1),
    ];
    let (stand, report, _) = replayed(&fixtures, &[]);
    for id in ["mail-traced", "mail-correlated", "mail-bare", "mail-other"] {
        let case = case(&report, id);
        assert_eq!(case["verdict"], "held", "{case:#}");
    }
    let shared = case(&report, "mail-shared");
    assert_eq!(shared["verdict"], "failed", "who says nothing is not scripted while others run: {shared:#}");

    stand.sandbox.write("fixtures/mail-other.yaml", mail("traced", "").1.replace("mail: [", "mial: ["));
    let lint = stand.run(&["lint", "fixtures"]);
    let said = format!("{}{}", lint.out, lint.err);
    assert!(lint.code != 0 && said.contains("did you mean `mail`?"), "{said}");
}
