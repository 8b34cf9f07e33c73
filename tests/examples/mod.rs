//! The examples as their users have them: installed by their package managers, run as processes, with real SDKs that export to a stack.

pub(crate) mod arrived;
mod first_fixture;
pub(crate) mod install;
mod orders;
mod own_fixtures;
mod project;
pub(crate) mod service;
pub(crate) mod shop;
mod wrong;
