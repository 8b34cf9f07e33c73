//! Fresh values of the same shape as old ones: unique for each case, equal where the old ones were equal.
//!
//! Made by [`freshen`](super::freshen) with the nonce of a case, and by `draft` for what it replaces. Uniqueness is arithmetic, not luck: the nth value of a case is number
//! `nonce * 256 + n`, and a bijection scatters numbers over all values of the shape; two cases of one run cannot meet before the shape
//! itself is exhausted (39 000 cases for the seven digits of a phone number).

use std::collections::HashMap;

use super::fields::FieldKind;

/// Numbers that each case may use before it reaches into the next one's. One count for all kinds: an id and a phone number made from the
/// same number could end in the same digits, and the id would then pass for a leak of the phone number.
const PER_CASE: u128 = 256;
/// A prime (2^61 - 1) above every radix in use, so that multiplying by it permutes the numbers below any product of those radices.
const SCATTER: u128 = (1 << 61) - 1;
/// The product of radices is cut off here; characters before it are filled with noise.
const LARGEST: u128 = 1 << 62;
/// Signs an id or a name must have at least, so that thousands of cases fit and a search for it hits nothing else: shorter ones grow.
const FEWEST_SIGNS: usize = 9;
/// Digits of a phone number that are made anew; those before say country and kind of number.
const PHONE_DIGITS: usize = 7;
/// Digits by which a number is the same number, with and without country code.
const PHONE_IDENTITY: usize = 9;
/// Letters of a marker: no vowels, so that it never spells a word that a scoring rule looks for.
const MARKER_LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxz";
/// How many of them; 19^12 markers.
const MARKER_LENGTH: usize = 12;

/// The supply of one case: the same old value always gets the same new one.
#[derive(Debug)]
pub struct Supply {
    nonce: u64,
    made: HashMap<(FieldKind, String), String>,
    count: u128,
}

impl Supply {
    /// A supply; another nonce gives other values.
    pub fn new(nonce: u64) -> Self {
        Self { nonce, made: HashMap::new(), count: 0 }
    }

    /// A fresh value for `old`, the same one for every equal `old`. `number` says that it must stay a JSON number.
    pub fn fresh(&mut self, kind: FieldKind, old: &str, number: bool) -> String {
        match kind {
            _ if number => self.once(FieldKind::Id, old, |seed| integer(old, seed)),
            FieldKind::Phone => self.phone(old),
            FieldKind::Name => old.split(' ').map(|word| self.name(word)).collect::<Vec<_>>().join(" "),
            FieldKind::Email => self.once(kind, old, |seed| email(old, seed)),
            FieldKind::Text => self.once(kind, old, marker),
            FieldKind::Id | FieldKind::Time | FieldKind::Horizon => self.once(FieldKind::Id, old, |seed| id(old, seed)),
        }
    }

    fn once(&mut self, kind: FieldKind, key: &str, make: impl FnOnce(u128) -> String) -> String {
        if let Some(made) = self.made.get(&(kind, key.to_owned())) {
            return made.clone();
        }
        let new = make(u128::from(self.nonce) * PER_CASE + self.count);
        self.count += 1;
        self.made.insert((kind, key.to_owned()), new.clone());
        new
    }

    /// One number however it is written: `0721…` and `+40 721…` get the same new digits.
    fn phone(&mut self, old: &str) -> String {
        let digits: String = old.chars().filter(char::is_ascii_digit).collect();
        let identity = &digits[digits.len().saturating_sub(PHONE_IDENTITY)..];
        let tail = self.once(FieldKind::Phone, identity, |seed| {
            spread(&[10; PHONE_DIGITS], seed).into_iter().map(|digit| char::from(b'0' + digit)).collect()
        });
        let mut fresh = tail.chars().rev();
        let renewed: Vec<char> =
            old.chars().rev().map(|sign| if sign.is_ascii_digit() { fresh.next().unwrap_or(sign) } else { sign }).collect();
        renewed.into_iter().rev().collect()
    }

    fn name(&mut self, word: &str) -> String {
        if word.chars().any(char::is_alphanumeric) {
            self.once(FieldKind::Name, word, |seed| letters(word, seed))
        } else {
            word.to_owned()
        }
    }
}

/// The marker that goes behind a text.
fn marker(seed: u128) -> String {
    let radices = [MARKER_LETTERS.len() as u8; MARKER_LENGTH];
    spread(&radices, seed).into_iter().map(|index| char::from(MARKER_LETTERS[usize::from(index)])).collect()
}

/// An id keeps its prefix up to the last `_` or `.` (the first two letters of a Twilio SID), its length and its alphabet.
fn id(old: &str, seed: u128) -> String {
    let start = if is_sid(old) { 2 } else { old.rfind(['_', '.']).map_or(0, |at| at + 1) };
    let (prefix, rest) =
        if old[start..].chars().any(|sign| sign.is_ascii_alphanumeric()) { old.split_at(start) } else { ("", old) };
    format!("{prefix}{}", shaped(rest, seed))
}

/// An id as Twilio gives them: two capitals for what it is of, and 32 hex digits.
fn is_sid(text: &str) -> bool {
    let (kind, digits) = text.split_at_checked(2).unwrap_or_default();
    kind.bytes().all(|byte| byte.is_ascii_uppercase())
        && digits.len() == 32
        && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// An address keeps its domain.
fn email(old: &str, seed: u128) -> String {
    match old.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{domain}", shaped(local, seed)),
        None => shaped(old, seed),
    }
}

/// An integer keeps its number of digits where that is enough; it begins with no zero.
fn integer(old: &str, seed: u128) -> String {
    let mut radices = vec![10_u8; old.len().max(FEWEST_SIGNS)];
    radices[0] = 9;
    let mut digits = spread(&radices, seed);
    digits[0] += 1;
    digits.into_iter().map(|digit| char::from(b'0' + digit)).collect()
}

/// The alphabet that a sign is replaced from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Alphabet {
    Digit,
    Hex,
    Lower,
    Upper,
}

impl Alphabet {
    fn radix(self) -> u8 {
        match self {
            Self::Digit => 10,
            Self::Hex => 16,
            Self::Lower | Self::Upper => 26,
        }
    }

    fn sign(self, index: u8) -> char {
        char::from(match self {
            Self::Digit => b'0' + index,
            Self::Hex => b"0123456789abcdef"[usize::from(index)],
            Self::Lower => b'a' + index,
            Self::Upper => b'A' + index,
        })
    }
}

/// `old` with every letter and digit replaced from its own alphabet; other signs stay.
fn shaped(old: &str, seed: u128) -> String {
    let hex = old.len() >= 16 && old.chars().all(|sign| sign == '-' || matches!(sign, '0'..='9' | 'a'..='f'));
    let uuid = hex && is_uuid(old);
    respell(old, seed, |at, sign| match sign {
        // The version and the variant of a UUID are no free digits.
        _ if uuid && (at == 14 || at == 19) => None,
        '0'..='9' | 'a'..='f' if hex => Some(Alphabet::Hex),
        '0'..='9' => Some(Alphabet::Digit),
        'a'..='z' => Some(Alphabet::Lower),
        'A'..='Z' => Some(Alphabet::Upper),
        _ => None,
    })
}

/// A word of a name: letters of any script become ASCII letters of the same case.
fn letters(old: &str, seed: u128) -> String {
    respell(old, seed, |_, sign| match sign {
        _ if sign.is_uppercase() => Some(Alphabet::Upper),
        _ if sign.is_alphabetic() => Some(Alphabet::Lower),
        _ if sign.is_numeric() => Some(Alphabet::Digit),
        _ => None,
    })
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.char_indices().all(|(at, sign)| (sign == '-') == matches!(at, 8 | 13 | 18 | 23))
}

/// Replaces each sign for which `alphabet` names one. What has too few such signs to be unique grows behind the last of them.
fn respell(old: &str, seed: u128, alphabet: impl Fn(usize, char) -> Option<Alphabet>) -> String {
    let signs: Vec<(char, Option<Alphabet>)> = old.chars().enumerate().map(|(at, sign)| (sign, alphabet(at, sign))).collect();
    let replaced = signs.iter().filter(|(_, alphabet)| alphabet.is_some()).count();
    let grown = FEWEST_SIGNS.saturating_sub(replaced);
    let last = signs.iter().rposition(|(_, alphabet)| alphabet.is_some());
    let growth = match last.and_then(|at| signs[at].1) {
        Some(Alphabet::Upper) | None => Alphabet::Lower,
        Some(same) => same,
    };
    let mut shape = signs;
    let end = last.map_or(shape.len(), |at| at + 1);
    shape.splice(end..end, std::iter::repeat_n((' ', Some(growth)), grown));

    let radices: Vec<u8> = shape.iter().filter_map(|(_, alphabet)| alphabet.map(Alphabet::radix)).collect();
    let mut fresh = spread(&radices, seed).into_iter();
    let respelled = |(sign, alphabet): (char, Option<Alphabet>)| match alphabet {
        Some(alphabet) => alphabet.sign(fresh.next().expect("one digit for each radix")),
        None => sign,
    };
    shape.into_iter().map(respelled).collect()
}

/// `seed` as digits of the given radices: different seeds give different digits until all combinations are used up.
fn spread(radices: &[u8], seed: u128) -> Vec<u8> {
    let mut capacity = 1_u128;
    let mut counted = 0;
    for radix in radices.iter().rev() {
        if capacity * u128::from(*radix) > LARGEST {
            break;
        }
        capacity *= u128::from(*radix);
        counted += 1;
    }
    let mut scattered = (seed % capacity) * SCATTER % capacity;
    let mut noise = seed as u64;
    let mut digits: Vec<u8> = Vec::with_capacity(radices.len());
    for (at, radix) in radices.iter().rev().enumerate() {
        let radix = u128::from(*radix);
        if at < counted {
            digits.push((scattered % radix) as u8);
            scattered /= radix;
        } else {
            noise = next_noise(noise);
            digits.push((u128::from(noise) % radix) as u8);
        }
    }
    digits.reverse();
    digits
}

/// One step of `SplitMix64`, the usual generator for filling where nothing depends on the quality.
fn next_noise(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::fields::FieldKind;
    use super::Supply;

    fn fresh(kind: FieldKind, old: &str) -> String {
        Supply::new(7).fresh(kind, old, false)
    }

    #[test]
    fn an_id_keeps_prefix_length_and_alphabet() {
        for old in [
            "wamid.HBgLNDA3MjEwMDAwMDEVAgASGBQzQUEwMEZDNEY2RjY5NUQ4AA==",
            "pi_3PqRsTuVwXyZ012345",
            "cs_test_a1B2c3D4e5F6",
            "0123456789abcdef0123456789abcdef",
        ] {
            let new = fresh(FieldKind::Id, old);
            assert_ne!(new, old);
            assert_eq!(new.len(), old.len(), "{new}");
            let start = old.rfind(['_', '.']).map_or(0, |at| at + 1);
            assert_eq!(new[..start], old[..start]);
            assert!(new.chars().zip(old.chars()).all(|(a, b)| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()));
        }
        let uuid = fresh(FieldKind::Id, "123e4567-e89b-42d3-a456-426614174000");
        assert_eq!((&uuid[14..15], &uuid[19..20], uuid.len()), ("4", "a", 36), "{uuid}");
        assert!(fresh(FieldKind::Id, "evt_1").starts_with("evt_"));
        assert_eq!(fresh(FieldKind::Id, "evt_1").len(), "evt_123456789".len(), "too short to be unique, so it grows");
    }

    #[test]
    fn a_phone_number_is_one_number_however_it_is_written() {
        let mut supply = Supply::new(9);
        let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let wa_id = supply.fresh(FieldKind::Phone, "40721000001", false);
        let spaced = supply.fresh(FieldKind::Phone, "+40 721 000 001", false);
        let national = supply.fresh(FieldKind::Phone, "0721000001", false);
        assert!(wa_id.starts_with("4072") && wa_id != "40721000001");
        assert!(spaced.starts_with("+40 72"));
        assert_eq!(digits(spaced), wa_id);
        assert_eq!(national[1..], wa_id[2..]);
        assert_ne!(supply.fresh(FieldKind::Phone, "40721000002", false), wa_id);
    }

    #[test]
    fn a_name_keeps_its_words_and_a_part_of_it_stays_a_part() {
        let mut supply = Supply::new(9);
        let whole = supply.fresh(FieldKind::Name, "Ștefania Ana-Maria Exemplu", false);
        let first = supply.fresh(FieldKind::Name, "Ștefania", false);
        assert!(whole.starts_with(&format!("{first} ")), "{whole} {first}");
        assert!(first.starts_with(char::is_uppercase) && first.is_ascii());
        assert_eq!(whole.split(' ').count(), 3);
        assert!(whole.contains('-'));
    }

    #[test]
    fn an_address_keeps_its_domain_and_an_integer_its_digits() {
        let address = fresh(FieldKind::Email, "ana.exemplu@example.com");
        assert!(
            address.ends_with("@example.com") && address.len() == "ana.exemplu@example.com".len() && !address.contains("ana")
        );
        let number = Supply::new(3).fresh(FieldKind::Id, "123456789012", true);
        assert!(number.len() == 12 && number.parse::<u64>().is_ok() && !number.starts_with('0'));
        assert_eq!(Supply::new(3).fresh(FieldKind::Id, "42", true).len(), 9);
    }

    #[test]
    fn an_id_never_holds_the_digits_of_the_phone_number_beside_it() {
        for nonce in 0..100_000 {
            let mut supply = Supply::new(nonce);
            let id = supply.fresh(FieldKind::Id, "4711", true);
            let phone = supply.fresh(FieldKind::Phone, "+40721000001", false);
            assert!(!id.contains(&phone[phone.len() - 9..]), "{id} {phone}");
        }
    }

    #[test]
    fn cases_never_share_a_value() {
        for (kind, old) in [
            (FieldKind::Phone, "40721000001"),
            (FieldKind::Id, "pi_1"),
            (FieldKind::Id, "wamid.HBgLNDA3MjEwMDAwMDEVAgASGBQzQUEwMEZDNEY2RjY5NUQ4AA=="),
            (FieldKind::Name, "Ana"),
            (FieldKind::Text, "Buna"),
        ] {
            for start in [0, 12_345_678_901, u64::MAX - 20_000] {
                let values: HashSet<_> =
                    (start..start + 20_000).map(|nonce| Supply::new(nonce).fresh(kind, old, false)).collect();
                assert_eq!(values.len(), 20_000, "{kind:?} {old}");
            }
        }
    }
}
