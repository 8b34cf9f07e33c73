//! The `devstack` binary: a door into [`devstack::cli`].

fn main() -> std::process::ExitCode {
    devstack::cli::main()
}
