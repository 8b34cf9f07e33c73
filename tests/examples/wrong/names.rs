//! Two services under one name.

use serde_json::json;

use super::scene::{Scene, says_once};

#[tokio::test(flavor = "multi_thread")]
async fn two_services_under_one_name() {
    let Some(scene) = Scene::open().await else { return };
    let shop = scene.shop(&[], &[("OTEL_SERVICE_NAME", "api")]);
    let replayed = scene.replay(&shop, "3s", &[]);
    let case = replayed.case();
    assert_eq!((replayed.run.code, &case["verdict"], &case["spans"]), (1, &json!("failed"), &json!(6)), "{case:#}");
    let mut pids = [shop.api.pid(), shop.worker.pid()].map(|pid| format!("pid {pid}"));
    pids.sort();
    let says = format!("2 processes send as api ({}), and none as worker.", pids.join(", "));
    let first = &case["findings"][0];
    assert_eq!(
        (&first["headline"], &first["hint"]),
        (&json!(says), &json!("give each service an OTEL_SERVICE_NAME of its own")),
        "{case:#}"
    );
    replayed.says_once(&says);

    let run = scene.doctor(&shop.worker.url());
    assert_eq!(run.code, 0, "{}", run.out);
    says_once(&run, "2 processes send as api at the same time: pid");
    for pid in [shop.api.pid(), shop.worker.pid()] {
        assert!(run.out.contains(&format!("pid {pid}")), "{}", run.out);
    }
    says_once(&run, "fix: give each service an OTEL_SERVICE_NAME of its own");
}
