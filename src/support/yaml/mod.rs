//! YAML files that people write: read into a tree with places, checked against a table of known keys.
//!
//! Fed with text by `fixture`, `expect::file` and `stack`. One table per object says which keys there are, what they mean and what they take
//! ([`mod@shape`]); the check ([`mod@check`]), the JSON Schema ([`mod@schema`]) and the reference page ([`mod@reference`]) all come from
//! it. A reader first calls [`check()`], which reports everything that is wrong in form, and then takes what it needs from the tree,
//! skipping what has been reported.

pub mod check;
pub mod formats;
mod node;
mod read;
pub mod reference;
mod scalar;
pub mod schema;
pub mod shape;

pub use check::{More, check, check_with};
pub use node::{Entry, Node, Value};
pub use read::read;
