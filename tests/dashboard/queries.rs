//! Every PromQL query of the dashboard, of its variables, of the links from traces and of the guide, asked of a real Prometheus.
//!
//! An answer is data, or zero where zero is right; never NaN, and never nothing.

use std::time::Duration;

use devstack::{client::loopback, support::clock};
use serde_json::Value;

use super::{
    board::{Board, Query, data_sources, list, text},
    promql::{RANGE_S, STEP_S, interpolated},
    until,
};

/// Between two rounds of questions, while what the collector generates is on its way.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// Panels that rightly say zero after the shipped fixtures: no service answers with 5xx, and no breaker stays open.
const MAY_BE_ZERO: [&str; 3] = ["Open Circuit Breakers", "HTTP 5xx Errors/min by Endpoint", "link: Errors of this operation"];

/// The least share of the requests of the shipped fixtures that is recorded: one of them asks not to be.
const RECORDED: f64 = 0.95;

/// The queries of the guide, word for word.
const GUIDE: [(&str, &str); 3] = [
    (
        "guide: P95 latency by endpoint",
        "histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (le, path))",
    ),
    ("guide: error rate by service", "sum(rate(medicalcor_errors_total[5m])) by (service)"),
    ("guide: task execution rate", "sum(rate(medicalcor_worker_tasks_total[5m])) by (task, status)"),
];

/// Asks everything of the Prometheus at this base address, soon after one `devstack replay fixtures`, until every answer is right.
/// Panics with all that are not when the deadline is over.
pub(crate) async fn check_queries(prometheus: &str) {
    let asker = Asker { base: prometheus.trim_end_matches('/').to_owned(), http: loopback().unwrap() };
    let board = Board::shipped();
    let queries = all_queries(&board);
    until(ASK_AGAIN, async || {
        let mut faults = Vec::new();
        for query in &queries {
            faults.extend(asker.fault_of(query).await.map(|fault| format!("`{}`: {fault}\n    {}", query.of, query.expr)));
        }
        for (metric, label) in board.label_values() {
            if asker.label_values(&metric, &label).await == 0 {
                faults.push(format!("no values of `{label}` on `{metric}` to choose from"));
            }
        }
        faults.extend(asker.disagreement().await);
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    })
    .await;
}

fn all_queries(board: &Board) -> Vec<Query> {
    let instant = |of: &str, expr: &str| Query { of: of.to_owned(), expr: expr.to_owned(), instant: true, exemplar: false };
    let sources = data_sources("tempo");
    let links = sources.iter().filter_map(|source| source["jsonData"]["tracesToMetrics"]["queries"].as_array()).flatten();
    let links = links.map(|link| instant(&format!("link: {}", text(&link["name"])), &text(&link["query"]).replace("$$", "$")));
    let guide = GUIDE.iter().map(|(of, expr)| instant(of, expr));
    board.promql().into_iter().chain(links).chain(guide).collect()
}

struct Asker {
    base: String,
    http: reqwest::Client,
}

impl Asker {
    /// What is wrong with the answer to a query, if anything is.
    async fn fault_of(&self, query: &Query) -> Option<String> {
        let expr = interpolated(&query.expr);
        let now = clock::unix_seconds();
        // As Grafana does, so that the steps fall on the same moments each time.
        let end = now - now % STEP_S as i64 + STEP_S as i64;
        let [start, end, now, step] = [end - RANGE_S as i64, end, now, STEP_S as i64].map(|number| number.to_string());
        let times = [("start", start.as_str()), ("end", end.as_str())];
        let answer = if query.instant {
            self.ask("query", &[("query", expr.as_str()), ("time", now.as_str())]).await
        } else {
            self.ask("query_range", &[&[("query", expr.as_str()), ("step", step.as_str())][..], &times].concat()).await
        };
        let series = match answer {
            Ok(data) => values(&data),
            Err(error) => return Some(error),
        };
        let fault = judge(&series, MAY_BE_ZERO.contains(&query.of.as_str()));
        if fault.is_some() || !query.exemplar {
            return fault.map(ToOwned::to_owned);
        }
        match self.ask("query_exemplars", &[&[("query", expr.as_str())][..], &times].concat()).await {
            Ok(found) if list(&found).iter().flat_map(|series| list(&series["exemplars"])).any(has_trace_id) => None,
            Ok(_) => Some("no exemplar with a trace id".to_owned()),
            Err(error) => Some(error),
        }
    }

    /// The collector counts the requests that the services count, but for those that are not recorded. It would count fewer if instances
    /// of a service wrote over each other's series.
    async fn disagreement(&self) -> Option<String> {
        let [spans, requests] = [
            r#"sum(traces_spanmetrics_calls_total{service=~"medicalcor-.*", span_kind="SPAN_KIND_SERVER"})"#,
            "sum(http_requests_total)",
        ];
        let [spans, requests] = [self.number(spans).await, self.number(requests).await];
        (spans < requests * RECORDED).then(|| format!("{spans} SERVER spans were counted and {requests} requests"))
    }

    /// The one number that a query gives; 0 for none.
    async fn number(&self, expr: &str) -> f64 {
        let answer = self.ask("query", &[("query", expr)]).await;
        answer.map(|data| values(&data).iter().sum()).unwrap_or_default()
    }

    async fn label_values(&self, metric: &str, label: &str) -> usize {
        let answer = self.ask(&format!("label/{label}/values"), &[("match[]", metric)]).await;
        answer.ok().and_then(|values| values.as_array().map(Vec::len)).unwrap_or_default()
    }

    async fn ask(&self, what: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let request = self.http.get(format!("{}/api/v1/{what}", self.base)).query(parameters);
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let answer: Value = answer.json().await.map_err(|error| error.to_string())?;
        if answer["status"] == "success" { Ok(answer["data"].clone()) } else { Err(answer["error"].to_string()) }
    }
}

fn has_trace_id(exemplar: &Value) -> bool {
    exemplar["labels"]["trace_id"].as_str().is_some_and(|id| id.len() == 32)
}

/// The numbers of a vector or a matrix.
fn values(data: &Value) -> Vec<f64> {
    let number = |sample: &Value| text(&sample[1]).parse().unwrap();
    let of = |series: &Value| match series["values"].as_array() {
        Some(samples) => samples.iter().map(number).collect(),
        None => vec![number(&series["value"])],
    };
    list(&data["result"]).iter().flat_map(of).collect()
}

/// What is wrong with these numbers, if anything is.
fn judge(numbers: &[f64], may_be_zero: bool) -> Option<&'static str> {
    if numbers.is_empty() {
        Some("nothing")
    } else if numbers.iter().any(|number| !number.is_finite()) {
        Some("NaN or infinity")
    } else if numbers.iter().any(|number| *number < 0.0) {
        Some("a number below zero")
    } else if !may_be_zero && numbers.iter().all(|number| *number == 0.0) {
        Some("zero, where something happened")
    } else {
        None
    }
}

#[test]
fn nothing_nan_and_a_wrong_zero_are_faults() {
    assert_eq!(judge(&[], true), Some("nothing"));
    assert_eq!(judge(&[1.0, f64::NAN], true), Some("NaN or infinity"));
    assert_eq!(judge(&[1.0, -1.0], true), Some("a number below zero"));
    assert_eq!(judge(&[0.0, 0.0], false), Some("zero, where something happened"));
    assert_eq!(judge(&[0.0, 0.0], true), None);
    assert_eq!(judge(&[0.0, 0.2], false), None);
}
