//! The `devstack` binary: a door into [`devstack::cli`].

fn main() {}
