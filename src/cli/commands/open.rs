//! `devstack open`: Grafana, Jaeger, Prometheus or a trace in the browser.

use clap::Args;

use crate::{
    cli::{Failure, exit::Exit, project::stack_up},
    client::StoreKind,
    model::TraceId,
    runtime::Note,
    term::Ui,
};

/// Open Grafana, Jaeger, Prometheus or a trace in the browser
#[derive(Debug, Args)]
#[command(after_help = "Without an argument: the dashboard in Grafana, else the pages of the trace store, else Prometheus.

Examples:
  devstack open
  devstack open prometheus
  devstack open 0af7651916cd43dd8448eb211c80319c
  devstack open --print                  (only the address)")]
pub(crate) struct OpenArgs {
    /// grafana, jaeger, prometheus, or the id of a trace (32 hex digits)
    #[arg(value_name = "PAGE|TRACE", value_parser = page)]
    page: Option<Page>,

    /// Print the address and open nothing
    #[arg(long)]
    print: bool,
}

/// What can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// The dashboard.
    Grafana,
    /// Jaeger's pages.
    Jaeger,
    /// Prometheus' pages.
    Prometheus,
    /// A trace, where the stack can draw it.
    Trace(TraceId),
}

/// How Tempo is called among Grafana's data sources: the uid of the shipped provisioning.
const TEMPO: &str = "tempo";

pub(crate) fn run(args: &OpenArgs, ui: &Ui) -> Result<Exit, Failure> {
    let note = stack_up(&super::project()?)?;
    let address = match args.page {
        Some(page) => address(page, &note),
        None => [Page::Grafana, Page::Jaeger, Page::Prometheus].into_iter().find_map(|page| address(page, &note)),
    };
    let address = address.ok_or_else(|| nothing(args.page, &note))?;
    ui.data(&address);
    if !args.print && open::that_detached(&address).is_err() {
        ui.warn("no browser could be opened from here; the address is above");
    }
    Ok(Exit::Held)
}

fn page(text: &str) -> Result<Page, String> {
    match text.to_ascii_lowercase().as_str() {
        "grafana" => Ok(Page::Grafana),
        "jaeger" => Ok(Page::Jaeger),
        "prometheus" => Ok(Page::Prometheus),
        other => TraceId::parse(other)
            .map(Page::Trace)
            .ok_or_else(|| "expected grafana, jaeger, prometheus, or a trace id of 32 hex digits".to_owned()),
    }
}

fn address(page: Page, note: &Note) -> Option<String> {
    match page {
        Page::Grafana => note.grafana.as_ref().map(|grafana| format!("{}/d/distributed-tracing", bare(grafana))),
        Page::Jaeger => jaeger(note).map(|jaeger| format!("{jaeger}/search")),
        Page::Prometheus => note.prometheus.as_ref().map(|prometheus| bare(&prometheus.url).to_owned()),
        Page::Trace(id) => {
            let in_jaeger = || jaeger(note).map(|jaeger| format!("{jaeger}/trace/{id}"));
            in_jaeger().or_else(|| note.grafana.as_ref().map(|grafana| explore(bare(grafana), id)))
        }
    }
}

fn jaeger(note: &Note) -> Option<&str> {
    note.store.as_ref().filter(|store| store.kind == StoreKind::Jaeger).map(|store| bare(&store.at.url))
}

/// A trace in Grafana's Explore: one pane, whose TraceQL query is the id alone.
fn explore(grafana: &str, id: TraceId) -> String {
    let datasource = serde_json::json!({ "type": TEMPO, "uid": TEMPO });
    let query = serde_json::json!({ "refId": "A", "datasource": datasource, "queryType": "traceql", "query": id.to_string() });
    let pane = serde_json::json!({ "datasource": TEMPO, "queries": [query], "range": { "from": "now-1h", "to": "now" } });
    let panes = serde_json::json!({ "a": pane }).to_string();
    let pairs = [("schemaVersion", "1"), ("panes", panes.as_str()), ("orgId", "1")];
    let address = reqwest::Url::parse_with_params(&format!("{grafana}/explore"), pairs);
    address.map_or_else(|_| format!("{grafana}/explore"), String::from)
}

/// Without the slash at its end.
fn bare(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// What there is instead, or that there is nothing.
fn nothing(page: Option<Page>, note: &Note) -> Failure {
    let (stack, runtime) = (&note.stack, note.runtime.to_string());
    let whose = if *stack == runtime { format!("the {runtime} stack") } else { format!("the stack {stack} ({runtime})") };
    let what = match page {
        None => "no pages to open yet",
        Some(Page::Grafana) => "no Grafana",
        Some(Page::Jaeger) => "no Jaeger",
        Some(Page::Prometheus) => "no Prometheus",
        Some(Page::Trace(_)) => "nothing that draws traces in a browser",
    };
    let failure = Failure::environment(format!("{whose} has {what}"));
    let others = [(Page::Grafana, "grafana"), (Page::Jaeger, "jaeger"), (Page::Prometheus, "prometheus")];
    let others: Vec<_> = others.iter().filter(|(page, _)| address(*page, note).is_some()).map(|(_, name)| *name).collect();
    match (page, others.as_slice()) {
        (Some(Page::Trace(id)), _) => failure.hint(format!("`devstack trace {id}` draws it here")),
        (_, []) => failure.hint("`devstack up --stack jaeger` has Jaeger and Prometheus; `devstack trace` draws a trace here"),
        (_, others) => failure.hint(format!("it has {}: `devstack open {}`", others.join(" and "), others[0])),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Page, address, page};
    use crate::runtime::{NOTE_VERSION, Note};

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    fn note(store: &Value, grafana: &Value, prometheus: &Value) -> Note {
        serde_json::from_value(json!({
            "version": NOTE_VERSION, "build": "", "pid": 1, "pid_started": "", "since": 0, "runtime": "docker", "stack": "default",
            "digest": "", "control": "", "otlp_grpc": "", "otlp_http": "", "ledger": "", "judge": "ledger", "store": store,
            "prometheus": prometheus, "grafana": grafana, "hops": [], "components": {}, "network": null, "demo": null,
        }))
        .unwrap()
    }

    fn at(url: &str) -> Value {
        serde_json::to_value(crate::support::address::Address::plain(url)).unwrap()
    }

    fn store(kind: &str) -> Value {
        json!({ "kind": kind, "at": at("http://127.0.0.1:1/") })
    }

    #[test]
    fn pages_and_ids_are_told_apart() {
        assert_eq!(page("grafana"), Ok(Page::Grafana));
        assert!(matches!(page(ID), Ok(Page::Trace(_))) && matches!(page(&ID.to_uppercase()), Ok(Page::Trace(_))));
        assert!(page("4bf9").unwrap_err().contains("32 hex digits"));
    }

    #[test]
    fn each_page_has_its_address_or_none() {
        let jaeger = note(&store("jaeger"), &Value::Null, &at("http://127.0.0.1:9090"));
        assert_eq!(address(Page::Jaeger, &jaeger).unwrap(), "http://127.0.0.1:1/search");
        assert_eq!(address(page(ID).unwrap(), &jaeger).unwrap(), format!("http://127.0.0.1:1/trace/{ID}"));
        assert_eq!(address(Page::Prometheus, &jaeger).unwrap(), "http://127.0.0.1:9090");
        assert_eq!(address(Page::Grafana, &jaeger), None);
        let bare = note(&store("tempo"), &Value::Null, &Value::Null);
        assert_eq!((address(page(ID).unwrap(), &bare), address(Page::Jaeger, &bare)), (None, None));
    }

    #[test]
    fn a_trace_in_grafana_is_an_explore_pane_that_survives_encoding() {
        let tempo = note(&store("tempo"), &json!("http://127.0.0.1:3030"), &Value::Null);
        let opened = reqwest::Url::parse(&address(page(ID).unwrap(), &tempo).unwrap()).unwrap();
        assert_eq!((opened.path(), opened.port()), ("/explore", Some(3030)));
        let pairs: std::collections::HashMap<_, _> = opened.query_pairs().into_owned().collect();
        assert_eq!(pairs["schemaVersion"], "1");
        let panes: Value = serde_json::from_str(&pairs["panes"]).unwrap();
        let query = &panes["a"]["queries"][0];
        assert_eq!(
            (&panes["a"]["datasource"], &query["queryType"], &query["query"]),
            (&json!("tempo"), &json!("traceql"), &json!(ID))
        );
        assert_eq!(query["datasource"], json!({ "type": "tempo", "uid": "tempo" }));
    }
}
