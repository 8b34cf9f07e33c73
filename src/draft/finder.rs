//! Finds known values in a text, however they are written there.
//!
//! Made by [`super::disguise`] of everything that it knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use regex::{Regex, RegexBuilder};

use super::{
    forms::{json_escaped, percent_encoded},
    kind::Kind,
};

/// Characters from which a value is looked for anywhere, also within words.
const TELLING: usize = 7;
/// Characters below which a value is replaced where it stands and looked for nowhere else.
const SHORT: usize = 3;
/// Digits by which a phone number is the same number, with and without country code.
const PHONE_IDENTITY: usize = 9;
/// Characters of a text's beginning that are looked for, because a copy may be cut off.
const BEGINNING: usize = 20;
/// Values that one pattern looks for; more make another pattern.
const AT_ONCE: usize = 200;
/// Bytes that such a pattern may take when it is compiled.
const PATTERN_BYTES: usize = 64 * 1024 * 1024;

/// A value that was found.
pub(super) struct Known {
    pub(super) kind: Kind,
    pub(super) old: String,
    pub(super) new: String,
    /// Whether it was replaced somewhere.
    pub(super) used: bool,
}

/// How widely a value is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    Anywhere,
    AsWord,
    Nowhere,
}

/// Where a known value stands in a text.
pub(super) struct Hit {
    pub(super) range: Range<usize>,
    pub(super) known: usize,
    pub(super) new: String,
}

/// Looks for all known values at once.
pub(super) struct Finder {
    patterns: Vec<Regex>,
    /// What is looked for, in lower case → whose it is, what stands for it, how widely it is looked for.
    wanted: BTreeMap<String, (usize, String, Search)>,
}

impl Finder {
    pub(super) fn new(known: &[Known], words: &BTreeSet<String>) -> Self {
        let mut wanted = BTreeMap::new();
        for (at, one) in known.iter().enumerate() {
            let search = search(one, words);
            if search == Search::Nowhere {
                continue;
            }
            for (old, new) in spellings(one) {
                wanted.entry(old.to_lowercase()).or_insert((at, new, search));
            }
        }
        let mut olds: Vec<&String> = wanted.keys().collect();
        // The longest first: an address before the name in it.
        olds.sort_by_key(|old| (std::cmp::Reverse(old.len()), *old));
        let pattern = |olds: &[&String]| {
            let alternatives: Vec<_> = olds.iter().map(|old| regex::escape(old)).collect();
            let built = RegexBuilder::new(&alternatives.join("|")).case_insensitive(true).size_limit(PATTERN_BYTES).build();
            built.expect("escaped texts are a pattern")
        };
        Self { patterns: olds.chunks(AT_ONCE).map(pattern).collect(), wanted }
    }

    /// Every place of a known value, in order, without overlap.
    pub(super) fn find(&self, text: &str) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for pattern in &self.patterns {
            let mut from = 0;
            while let Some(found) = pattern.find_at(text, from) {
                let next = found.start() + found.as_str().chars().next().map_or(1, char::len_utf8);
                let wanted = self.wanted.get(&found.as_str().to_lowercase());
                let Some((known, new, search)) = wanted else {
                    from = next;
                    continue;
                };
                let free = !hits.iter().any(|hit| hit.range.start < found.end() && found.start() < hit.range.end);
                if free && (*search == Search::Anywhere || is_word(text, &found.range())) {
                    hits.push(Hit { range: found.range(), known: *known, new: new.clone() });
                    from = found.end();
                } else {
                    from = next;
                }
            }
        }
        hits.sort_by_key(|hit| hit.range.start);
        hits
    }
}

fn is_word(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
}

fn search(known: &Known, words: &BTreeSet<String>) -> Search {
    let length = known.old.chars().count();
    if length < SHORT || known.old == known.new || words.contains(&known.old.to_lowercase()) {
        return Search::Nowhere;
    }
    match known.kind {
        Kind::Phone if identity(&known.old).len() < TELLING => Search::Nowhere,
        Kind::Email | Kind::Phone => Search::Anywhere,
        _ if length >= TELLING => Search::Anywhere,
        // `200` as a part of an address would be every `200`.
        _ if known.old.bytes().all(|byte| byte.is_ascii_digit()) && length <= 4 => Search::Nowhere,
        _ => Search::AsWord,
    }
}

/// A value as it may be written, each with what stands for it then.
fn spellings(known: &Known) -> Vec<(String, String)> {
    let mut plain = vec![(known.old.clone(), known.new.clone())];
    match known.kind {
        Kind::Phone => plain.push((identity(&known.old), identity(&known.new))),
        Kind::Text if known.old.chars().count() > BEGINNING => {
            let beginning = |text: &str| text.chars().take(BEGINNING).collect::<String>();
            plain.push((beginning(&known.old), beginning(&known.new)));
        }
        _ => {}
    }
    let mut all = plain.clone();
    for (old, new) in plain {
        all.extend([false, true].map(|plus| (percent_encoded(&old, plus), percent_encoded(&new, plus))));
        all.extend([false, true].map(|ascii| (json_escaped(&old, ascii), json_escaped(&new, ascii))));
        all.push((old.replace('/', r"\/"), new.replace('/', r"\/")));
    }
    all
}

/// The last digits of a phone number.
pub(super) fn identity(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(PHONE_IDENTITY)..].to_owned()
}
