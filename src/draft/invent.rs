//! Invented values in the shape of old ones, for what [`Supply`](crate::webhook::Supply) does not make: texts, secrets, numbers, days.
//!
//! Read by [`super::disguise`].

use crate::support::random;

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

/// A phone number that is a JSON number must not begin with a zero.
pub(super) fn digits_for(old: &str, new: &str) -> String {
    if new.starts_with('0') && !old.starts_with('0') { format!("1{}", &new[1..]) } else { new.to_owned() }
}

/// Other words of the same number, with the same signs around them.
pub(super) fn prose(old: &str, nth: usize) -> String {
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
pub(super) fn secret(old: &str, nth: usize) -> String {
    const MARK: &str = "invented";
    let prefix = old.rfind('_').filter(|at| *at <= 8).map_or("", |at| &old[..=at]);
    let prefix = if prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') { prefix } else { "" };
    let number = format!("{nth:04}");
    let room = old.chars().count().saturating_sub(prefix.len() + MARK.len() + number.len());
    format!("{prefix}{MARK}{}{number}", "0".repeat(room))
}

/// A day that is one, written the same way.
pub(super) fn birth(old: &str) -> String {
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
pub(super) fn network(old: &str, nth: usize) -> String {
    if old.contains(':') { format!("2001:db8::{:x}", nth + 1) } else { format!("203.0.113.{}", 1 + nth % 254) }
}

/// Every letter and digit by another of its sort.
pub(super) fn respelled(old: &str) -> String {
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
