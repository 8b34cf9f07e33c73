//! How far the clocks of the services are from this machine's, learnt from the `Date` of their answers.
//!
//! Fed by `check` with each answer, read by it before each delivery: times in a body are moved to the service's now, and signed with it,
//! because providers' libraries refuse a signature whose time is minutes away.
//!
//! No request is sent to find out, because a request that no fixture asked for may do something in a service that is not ours. So the first
//! deliveries of a run, at most as many as run at once, go out by this machine's clock. They are not sent again: a delivery that is sent
//! twice is another test. If one is refused, its finding says how far the clocks are apart.
//!
//! `Date` has whole seconds, and a service may write it at any moment between the request and the head of the answer. What is known of the
//! difference is therefore an interval; only one that lies beyond a second on one side is believed, and what is taken is its lower end, so
//! that a delivery is never from the service's future.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use http::{HeaderMap, header};

use crate::support::clock;

/// A smaller difference is none: `Date` cannot tell it, and no tolerance is that strict.
const NOTICED: f64 = 1.0;

/// Differences by service; a clone shares them.
#[derive(Debug, Clone, Default)]
pub struct Skews(Arc<Mutex<BTreeMap<String, i64>>>);

impl Skews {
    /// Learns from an answer of `service`: sent and come at these nanoseconds since the Unix epoch.
    pub fn learn(&self, service: &str, headers: &HeaderMap, sent_ns: u64, head_ns: u64) {
        let Some(date) = date_of(headers) else { return };
        let skew = difference(date, seconds(sent_ns), seconds(head_ns));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(service.to_owned(), skew);
    }

    /// How many seconds the clock of `service` is ahead of this machine's; negative when it is behind, 0 when that is not known.
    pub fn of(&self, service: &str) -> i64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(service).copied().unwrap_or_default()
    }

    /// The Unix second that it is for `service`.
    pub fn now(&self, service: &str) -> i64 {
        clock::unix_seconds().saturating_add(self.of(service))
    }
}

/// The difference in words: `5 min ahead of`, `40 s behind`.
pub fn in_words(skew: i64) -> String {
    let size = skew.unsigned_abs();
    let size = match size {
        0..=119 => format!("{size} s"),
        120..=7199 => format!("{} min", (size + 30) / 60),
        7200..=172_799 => format!("{} h", (size + 1800) / 3600),
        _ => format!("{} days", (size + 43_200) / 86_400),
    };
    format!("{size} {}", if skew >= 0 { "ahead of" } else { "behind" })
}

/// When the answer was made, in seconds since the Unix epoch. A cache's answer is of another time.
fn date_of(headers: &HeaderMap) -> Option<f64> {
    if headers.contains_key(header::AGE) {
        return None;
    }
    let text = headers.get(header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(date.timestamp().as_second() as f64)
}

fn difference(date: f64, sent: f64, head: f64) -> i64 {
    let (least, most) = (date - head, date + 1.0 - sent);
    if least > NOTICED || most < -NOTICED { least.floor() as i64 } else { 0 }
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{Skews, difference, in_words};

    #[test]
    fn a_difference_is_believed_only_where_the_answer_proves_it() {
        for (date, sent, head, skew) in [
            (1000.0, 1000.2, 1000.3, 0),
            (1000.0, 999.0, 1001.9, 0),
            (1001.0, 1000.2, 1000.3, 0),
            // A slow answer, dated at either end.
            (1000.0, 1000.5, 1012.0, 0),
            (1012.0, 1000.5, 1012.1, 0),
            (1300.0, 1000.2, 1000.3, 299),
            (700.0, 1000.2, 1000.3, -301),
            (1005.0, 1000.2, 1000.3, 4),
        ] {
            assert_eq!(difference(date, sent, head), skew, "{date} between {sent} and {head}");
        }
    }

    #[test]
    fn the_last_answer_counts_and_only_a_date_is_one() {
        let skews = Skews::default();
        let answer = |date: &'static str| HeaderMap::from_iter([(header::DATE, HeaderValue::from_static(date))]);
        // 784111777 (RFC 9110, section 5.6.7).
        let at = |second: u64| second * 1_000_000_000;
        skews.learn("api", &answer("Sun, 06 Nov 1994 08:49:37 GMT"), at(784_111_477), at(784_111_477));
        assert_eq!((skews.of("api"), skews.of("web")), (300, 0));
        skews.learn("api", &answer("yesterday"), at(0), at(0));
        assert_eq!(skews.of("api"), 300, "what cannot be read says nothing");
        skews.learn("api", &answer("Sun, 06 Nov 1994 08:49:37 GMT"), at(784_111_777), at(784_111_777));
        assert_eq!(skews.of("api"), 0);
    }

    #[test]
    fn differences_are_told_in_one_unit() {
        assert_eq!([299, -40, 7200, -200_000].map(in_words), ["5 min ahead of", "40 s behind", "2 h ahead of", "2 days behind"]);
    }
}
