//! `medicalcor-web`: pages for the staff, read through `medicalcor-api`.
//!
//! Fed by browsers and `replay`; shows what the API answers and keeps nothing.

mod pages;
mod service;

pub use service::{Web, WebConfig};
