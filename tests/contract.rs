//! The contract between the runtimes: the same fixtures get the same verdicts wherever a stack runs, what the ledger has is in the store,
//! what is lost is found, and `down` leaves nothing behind. With the real binary, real processes and real containers.

mod default_stack;
mod footprint;
mod jaeger_stack;
mod listen;
mod lost;
mod project;
mod read_back;
mod same;
mod table;

pub(crate) use project::{docker_slot, shipped};
