//! The dashboard by itself: the guide's sections, ids, places on the grid, data sources, variables, and a writer for every metric.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use super::{
    board::{Board, STORES, below, data_sources, list, text},
    promql::metrics,
};

/// The sections of the guide, in its order.
const SECTIONS: [&str; 6] = [
    "Trace Overview",
    "Latency Distribution",
    "Webhook & Task Tracing",
    "Database & Redis Tracing",
    "Error Analysis",
    "Trace Search",
];

/// What the collector's connectors generate from spans.
const GENERATED: [&str; 3] =
    ["traces_spanmetrics_calls_total", "traces_spanmetrics_latency_bucket", "traces_service_graph_request_total"];

#[test]
fn it_is_found_where_the_guide_says_and_is_of_grafana_13s_schema() {
    let board = Board::shipped().0;
    assert_eq!(board["uid"], "distributed-tracing");
    assert_eq!(board["title"], "Distributed Tracing");
    assert_eq!(board["schemaVersion"], 42);
}

#[test]
fn it_has_the_six_sections_of_the_guide_in_order_and_panels_in_each() {
    let board = Board::shipped();
    let rows: Vec<&Value> = board.panels().iter().filter(|panel| panel["type"] == "row").collect();
    assert_eq!(rows.iter().map(|row| text(&row["title"])).collect::<Vec<_>>(), SECTIONS);
    for pair in board.panels().windows(2) {
        assert!(pair[0]["type"] != "row" || pair[1]["type"] != "row", "`{}` is empty", pair[0]["title"]);
    }
    assert_ne!(board.panels().last().unwrap()["type"], "row");
}

#[test]
fn ids_are_unique_and_panels_stand_below_each_other_without_overlap() {
    let board = Board::shipped();
    let ids: BTreeSet<u64> = board.panels().iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), board.panels().len(), "an id is there twice");
    let mut taken = BTreeSet::new();
    let mut last_row = None;
    for panel in board.panels() {
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24, "`{}` does not fit the grid", panel["title"]);
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "`{}` covers another panel at {cell:?}", panel["title"]);
        }
        if panel["type"] == "row" {
            last_row = Some(y);
        }
        assert!(last_row.is_some_and(|row| y >= row), "`{}` stands above its section", panel["title"]);
    }
}

#[test]
fn every_panel_is_described_and_asks_a_data_source_that_is_provisioned() {
    let uids: Vec<BTreeSet<String>> =
        STORES.iter().map(|store| data_sources(store).iter().map(|source| text(&source["uid"]).to_owned()).collect()).collect();
    for panel in Board::shipped().drawn() {
        let title = text(&panel["title"]);
        assert!(text(&panel["description"]).len() > 40, "`{title}` does not say what it shows");
        for source in [panel].into_iter().chain(list(&panel["targets"])).map(|holder| &holder["datasource"]) {
            assert!(uids[0].contains(text(&source["uid"])), "`{title}` asks `{source}`, which is not provisioned");
            let has_it = uids[1].contains(text(&source["uid"]));
            let says_so = text(&panel["description"]).contains("Needs Tempo");
            assert_eq!(has_it, !says_so, "`{title}` must say what it needs, for it is shown beside Jaeger as well");
        }
    }
}

#[test]
fn every_metric_has_a_writer_that_the_description_names() {
    let code = std::fs::read_to_string(below("src/demo/metrics.rs")).unwrap();
    let name = Regex::new(r#""((?:http|medicalcor)_[a-z_]+)""#).unwrap();
    let written: BTreeSet<&str> = name.captures_iter(&code).map(|found| found.get(1).unwrap().as_str()).collect();
    let board = Board::shipped();
    let descriptions = |title: &str| board.drawn().find(|panel| panel["title"] == title).map(|panel| text(&panel["description"]));
    for query in board.promql() {
        for metric in metrics(&query.expr) {
            let base = metric.strip_suffix("_bucket").unwrap_or(&metric);
            assert!(written.contains(base) || GENERATED.contains(&metric.as_str()), "`{}`: nobody writes `{metric}`", query.of);
            assert!(descriptions(&query.of).unwrap().contains(base), "`{}` does not say who writes `{base}`", query.of);
        }
    }
    for (metric, _) in board.label_values() {
        assert!(written.contains(metric.as_str()), "nobody writes `{metric}`, which fills a variable");
    }
}

#[test]
fn every_variable_is_used_and_every_used_one_is_there() {
    let board = Board::shipped();
    let panels = Value::from(board.panels().to_vec()).to_string();
    let used = Regex::new(r"\$\{?([a-z_]+)").unwrap();
    let used: BTreeSet<&str> = used.captures_iter(&panels).map(|found| found.get(1).unwrap().as_str()).collect();
    let used: BTreeSet<&str> = used.into_iter().filter(|name| !name.starts_with("__")).collect();
    let declared: BTreeSet<&str> = list(&board.0["templating"]["list"]).iter().map(|variable| text(&variable["name"])).collect();
    assert_eq!(used, declared);
}

#[test]
fn latency_panels_from_spans_ask_for_exemplars_and_the_others_do_not_pretend() {
    let queries = Board::shipped().promql();
    for query in &queries {
        let from_spans = metrics(&query.expr).contains("traces_spanmetrics_latency_bucket");
        assert_eq!(query.exemplar, from_spans, "`{}`", query.of);
    }
    assert!(queries.iter().any(|query| query.exemplar));
}

#[test]
fn the_search_is_tables_of_traces_whose_ids_open_them() {
    let board = Board::shipped();
    let tables: Vec<&Value> = board.drawn().filter(|panel| panel["type"] == "table").collect();
    assert_eq!(tables.len(), 5, "errors, slow ones, by correlation id, lead scoring, OpenAI");
    for table in tables {
        let [target] = list(&table["targets"]) else { panic!("one search a table") };
        assert_eq!((&target["queryType"], &target["tableType"]), (&"traceql".into(), &"traces".into()));
        assert!(target["limit"].as_u64().is_some_and(|limit| limit > 0));
        let query = text(&target["query"]);
        // TraceQL has no filter on attributes or durations behind a pipe, as the guide's examples have it.
        assert!(query.starts_with("{ ") && query.ends_with(" }") && !query.contains('|'), "{query}");
        let overrides = list(&table["fieldConfig"]["overrides"]);
        let link = overrides.iter().find(|change| change["matcher"]["options"] == "traceID").expect("the id's column has a link");
        let url = text(&link["properties"][0]["value"][0]["url"]);
        assert!(url.starts_with("/explore?") && url.contains("${__value.raw}"), "{url}");
    }
}

#[test]
fn links_lead_to_this_dashboard_or_to_explore() {
    let board = Board::shipped();
    let text = board.0.to_string();
    let links = Regex::new(r#""url":"([^"]*)""#).unwrap();
    let mut count = 0;
    for url in links.captures_iter(&text).map(|found| found.get(1).unwrap().as_str()) {
        count += 1;
        let panel = url.split_once("viewPanel=panel-").map(|(_, rest)| rest.split('&').next().unwrap().parse::<u64>().unwrap());
        match panel {
            Some(id) => assert!(board.panels().iter().any(|panel| panel["id"] == id), "{url}"),
            None => assert!(url.starts_with("/explore?schemaVersion=1&"), "{url}"),
        }
    }
    assert!(count > 10, "panels lead to their traces");
}
