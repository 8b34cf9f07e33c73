//! What must not get out, and what stands in its place: the same invented value wherever the same old one turns up.
//!
//! Filled by [`super::redact()`] with everything that is personal or secret in a delivery, then asked to rewrite each text, and at last whether
//! anything is left. An old value is looked for however it is written: in other letters' case, percent-encoded, escaped. How widely depends
//! on how telling it is: a name of three letters is looked for as a word, an address anywhere, and what is also a word of the format itself
//! (a person called `Status`) is replaced only where it stands.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use super::{
    finder::{Finder, Known, identity},
    forms::{json_unescaped, percent_decoded},
    invent,
    kind::{Counts, Kind},
};
use crate::{
    support::random,
    webhook::{FieldKind, Supply},
};

/// Different values that are replaced; what has more is an export, not a delivery.
pub(super) const MOST: usize = 5000;

/// Words of fixtures and of the comments in drafts, which stand in every file that is written.
const OF_FIXTURES: &str = "name request response status json file body path method headers header trace server client producer consumer \
    internal span spans service services attributes children below edges none count error recorded replaced \
    received invented values devstack http route post get put patch delete application text plain true false null \
    type event data object example com adjust then proposal propose proposes proposed replay drafted left out add \
    those that asks for nothing its arrived within known say what must come back such answered answer personal \
    secret secrets looked ended in so names mail number numbers addresses card document network date dates birth \
    texts ids save from curl har sent messaging destination code task job system operation rpc faas exists starts \
    between tags delivery trace-save-as pattern places have not does of the and by it on is was no";

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
        let words = OF_FIXTURES.split_whitespace().map(str::to_owned).collect();
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
            Kind::Phone if number => invent::digits_for(old, &self.supply.fresh(FieldKind::Phone, old, false)),
            Kind::Phone => self.supply.fresh(FieldKind::Phone, old, false),
            Kind::Name => self.supply.fresh(FieldKind::Name, old, false),
            Kind::Email => {
                let made = self.supply.fresh(FieldKind::Email, old, false);
                format!("{}@example.com", made.rsplit_once('@').map_or(made.as_str(), |(local, _)| local))
            }
            Kind::Text => invent::prose(old, nth),
            Kind::Secret => invent::secret(old, nth),
            Kind::Birth => invent::birth(old),
            Kind::Network => invent::network(old, nth),
            Kind::Address | Kind::Number => invent::respelled(old),
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

#[cfg(test)]
mod tests {
    use super::{super::forms::percent_encoded, *};

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
