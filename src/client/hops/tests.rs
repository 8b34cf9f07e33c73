//! What the hops say, from excerpts of what real containers counted (collector 0.158.0, Jaeger 2.13.0; Tempo's by its documentation).

use super::{HopAddress, HopKind, blamed, counted::Counted};
use crate::{
    client::Counters,
    model::{Flow, Traffic},
};

/// A collector after six spans: one exporter has given up, one keeps trying, one has sent.
const COLLECTOR: &str = r#"
otelcol_exporter_in_flight_requests{data_type="traces",exporter="otlp_grpc/tempo"} 1
otelcol_exporter_queue_batch_send_size_sum{exporter="otlp_grpc/tempo"} 6
otelcol_exporter_queue_capacity{data_type="traces",exporter="otlp_grpc/tempo"} 1000
otelcol_exporter_queue_size{data_type="traces",exporter="otlp_grpc/tempo"} 1
otelcol_exporter_queue_size{data_type="traces",exporter="otlp_http/jaeger"} 0
otelcol_exporter_sent_spans{exporter="otlp_http/other",server_address="other",server_port="4318",url_path="/v1/traces"} 6
otelcol_processor_incoming_items{otel_signal="traces",processor="memory_limiter"} 6
otelcol_processor_outgoing_items{otel_signal="traces",processor="memory_limiter"} 6
otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 6
otelcol_receiver_refused_spans{receiver="otlp",transport="http"} 0
"#;
const GAVE_UP: &str = r#"otelcol_exporter_send_failed_spans{error_permanent="false",error_type="_OTHER",exporter="otlp_http/jaeger",server_address="nosuchhost",server_port="4318",url_path="/v1/traces"} 6
"#;
const LIMITED: &str = r#"
otelcol_processor_incoming_items{otel_signal="traces",processor="memory_limiter"} 6
otelcol_processor_memory_limiter_refused_spans{processor="memory_limiter"} 6
otelcol_processor_outgoing_items{otel_signal="traces",processor="memory_limiter"} 0
otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 0
otelcol_receiver_refused_spans{receiver="otlp",transport="http"} 6
"#;
const JAEGER: &str = r#"
otelcol_exporter_send_failed_spans_total{exporter="jaeger_storage_exporter",otel_scope_name="go.opentelemetry.io/collector/exporter/exporterhelper"} 0
otelcol_exporter_sent_spans_total{exporter="jaeger_storage_exporter",otel_scope_name="go.opentelemetry.io/collector/exporter/exporterhelper"} 9
otelcol_receiver_accepted_spans_total{receiver="otlp",transport="grpc"} 3
otelcol_receiver_accepted_spans_total{receiver="otlp",transport="http"} 6
otelcol_receiver_refused_spans_total{receiver="otlp",transport="http"} 0
"#;
const TEMPO: &str = r#"
tempo_distributor_spans_received_total{tenant="single-tenant"} 6
tempo_receiver_accepted_spans{receiver="otlp/otlp_receiver",tenant="single-tenant",transport="http"} 6
tempo_receiver_refused_spans{receiver="otlp/otlp_receiver",tenant="single-tenant",transport="http"} 0
"#;

fn counters(text: &str) -> Counted {
    Counted::Counters(Counters::parse(text).unwrap())
}

fn traffic(passed_on: u64, refused: u64) -> Counted {
    let spans = Flow { received: passed_on + refused, passed_on, refused, rejected: 0 };
    let last_problem = (refused > 0).then(|| "the collector answered 503".to_owned());
    Counted::Traffic(Traffic { spans, last_problem, ..Traffic::default() })
}

fn hop(kind: HopKind) -> HopAddress {
    let name = match kind {
        HopKind::Receiver => "devstack",
        HopKind::Collector => "collector",
        HopKind::Tempo => "tempo",
        HopKind::Jaeger => "jaeger",
    };
    HopAddress { name: name.into(), kind, metrics: String::new() }
}

/// What is said of hops that have counted this since the run began, and the component to look at.
fn said(hops: &[(HopKind, Counted)]) -> (Vec<String>, Option<String>) {
    let addresses: Vec<_> = hops.iter().map(|(kind, _)| hop(*kind)).collect();
    let hops: Vec<_> = addresses.iter().zip(hops).map(|(hop, (_, counted))| (hop, counted.clone(), counted.clone())).collect();
    let blame = blamed(&hops, Vec::new(), "Tempo");
    (blame.sentences, blame.component)
}

fn first(hops: &[(HopKind, Counted)]) -> String {
    said(hops).0.remove(0)
}

#[test]
fn what_is_gone_comes_before_what_is_held() {
    let (sentences, component) = said(&[(HopKind::Collector, counters(&format!("{COLLECTOR}{GAVE_UP}")))]);
    assert_eq!(
        sentences,
        [
            "The collector could not send 6 spans to nosuchhost:4318: it has given up (exporter `otlp_http/jaeger`).",
            "The collector still holds 6 spans in its queue for `otlp_grpc/tempo`.",
        ]
    );
    assert_eq!(component.as_deref(), Some("collector"));
}

#[test]
fn a_final_answer_is_told_with_its_kind() {
    let final_answer = GAVE_UP.replace("\"false\"", "\"true\"").replace("_OTHER", "404");
    let sentence = first(&[(HopKind::Collector, counters(&final_answer))]);
    assert!(sentence.contains("to nosuchhost:4318: the answer was no, for good, 404 (exporter"), "{sentence}");
}

#[test]
fn a_sampler_is_named_and_so_is_a_processor_that_does_not_count() {
    let quiet = r#"
otelcol_exporter_sent_spans{exporter="otlp_http/jaeger"} 2
otelcol_processor_incoming_items{otel_signal="traces",processor="memory_limiter"} 6
otelcol_processor_outgoing_items{otel_signal="traces",processor="memory_limiter"} 6
otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 6
"#;
    let sampler = r#"
otelcol_processor_tail_sampling_global_count_traces_sampled{decision="not_sampled",sampled="false"} 1
otelcol_processor_tail_sampling_global_count_traces_sampled{decision="sampled",sampled="true"} 3
"#;
    assert_eq!(
        said(&[(HopKind::Collector, counters(quiet))]).0,
        ["The collector took in 6 spans and sent 2 on; none of its counters says why."]
    );
    assert_eq!(
        said(&[(HopKind::Collector, counters(&format!("{quiet}{sampler}")))]),
        (vec!["The collector's tail sampling kept nothing of 1 trace.".to_owned()], Some("collector".to_owned()))
    );
}

#[test]
fn a_full_queue_and_a_processor_that_drops_are_losses() {
    let full = r#"otelcol_exporter_enqueue_failed_spans{exporter="otlp_http/jaeger",data_type="traces"} 4"#;
    let sentence = "The collector dropped 4 spans: the queue of `otlp_http/jaeger` is full.";
    assert_eq!(first(&[(HopKind::Collector, counters(full))]), sentence);
    let drops = LIMITED.replace("memory_limiter\"", "tail_sampling\"").replace("} 0", "} 2");
    let sentence = "The collector's processor `tail_sampling` took in 6 spans and let 2 go.";
    assert_eq!(first(&[(HopKind::Collector, counters(&drops))]), sentence);
}

#[test]
fn what_was_refused_is_told_where_nothing_else_is() {
    let refusal = "The collector refused 6 spans: its memory limiter stepped in.";
    assert_eq!(first(&[(HopKind::Collector, counters(LIMITED))]), refusal);
    let both = said(&[(HopKind::Receiver, traffic(0, 6)), (HopKind::Collector, counters(LIMITED))]);
    assert_eq!(both.0, ["Devstack's receiver could not pass on 6 spans (the collector answered 503).", refusal]);
    assert_eq!(both.1, None);
    let tempo = TEMPO.replace("transport=\"http\"} 0", "transport=\"http\"} 2");
    assert_eq!(first(&[(HopKind::Tempo, counters(&tempo))]), "Tempo refused 2 spans.");
}

#[test]
fn tempo_says_why_it_discards() {
    let discards = format!("{TEMPO}tempo_discarded_spans_total{{reason=\"trace_too_large\",tenant=\"single-tenant\"}} 2\n");
    let (sentences, component) = said(&[(HopKind::Collector, counters(COLLECTOR)), (HopKind::Tempo, counters(&discards))]);
    assert_eq!(sentences[0], "Tempo discarded 2 spans: reason `trace_too_large`.");
    assert_eq!(component.as_deref(), Some("tempo"));
}

#[test]
fn jaeger_says_what_it_could_not_write() {
    let fails = JAEGER.replace("exporterhelper\"} 0", "exporterhelper\"} 3");
    assert_eq!(first(&[(HopKind::Jaeger, counters(&fails))]), "Jaeger could not write 3 spans to its storage.");
}

#[test]
fn spans_that_were_sent_and_did_not_come_went_elsewhere() {
    let quiet = COLLECTOR.replace("queue_size{data_type=\"traces\",exporter=\"otlp_grpc/tempo\"} 1", "odd 0");
    let less = TEMPO.replace("} 6", "} 2");
    let sentence = "The collector sent 6 spans on, and Tempo counted 2: they went elsewhere.";
    assert_eq!(first(&[(HopKind::Collector, counters(&quiet)), (HopKind::Tempo, counters(&less))]), sentence);
    let sentence = "Devstack's receiver sent 9 spans on, and the collector counted 6: they went elsewhere.";
    assert_eq!(first(&[(HopKind::Receiver, traffic(9, 0)), (HopKind::Collector, counters(&quiet))]), sentence);
}

#[test]
fn where_every_hop_counted_all_it_is_said_of_all() {
    let quiet = COLLECTOR.replace("queue_size{data_type=\"traces\",exporter=\"otlp_grpc/tempo\"} 1", "odd 0");
    let hops = [(HopKind::Receiver, traffic(6, 0)), (HopKind::Collector, counters(&quiet)), (HopKind::Jaeger, counters(JAEGER))];
    let (sentences, component) = said(&hops);
    assert_eq!(sentences, ["Devstack's receiver, the collector and Jaeger counted no loss; Tempo does not show the spans."]);
    assert_eq!(component, None);
    assert_eq!(said(&[]).0, ["Nothing on the way there counts what goes through it."]);
}

#[test]
fn only_what_was_added_since_the_run_began_counts() {
    let before = counters(GAVE_UP);
    let now = counters(&GAVE_UP.replace("} 6", "} 8"));
    let collector = hop(HopKind::Collector);
    let blame = blamed(&[(&collector, now.since(Some(&before)), now)], Vec::new(), "Jaeger");
    assert!(blame.sentences[0].contains("could not send 2 spans"), "{blame:?}");
    assert_eq!(traffic(9, 4).since(Some(&traffic(3, 4))), {
        let Counted::Traffic(mut left) = traffic(9, 4) else { unreachable!() };
        left.spans = Flow { received: 6, passed_on: 6, refused: 0, rejected: 0 };
        Counted::Traffic(left)
    });
}

#[test]
fn a_hop_that_cannot_be_read_is_told() {
    let collector = hop(HopKind::Collector);
    let silent = vec!["What Jaeger counted cannot be read: refused.".to_owned()];
    let blame = blamed(&[(&collector, counters(""), counters(""))], silent, "Jaeger");
    assert_eq!(blame.sentences[0], "The collector counted no loss; Jaeger does not show the spans.");
    assert!(blame.sentences[1].starts_with("What Jaeger counted"));
}
