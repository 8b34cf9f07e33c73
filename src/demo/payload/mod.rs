//! The bodies of the webhooks, as far as the services read them: checked shapes, unknown keys dropped.
//!
//! Fed by the routes of `api` (raw bytes whose signature held); read by them and, re-serialised, by the tasks of `trigger`.

pub(crate) mod crm;
pub(crate) mod stripe;
pub(crate) mod tasks;
pub(crate) mod whatsapp;
