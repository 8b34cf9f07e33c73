//! As much of PromQL as these tests need: Grafana's variables put in, and the metrics that a query names.

use std::collections::BTreeSet;

use regex::Regex;

/// Functions, operators and modifiers of the queries here; a word that is none of these is a metric.
const WORDS: [&str; 6] = ["by", "on", "or", "and", "offset", "bool"];

/// The time range of the tests, in seconds: the dashboard's own.
pub(super) const RANGE_S: u64 = 3600;
/// The step of the tests' range queries and the least step of the panels' (`interval` of their targets), in seconds.
pub(super) const STEP_S: u64 = 15;

/// The query with everything chosen and the intervals as Grafana makes them: `$__rate_interval` is the step and one interval more, and at
/// least four intervals.
pub(super) fn interpolated(expr: &str) -> String {
    let rate_interval = (STEP_S + STEP_S).max(4 * STEP_S);
    let variables = [
        ("$__rate_interval", format!("{rate_interval}s")),
        ("$__range", format!("{RANGE_S}s")),
        ("${__span.name}", "POST /webhooks/whatsapp".to_owned()),
        ("$__tags", r#"service="medicalcor-api""#.to_owned()),
        ("$endpoint", ".*".to_owned()),
        ("$service", ".*".to_owned()),
    ];
    let expr = variables.iter().fold(expr.to_owned(), |expr, (name, value)| expr.replace(name, value));
    assert!(!expr.contains('$'), "a variable that the tests do not know: {expr}");
    expr
}

/// The metrics that a query names.
pub(super) fn metrics(expr: &str) -> BTreeSet<String> {
    let blanked = [r#""[^"]*""#, r"\{[^}]*\}", r"\[[^\]]*\]", r"\b(by|on) *\([^)]*\)", r"\b\d+[a-z]+\b"]
        .iter()
        .fold(expr.to_owned(), |text, pattern| Regex::new(pattern).unwrap().replace_all(&text, " ").into_owned());
    let word = Regex::new(r"([A-Za-z_:][A-Za-z0-9_:]*)\s*(\()?").unwrap();
    let words = word.captures_iter(&blanked).filter(|found| found.get(2).is_none() && !WORDS.contains(&&found[1]));
    words.map(|found| found[1].to_owned()).collect()
}

#[test]
fn metrics_are_told_from_words_labels_and_values() {
    let expr = r#"histogram_quantile(0.95, sum by (le, path) (rate(a_bucket{path=~"x b_total {y}", z!=""}[5m] offset 1h))) >= 0
        or on () label_replace(vector(0), "path", "none", "", "") and last_over_time(c_total[1h])"#;
    assert_eq!(metrics(expr).into_iter().collect::<Vec<_>>(), ["a_bucket", "c_total"]);
}
