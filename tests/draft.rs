//! First fixtures with the real binary: recorded, saved from traces, read from curl and archives, and the files of `init`.

mod from;
mod init;
mod leaks;
mod proxy;
mod receiver;
mod round_trip;
mod senders;
mod sessions;
