//! Spans that are lost on their way to the store, with the real collector: the run ends with exit code 3 and names the hop by what it
//! really counted. A store that is not there is noticed before anything is sent.

use serde_json::Value as Json;

use super::{
    footprint::{Footprint, docker},
    project::{docker_slot, replay, shipped, text, up},
};
use crate::up::stand::{Stand, until};

/// What the shipped collector is told; each test spoils it for the services' spans, not for the canary.
const COLLECTOR: &str = include_str!("../../stacks/collector/collector.yaml");

/// A processor that lets nothing but canaries through.
const ONLY_CANARIES: &str = "  tail_sampling:
    decision_wait: 100ms
    policies: [{ name: canaries, type: boolean_attribute, boolean_attribute: { key: devstack.canary, value: true } }]
";

/// The pipeline of traces as the shipped configuration has it: its processors, and the line after them.
const LIMITED: &str = "processors: [memory_limiter, batch";
const TO_THE_STORE: &str = "      exporters: [otlp_http/traces";

/// One fixture is enough to lose something of.
const FIXTURE: [&str; 3] = [shipped(), "--name", "crm/deal-updated"];

/// The Jaeger stack with another configuration of its collector.
fn spoiled(stand: &Stand, replacements: &[(&str, &str)]) -> Json {
    let config = replacements.iter().fold(COLLECTOR.to_owned(), |config, (from, to)| {
        assert!(config.contains(from), "`{from}` is not in the collector's configuration");
        config.replacen(from, to, 1)
    });
    stand.sandbox.write("collector.yaml", config);
    let stack = "extends: jaeger\ncomponents: { collector: { environment: { OTELCOL_CONFIG: { file: collector.yaml } } } }\n";
    stand.sandbox.write("spoiled.yaml", stack);
    up(stand, &["--stack", "spoiled.yaml"], &[])
}

/// Replays and gives the sentences of the finding about what was lost.
fn lost(stand: &Stand) -> (Json, String) {
    let (code, report) = replay(stand, &FIXTURE);
    let case = report["cases"][0].clone();
    assert_eq!((code, &case["verdict"]), (3, &"broken".into()), "{case:#}");
    let finding = case["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "witness.lost");
    let finding = finding.unwrap_or_else(|| panic!("{:#}", case["findings"]));
    assert_eq!(finding["hint"], "devstack logs collector");
    let details: Vec<_> = finding["details"].as_array().unwrap().iter().map(text).collect();
    (case.clone(), format!("{} {}", text(&finding["headline"]), details.join(" ")))
}

#[test]
fn the_hop_that_lost_spans_is_named_with_its_own_counters() {
    let Some(_slot) = docker_slot() else { return };
    let stand = Stand::new();
    // A sampler that cares for canaries only.
    spoiled(
        &stand,
        &[
            ("processors:\n", &format!("processors:\n{ONLY_CANARIES}")),
            (&format!("{LIMITED}]\n{TO_THE_STORE}"), &format!("{LIMITED}, tail_sampling]\n{TO_THE_STORE}")),
        ],
    );
    let (case, words) = lost(&stand);
    assert_eq!(case["stored"][0], 0, "{case:#}");
    assert!(words.contains("The collector's tail sampling kept nothing of 1 trace."), "{words}");
    assert!(words.contains("of medicalcor-api"), "the spans are named: {words}");

    // A second exporter, to where nobody listens, which gives up at once; what goes to the store is sampled as before.
    let nowhere = "  otlp_http/nowhere: { endpoint: http://jaeger:1, retry_on_failure: { enabled: false } }\n";
    let second = "    traces/nowhere: { receivers: [otlp], processors: [batch], exporters: [otlp_http/nowhere] }\n";
    spoiled(
        &stand,
        &[
            ("processors:\n", &format!("processors:\n{ONLY_CANARIES}")),
            (&format!("{LIMITED}]\n{TO_THE_STORE}"), &format!("{LIMITED}, tail_sampling]\n{TO_THE_STORE}")),
            ("exporters:\n", &format!("exporters:\n{nowhere}")),
            ("  pipelines:\n", &format!("  pipelines:\n{second}")),
        ],
    );
    let (case, words) = lost(&stand);
    let sent = format!("The collector could not send {} spans to jaeger:1", case["stored"][1]);
    assert!(words.contains(&sent) && words.contains("`otlp_http/nowhere`"), "{words}");
}

#[test]
fn a_store_that_does_not_answer_any_more_is_refused_and_taken_again_later() {
    let Some(_slot) = docker_slot() else { return };
    let stand = Stand::new();
    let note = up(&stand, &["--stack", "jaeger"], &[]);
    let jaeger = Footprint::of(&note).container_name("jaeger");
    docker(&["pause", &jaeger]);
    let refused = stand.run(&[&["replay"], &FIXTURE[..]].concat());
    let status = stand.status();
    docker(&["unpause", &jaeger]);
    assert_eq!(refused.code, 3, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("jaeger is paused"), "{}", refused.err);
    assert_eq!(status["state"], "degraded", "{status:#}");
    until("jaeger to be back", || (stand.status()["state"] == "up").then_some(()));
    let (code, report) = replay(&stand, &FIXTURE);
    assert_eq!(code, 0, "{:#}", report["cases"]);
}
