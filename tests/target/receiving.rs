//! Without a stack a run receives what a target exports, on the ports where SDKs export by default, or says who holds them.

use std::net::TcpListener;

use super::{
    SECRET, blocking, furnish,
    service::{Behaviour, Service},
};
use crate::sandbox::{Run, Sandbox};

const FIXTURE: &str = "name: a payment\nrequest: { stripe: payment.json }\nresponse: 200\ntrace: [{ server: POST /webhooks/stripe, service: shop }]\n";

/// Two ports that were free a moment ago.
fn ports() -> (u16, u16) {
    let (one, other) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    (one.local_addr().unwrap().port(), other.local_addr().unwrap().port())
}

fn run(args: &[&str]) -> Run {
    let sandbox = Sandbox::new();
    furnish(&sandbox, &[("pay.yaml", FIXTURE)]);
    let all: Vec<&str> = ["replay", "fixtures"].into_iter().chain(args.iter().copied()).collect();
    Run::of(&sandbox.command(&all).env("STRIPE_WEBHOOK_SECRET", SECRET).output().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_without_a_stack_takes_the_ports_and_says_so() {
    let (grpc, http) = ports();
    let service = Service::start(Behaviour::answers("200 OK"), Some(&format!("http://127.0.0.1:{http}"))).await;
    let (url, option) = (service.url.clone(), format!("{grpc},{http}"));
    let run = blocking(move || run(&["--target", &url, "--otlp-ports", &option])).await;
    assert_eq!((run.code, service.hits().len()), (0, 1), "{}\n{}", run.out, run.err);
    let header = format!("embedded stack on {grpc}, {http} · {} · 1 fixture\n", service.url);
    assert!(run.err.starts_with(&header), "{}", run.err);
    assert!(TcpListener::bind(("127.0.0.1", http)).is_ok(), "the ports are let go");
}

#[test]
fn a_taken_port_names_its_holder_and_what_to_do() {
    // Where somebody has it already, that is as good.
    let _held = TcpListener::bind("127.0.0.1:4317");
    let run = run(&["--target", "http://127.0.0.1:9"]);
    assert_eq!(run.code, 3, "{}\n{}", run.out, run.err);
    assert!(run.err.starts_with("error: port 4317 is taken\n  by "), "{}", run.err);
    for words in ["takes 4317 and 4318", "devstack up --ports auto", "devstack run"] {
        assert!(run.err.contains(words), "nothing says `{words}`: {}", run.err);
    }
}
