//! Images into a file: tar, or compressed where the file's name says so (`.gz`, `.zst`).
//!
//! Called through `images`. The file appears under its name only when it is whole.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::{
    Engine, Said,
    images::{ImagesError, Step, Tell, list},
};
use crate::support::random;

/// Chunks that may wait to be written.
const WAITING: usize = 16;

/// How hard to compress: what is saved once and loaded often, and a registry's layers do not shrink much.
const ZSTD_LEVEL: i32 = 3;

/// What is written to.
enum Packed {
    Plain(BufWriter<File>),
    Gzip(flate2::write::GzEncoder<BufWriter<File>>),
    Zstd(zstd::stream::write::Encoder<'static, BufWriter<File>>),
}

/// A file that is not whole yet; gone when dropped, because half a file is of no use to anybody. One that was whole has another name.
struct Half(PathBuf);

/// Saves images to `path`; gives the bytes that were packed.
pub async fn save(engine: &Engine, references: &[String], path: &Path, tell: Tell<'_>) -> Result<u64, ImagesError> {
    let there = list(engine, references).await?;
    let images: Vec<_> = there.iter().filter(|image| !image.present).map(|image| image.reference.clone()).collect();
    if !images.is_empty() {
        return Err(ImagesError::Missing { images });
    }
    let total = there.iter().filter_map(|image| image.size).sum();
    let temporary = Half(beside(path));
    stream_to(engine, references, path, &temporary.0, total, tell).await
}

async fn stream_to(
    engine: &Engine,
    references: &[String],
    path: &Path,
    temporary: &Path,
    total: u64,
    tell: Tell<'_>,
) -> Result<u64, ImagesError> {
    let failed = |source| ImagesError::Write { path: path.to_owned(), source };
    let file = Packed::create(temporary, path).map_err(failed)?;
    let (chunks, waiting) = mpsc::channel(WAITING);
    let writer = tokio::task::spawn_blocking(move || write(file, waiting));
    let names: Vec<&str> = references.iter().map(String::as_str).collect();
    let mut incoming = std::pin::pin!(engine.api().export_images(&names));
    let mut current = 0;
    let mut refused = None;
    while let Some(chunk) = incoming.next().await {
        match chunk {
            Ok(chunk) => {
                current += chunk.len() as u64;
                let step =
                    Step { image: path.display().to_string(), layer: String::new(), status: "Saving".to_owned(), current, total };
                tell(step);
                // A writer that has gone says why below.
                if chunks.send(chunk).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                refused = Some(Said::from(error));
                break;
            }
        }
    }
    drop(chunks);
    let written = writer.await.unwrap_or_else(|panicked| Err(std::io::Error::other(panicked)));
    if let Some(source) = refused {
        return Err(ImagesError::Save { source });
    }
    written.and_then(|()| std::fs::rename(temporary, path)).map_err(failed)?;
    Ok(current)
}

fn write(mut file: Packed, mut waiting: mpsc::Receiver<Bytes>) -> std::io::Result<()> {
    while let Some(chunk) = waiting.blocking_recv() {
        file.writer().write_all(&chunk)?;
    }
    file.finish()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", const_hex::encode(random::bytes::<4>())));
    path.with_file_name(name)
}

impl Drop for Half {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Packed {
    /// A new file, packed as the name of `wanted` says.
    fn create(at: &Path, wanted: &Path) -> std::io::Result<Self> {
        let file = BufWriter::new(File::create(at)?);
        let extension = wanted.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        Ok(match extension.to_ascii_lowercase().as_str() {
            "gz" | "tgz" => Self::Gzip(flate2::write::GzEncoder::new(file, flate2::Compression::default())),
            "zst" | "zstd" => Self::Zstd(zstd::stream::write::Encoder::new(file, ZSTD_LEVEL)?),
            _ => Self::Plain(file),
        })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(file) => file,
            Self::Gzip(file) => file,
            Self::Zstd(file) => file,
        }
    }

    fn finish(self) -> std::io::Result<()> {
        let mut file = match self {
            Self::Plain(file) => file,
            Self::Gzip(file) => file.finish()?,
            Self::Zstd(file) => file.finish()?,
        };
        file.flush()
    }
}
