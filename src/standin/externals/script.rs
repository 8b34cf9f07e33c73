//! What the externals shall answer, per key: a trace id, a correlation id, or [`ANYBODY`] where a call brings neither.
//!
//! Written over the control API; consumed step by step by incoming calls, which are counted under the same keys.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

/// Keys kept; beyond them the oldest is forgotten, so that a long-lived process does not grow.
const MOST_KEYS: usize = 10_000;

/// The key of calls that bring none.
const ANYBODY: &str = "*";

/// One scripted answer of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Status to answer with; below 300 or absent means the normal answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Sent as `Retry-After` (whole seconds, rounded up) and as `retry-after-ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// How long to wait before answering, on the externals' scaled clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// The body instead of the one that goes with the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
    /// Never answer: hold the request until the client gives up.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hang: bool,
    /// Break the connection instead of answering.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reset: bool,
}

/// The steps of each service, in order; after the last one come normal answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Script(pub BTreeMap<String, VecDeque<Step>>);

/// What happened under a key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calls {
    /// Requests per service.
    pub calls: BTreeMap<String, u64>,
    /// Steps not yet consumed, per service.
    pub remaining: BTreeMap<String, usize>,
    /// Requests for what a service does not have, per service; they are among `calls`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unmatched: BTreeMap<String, u64>,
}

/// What happened since the start, under whatever key or none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Requests per service.
    pub calls: BTreeMap<String, u64>,
    /// Requests for what a service does not have, per service; they are among `calls`.
    pub unmatched: BTreeMap<String, u64>,
    /// Requests below a prefix that no service has.
    pub strangers: u64,
}

/// All scripts and counts.
#[derive(Debug, Default)]
pub(super) struct Scripts(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    totals: Totals,
    entries: HashMap<String, Entry>,
    order: VecDeque<String>,
    /// Further keys of an entry.
    aliases: HashMap<String, String>,
}

#[derive(Debug, Default)]
struct Entry {
    script: Script,
    calls: BTreeMap<String, u64>,
    unmatched: BTreeMap<String, u64>,
}

impl Scripts {
    /// Sets what shall be answered under `key` and the keys in `also`, in place of what was left of an earlier script. They share its steps:
    /// a call that brings several of them takes one.
    pub(super) fn put(&self, key: &str, also: &[&str], script: Script) {
        self.with(|book| {
            book.entry(key).script = script;
            for alias in also.iter().filter(|alias| !alias.is_empty() && **alias != key) {
                book.aliases.insert((*alias).to_owned(), key.to_owned());
            }
        });
    }

    /// Forgets a key; whether it was known.
    pub(super) fn delete(&self, key: &str) -> bool {
        self.with(|book| {
            book.order.retain(|known| known != key);
            book.remove(key)
        })
    }

    /// What was called under a key; `None` for one never heard of.
    pub(super) fn calls(&self, key: &str) -> Option<Calls> {
        self.with(|book| book.entries.get(book.name(key)).map(Entry::calls))
    }

    /// Counts a call of `service` under all `keys` and takes the next step of the first key that has one.
    pub(super) fn next(&self, keys: &[String], service: &str) -> Option<Step> {
        self.with(|book| {
            *book.totals.calls.entry(service.to_owned()).or_default() += 1;
            let mut step = None;
            for key in book.names(keys) {
                let entry = book.entry(&key);
                *entry.calls.entry(service.to_owned()).or_default() += 1;
                step = step.or_else(|| entry.script.0.get_mut(service)?.pop_front());
            }
            step
        })
    }

    /// Counts a call, which [`Scripts::next`] was told of, as one for what `service` does not have.
    pub(super) fn unmatched(&self, keys: &[String], service: &str) {
        self.with(|book| {
            *book.totals.unmatched.entry(service.to_owned()).or_default() += 1;
            for key in book.names(keys) {
                *book.entry(&key).unmatched.entry(service.to_owned()).or_default() += 1;
            }
        });
    }

    /// Counts a call of nobody.
    pub(super) fn stranger(&self) {
        self.with(|book| book.totals.strangers += 1);
    }

    /// What happened since the start.
    pub(super) fn totals(&self) -> Totals {
        self.with(|book| book.totals.clone())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Book) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Book {
    fn entry(&mut self, key: &str) -> &mut Entry {
        if !self.entries.contains_key(key) {
            self.order.push_back(key.to_owned());
            if self.order.len() > MOST_KEYS
                && let Some(oldest) = self.order.pop_front()
            {
                self.remove(&oldest);
            }
        }
        self.entries.entry(key.to_owned()).or_default()
    }

    /// Forgets an entry and its further keys; whether it was there.
    fn remove(&mut self, key: &str) -> bool {
        self.aliases.retain(|_, of| of != key);
        self.entries.remove(key).is_some()
    }

    /// The key of the entry that a key is of.
    fn name<'a>(&'a self, key: &'a str) -> &'a str {
        self.aliases.get(key).map_or(key, String::as_str)
    }

    /// The entries of a call, each once.
    fn names(&self, keys: &[String]) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for key in keys {
            let name = self.name(key);
            if names.iter().all(|known| known != name) {
                names.push(name.to_owned());
            }
        }
        if keys.is_empty() { self.aliases.get(ANYBODY).cloned().into_iter().collect() } else { names }
    }
}

impl Entry {
    fn calls(&self) -> Calls {
        let remaining = self.script.0.iter().map(|(service, steps)| (service.clone(), steps.len())).collect();
        Calls { calls: self.calls.clone(), remaining, unmatched: self.unmatched.clone() }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{MOST_KEYS, Script, Scripts};

    fn limited_once() -> Script {
        serde_json::from_value(json!({"hubspot": [{"status": 429, "retry_after_ms": 1000}, {"status": 200}]})).unwrap()
    }

    #[test]
    fn steps_are_taken_in_order_by_service_and_key() {
        let scripts = Scripts::default();
        scripts.put("t1", &[], limited_once());
        let keys = ["t1".to_owned()];
        assert_eq!(scripts.next(&keys, "openai"), None);
        assert_eq!(scripts.next(&["t2".to_owned()], "hubspot"), None);
        assert_eq!(scripts.next(&keys, "hubspot").unwrap().status, Some(429));
        assert_eq!(scripts.next(&keys, "hubspot").unwrap().status, Some(200));
        assert_eq!(scripts.next(&keys, "hubspot"), None);
        let calls = scripts.calls("t1").unwrap();
        assert_eq!((calls.calls["hubspot"], calls.calls["openai"], calls.remaining["hubspot"]), (3, 1, 0));
    }

    #[test]
    fn further_keys_share_the_steps_and_a_call_takes_one_of_them() {
        let scripts = Scripts::default();
        let own = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let status = |keys: &[&str]| scripts.next(&own(keys), "hubspot").and_then(|step| step.status);
        assert_eq!(status(&[]), None, "a call that brings nothing is nobody's");
        let three = || serde_json::from_value(json!({"hubspot": [{"status": 501}, {"status": 502}, {"status": 503}]})).unwrap();
        scripts.put("t1", &["c1"], three());
        assert_eq!((status(&["t1", "c1"]), status(&["c1"]), status(&[])), (Some(501), Some(502), None));
        scripts.put("t1", &["c1", "*"], three());
        assert_eq!(
            (status(&[]), status(&["t2", "c1"]), status(&["t1"]), status(&["t1"])),
            (Some(501), Some(502), Some(503), None)
        );
        assert_eq!(status(&["t9"]), None, "of another trace");
        assert_eq!(scripts.calls("c1").unwrap().calls["hubspot"], 6);
    }

    #[test]
    fn calls_are_counted_under_a_key_and_in_all() {
        let scripts = Scripts::default();
        let keys = ["t1".to_owned()];
        scripts.next(&keys, "hubspot");
        scripts.unmatched(&keys, "hubspot");
        scripts.next(&[], "hubspot");
        scripts.stranger();
        assert_eq!(scripts.calls("t1").unwrap().unmatched["hubspot"], 1);
        let totals = scripts.totals();
        assert_eq!((totals.calls["hubspot"], totals.unmatched["hubspot"], totals.strangers), (2, 1, 1));
    }

    #[test]
    fn a_deleted_key_is_unknown() {
        let scripts = Scripts::default();
        scripts.put("t1", &["c1", "*"], limited_once());
        assert!(scripts.delete("t1"));
        assert_eq!((scripts.next(&["c1".to_owned()], "hubspot"), scripts.next(&[], "hubspot")), (None, None));
        assert!(!scripts.delete("t1"));
        assert_eq!(scripts.calls("t1"), None);
    }

    #[test]
    fn the_oldest_key_is_forgotten_first() {
        let scripts = Scripts::default();
        for number in 0..=MOST_KEYS {
            scripts.next(&[number.to_string()], "hubspot");
        }
        assert_eq!(scripts.calls("0"), None);
        assert!(scripts.calls("1").is_some());
    }

    #[test]
    fn a_step_with_an_unknown_key_is_refused() {
        assert!(serde_json::from_value::<Script>(json!({"hubspot": [{"statsu": 429}]})).is_err());
    }
}
