//! The life of the whole default stack: collector, Tempo, Prometheus, Grafana. Tempo and Grafana are stand-ins built from devstack's own
//! program (`stand_in`), because their images cannot be had everywhere; `tests/real-stack.sh` does the same with the real ones.

use serde_json::Value as Json;

use super::{
    footprint::Footprint,
    project::{docker_slot, replay, shipped, text},
    read_back::read_back,
};
use crate::{sandbox::Run, stand_in::StandIns, up::stand::Stand};

const COMPONENTS: [&str; 4] = ["collector", "tempo", "prometheus", "grafana"];

/// `up` with the stand-ins and these further arguments.
fn up(stand: &Stand, stand_ins: &StandIns, more: &[&str]) -> Run {
    let sets = stand_ins.sets();
    let head = ["up", "--ports", "auto", "--format", "json", "--timings"];
    stand.run(&head.into_iter().chain(sets.iter().map(String::as_str)).chain(more.iter().copied()).collect::<Vec<_>>())
}

fn said(run: &Run) -> Json {
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str(&run.out).expect("up says JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_stack_lives_with_stand_ins_for_tempo_and_grafana() {
    let Some(_slot) = tokio::task::block_in_place(docker_slot) else { return };
    let stand_ins = StandIns::build();
    let stand = Stand::new();

    let first = up(&stand, &stand_ins, &[]);
    let first_up = said(&first);
    let note = &first_up["note"];
    assert_eq!((&note["stack"], &note["store"]["kind"]), (&"default".into(), &"tempo".into()));
    for hop in ["collector → tempo", "collector → prometheus"] {
        assert!(first.err.contains(&format!("devstack → {hop}")), "a canary went that way: {}", first.err);
    }
    let timed = |name: &str| first.err.lines().any(|line| line.trim_start().starts_with(name) && line.ends_with(" ms"));
    assert!(COMPONENTS.into_iter().all(timed) && first.err.contains("x the slowest"), "{}", first.err);
    let health = format!("{}/api/health", text(&note["grafana"]));
    let health: Json = devstack::client::loopback().unwrap().get(health).send().await.unwrap().json().await.unwrap();
    assert_eq!(health["state"], "ready", "the stand-in for Grafana says what it is: {health}");

    let (code, report) = tokio::task::block_in_place(|| replay(&stand, &[shipped()]));
    assert_eq!(code, 0, "{:#}", report["cases"]);
    assert_eq!(Some(read_back(note, &report).await as u64), report["stored"]["of"].as_u64());
    tokio::task::block_in_place(|| the_rest_of_its_life(&stand, &stand_ins, note));
}

fn the_rest_of_its_life(stand: &Stand, stand_ins: &StandIns, note: &Json) {
    let status = stand.status();
    assert_eq!(status["state"], "up", "{status:#}");
    let names: Vec<_> = status["components"].as_array().unwrap().iter().map(|part| text(&part["name"])).collect();
    assert!(COMPONENTS.iter().all(|name| names.contains(name)), "{names:?}");

    let footprint = Footprint::of(note);
    let containers = || COMPONENTS.map(|name| footprint.container(name));
    let before = containers();
    let again = said(&up(stand, stand_ins, &[]));
    assert_eq!((&again["unchanged"], &again["note"]["pid"]), (&true.into(), &note["pid"]));
    assert_eq!(containers(), before);

    let changed = said(&up(stand, stand_ins, &["--set", "components.grafana.environment.GF_LOG_LEVEL=debug"]));
    assert_eq!(changed["unchanged"], false);
    let after = containers();
    assert_eq!(after[..3], before[..3], "what did not change runs on");
    assert_ne!(after[3], before[3], "what changed is replaced");
    assert_eq!(stand.status()["state"], "up");

    let logs = stand.run(&["logs", "--tail", "20", "tempo"]);
    assert_eq!(logs.code, 0, "{}", logs.err);
    assert!(logs.out.contains("Ready in"), "what the stand-in for Tempo said: {}", logs.out);

    let volumes = footprint.volumes();
    assert_eq!(volumes.len(), 3, "{volumes:?}");
    assert_eq!(stand.down().code, 0);
    assert_eq!((footprint.running().len(), footprint.volumes()), (0, volumes), "data outlives a plain `down`");
    assert_eq!(stand.run(&["down", "--volumes"]).code, 0);
    assert!(footprint.volumes().is_empty(), "{:?}", footprint.volumes());
}
