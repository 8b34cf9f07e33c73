//! The shipped dashboard and Grafana's provisioning as data.
//!
//! Read by every test beside it.

use std::{fs, path::Path};

use serde_json::Value;

/// A dashboard file.
pub(super) struct Board(pub(super) Value);

/// A PromQL query as Grafana will send it, its variables still in it.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// Who asks: the panel's title.
    pub(super) of: String,
    pub(super) expr: String,
    /// One moment, not a time range.
    pub(super) instant: bool,
    /// Whether points with trace ids are asked for as well.
    pub(super) exemplar: bool,
}

/// A kind of store beside which Grafana is provisioned: a folder of `stacks/grafana/provisioning`.
pub(super) const STORES: [&str; 2] = ["tempo", "jaeger"];

impl Board {
    pub(super) fn shipped() -> Self {
        let text = fs::read_to_string(below("stacks/grafana/dashboards/distributed-tracing.json")).unwrap();
        Self(serde_json::from_str(&text).unwrap())
    }

    /// Rows and panels in their order; nothing is folded away inside a row.
    pub(super) fn panels(&self) -> &[Value] {
        self.0["panels"].as_array().unwrap()
    }

    /// Everything with queries.
    pub(super) fn drawn(&self) -> impl Iterator<Item = &Value> {
        self.panels().iter().filter(|panel| panel["type"] != "row")
    }

    /// Every PromQL query of every panel.
    pub(super) fn promql(&self) -> Vec<Query> {
        let targets = self.drawn().flat_map(|panel| list(&panel["targets"]).iter().map(move |target| (panel, target)));
        targets
            .filter(|(_, target)| target["datasource"]["type"] == "prometheus")
            .map(|(panel, target)| Query {
                of: text(&panel["title"]).to_owned(),
                expr: text(&target["expr"]).to_owned(),
                instant: target["instant"] == true,
                exemplar: target["exemplar"] == true,
            })
            .collect()
    }

    /// What the variables that are filled from Prometheus ask: a metric and a label of it.
    pub(super) fn label_values(&self) -> Vec<(String, String)> {
        let queries = list(&self.0["templating"]["list"]).iter().filter_map(|variable| variable["query"]["query"].as_str());
        queries
            .map(|query| {
                let inside = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).unwrap();
                let (metric, label) = inside.split_once(", ").unwrap();
                (metric.to_owned(), label.to_owned())
            })
            .collect()
    }
}

/// The data sources provisioned beside a store; Grafana reads every file of the folder.
pub(super) fn data_sources(store: &str) -> Vec<Value> {
    let folder = format!("stacks/grafana/provisioning/{store}/datasources");
    let files = fs::read_dir(below(&folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files.flat_map(|file| list(&yaml(&format!("{folder}/{file}"))["datasources"]).to_vec()).collect()
}

/// A YAML file of this repository.
pub(super) fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&fs::read_to_string(below(path)).unwrap()).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A file of this repository.
pub(super) fn below(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}
