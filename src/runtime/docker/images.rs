//! Images: which are there, fetched from their registry, saved to a file and loaded from one.
//!
//! Used by `devstack images` and by `make`, which needs them before anything else. Images stream through; none is ever in memory whole.

use std::time::Duration;

use bollard::{
    models::{CreateImageInfo, ImageInspect},
    query_parameters::CreateImageOptionsBuilder,
};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::{Engine, Said};

pub use super::{load::load, save::save};

/// How long the engine may be silent before its first word: it resolves, connects and asks for a manifest. It gives up on a black hole
/// by itself after 15 s an attempt, and says nothing meanwhile.
const FIRST_WORD: Duration = Duration::from_secs(45);

/// How long it may be silent between two words. It tells of each layer several times a second while bytes come.
const NEXT_WORD: Duration = Duration::from_mins(1);

/// So many images are fetched at once.
const AT_ONCE: usize = 4;

/// An image, there or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageState {
    /// As it was asked for: `prom/prometheus:v3.16.0`.
    pub reference: String,
    /// Whether the engine has it.
    pub present: bool,
    /// Its bytes, unpacked.
    pub size: Option<u64>,
    /// The engine's id: `sha256:…`.
    pub id: Option<String>,
    /// The registry's digest, `name@sha256:…`; images that were loaded from a file have none.
    pub digest: Option<String>,
    /// When it was built, as the engine writes it (RFC 3339).
    pub created: Option<String>,
}

/// How far something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The image, or the file that images are in.
    pub image: String,
    /// The layer's short id; empty for the whole.
    pub layer: String,
    /// What is being done: `Downloading`, `Extracting`, `Pull complete`, `Reading`.
    pub status: String,
    /// Bytes done.
    pub current: u64,
    /// Of so many bytes; 0 where nobody knows.
    pub total: u64,
}

/// Who is told how far it is.
pub type Tell<'a> = &'a (dyn Fn(Step) + Send + Sync);

/// Why images could not be listed, fetched, saved or loaded.
#[derive(Debug, thiserror::Error)]
pub enum ImagesError {
    /// Asking about one.
    #[error("the engine could not tell about the image `{image}`")]
    Inspect {
        /// The image.
        image: String,
        /// Its words.
        source: Said,
    },
    /// Fetching one.
    #[error("could not fetch the image `{image}`")]
    Pull {
        /// The image.
        image: String,
        /// The engine's words, which often are the registry's.
        source: Said,
    },
    /// Saving what is not there.
    #[error("the engine does not have {}", quoted(.images))]
    Missing {
        /// The images.
        images: Vec<String>,
    },
    /// Saving.
    #[error("the engine could not give the images")]
    Save {
        /// Its words.
        source: Said,
    },
    /// Loading.
    #[error("the engine could not load `{}`", path.display())]
    Load {
        /// The file.
        path: std::path::PathBuf,
        /// Its words.
        source: Said,
    },
    /// A file of another kind.
    #[error("`{}` is no archive of images: {reason}", path.display())]
    NoArchive {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that ends too early or is damaged.
    #[error("`{}` is cut short or damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: std::path::PathBuf,
        /// What was noticed.
        reason: String,
    },
    /// Reading a file.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Writing a file.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// How each of the wanted images is, in their order.
pub async fn list(engine: &Engine, wanted: &[String]) -> Result<Vec<ImageState>, ImagesError> {
    let asked: Vec<_> = wanted.iter().map(|reference| state(engine, reference.clone()).boxed()).collect();
    stream::iter(asked).buffered(AT_ONCE * 2).try_collect().await
}

/// Fetches images from their registries, several at once; the first that cannot be had ends it.
pub async fn pull(engine: &Engine, references: &[String], tell: Tell<'_>) -> Result<(), ImagesError> {
    let pulls: Vec<_> = references.iter().map(|reference| pull_one(engine, reference.clone(), tell).boxed()).collect();
    stream::iter(pulls).buffer_unordered(AT_ONCE).try_collect().await
}

pub(super) async fn state(engine: &Engine, reference: String) -> Result<ImageState, ImagesError> {
    match engine.api().inspect_image(&reference).await {
        Ok(found) => Ok(ImageState {
            present: true,
            created: created(&found),
            size: found.size.and_then(|size| u64::try_from(size).ok()),
            id: found.id,
            digest: found.repo_digests.unwrap_or_default().into_iter().next(),
            reference,
        }),
        Err(error) => {
            let source = Said::from(error);
            if !source.is_missing() {
                return Err(ImagesError::Inspect { image: reference, source });
            }
            Ok(ImageState { reference, present: false, size: None, id: None, digest: None, created: None })
        }
    }
}

/// Read from its JSON, because the type of bollard's dates depends on features that any other crate may switch on.
fn created(found: &ImageInspect) -> Option<String> {
    serde_json::to_value(found).ok()?.get("Created")?.as_str().map(ToOwned::to_owned)
}

async fn pull_one(engine: &Engine, image: String, tell: Tell<'_>) -> Result<(), ImagesError> {
    let (name, tag) = split(&image);
    let options = CreateImageOptionsBuilder::default().from_image(name).tag(tag).build();
    let failed = |source| ImagesError::Pull { image: image.clone(), source };
    let mut words = std::pin::pin!(engine.patient(FIRST_WORD).create_image(Some(options), None, None));
    let mut patience = FIRST_WORD;
    // Dropping the stream closes the connection, on which the engine ends the fetching.
    loop {
        let word = tokio::time::timeout(patience, words.next()).await.map_err(|_| failed(Said::silence(patience)))?;
        match word {
            None => return Ok(()),
            Some(Err(error)) => return Err(failed(error.into())),
            Some(Ok(info)) => tell(step(&image, info)),
        }
        patience = NEXT_WORD;
    }
}

fn step(image: &str, info: CreateImageInfo) -> Step {
    let status = info.status.unwrap_or_default();
    // The first word carries the tag where layers have their id.
    let layer = info.id.filter(|_| !status.starts_with("Pulling from")).unwrap_or_default();
    let progress = info.progress_detail.unwrap_or_default();
    let bytes = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
    Step { image: image.to_owned(), layer, status, current: bytes(progress.current), total: bytes(progress.total) }
}

/// Name and tag, or name and digest. Without a tag the engine would fetch all there are.
fn split(reference: &str) -> (&str, &str) {
    if let Some((name, digest)) = reference.split_once('@') {
        return (name, digest);
    }
    match reference.rsplit_once(':') {
        // A colon before a slash is a registry's port.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "latest"),
    }
}

fn quoted(images: &[String]) -> String {
    images.iter().map(|image| format!("`{image}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_reference_is_name_and_tag_or_digest() {
        assert_eq!(split("prom/prometheus:v3.16.0"), ("prom/prometheus", "v3.16.0"));
        assert_eq!(split("busybox"), ("busybox", "latest"));
        assert_eq!(split("127.0.0.1:5000/x"), ("127.0.0.1:5000/x", "latest"));
        assert_eq!(split("127.0.0.1:5000/x:1"), ("127.0.0.1:5000/x", "1"));
        assert_eq!(split("x@sha256:ab"), ("x", "sha256:ab"));
    }
}
