//! `devstack schema`: the JSON Schema of a file format, for editors.

use clap::{Args, ValueEnum};

use crate::{cli::exit::Exit, fixture, stack, term::Ui};

/// Print the JSON Schema (draft 2020-12) of a file format
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack schema fixture > fixture.schema.json
  then, as the first line of a fixture:
  # yaml-language-server: $schema=fixture.schema.json")]
pub(crate) struct SchemaArgs {
    /// The format
    format: SchemaOf,
}

/// Formats that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchemaOf {
    /// Fixture files
    Fixture,
    /// suite.yaml
    Suite,
    /// Stack files
    Stack,
    /// A project's devstack.yaml
    Project,
}

pub(crate) fn run(args: &SchemaArgs, ui: &Ui) -> Exit {
    let schema = match args.format {
        SchemaOf::Fixture => fixture::schema(),
        SchemaOf::Suite => fixture::suite_schema(),
        SchemaOf::Stack => stack::schema(),
        SchemaOf::Project => stack::project_schema(),
    };
    ui.data(&format!("{schema:#}"));
    Exit::Held
}
