//! What Grafana is told at its start, as far as it can be checked without Grafana.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::board::{STORES, below, data_sources, list, text, yaml};

fn by_uid(store: &str) -> BTreeMap<String, Value> {
    let sources = data_sources(store);
    let by_uid: BTreeMap<_, _> = sources.iter().map(|source| (text(&source["uid"]).to_owned(), source.clone())).collect();
    assert_eq!(by_uid.len(), sources.len(), "a uid is there twice beside {store}");
    by_uid
}

/// A component of the shipped stacks, whose name is its host name.
fn component(name: &str) -> Value {
    let stacks = ["default", "jaeger"].map(|stack| yaml(&format!("stacks/{stack}.yaml"))["components"][name].clone());
    stacks.into_iter().find(|component| !component.is_null()).unwrap_or_else(|| panic!("no stack has `{name}`"))
}

#[test]
fn data_sources_are_named_after_the_component_that_they_ask() {
    for store in STORES {
        let sources = by_uid(store);
        assert_eq!(sources.keys().map(String::as_str).collect::<Vec<_>>().len(), 2);
        for (uid, source) in &sources {
            assert_eq!(source["url"], format!("http://{uid}:{}", component(uid)["ports"]["api"]["container"]));
            assert_eq!(source["type"], *uid);
            assert_eq!(source["access"], "proxy");
        }
        assert!(sources.contains_key("prometheus") && sources.contains_key(store));
        assert_eq!(sources.values().filter(|source| source["isDefault"] == true).count(), 1);
        assert_eq!(sources["prometheus"]["isDefault"], true);
    }
}

#[test]
fn exemplars_open_traces_and_traces_open_metrics() {
    for store in STORES {
        let sources = by_uid(store);
        let (metrics, traces) = (&sources["prometheus"]["jsonData"], &sources[store]["jsonData"]);
        assert_eq!(metrics["httpMethod"], "POST");
        let [exemplars] = list(&metrics["exemplarTraceIdDestinations"]) else { panic!("one destination") };
        assert_eq!((&exemplars["name"], &exemplars["datasourceUid"]), (&json!("trace_id"), &json!(store)));

        assert_eq!(traces["nodeGraph"], json!({"enabled": true}));
        assert_eq!(traces["tracesToMetrics"]["datasourceUid"], "prometheus");
        assert_eq!(traces["tracesToMetrics"]["tags"], json!([{"key": "service.name", "value": "service"}]));
        assert!(traces.get("tracesToLogs").or(traces.get("tracesToLogsV2")).is_none(), "there is no store of logs");
    }
    let tempo = &by_uid("tempo")["tempo"]["jsonData"];
    assert_eq!(tempo["serviceMap"], json!({"datasourceUid": "prometheus"}));
    assert_eq!(tempo["streamingEnabled"], json!({"search": true, "metrics": true}));
}

#[test]
fn nothing_is_expanded_by_accident() {
    for store in STORES {
        for file in ["datasources", "dashboards"] {
            let text =
                std::fs::read_to_string(below(&format!("stacks/grafana/provisioning/{store}/{file}/devstack.yaml"))).unwrap();
            let values = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            for line in values {
                assert!(!line.replace("$$", "").contains('$'), "Grafana would expand a variable in `{line}`");
            }
        }
    }
}

#[test]
fn dashboards_come_from_a_folder_that_no_volume_hides() {
    for store in STORES {
        let file = yaml(&format!("stacks/grafana/provisioning/{store}/dashboards/devstack.yaml"));
        assert_eq!(file["apiVersion"], 1);
        let [provider] = list(&file["providers"]) else { panic!("one provider") };
        assert_eq!(provider["folder"], "MedicalCor");
        assert_eq!(provider["type"], "file");
        let options = provider["options"].as_object().unwrap();
        // With `foldersFromFilesStructure` beside `folder`, Grafana loads nothing.
        assert_eq!(options.keys().collect::<Vec<_>>(), ["path"]);
        let grafana = component("grafana");
        assert_eq!(grafana["files"][text(&options["path"])], "grafana/dashboards", "the stack puts them elsewhere");
        for volume in grafana["volumes"].as_object().unwrap().values() {
            assert!(!text(&options["path"]).starts_with(text(volume)), "`{volume}` hides the dashboards");
        }
    }
    assert_eq!(component("grafana")["files"]["/etc/grafana/provisioning"], "grafana/provisioning/tempo");
}
