//! Stacks from the outside: `up`, `status`, `down` and what goes wrong between them, with the real binary and real processes.

mod embedded;
mod faults;
mod faults_containers;
mod faults_engine;
mod faults_others;
mod faults_start;
mod faults_supervisor;
mod proxy;
pub(crate) mod stand;
