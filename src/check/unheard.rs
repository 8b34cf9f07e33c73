//! What is said of a request that was not dealt with as requests are: nobody answered, the service wants fewer, or its clock is another.
//!
//! Called by `steps` and `drive`.
//!
//! Who is to blame decides the verdict. A service that takes a request and does not answer it has failed. A request that reached nobody says
//! nothing of the service, and neither does one that was turned away because there were too many: what the fixture expects was not tested,
//! and the case is `broken`.

use http::{HeaderMap, header};

use super::{findings::finding, outcome::Finding};
use crate::{
    fixture::Step,
    model::Value,
    replay::{Answer, SendError, skew},
    support::{clock, ports},
};

/// The sentence about a request without an answer.
pub(super) async fn unanswered(method: &str, path: &str, service: &str, error: &SendError) -> Finding {
    let mut finding = finding("case.unanswered", format!("`{method} {path}`: {service} {error}."));
    finding.hint = match error {
        SendError::Connect { refused: true, host, port, .. } => Some(who_listens(host, *port).await),
        _ if error.is_before_the_service() => Some("is the address right, and is the service up?".to_owned()),
        _ => Some("the service's own log says more".to_owned()),
    };
    finding
}

/// Who is on a port that refuses: nobody, or somebody on another address of this machine.
async fn who_listens(host: &str, port: u16) -> String {
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if !here {
        return format!("nothing listens on port {port} of {host}");
    }
    let holder = tokio::task::spawn_blocking(move || ports::holder(port)).await.ok().flatten();
    match holder {
        Some(holder) => format!("port {port} is held by {holder}, which listens on another address than {host}"),
        None => format!("nothing listens on port {port}: start the service, or name another address with `--target`"),
    }
}

/// The finding about an answer 429 that the step does not expect.
pub(super) fn rate_limited(step: &Step, method: &str, path: &str, answer: &Answer) -> Option<Finding> {
    let status = i64::from(answer.status.as_u16());
    let expected = step.response.as_ref().and_then(|response| response.status.as_ref());
    if status != 429 || expected.is_some_and(|(wanted, _)| wanted.accepts(Some(&Value::Int(status)))) {
        return None;
    }
    let after = retry_after(&answer.headers).map(|after| format!(", Retry-After {after} s")).unwrap_or_default();
    let mut finding = finding("case.rate-limited", format!("`{method} {path}`: the target limits: 429{after}."));
    finding.details.push("What the fixture expects was not tested.".to_owned());
    finding.hint =
        Some("`--rate 5/s`, or `rate: 5/s` in suite.yaml, sends more slowly; `--jobs 1` one case at a time".to_owned());
    Some(finding)
}

/// `Retry-After` in seconds; it may be written as a date.
fn retry_after(headers: &HeaderMap) -> Option<i64> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second();
    Some(date.saturating_sub(clock::unix_seconds()).max(0))
}

/// Adds to what is wrong with an answer that the delivery was dated by another clock than the service's, where that may be why.
pub(super) fn explain_skew(findings: &mut [Finding], answer: &Answer, service: &str, assumed: i64, known: i64) {
    let refused = matches!(answer.status.as_u16(), 400 | 401 | 403);
    let Some(first) = findings.first_mut().filter(|_| refused && (known - assumed).abs() > 1) else { return };
    let words = skew::in_words(known);
    first.details.push(format!("The target's clock is {words} this machine's ({service}, by the `Date` of its answer)."));
    let by = if assumed == 0 { "this machine's, because the target's was not known yet" } else { "what was known of it before" };
    first.details.push(format!("The delivery was dated and signed by {by}."));
    first.hint = Some("set both clocks right; deliveries from now on follow the target's".to_owned());
}
