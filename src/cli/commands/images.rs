//! `devstack images`: the container images of a stack, listed, fetched, saved to a file and loaded from files.

use std::{
    error::Error,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use clap::{Args, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Failure, exit::Exit, interrupt},
    runtime::docker::{
        Engine,
        images::{self, ImageState, ImagesError, Step},
    },
    stack::Wanted,
    support::env::Os,
    term::{
        Look, Role, Ui,
        layers::Layers,
        text::{clean, count, pad_end, pad_start, width},
    },
};

/// The version of the JSON shape of `list`.
const VERSION: u32 = 1;

/// Digits of an image's id that are shown.
const ID: usize = 12;

/// List, fetch, save and load the container images of a stack
///
/// `save` and `load` bring images to machines that reach no registry.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack images list --stack jaeger
  devstack images pull
  devstack images save images.tar.zst
  devstack images load images.tar.zst more.tar.gz")]
pub(crate) struct ImagesArgs {
    #[command(subcommand)]
    command: ImagesCommand,
}

#[derive(Debug, Subcommand)]
enum ImagesCommand {
    /// Show which are there, how large, and which exactly
    List {
        #[command(flatten)]
        of: StackOption,

        /// What stdout gets
        #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
        format: super::OutputFormat,
    },
    /// Fetch them from their registries
    Pull {
        #[command(flatten)]
        of: StackOption,

        /// These images instead of the stack's; with --stack, besides them
        #[arg(value_name = "IMAGE")]
        images: Vec<String>,
    },
    /// Save them to one file: tar, or compressed where its name ends in .gz or .zst
    Save {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,

        #[command(flatten)]
        of: StackOption,

        /// These images instead of the stack's; with --stack, besides them
        #[arg(value_name = "IMAGE")]
        images: Vec<String>,
    },
    /// Load images from files: tar, gzip or zstd
    Load {
        /// Files of `devstack images save` or `docker save`
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
}

/// Whose images.
#[derive(Debug, Args)]
struct StackOption {
    /// The stack: a shipped one, or a file; the project's where it is not given
    #[arg(long, value_name = "NAME|FILE")]
    stack: Option<String>,

    /// Change a value of the stack: `components.tempo.image=…`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

pub(crate) fn run(args: &ImagesArgs, ui: &Ui) -> Result<Exit, Failure> {
    // What files say is asked before the engine: a mistake in them is the same with and without one.
    let wanted = match &args.command {
        ImagesCommand::List { of, .. } => of.images(ui)?,
        ImagesCommand::Pull { of, images } | ImagesCommand::Save { of, images, .. } => of.and(images, ui)?,
        ImagesCommand::Load { .. } => Vec::new(),
    };
    super::async_runtime()?.block_on(async {
        let stop = CancellationToken::new();
        let signals = interrupt::cancel_on_signal(stop.clone(), ui.eraser());
        let ended = tokio::select! {
            biased;
            ended = carry_out(&args.command, &wanted, ui) => ended,
            () = stop.cancelled() => Ok(Exit::Interrupted),
        };
        signals.abort();
        ended
    })
}

async fn carry_out(command: &ImagesCommand, wanted: &[String], ui: &Ui) -> Result<Exit, Failure> {
    let engine = Engine::discover(&Os).await.map_err(|error| super::no_engine(&error))?;
    match command {
        ImagesCommand::List { format, .. } => list(&engine, wanted, *format, ui).await?,
        ImagesCommand::Pull { .. } => pull(&engine, wanted, ui).await?,
        ImagesCommand::Save { file, .. } => save(&engine, wanted, file, ui).await?,
        ImagesCommand::Load { files } => {
            for file in files {
                load(&engine, file, ui).await?;
            }
        }
    }
    Ok(Exit::Held)
}

async fn list(engine: &Engine, wanted: &[String], format: super::OutputFormat, ui: &Ui) -> Result<(), Failure> {
    let found = images::list(engine, wanted).await.map_err(|error| failure(&error))?;
    match format {
        super::OutputFormat::Json => {
            let document = serde_json::json!({ "version": VERSION, "images": found });
            ui.data(&format!("{document:#}"));
        }
        super::OutputFormat::Text => {
            ui.data(&table(&found, ui.look()));
            if found.iter().any(|image| !image.present) {
                ui.hint("`devstack images pull` fetches them; where there is no registry: `devstack images load FILE`");
            }
        }
    }
    Ok(())
}

async fn pull(engine: &Engine, wanted: &[String], ui: &Ui) -> Result<(), Failure> {
    watched(ui, async |tell| images::pull(engine, wanted, tell).await).await?;
    let now = images::list(engine, wanted).await.map_err(|error| failure(&error))?;
    ui.data(&table(&now, ui.look()));
    Ok(())
}

async fn save(engine: &Engine, wanted: &[String], file: &std::path::Path, ui: &Ui) -> Result<(), Failure> {
    watched(ui, async |tell| images::save(engine, wanted, file, tell).await).await?;
    let size = file.metadata().map(|about| bytes(about.len())).unwrap_or_default();
    ui.data(&format!("{}: {}, {size}", file.display(), count(wanted.len(), "image")));
    Ok(())
}

async fn load(engine: &Engine, file: &std::path::Path, ui: &Ui) -> Result<(), Failure> {
    let loaded = watched(ui, async |tell| images::load(engine, file, tell).await).await?;
    for image in loaded {
        ui.data(&format!("loaded {}", clean(&image)));
    }
    Ok(())
}

/// Does something with images while its progress is shown.
async fn watched<T>(ui: &Ui, work: impl AsyncFnOnce(images::Tell<'_>) -> Result<T, ImagesError>) -> Result<T, Failure> {
    let layers = Mutex::new(Layers::new(ui));
    let tell = |step: Step| {
        let mut layers = layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.layer(&step.image, &step.layer, &step.status, step.current, step.total);
    };
    work(&tell).await.map_err(|error| failure(&error))
}

impl StackOption {
    /// The images of the stack, each once, in its order.
    fn images(&self, ui: &Ui) -> Result<Vec<String>, Failure> {
        let project = super::project()?;
        let wanted =
            Wanted { stack: self.stack.clone(), sets: self.set.clone(), root: project.root().to_owned(), ..Wanted::default() };
        let stack = super::valid(crate::stack::load(&wanted, &Os), ui)?.stack;
        if stack.components.is_empty() {
            return Err(Failure::nothing_selected(format!("the stack `{}` has no containers, and so no images", stack.name)));
        }
        Ok(once(stack.components.into_iter().map(|component| component.image)))
    }

    /// Those that are named; the stack's where none are, or where it is asked for as well.
    fn and(&self, named: &[String], ui: &Ui) -> Result<Vec<String>, Failure> {
        let of_stack = if named.is_empty() || self.stack.is_some() { self.images(ui)? } else { Vec::new() };
        Ok(once(of_stack.into_iter().chain(named.iter().cloned())))
    }
}

fn once(images: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    images.filter(|image| seen.insert(image.clone())).collect()
}

/// A line an image: whether it is there, its size, its id.
fn table(images: &[ImageState], look: &Look) -> String {
    let column = images.iter().map(|image| width(&image.reference)).max().unwrap_or(0);
    let line = |image: &ImageState| {
        let name = pad_end(&clean(&image.reference), column);
        if !image.present {
            let mark = look.paint(Role::Bad, look.glyph("✗", "x"));
            return format!("  {mark} {name}  {}", look.paint(Role::Dim, "not here"));
        }
        let mark = look.paint(Role::Good, look.glyph("✓", "ok"));
        let id = image.id.as_deref().unwrap_or_default();
        let id: String = id.trim_start_matches("sha256:").chars().take(ID).collect();
        let size = image.size.map(bytes).unwrap_or_default();
        format!("  {mark} {name}  {}  {}", pad_start(&size, 8), look.paint(Role::Dim, &clean(&id)))
    };
    images.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Bytes in the units that container engines use.
fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.0} kB", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", number as f64 / 1e6),
        _ => format!("{:.1} GB", number as f64 / 1e9),
    }
}

/// Files are the user's, the rest is the machine's.
fn failure(error: &ImagesError) -> Failure {
    let text = error as &dyn Error;
    match error {
        ImagesError::NoArchive { .. } | ImagesError::Damaged { .. } | ImagesError::Read { .. } => {
            Failure::usage(text).hint("`devstack images load` reads what `devstack images save` and `docker save` write")
        }
        ImagesError::Missing { .. } => Failure::environment(text).hint("fetch them first: `devstack images pull`"),
        ImagesError::Pull { .. } => Failure::environment(text).hint("where there is no registry: `devstack images load FILE`"),
        _ => Failure::environment(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(reference: &str, size: Option<u64>) -> ImageState {
        ImageState {
            reference: reference.to_owned(),
            present: size.is_some(),
            size,
            id: size.map(|_| "sha256:f5863ac8436f0123".to_owned()),
            digest: None,
            created: None,
        }
    }

    #[test]
    fn the_table_shows_what_is_there_and_what_is_not() {
        let images = [image("prom/prometheus:v3.16.0", Some(53_173_177)), image("grafana/tempo:3.0.3", None)];
        let text = "  ✓ prom/prometheus:v3.16.0     53 MB  f5863ac8436f\n  ✗ grafana/tempo:3.0.3      not here";
        assert_eq!(table(&images, &Look::plain()), text);
    }

    #[test]
    fn bytes_read_well_at_every_size() {
        let all = [0, 999, 1_000, 53_173_177, 1_240_000_000].map(bytes);
        assert_eq!(all, ["0 B", "999 B", "1 kB", "53 MB", "1.2 GB"]);
    }

    #[test]
    fn an_image_that_two_components_share_is_one_image() {
        assert_eq!(once(["a", "b", "a"].map(ToOwned::to_owned).into_iter()), ["a", "b"]);
    }
}
