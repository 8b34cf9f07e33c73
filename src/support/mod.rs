//! Small things std lacks, injected wherever they decide what a program does: environment, clock, randomness, suggestions, shutdown;
//! and how text that people wrote is read and complained about (`source`, `yaml`).
//!
//! Everything may import this room; it imports nothing of ours.

pub mod address;
pub mod cause;
pub mod clock;
pub mod disk;
pub mod env;
pub mod env_file;
pub mod hex;
pub mod hop;
pub mod host;
pub mod inspect;
pub mod millis;
pub mod path_pattern;
pub mod poll;
pub mod ports;
pub mod process;
pub mod project;
pub mod random;
pub mod source;
pub mod stand_in;
pub mod suggest;
pub mod tls;
pub mod words;
pub mod work;
pub mod yaml;
