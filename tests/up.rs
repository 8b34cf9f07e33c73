//! Stacks from the outside: `up`, `status`, `down` and what goes wrong between them, with the real binary and real processes.

mod embedded;
pub(crate) mod stand;
