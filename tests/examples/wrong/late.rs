//! An exporter that holds spans back for five seconds, as SDKs do that nobody told otherwise.

use serde_json::json;

use super::scene::{Scene, Settings, says_once};

/// Nor does it say by a resource attribute what delay it has, as one does that devstack started.
const SLOW: Settings<'_> =
    &[("OTEL_BSP_SCHEDULE_DELAY", "5000"), ("OTEL_BSP_SCHEDULE_DELAY_MILLIS", "5000"), ("OTEL_RESOURCE_ATTRIBUTES", "")];

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_exports_every_five_seconds_is_waited_for_and_said_to() {
    let Some(scene) = Scene::open().await else { return };
    let shop = scene.shop(SLOW, &[]);
    let replayed = scene.replay(&shop, "60s", &[]);
    let case = replayed.case();
    assert_eq!((replayed.run.code, &case["verdict"], &case["spans"]), (0, &json!("held"), &json!(6)), "{case:#}");
    // On a busy machine it is seen to take longer than it was told to.
    let waited = case["waited"].as_str().unwrap();
    let (_, who) = waited.split_once(" s: api exports every ").unwrap_or_else(|| panic!("{waited}"));
    let (seconds, rest) = who.split_once(' ').unwrap();
    assert!(waited.starts_with("waited ") && seconds.parse::<u32>().unwrap() >= 5, "{waited}");
    assert_eq!(rest, "s; started by `devstack run` it would export every 50 ms");
    replayed.says_once(waited);

    let run = scene.doctor(&shop.api.url());
    assert_eq!(run.code, 0, "{}", run.out);
    says_once(&run, "after their end; OTEL_BSP_SCHEDULE_DELAY decides it");
    says_once(&run, "fix: export OTEL_BSP_SCHEDULE_DELAY=50 OTEL_BSP_SCHEDULE_DELAY_MILLIS=50");

    // It is put right: what the one before it took is not held against it.
    let right = scene.api(&shop.worker, &[]).start();
    drop(shop.api);
    let run = scene.doctor(&right.url());
    assert!(!run.out.contains("OTEL_BSP_SCHEDULE_DELAY decides it"), "{}", run.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_is_shorter_than_the_delay_is_told_with_it() {
    let Some(scene) = Scene::open().await else { return };
    let shop = scene.shop(SLOW, SLOW);
    let replayed = scene.replay(&shop, "1s", &[]);
    let case = replayed.case();
    assert_eq!((replayed.run.code, &case["verdict"]), (5, &json!("unobserved")), "{case:#}");
    let details = &case["findings"][0]["details"];
    assert_eq!(details, &json!(["api and worker: OTEL_BSP_SCHEDULE_DELAY is a second or more: spans come that late."]));
}
