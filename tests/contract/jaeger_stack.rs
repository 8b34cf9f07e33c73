//! `up --stack jaeger`, `replay`, `down`: every span read back, and the engine as it was before.

use super::{
    footprint::Footprint,
    project::{docker_slot, replay, shipped, up},
    read_back::read_back,
};
use crate::up::stand::Stand;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_span_is_read_back_from_jaeger_and_nothing_is_left() {
    let Some(_slot) = tokio::task::block_in_place(docker_slot) else { return };
    let stand = Stand::new();
    let note = up(&stand, &["--stack", "jaeger"], &[]);
    assert_eq!((&note["runtime"], &note["stack"]), (&"docker".into(), &"jaeger".into()));
    let footprint = Footprint::of(&note);
    assert_eq!(footprint.running().len(), 4, "three containers and a network: {:?}", footprint.running());

    let (code, report) = tokio::task::block_in_place(|| replay(&stand, &[shipped()]));
    assert_eq!(code, 0, "{:#}", report["cases"]);
    let spans = read_back(&note, &report).await;
    assert!(spans > 500, "{spans} spans");
    assert_eq!((report["stored"]["found"].as_u64(), report["stored"]["of"].as_u64()), (Some(spans as u64), Some(spans as u64)));
    assert_eq!(report["stored"]["apart"], true, "the store is another program");
    let traffic = &stand.status()["traffic"]["spans"];
    assert_eq!((&traffic["passed_on"], traffic["refused"].as_u64()), (&traffic["received"], Some(0)));

    // Without `--volumes`: this stack keeps nothing.
    let down = stand.down();
    assert_eq!(down.code, 0, "{}", down.err);
    assert_eq!(
        (footprint.running().len(), footprint.volumes().len()),
        (0, 0),
        "{:?} {:?}",
        footprint.running(),
        footprint.volumes()
    );
}
