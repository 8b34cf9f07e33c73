//! `medicalcor-api`: takes signed webhooks, answers at once, and hands the work to `medicalcor-trigger` over HTTP.
//!
//! Fed by `replay` (or a real provider); `medicalcor-web` reads leads from it.

mod crm;
mod leads;
mod limits;
mod service;
mod stripe;
mod whatsapp;

pub use service::{Api, ApiConfig};
