//! Trace and span ids (W3C Trace Context: 16 and 8 bytes, never all zero).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::support::{hex, random};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The id of these bytes; `None` when they are all zero, which the specification calls invalid.
            pub fn new(bytes: [u8; $bytes]) -> Option<Self> {
                (bytes != [0; $bytes]).then_some(Self(bytes))
            }

            /// The id of a slice; `None` when its length is wrong or it is all zero.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().and_then(Self::new)
            }

            /// Parses hex digits of either case.
            pub fn parse(text: &str) -> Option<Self> {
                hex::parse(text).and_then(Self::new)
            }

            /// A random id from the operating system's entropy, never from a seed.
            pub fn random() -> Self {
                Self(random::bytes())
            }

            /// The bytes, most significant first.
            pub fn bytes(&self) -> [u8; $bytes] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&const_hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not an id of {} hex digits", 2 * $bytes)))
            }
        }
    };
}

id!(
    /// The id of a trace.
    TraceId, 16
);
id!(
    /// The id of a span within its trace.
    SpanId, 8
);

impl TraceId {
    /// The first four hex digits: enough for a person to find it again with `devstack trace`.
    pub fn short(&self) -> String {
        const_hex::encode(&self.0[..2])
    }
}
