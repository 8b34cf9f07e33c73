//! Containers that are killed, removed or restarted by somebody else while the stack is up.

use std::time::Duration;

use devstack::{client::StoreAddress, runtime::canary};

use super::{
    faults::{COMPONENTS, DockerStand, component, said},
    stand::until,
};

/// How long a trace may take through the stack.
const PATIENCE: Duration = Duration::from_secs(20);

/// A trace goes in at the receiver and can be read from the store, both where the supervisor says that they are.
fn telemetry_flows(stand: &DockerStand) {
    let note = stand.note();
    let store: StoreAddress = serde_json::from_value(note["store"].clone()).unwrap();
    let receiver = note["otlp_http"].as_str().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(canary::trace(receiver, &store, PATIENCE)).unwrap();
}

/// The stack is not whole because of this component: `status` and `replay` say so, and `up` makes it anew and nothing else.
fn is_told_and_put_right(stand: &DockerStand, name: &str, state: &str) {
    let before = stand.ids();
    let status = stand.is("degraded");
    assert_eq!(component(&status, name)["state"], state, "{status:#}");
    assert_eq!(status["reason"], format!("{name} is {state}"));
    let replay = stand.stand.run(&["replay"]);
    assert_eq!(replay.code, 3, "{}", replay.err);
    assert!(replay.err.contains(&format!("the stack `jaeger` is not whole: {name} is {state}")), "{}", replay.err);
    assert!(!replay.err.contains("embedded"), "it does not fall back: {}", replay.err);

    stand.up(&[]);
    let after = stand.ids();
    for component in COMPONENTS {
        if component == name {
            assert_ne!(after.get(component), before.get(component), "{component} is new");
        } else {
            assert_eq!(after.get(component), before.get(component), "{component} was not touched");
        }
    }
    assert_eq!(stand.stand.status()["state"], "up");
    telemetry_flows(stand);
}

#[test]
fn each_one_killed_is_told_and_put_right_alone() {
    let Some(stand) = DockerStand::among_strangers() else { return };
    stand.up(&[]);
    for name in COMPONENTS {
        said(&["kill", &stand.container(name)]);
        is_told_and_put_right(&stand, name, "exited (137)");
    }
    stand.down();
}

#[test]
fn each_one_removed_is_told_and_put_right_alone() {
    let Some(stand) = DockerStand::new() else { return };
    stand.up(&[]);
    for name in COMPONENTS {
        said(&["rm", "-f", "-v", &stand.container(name)]);
        is_told_and_put_right(&stand, name, "removed");
    }
    stand.down();
}

#[test]
fn one_that_is_paused_is_told() {
    let Some(stand) = DockerStand::new() else { return };
    stand.up(&[]);
    said(&["pause", &stand.container("jaeger")]);
    let status = stand.is("degraded");
    assert_eq!(status["reason"], "jaeger is paused");
    stand.down();
}

#[test]
fn restarted_they_have_other_ports_and_everybody_follows() {
    let Some(stand) = DockerStand::new() else { return };
    stand.up(&[]);
    for name in ["collector", "jaeger"] {
        let before = stand.note()["components"][name].clone();
        said(&["restart", "--time", "1", &stand.container(name)]);
        let ports = until("the note to follow", || {
            let now = stand.note()["components"][name].clone();
            (now != before).then_some(now)
        });
        let status = until("the stack to be whole", || Some(stand.stand.status()).filter(|status| status["state"] == "up"));
        assert_eq!(component(&status, name)["ports"], ports);
        telemetry_flows(&stand);
    }
    let (note, status) = (stand.note(), stand.stand.status());
    let metrics = component(&status, "collector")["ports"]["metrics"].as_u64().unwrap();
    assert_eq!(note["hops"][0]["metrics"], format!("http://127.0.0.1:{metrics}/metrics"), "the counters are found, too");
    let pid = note["pid"].clone();
    let up = stand.up(&[]);
    assert_eq!((&up["unchanged"], &up["note"]["pid"]), (&true.into(), &pid), "there is nothing to put right");
    stand.down();
}
