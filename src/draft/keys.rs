//! What the name of a field says of its value, where no provider's table knows the field.
//!
//! Read for every field of a body, a form, a query and a header. A field too many is replaced without harm, one too few is a leak: the rules
//! lean that way.

use super::{
    kind::Kind,
    shapes,
    vocabulary::{ABOUT, ADDRESSES, BIRTHS, EMAILS, List, NAMES, NETWORKS, NUMBERS, OF_KEYS, PHONES, SECRETS, TEXTS, THINGS},
};

/// Signs from which a value under an id's name is taken for one.
const ID_SIGNS: usize = 6;

/// The words of a key: `customerEmail`, `customer_email` and `customer-email` are `customer`, `email`.
pub(super) fn words(key: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for sign in key.chars() {
        let begins = !before.is_alphanumeric() || (sign.is_uppercase() && !before.is_uppercase());
        if sign.is_alphanumeric() {
            if begins || words.is_empty() {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(sign.to_lowercase());
            }
        }
        before = sign;
    }
    words
}

/// What `value` is under the key that ends `path`; `None` where the name says nothing of a person and no secret.
pub(super) fn kind_of(path: &[&str], value: &str) -> Option<Kind> {
    let (key, parents) = path.split_last()?;
    let words = words(key);
    let above = parents.last().map(|parent| self::words(parent)).unwrap_or_default();
    // `phone: [{ label: work, value: … }]` says it one level up.
    if matches!(words.as_slice(), [only] if only == "value" || only == "raw" || only == "formatted") && !above.is_empty() {
        return kind_of(parents, value);
    }
    Named { last: words.last()?.as_str(), joined: words.concat(), words: &words, above: &above }.kind(value.trim())
}

/// Whether an identifier's name stands above `value`, and it has the shape of one.
pub(super) fn is_id(path: &[&str], value: &str) -> bool {
    let Some(key) = path.last() else { return false };
    let named =
        words(key).last().is_some_and(|last| matches!(last.as_str(), "id" | "uuid" | "guid" | "sid" | "ref" | "reference"));
    let shaped = value.chars().count() >= ID_SIGNS
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:=+/".contains(&byte));
    named && shaped
}

struct Named<'a> {
    last: &'a str,
    joined: String,
    words: &'a [String],
    above: &'a [String],
}

impl Named<'_> {
    fn kind(&self, value: &str) -> Option<Kind> {
        if value.is_empty() || matches!(value, "true" | "false" | "null") {
            return None;
        }
        let about = self.words.len() > 1 && ABOUT.has(self.last);
        if !about && self.is_secret() {
            return Some(Kind::Secret);
        }
        if self.has(&EMAILS) && value.contains('@') {
            return Some(Kind::Email);
        }
        if self.has(&NETWORKS) && value.parse::<std::net::IpAddr>().is_ok() {
            return Some(Kind::Network);
        }
        if about {
            return None;
        }
        self.personal(value)
    }

    fn personal(&self, value: &str) -> Option<Kind> {
        let digits = value.bytes().any(|byte| byte.is_ascii_digit());
        if self.has(&BIRTHS) && digits {
            return Some(Kind::Birth);
        }
        if self.has(&NUMBERS) && digits {
            return Some(Kind::Number);
        }
        if self.has(&PHONES) && is_dialled(value) {
            return Some(Kind::Phone);
        }
        if self.has(&ADDRESSES) && !self.has(&EMAILS) && !value.contains('@') {
            return Some(Kind::Address);
        }
        if self.is_name(value) {
            return Some(Kind::Name);
        }
        (self.has(&TEXTS) && is_prose(value)).then_some(Kind::Text)
    }

    fn has(&self, list: &List) -> bool {
        list.has(&self.joined) || self.words.iter().any(|word| list.has(word))
    }

    fn is_secret(&self) -> bool {
        let keyed = self.last == "key" && self.words.iter().any(|word| OF_KEYS.has(word));
        keyed || self.has(&SECRETS)
    }

    /// A bare `name` counts as a person's unless it stands in something that is none.
    fn is_name(&self, value: &str) -> bool {
        if self.has(&NAMES) {
            return value.chars().any(char::is_alphabetic);
        }
        if !matches!(self.last, "name" | "names" | "holder" | "initials") || !value.chars().any(char::is_alphabetic) {
            return false;
        }
        let of_a_thing = |words: &[String]| words.iter().any(|word| is_thing(word));
        match self.words {
            [_] => !of_a_thing(self.above) && !is_dotted(value),
            [before @ .., _] => !of_a_thing(before),
            [] => false,
        }
    }
}

/// Also in the plural.
fn is_thing(word: &str) -> bool {
    THINGS.has(word) || word.strip_suffix('s').is_some_and(|one| THINGS.has(one))
}

/// A name of the kind that programs give: `order.created`, `push_event`.
fn is_dotted(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._:/".contains(&byte);
    value.bytes().all(plain) && value.bytes().any(|byte| b"._:/".contains(&byte))
}

/// Digits and what people put between them, as many as a phone number has.
fn is_dialled(value: &str) -> bool {
    let dialled = value.strip_prefix("whatsapp:").or(value.strip_prefix("tel:")).unwrap_or(value);
    shapes::is_phone(dialled) && dialled.chars().all(|sign| sign.is_ascii_digit() || "+-(). /\u{a0}".contains(sign))
}

/// What a person wrote, as opposed to a word of the protocol such as `received`.
fn is_prose(value: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.:/-".contains(&byte);
    let code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    value.chars().any(char::is_alphabetic) && !value.bytes().all(word) && !value.bytes().all(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_cut_into_words() {
        for (key, wanted) in [
            ("customerEmail", vec!["customer", "email"]),
            ("first_name", vec!["first", "name"]),
            ("X-Api-Key", vec!["x", "api", "key"]),
            ("waId", vec!["wa", "id"]),
            ("IBAN", vec!["iban"]),
            ("", vec![]),
        ] {
            assert_eq!(words(key), wanted, "{key}");
        }
    }

    #[test]
    fn names_of_fields_tell_what_their_values_are() {
        for (path, value, wanted) in [
            (&["first_name"][..], "Ana", Some(Kind::Name)),
            (&["name"], "ana", Some(Kind::Name)),
            (&["customer", "name"], "Ana Exemplu", Some(Kind::Name)),
            (&["sender", "login"], "anaex", Some(Kind::Name)),
            (&["repository", "name"], "shop", None),
            (&["products", "name"], "Chair", None),
            (&["event_name"], "order.created", None),
            (&["name"], "order.created", None),
            (&["contact_email"], "a@b.example", Some(Kind::Email)),
            (&["email_verified"], "true", None),
            (&["phone", "value"], "0721000001", Some(Kind::Phone)),
            (&["Caller"], "whatsapp:+40721000001", Some(Kind::Phone)),
            (&["from"], "warehouse", None),
            (&["phone_number_id"], "106540352242922", None),
            (&["address", "line1"], "Str. Florilor 12", Some(Kind::Address)),
            (&["zip"], "010101", Some(Kind::Address)),
            (&["dob"], "1980-02-03", Some(Kind::Birth)),
            (&["iban"], "RO49AAAA1B31007593840000", Some(Kind::Number)),
            (&["message"], "received", None),
            (&["message"], "Buna ziua", Some(Kind::Text)),
            (&["reason"], "CARD_DECLINED", None),
            (&["note"], "Ionescu", Some(Kind::Text)),
            (&["api_key"], "abc", Some(Kind::Secret)),
            (&["token"], "xyz", Some(Kind::Secret)),
            (&["token_type"], "bearer", None),
            (&["client_ip"], "203.0.113.9", Some(Kind::Network)),
            (&["status"], "received", None),
            (&["amount"], "25000", None),
        ] {
            assert_eq!(kind_of(path, value), wanted, "{path:?} {value}");
        }
    }

    #[test]
    fn ids_are_known_by_name_and_shape() {
        assert!(
            is_id(&["order_id"], "ord_12345")
                && is_id(&["id"], "123e4567-e89b-42d3-a456-426614174000")
                && is_id(&["id"], "4711470")
        );
        assert!(!is_id(&["id"], "42") && !is_id(&["id"], "default") && !is_id(&["amount"], "1234567"));
    }
}
