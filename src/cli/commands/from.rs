//! `devstack from curl` and `devstack from har`: fixtures out of what other tools have.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use crate::{
    cli::{Failure, exit::Exit},
    draft::{self, Delivery, Origin, Place, Seen, curl, har},
    support::{disk, words::counted},
    term::Ui,
    webhook::Providers,
};

/// The largest archive that is read, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Make fixtures of a curl command or an HTTP archive
///
/// Personal values and secrets are replaced, as `devstack record` does. Nothing is sent, so nothing is known of the trace.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack from curl 'curl -X POST http://localhost:3000/hooks/orders --json @order.json'
  pbpaste | devstack from curl
  devstack from har session.har --match /hooks/")]
pub(crate) struct FromArgs {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    /// A curl command
    Curl(CurlArgs),
    /// An HTTP archive (HAR 1.2), as browsers and proxies save it
    Har(HarArgs),
}

#[derive(Debug, Args)]
struct CurlArgs {
    /// The command, as one argument (default: stdin)
    #[arg(value_name = "COMMAND")]
    command: Option<String>,

    #[command(flatten)]
    to: ToArgs,
}

#[derive(Debug, Args)]
struct HarArgs {
    /// The archive (`-` reads stdin)
    #[arg(value_name = "FILE")]
    file: String,

    /// Only entries whose path contains this (default: every POST)
    #[arg(long, value_name = "PATH")]
    r#match: Option<String>,

    #[command(flatten)]
    to: ToArgs,
}

#[derive(Debug, Args)]
struct ToArgs {
    /// The folder that fixtures are written to
    #[arg(long, value_name = "FOLDER", default_value = "fixtures")]
    out: PathBuf,

    /// The name of the fixture (default: the provider's and the event's)
    #[arg(long, value_name = "NAME", value_parser = super::fixture_name)]
    name: Option<String>,
}

pub(crate) fn run(args: &FromArgs, ui: &Ui) -> Result<Exit, Failure> {
    let providers = super::providers(&super::project()?, ui)?;
    match &args.source {
        Source::Curl(args) => from_curl(args, &providers, ui),
        Source::Har(args) => from_har(args, &providers, ui),
    }
}

fn from_curl(args: &CurlArgs, providers: &Providers, ui: &Ui) -> Result<Exit, Failure> {
    let command = match &args.command {
        Some(command) => command.clone(),
        None => stdin()?,
    };
    let read = curl::read(&command, Path::new(".")).map_err(|error| {
        let failure = Failure::usage(format!("this is not a curl command that can be read: {error}"));
        failure.hint("put the whole command in single quotes, or give it on stdin")
    })?;
    read.notes.iter().for_each(|note| ui.status(note));
    let place = Place::Folder { folder: args.to.out.clone(), name: args.to.name.clone() };
    let fixture = write(&read.delivery, Origin::Curl, &place, providers, ui)?;
    ui.status(&format!("Next: devstack replay {}", fixture.display()));
    Ok(Exit::Held)
}

fn from_har(args: &HarArgs, providers: &Providers, ui: &Ui) -> Result<Exit, Failure> {
    let text = if args.file == "-" { stdin()? } else { file(&args.file)? };
    let read = har::read(&text, args.r#match.as_deref())
        .map_err(|error| Failure::usage(format!("cannot use `{}`: {error}", args.file)))?;
    read.notes.iter().for_each(|note| ui.warn(note));
    if read.deliveries.is_empty() {
        let entries = counted(read.entries, "entry", "entries");
        let wanted = args.r#match.as_ref().map_or_else(|| "is a POST".to_owned(), |path| format!("has `{path}` in its path"));
        return Err(Failure::nothing_selected(format!("none of the {entries} of `{}` {wanted}", args.file))
            .hint("`--match PATH` takes the entries whose path contains it"));
    }
    let place = Place::Folder { folder: args.to.out.clone(), name: args.to.name.clone() };
    let mut wrong = false;
    for delivery in &read.deliveries {
        if let Err(failure) = write(delivery, Origin::Har, &place, providers, ui) {
            wrong = true;
            ui.warn(&failure.text());
        }
    }
    if wrong { Err(Failure::usage("not every entry could be made a fixture")) } else { Ok(Exit::Held) }
}

fn write(delivery: &Delivery, origin: Origin, place: &Place, providers: &Providers, ui: &Ui) -> Result<PathBuf, Failure> {
    let mut redaction = draft::redact(delivery, providers).map_err(|error| Failure::usage(&error as &dyn std::error::Error))?;
    let nothing =
        Seen::Nothing("Nothing was sent, so nothing is known of the trace: `devstack record` proposes what to expect of it.");
    let saved = draft::save(&mut redaction, nothing, origin, place).map_err(|error| super::undrafted(&error))?;
    let facts: Vec<String> = delivery.answer.iter().map(|answer| answer.status.as_u16().to_string()).collect();
    ui.data(&super::drafted(&redaction, &saved, &facts, ui));
    Ok(saved.fixture)
}

fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().take(LARGEST).read_to_string(&mut text);
    read.map_err(|error| Failure::environment(format!("cannot read stdin: {error}")))?;
    Ok(text)
}

fn file(path: &str) -> Result<String, Failure> {
    let bytes = disk::read(Path::new(path), LARGEST).map_err(|error| Failure::usage(format!("cannot use `{path}`: {error}")))?;
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("cannot use `{path}`: it is not text")))
}
