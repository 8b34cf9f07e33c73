//! What is replaced in a delivery, by kind, and how much of it: the only thing that is ever told of it.

use std::{collections::BTreeMap, fmt};

use crate::support::words::counted;

/// What a replaced value was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person's name, or a part of it.
    Name,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A postal address or a place, or a part of one.
    Address,
    /// A day of birth.
    Birth,
    /// The number of a card, an account, a document.
    Number,
    /// The network address of somebody's machine.
    Network,
    /// Words that a person wrote.
    Text,
    /// A key, a token, a password, a signature.
    Secret,
    /// An identifier.
    Id,
}

impl Kind {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("name", "names"),
            Self::Email => ("e-mail address", "e-mail addresses"),
            Self::Phone => ("phone number", "phone numbers"),
            Self::Address => ("address", "addresses"),
            Self::Birth => ("date of birth", "dates of birth"),
            Self::Number => ("card or document number", "card or document numbers"),
            Self::Network => ("network address", "network addresses"),
            Self::Text => ("text", "texts"),
            Self::Secret => ("secret", "secrets"),
            Self::Id => ("id", "ids"),
        }
    }
}

/// How many different values of each kind were replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<Kind, usize>);

impl Counts {
    /// All of them together.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// One more.
    pub(super) fn add(&mut self, kind: Kind) {
        *self.0.entry(kind).or_default() += 1;
    }
}

/// `2 names, 1 e-mail address`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (kind, number)) in self.0.iter().enumerate() {
            let (one, many) = kind.words();
            write!(f, "{}{}", if at == 0 { "" } else { ", " }, counted(*number, one, many))?;
        }
        Ok(())
    }
}
