//! `devstack from`: curl commands and archives, with the files and the lines that come out.

use std::{fs, io::Write as _, process::Stdio};

use super::sessions::bytes_of;
use crate::sandbox::{Run, Sandbox};

#[test]
fn a_curl_command_becomes_a_fixture_that_says_what_is_missing() {
    let sandbox = Sandbox::new();
    sandbox.write("order.json", r#"{"event_type":"order.created","customer":{"name":"Ana Exemplu"},"amount":5}"#);
    let command =
        "curl -u ana:hunter2hunter2 http://localhost:3000/hooks/orders -H 'x-api-key: hunter2hunter2' --json @order.json";
    let run = sandbox.run(&["from", "curl", command]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(run.out, "✓ order-created → fixtures/order-created.yaml  (1 value replaced)\n");
    assert_eq!(
        run.err,
        "`-u` was left out: a fixture holds no credentials.\nNext: devstack replay fixtures/order-created.yaml\n"
    );
    let text = fs::read_to_string(sandbox.path("fixtures/order-created.yaml")).unwrap();
    let day = text.split("Drafted on ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!(
        text.replace(&day, "DAY"),
        "\
# Drafted on DAY by `devstack from curl`. A proposal: adjust it, then `devstack replay` it.
# Replaced by invented values: 1 name.
# Left out of the headers: x-api-key; add those that the service asks for.
name: a recorded order-created request
tags: [recorded]
request: { plain: order-created.json, path: /hooks/orders }
# What was answered is not known: say what must come back, such as `response: 200`.
# Nothing was sent, so nothing is known of the trace: `devstack record` proposes what to expect of it.
"
    );
    let all = format!("{}{}{}", bytes_of(&sandbox.path("fixtures")), run.out, run.err);
    assert!(!all.contains("Ana") && !all.contains("Exemplu") && !all.contains("hunter2"), "{all}");

    // Once more, from stdin: another name.
    let mut child = sandbox
        .command(&["from", "curl", "--out", "fixtures"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(command.replace(" -H", " \\\n  -H").as_bytes()).unwrap();
    let run = Run::of(&child.wait_with_output().unwrap());
    assert_eq!((run.code, run.out.contains("fixtures/order-created-2.yaml")), (0, true), "{} {}", run.out, run.err);
}

#[test]
fn what_is_no_curl_command_is_said_without_its_values() {
    let sandbox = Sandbox::new();
    for (command, error) in [
        ("wget http://hunter2", "it does not begin with `curl`"),
        ("curl 'http://hunter2", "the command's quotes do not match"),
        ("curl http://a -d hunter2 -X", "`-X` has no value"),
        ("curl http://a -d @gone.json", "cannot read the data in `gone.json`: it is not there"),
        ("curl http://a -Zhunter2", "`-Z` is not an option that devstack reads"),
    ] {
        let run = sandbox.run(&["from", "curl", command]);
        let wanted = format!(
            "error: this is not a curl command that can be read: {error}\nhint: put the whole command in single quotes, or give it on stdin\n"
        );
        assert_eq!((run.code, run.err), (2, wanted), "{command}");
    }
}

#[test]
fn an_archive_gives_a_fixture_for_each_post() {
    let sandbox = Sandbox::new();
    let entry = |method: &str, path: &str, body: &str| {
        let body = serde_json::Value::from(body);
        format!(
            r#"{{"request":{{"method":"{method}","url":"http://localhost:3000{path}","headers":[{{"name":"Content-Type","value":"application/json"}}],
               "postData":{{"mimeType":"application/json","text":{body}}}}},"response":{{"status":202,"headers":[],"content":{{"text":"{{\"status\":\"accepted\"}}"}}}}}}"#
        )
    };
    let entries = [
        entry("POST", "/hooks/orders", r#"{"type":"order.paid","email":"ana@clinic.example"}"#),
        entry("GET", "/page", ""),
        entry("POST", "/hooks/stock", r#"{"type":"stock.low"}"#),
    ];
    sandbox.write("session.har", format!(r#"{{"log":{{"version":"1.2","entries":[{}]}}}}"#, entries.join(",")));
    let run = sandbox.run(&["from", "har", "session.har"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(
        run.out,
        "✓ order-paid → fixtures/order-paid.yaml  (202, 1 value replaced)\n✓ stock-low → fixtures/stock-low.yaml  (202, 0 values replaced)\n"
    );
    let text = fs::read_to_string(sandbox.path("fixtures/order-paid.yaml")).unwrap();
    assert!(text.contains("response: { status: 202, json: { $.status: accepted } }"), "{text}");
    assert!(!bytes_of(&sandbox.path("fixtures")).contains("ana@clinic"));
    assert_eq!(sandbox.run(&["lint"]).code, 0);

    let none = sandbox.run(&["from", "har", "session.har", "--match", "/nowhere"]);
    assert_eq!(
        (none.code, none.err.as_str()),
        (
            4,
            "error: none of the 3 entries of `session.har` has `/nowhere` in its path\nhint: `--match PATH` takes the entries whose path contains it\n"
        )
    );
    assert_eq!(sandbox.run(&["from", "har", "gone.har"]).err, "error: cannot use `gone.har`: it is not there\n");
}
