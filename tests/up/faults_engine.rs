//! An engine that is not there, does not answer, or goes away while the stack is up.

use super::{
    faults::{COMPONENTS, DockerStand, JAEGER_STACK, component},
    proxy::{Manner, Proxy},
    stand::Stand,
};
use crate::sandbox::Run;

/// Runs the binary with its engine there.
fn at(stand: &Stand, host: &str, args: &[&str]) -> Run {
    Run::of(&stand.sandbox.command(args).env("DOCKER_HOST", host).output().unwrap())
}

fn json(run: &Run) -> serde_json::Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {} {}", run.out, run.err))
}

#[test]
fn one_that_is_not_there_is_an_error_for_who_insists_and_a_line_for_who_does_not() {
    let stand = Stand::new();
    let nowhere = "unix:///nonexistent/docker.sock";
    let insists = at(&stand, nowhere, &[&["up", "--ports", "auto"], JAEGER_STACK].concat());
    assert_eq!(insists.code, 3, "{}", insists.err);
    assert!(insists.err.contains("there is no Docker engine here"), "{}", insists.err);
    assert!(insists.err.contains("--runtime embedded"), "{}", insists.err);
    let auto = at(&stand, nowhere, &["up", "--ports", "auto", "--format", "json"]);
    assert_eq!(auto.code, 0, "{}", auto.err);
    assert_eq!(json(&auto)["note"]["runtime"], "embedded");
    let told = auto.err.lines().filter(|line| line.contains("no container engine here")).count();
    assert_eq!(told, 1, "{}", auto.err);
    assert!(auto.err.contains("`--runtime docker` insists"), "{}", auto.err);
    assert_eq!(at(&stand, nowhere, &["down"]).code, 0);
}

#[test]
fn one_that_does_not_answer_is_an_error_and_never_a_reason_for_something_else() {
    let stand = Stand::new();
    let mut proxy = Proxy::new(&stand.sandbox.path("engine.sock"));
    for (manner, words) in [(Manner::Silent, "no answer within 3 s"), (Manner::Closed, "does not answer")] {
        proxy.be(manner);
        for args in [&["up", "--ports", "auto"], [&["up", "--ports", "auto"], JAEGER_STACK].concat().as_slice()] {
            let run = at(&stand, &proxy.address(), args);
            assert_eq!(run.code, 3, "{}", run.err);
            assert!(run.err.contains("the Docker engine at unix://") && run.err.contains(words), "{}", run.err);
            assert!(run.err.contains("--runtime embedded"), "{}", run.err);
        }
        assert_eq!(stand.status()["state"], "down");
    }
}

/// What everybody says of a stack whose engine is in this manner, and that it is all put right once it is back.
fn engine_goes(manner: Manner) {
    let Some(stand) = DockerStand::among_strangers() else { return };
    let mut proxy = Proxy::new(&stand.stand.sandbox.path("engine.sock"));
    let address = proxy.address();
    let run = |args: &[&str]| at(&stand.stand, &address, args);
    let up = || run(&[&["up", "--ports", "auto"], JAEGER_STACK].concat());
    assert_eq!(up().code, 0);
    let ids = stand.ids();

    proxy.be(manner);
    let status = run(&["status", "--format", "json"]);
    assert_eq!(status.code, 3);
    let status = json(&status);
    assert_eq!(status["state"], "degraded", "{status:#}");
    let reason = status["reason"].as_str().unwrap();
    assert!(reason.starts_with("nothing is known of collector, prometheus, jaeger: the engine could not list"), "{reason}");
    let why = if manner == Manner::Closed { "the engine does not answer: connection refused" } else { "nothing was heard" };
    assert!(reason.contains(why), "{reason}");
    assert!(COMPONENTS.iter().all(|name| component(&status, name)["state"] == "unknown"), "{status:#}");
    assert_eq!(component(&status, "devstack")["state"], "running");
    let replay = run(&["replay"]);
    assert_eq!(replay.code, 3, "{}", replay.err);
    assert!(replay.err.contains("nothing is known of"), "{}", replay.err);
    let again = run(&["up", "--ports", "auto", "--stack", "jaeger"]);
    assert_eq!(again.code, 3, "{}", again.err);
    assert_eq!(json(&run(&["status", "--format", "json"]))["pid"], status["pid"], "what runs was left alone");

    proxy.be(Manner::Open);
    assert_eq!(json(&run(&["status", "--format", "json"]))["state"], "up");
    proxy.be(manner);
    let down = run(&["down"]);
    assert_eq!(down.code, 3, "{}", down.err);
    assert!(down.err.contains("the containers could not be removed"), "{}", down.err);
    assert!(down.err.contains("run `devstack down` again"), "{}", down.err);
    assert_eq!(stand.ids(), ids, "they are still there");
    let status = json(&run(&["status", "--format", "json"]));
    assert_eq!(status["state"], "orphaned", "{status:#}");
    assert!(status["reason"].as_str().unwrap().contains("nobody can tell what is left of its containers"), "{status:#}");
    assert_eq!(run(&["down"]).code, 3, "it still cannot");

    proxy.be(Manner::Open);
    let down = run(&["down"]);
    assert_eq!(down.code, 0, "{}", down.err);
    stand.is_down();
}

#[test]
fn stopped_while_the_stack_is_up() {
    engine_goes(Manner::Closed);
}

#[test]
fn silent_while_the_stack_is_up() {
    engine_goes(Manner::Silent);
}

#[test]
fn gone_without_a_trace_the_stack_of_containers_is_not_forgotten() {
    let Some(stand) = DockerStand::new() else { return };
    stand.up(&[]);
    let nowhere = "unix:///nonexistent/docker.sock";
    let auto = at(&stand.stand, nowhere, &["up", "--ports", "auto"]);
    assert_eq!(auto.code, 3, "{}", auto.err);
    assert!(auto.err.contains("there is no Docker engine here"), "{}", auto.err);
    assert_eq!(stand.stand.status()["state"], "up");
    stand.down();
}

#[test]
fn stopped_on_the_way_up_it_fails_and_says_that_something_may_be_left() {
    let Some(stand) = DockerStand::new() else { return };
    let mut proxy = Proxy::new(&stand.stand.sandbox.path("engine.sock"));
    let (up, _) = stand.on_its_way_at(Some(&proxy.address()));
    proxy.be(Manner::Closed);
    let run = super::faults::ends(up);
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("jaeger cannot become ready: the engine does not answer: connection refused"), "{}", run.err);
    assert!(run.err.contains("not everything could be taken back"), "{}", run.err);
    assert!(run.err.contains("`devstack down` removes what is left"), "{}", run.err);
    assert_eq!(stand.ids().len(), 1);
    stand.is("orphaned");
    stand.down();
}
