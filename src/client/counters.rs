//! Counters that a component tells of itself in Prometheus' text format: how much went through it, and what became of it.
//!
//! Read by `check` to find the hop that lost a span. Hops number their counters in two fashions, `otelcol_exporter_sent_spans` and
//! `otelcol_exporter_sent_spans_total`; here both go by the name without the ending.

use super::{
    ClientError,
    endpoint::Endpoint,
    http::{shape, successful},
};
use crate::{model::Traffic, support::address::Address};

/// Counters and gauges of one component at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Counters(Vec<Counter>);

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Counter {
    /// Its name, without `_total`.
    pub name: String,
    /// Its labels, in the order in which they were written.
    pub labels: Vec<(String, String)>,
    /// Its value.
    pub value: f64,
}

/// A line that is not of the format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not in Prometheus' text format: `{text}`")]
pub struct BadLine {
    /// Which, from 1.
    pub line: usize,
    /// Its beginning.
    pub text: String,
}

/// Reads a component's counters.
#[derive(Debug, Clone)]
pub struct CountersClient {
    at: Endpoint,
}

impl CountersClient {
    /// A reader of the page at this address, such as `http://127.0.0.1:8888/metrics`.
    pub fn new(at: &Address) -> Result<Self, ClientError> {
        Endpoint::new(at).map(|at| Self { at })
    }

    /// What it counts now.
    pub async fn read(&self) -> Result<Counters, ClientError> {
        let (response, url) = self.at.get("", |request| request).await?;
        let body = super::http::bytes(successful(response, &url).await?, &url).await?;
        Counters::parse(&String::from_utf8_lossy(&body)).map_err(|error| shape(&url, &error))
    }

    /// What devstack's own receiver counts, which is JSON at another path.
    pub async fn traffic(&self) -> Result<Traffic, ClientError> {
        let (response, url) = self.at.get("", |request| request).await?;
        super::http::json(successful(response, &url).await?, &url).await
    }
}

impl Counters {
    /// Reads the text format (version 0.0.4); comments, time stamps and exemplars are passed over.
    pub fn parse(text: &str) -> Result<Self, BadLine> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let counter = |(at, line): (usize, &str)| {
            counter(line).ok_or_else(|| BadLine { line: at + 1, text: line.chars().take(60).collect() })
        };
        lines.map(counter).collect::<Result<_, _>>().map(Self)
    }

    /// The sum over all series of this name whose labels are among theirs; zero where there is none, because many counters appear only
    /// with their first event. What is counted here is whole things.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let wanted = |counter: &&Counter| labels.iter().all(|(key, value)| counter.label(key) == Some(value));
        self.of(name).filter(wanted).map(|counter| counter.value).sum::<f64>() as u64
    }

    /// All series of this name.
    pub fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Counter> {
        self.0.iter().filter(move |counter| counter.name == name)
    }

    /// What was added since `before`, series by series; a value that has become smaller began anew at zero, with a restart.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let earlier = |now: &Counter| before.of(&now.name).find(|then| then.labels == now.labels).map_or(0.0, |then| then.value);
        let grown = |now: &Counter| {
            let then = earlier(now);
            Counter { value: if now.value < then { now.value } else { now.value - then }, ..now.clone() }
        };
        Self(self.0.iter().map(grown).collect())
    }
}

impl Counter {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// `name{label="value",…} 3 [time stamp]`; or, for names beyond ASCII, `{"name",label="value"} 3`.
fn counter(line: &str) -> Option<Counter> {
    let end = line.find(['{', ' ', '\t'])?;
    let mut name = line[..end].to_owned();
    let rest = &line[end..];
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside, &mut name)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    let short = name.strip_suffix("_total").map(str::to_owned);
    Some(Counter { name: short.unwrap_or(name), labels, value })
}

/// Labels up to the closing brace, and what follows it; a quoted name among them goes to `name`.
fn labels<'a>(mut rest: &'a str, name: &mut String) -> Option<(Vec<(String, String)>, &'a str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (key, after) = match rest.strip_prefix('"') {
            Some(inside) => quoted(inside)?,
            None => {
                let end = rest.find('=')?;
                (rest[..end].trim().to_owned(), &rest[end..])
            }
        };
        rest = match after.strip_prefix("=\"") {
            Some(inside) => {
                let (value, after) = quoted(inside)?;
                labels.push((key, value));
                after
            }
            None => {
                *name = key;
                after
            }
        };
    }
}

/// Text up to the closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push(match letters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => out.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_a_line_is_read() {
        let text = r#"# HELP otelcol_exporter_sent_spans Number of spans.
# TYPE otelcol_exporter_sent_spans counter
otelcol_exporter_sent_spans{exporter="otlp_http/jaeger",server_port="4318"} 6
otelcol_exporter_sent_spans_total{exporter="otlp_http/other",} 4 1795364696000

tempo_live_store_live_traces 3.5e+01
odd{words="a \"b\" \\ c}\nd",empty=""} NaN
{"http.server.request.duration_count","le.x"="+Inf"} +Inf
"#;
        let counters = Counters::parse(text).unwrap();
        assert_eq!(counters.sum("otelcol_exporter_sent_spans", &[]), 10);
        assert_eq!(counters.sum("otelcol_exporter_sent_spans", &[("exporter", "otlp_http/other")]), 4);
        assert_eq!(counters.sum("otelcol_exporter_sent_spans", &[("exporter", "none")]), 0);
        assert_eq!(counters.sum("tempo_live_store_live_traces", &[]), 35);
        assert_eq!(counters.of("odd").next().unwrap().label("words"), Some("a \"b\" \\ c}\nd"));
        assert_eq!(counters.of("http.server.request.duration_count").next().unwrap().label("le.x"), Some("+Inf"));
        assert_eq!(counters.sum("never_seen", &[]), 0);
    }

    #[test]
    fn what_is_no_counter_is_named() {
        for line in ["<html>", "a{b=\"c} 1", "a b", "a{b} "] {
            let error = Counters::parse(&format!("fine 1\n{line}")).unwrap_err();
            assert_eq!((error.line, error.text.as_str()), (2, line));
        }
    }

    #[test]
    fn what_was_added_counts_new_series_whole_and_sees_restarts() {
        let before = Counters::parse("a{x=\"1\"} 5\nb 9").unwrap();
        let now = Counters::parse("a{x=\"1\"} 7\na{x=\"2\"} 3\nb 4").unwrap();
        let added = now.since(&before);
        assert_eq!((added.sum("a", &[]), added.sum("b", &[])), (5, 4));
    }
}
