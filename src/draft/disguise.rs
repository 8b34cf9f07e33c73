//! What must not get out, and what stands in its place: the same invented value wherever the same old one turns up.
//!
//! Filled by [`super::redact()`] with everything that is personal or secret in a delivery, then asked to rewrite each text, and at last whether
//! anything is left. An old value is looked for however it is written: in other letters' case, percent-encoded, escaped. How widely depends
//! on how telling it is: a name of three letters is looked for as a word, an address anywhere, and what is also a word of the format itself
//! (a person called `Status`) is replaced only where it stands.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    ops::Range,
};

use regex::{Regex, RegexBuilder};

use super::{
    forms::{json_escaped, json_unescaped, percent_decoded, percent_encoded},
    kind::{Counts, Kind},
};
use crate::{
    support::random,
    webhook::{FieldKind, Supply},
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
/// Different values that are replaced; what has more is an export, not a delivery.
pub(super) const MOST: usize = 5000;

/// What invented texts are made of.
const WORDS: [&str; 24] = [
    "lorem",
    "ipsum",
    "dolor",
    "amet",
    "consetetur",
    "sadipscing",
    "elitr",
    "diam",
    "nonumy",
    "eirmod",
    "tempor",
    "invidunt",
    "labore",
    "dolore",
    "magna",
    "aliquyam",
    "voluptua",
    "accusam",
    "justo",
    "duo",
    "dolores",
    "rebum",
    "stet",
    "gubergren",
];

/// Words of fixtures, which stand in every file that is written.
const OF_FIXTURES: &[&str] = &[
    "name",
    "request",
    "response",
    "status",
    "json",
    "file",
    "body",
    "path",
    "method",
    "headers",
    "header",
    "trace",
    "server",
    "client",
    "producer",
    "consumer",
    "internal",
    "span",
    "spans",
    "service",
    "services",
    "attributes",
    "children",
    "below",
    "edges",
    "none",
    "count",
    "error",
    "recorded",
    "replaced",
    "received",
    "invented",
    "values",
    "devstack",
    "http",
    "route",
    "post",
    "get",
    "put",
    "patch",
    "delete",
    "application",
    "text",
    "plain",
    "true",
    "false",
    "null",
    "type",
    "event",
    "data",
    "object",
    "example",
    "com",
];

/// A value that was found.
struct Known {
    kind: Kind,
    old: String,
    new: String,
    /// Whether it was replaced somewhere.
    used: bool,
}

/// How widely a value is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    Anywhere,
    AsWord,
    Nowhere,
}

/// Old values and what stands for them.
pub(super) struct Disguise {
    supply: Supply,
    known: Vec<Known>,
    by_old: HashMap<(Kind, String), usize>,
    words: BTreeSet<String>,
    /// Whether everything that was replaced is known. What was kept without it must be doubted.
    complete: bool,
    /// Made from `known` when it is first looked through; another value makes it anew.
    finder: Option<Finder>,
}

impl Disguise {
    /// One that knows nothing yet.
    pub(super) fn new() -> Self {
        let supply = Supply::new(u64::from(u32::from_be_bytes(random::bytes())));
        let words = OF_FIXTURES.iter().map(|word| (*word).to_owned()).collect();
        Self { supply, known: Vec::new(), by_old: HashMap::new(), words, complete: true, finder: None }
    }

    /// One that does not know what has been replaced before.
    pub(super) fn incomplete() -> Self {
        Self { complete: false, ..Self::new() }
    }

    /// Whether everything that must not get out is known.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// A word of the format itself, such as a key: a value that is the same word says nothing elsewhere.
    pub(super) fn word(&mut self, word: &str) {
        let identifier = |sign: char| sign.is_ascii_alphanumeric() || "_-.".contains(sign);
        let named = word.starts_with(|sign: char| sign.is_ascii_alphabetic()) && word.chars().all(identifier);
        if named && super::shapes::find(word).is_empty() {
            self.words.insert(word.to_lowercase());
            self.words.extend(super::keys::words(word));
        }
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// What stands for `old` from now on. `number` says that it must stay a JSON number.
    pub(super) fn learn(&mut self, kind: Kind, old: &str, number: bool) -> usize {
        if let Some(at) = self.by_old.get(&(kind, old.to_owned())) {
            return *at;
        }
        let new = self.invented(kind, old, number);
        self.known.push(Known { kind, old: old.to_owned(), new, used: false });
        self.by_old.insert((kind, old.to_owned()), self.known.len() - 1);
        self.finder = None;
        // The parts of a name turn up on their own.
        if kind == Kind::Name && old.contains(char::is_whitespace) {
            for word in old.split_whitespace() {
                self.learn(kind, word, false);
            }
        }
        self.by_old[&(kind, old.to_owned())]
    }

    /// Learns `old` and gives what stands for it, which counts as replaced.
    pub(super) fn fresh(&mut self, kind: Kind, old: &str, number: bool) -> String {
        let at = self.learn(kind, old, number);
        self.known[at].used = true;
        self.known[at].new.clone()
    }

    /// The text with everything in it replaced that is known.
    pub(super) fn applied(&mut self, text: &str) -> String {
        let hits = self.finder().find(text);
        let mut applied = String::with_capacity(text.len());
        let mut copied = 0;
        for hit in hits {
            applied.push_str(&text[copied..hit.range.start]);
            applied.push_str(&hit.new);
            copied = hit.range.end;
            self.known[hit.known].used = true;
        }
        applied.push_str(&text[copied..]);
        applied
    }

    /// Kinds of what is left in a text, however it is written; empty when nothing is.
    pub(super) fn left_in(&mut self, text: &str) -> BTreeSet<Kind> {
        let unescaped = json_unescaped(text);
        let decoded = percent_decoded(text, true);
        let both = percent_decoded(&unescaped, true);
        let finder = self.finder();
        let hits: Vec<_> = [text, &unescaped, &decoded, &both].iter().flat_map(|view| finder.find(view)).collect();
        hits.into_iter().map(|hit| self.known[hit.known].kind).collect()
    }

    /// How many different values were replaced.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let mut seen = BTreeSet::new();
        for known in self.known.iter().filter(|known| known.used) {
            // One number, however it is written; and a name is not counted again for its parts.
            let identity = if known.kind == Kind::Phone { identity(&known.old) } else { known.old.clone() };
            let part = known.kind == Kind::Name && self.known.iter().any(|whole| whole.used && is_part(&known.old, whole));
            if !part && seen.insert((known.kind, identity)) {
                counts.add(known.kind);
            }
        }
        counts
    }

    fn invented(&mut self, kind: Kind, old: &str, number: bool) -> String {
        let nth = self.known.len();
        match kind {
            Kind::Id => self.supply.fresh(FieldKind::Id, old, number),
            Kind::Phone if number => digits_for(old, &self.supply.fresh(FieldKind::Phone, old, false)),
            Kind::Phone => self.supply.fresh(FieldKind::Phone, old, false),
            Kind::Name => self.supply.fresh(FieldKind::Name, old, false),
            Kind::Email => {
                let made = self.supply.fresh(FieldKind::Email, old, false);
                format!("{}@example.com", made.rsplit_once('@').map_or(made.as_str(), |(local, _)| local))
            }
            Kind::Text => prose(old, nth),
            Kind::Secret => secret(old, nth),
            Kind::Birth => birth(old),
            Kind::Network => network(old, nth),
            Kind::Address | Kind::Number => respelled(old),
        }
    }

    fn finder(&mut self) -> &Finder {
        let (known, words) = (&self.known, &self.words);
        self.finder.get_or_insert_with(|| Finder::new(known, words))
    }
}

impl fmt::Debug for Disguise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disguise {{ {} }}", self.counts())
    }
}

fn is_part(word: &str, whole: &Known) -> bool {
    whole.kind == Kind::Name && whole.old != word && whole.old.split_whitespace().any(|part| part == word)
}

/// Where a known value stands in a text.
struct Hit {
    range: Range<usize>,
    known: usize,
    new: String,
}

/// Looks for all known values at once.
struct Finder {
    patterns: Vec<Regex>,
    /// What is looked for, in lower case → whose it is, what stands for it, how widely it is looked for.
    wanted: BTreeMap<String, (usize, String, Search)>,
}

impl Finder {
    fn new(known: &[Known], words: &BTreeSet<String>) -> Self {
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
    fn find(&self, text: &str) -> Vec<Hit> {
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
fn identity(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(PHONE_IDENTITY)..].to_owned()
}

/// A phone number that is a JSON number must not begin with a zero.
fn digits_for(old: &str, new: &str) -> String {
    if new.starts_with('0') && !old.starts_with('0') { format!("1{}", &new[1..]) } else { new.to_owned() }
}

/// Other words of the same number, with the same signs around them.
fn prose(old: &str, nth: usize) -> String {
    let mut made = String::with_capacity(old.len());
    let mut at = nth * 5;
    let mut rest = old;
    while let Some(start) = rest.find(|sign: char| !sign.is_whitespace()) {
        let (space, behind) = rest.split_at(start);
        let (word, after) = behind.split_at(behind.find(char::is_whitespace).unwrap_or(behind.len()));
        made.push_str(space);
        made.push_str(&in_place_of(word, &mut at));
        rest = after;
    }
    made.push_str(rest);
    made
}

fn in_place_of(word: &str, at: &mut usize) -> String {
    let lettered = |sign: char| sign.is_alphanumeric();
    let (Some(first), Some(last)) = (word.find(lettered), word.rfind(lettered)) else { return word.to_owned() };
    let end = last + word[last..].chars().next().map_or(1, char::len_utf8);
    let core = &word[first..end];
    if core.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("{}{}{}", &word[..first], respelled(core), &word[end..]);
    }
    let made = WORDS[*at % WORDS.len()];
    *at += 1;
    let made = if core.starts_with(char::is_uppercase) { crate::support::words::capitalised(made) } else { made.to_owned() };
    format!("{}{made}{}", &word[..first], &word[end..])
}

/// Something nobody takes for a key, of the same length and with the same beginning: scanners look at how random a key is.
fn secret(old: &str, nth: usize) -> String {
    const MARK: &str = "invented";
    let prefix = old.rfind('_').filter(|at| *at <= 8).map_or("", |at| &old[..=at]);
    let prefix = if prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') { prefix } else { "" };
    let number = format!("{nth:04}");
    let room = old.chars().count().saturating_sub(prefix.len() + MARK.len() + number.len());
    format!("{prefix}{MARK}{}{number}", "0".repeat(room))
}

/// A day that is one, written the same way.
fn birth(old: &str) -> String {
    match old.split_at_checked(10).map(|(day, rest)| (day.parse::<jiff::civil::Date>(), rest)) {
        Some((Ok(_), rest)) => {
            let [year, month, day] = random::bytes::<3>();
            let rest: String = rest.to_owned();
            format!("{}-{:02}-{:02}{rest}", 1950 + u16::from(year % 50), 1 + month % 12, 1 + day % 28)
        }
        _ => respelled(old),
    }
}

/// An address of the ranges for documentation (RFC 5737, RFC 3849).
fn network(old: &str, nth: usize) -> String {
    if old.contains(':') { format!("2001:db8::{:x}", nth + 1) } else { format!("203.0.113.{}", 1 + nth % 254) }
}

/// Every letter and digit by another of its sort.
fn respelled(old: &str) -> String {
    let other = |sign: char| {
        let [noise] = random::bytes::<1>();
        let digit = |least: u8, many: u8| char::from(least + noise % many);
        match sign {
            '0' => '0',
            '1'..='9' => {
                let made = digit(b'1', 9);
                if made == sign { char::from(b'1' + (made as u8 - b'0') % 9) } else { made }
            }
            _ if sign.is_uppercase() => digit(b'A', 26),
            _ if sign.is_alphabetic() => digit(b'a', 26),
            _ => sign,
        }
    };
    old.chars().map(other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_gets_one_replacement_wherever_and_however_it_stands() {
        let mut disguise = Disguise::new();
        let mail = disguise.fresh(Kind::Email, "ana.exemplu@clinic.example", false);
        let name = disguise.fresh(Kind::Name, "Ștefania Popa", false);
        let phone = disguise.fresh(Kind::Phone, "+40 721 000 001", false);
        assert!(mail.ends_with("@example.com") && !mail.contains("ana"), "{mail}");
        let text = "x?to=ana.exemplu%40clinic.example&s=\\u0218tefania+Popa ANA.EXEMPLU@clinic.example popa, 0721000001 stefania";
        let applied = disguise.applied(text);
        assert!(applied.contains(&mail) && applied.contains(&percent_encoded(&mail, false)), "{applied}");
        for gone in ["ana.exemplu", "ANA", "tefania+Popa", "popa", "721000001"] {
            assert!(!applied.contains(gone), "{gone} in {applied}");
        }
        assert!(applied.contains(&identity(&phone)) && !name.contains("Popa"));
        assert!(disguise.left_in(&applied).is_empty());
        assert_eq!(disguise.counts().to_string(), "1 name, 1 e-mail address, 1 phone number");
    }

    #[test]
    fn a_short_name_is_a_word_and_a_word_of_the_format_is_nothing() {
        let mut disguise = Disguise::new();
        disguise.word("orderType");
        disguise.fresh(Kind::Name, "Ana", false);
        disguise.fresh(Kind::Name, "Type", false);
        assert!(!disguise.applied("analytics, ana_upload, Ana").contains("ana_"));
        assert!(disguise.applied("analytics type").contains("analytics type"));
        assert!(disguise.left_in("banana type").is_empty());
        assert_eq!(disguise.left_in("from ANA").into_iter().collect::<Vec<_>>(), [Kind::Name]);
    }

    #[test]
    fn what_is_left_is_found_in_every_way_of_writing() {
        let mut disguise = Disguise::new();
        disguise.fresh(Kind::Name, "Ștefan O'Neill", false);
        disguise.fresh(Kind::Secret, "hunter2/hunter", false);
        for (text, kind) in [
            ("%C8%98tefan%20O%27Neill", Kind::Name),
            (r"\u0218tefan O'Neill", Kind::Name),
            (r"hunter2\/hunter", Kind::Secret),
            ("HUNTER2%2fhunter", Kind::Secret),
            (r"h\u0075nter2/hunter", Kind::Secret),
        ] {
            assert!(disguise.left_in(text).contains(&kind), "{text}");
        }
    }

    #[test]
    fn replacements_keep_the_shape() {
        let mut disguise = Disguise::new();
        let mut made = |kind, old: &str| disguise.fresh(kind, old, false);
        assert_eq!(made(Kind::Secret, "sk_live_abcdefgh12345678").len(), "sk_live_abcdefgh12345678".len());
        assert!(made(Kind::Secret, "whsec_abcdefgh12345678").starts_with("whsec_invented"));
        let text = made(Kind::Text, "Buna ziua, am 2 copii!\nMultumesc");
        assert!(
            text.ends_with(|sign: char| sign.is_ascii_lowercase()) && text.matches(char::is_whitespace).count() == 5,
            "{text}"
        );
        assert!(made(Kind::Birth, "1980-02-03").parse::<jiff::civil::Date>().is_ok());
        assert_eq!(made(Kind::Network, "198.51.100.7").split('.').count(), 4);
        let iban = made(Kind::Number, "GB29 NWBK 6016 1331");
        assert!(iban.len() == 19 && iban != "GB29 NWBK 6016 1331", "{iban}");
    }
}
