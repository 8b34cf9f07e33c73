//! `devstack completions`: completion scripts for shells.

use clap::Args;
use clap_complete::Shell;

use crate::{
    cli::{command, exit::Exit},
    term::Ui,
};

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack completions bash > ~/.local/share/bash-completion/completions/devstack
  devstack completions fish > ~/.config/fish/completions/devstack.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, ui: &Ui) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "devstack", &mut script);
    ui.data(&String::from_utf8_lossy(&script));
    Exit::Held
}
