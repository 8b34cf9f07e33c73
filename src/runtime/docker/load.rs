//! Images out of a file: tar, gzip or zstd, told by the first bytes, streamed to the engine.
//!
//! Called through `images`. Engines unpack gzip themselves; zstd is unpacked here, because older ones cannot. What is no archive at all
//! never reaches the engine.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bollard::{body_try_stream, query_parameters::ImportImageOptionsBuilder};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::{
    Engine, Said,
    images::{ImagesError, Step, Tell},
};

/// Bytes of a chunk.
const CHUNK: usize = 256 * 1024;

/// Chunks that may wait to be sent.
const WAITING: usize = 8;

/// How long the engine may be silent after the last byte: it unpacks layers then.
const PATIENCE: Duration = Duration::from_mins(5);

/// Where a tar archive says what it is, and with which word.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Tar,
    Gzip,
    Zstd,
}

/// What the reading thread and the progress share.
#[derive(Debug, Default)]
struct Reading {
    bytes: AtomicU64,
    failure: Mutex<Option<io::Error>>,
}

/// A reader that counts.
struct Counted(BufReader<File>, Arc<Reading>);

/// Loads the images of a file; gives the references that the engine says it loaded.
pub async fn load(engine: &Engine, path: &Path, tell: Tell<'_>) -> Result<Vec<String>, ImagesError> {
    let unreadable = |source| ImagesError::Read { path: path.to_owned(), source };
    let (file, total, packing) = open(path)?;
    let reading = Arc::new(Reading::default());
    let source = unpacked(Counted(BufReader::new(file), Arc::clone(&reading)), packing).map_err(unreadable)?;
    let (chunks, waiting) = mpsc::channel(WAITING);
    let shared = Arc::clone(&reading);
    let reader = tokio::task::spawn_blocking(move || read(source, &chunks, &shared));
    let answer = send(engine, path, waiting, &reading, total, tell).await;
    // It ends when the engine takes no more.
    let _ = reader.await;
    if let Some(error) = reading.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(ImagesError::Damaged { path: path.to_owned(), reason: error.to_string() });
    }
    match answer? {
        loaded if loaded.is_empty() => Err(no_archive(path, "the engine found no image in it")),
        loaded => Ok(loaded),
    }
}

fn open(path: &Path) -> Result<(File, u64, Packing), ImagesError> {
    let failed = |source| ImagesError::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if about.is_dir() {
        return Err(no_archive(path, "it is a folder"));
    }
    let mut head = Vec::new();
    (&mut file).take(512).read_to_end(&mut head).map_err(failed)?;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let packing = packing(&head).ok_or_else(|| {
        no_archive(path, if head.is_empty() { "it is empty" } else { "it begins neither as tar nor as gzip nor as zstd" })
    })?;
    Ok((file, about.len(), packing))
}

fn packing(head: &[u8]) -> Option<Packing> {
    match head {
        [0x1f, 0x8b, ..] => Some(Packing::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packing::Zstd),
        _ if head.get(TAR_MAGIC.0..TAR_MAGIC.0 + TAR_MAGIC.1.len()) == Some(TAR_MAGIC.1) => Some(Packing::Tar),
        _ => None,
    }
}

fn unpacked(file: Counted, packing: Packing) -> io::Result<Box<dyn Read + Send>> {
    Ok(match packing {
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
        Packing::Tar | Packing::Gzip => Box::new(file),
    })
}

/// Reads until the end, a failure, or until nobody takes any more.
fn read(mut source: Box<dyn Read + Send>, chunks: &mpsc::Sender<io::Result<Bytes>>, reading: &Reading) {
    loop {
        let mut chunk = vec![0; CHUNK];
        match source.read(&mut chunk) {
            Ok(0) => return,
            Ok(length) => {
                chunk.truncate(length);
                if chunks.blocking_send(Ok(chunk.into())).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                // The engine must not take what came so far for all.
                let _ = chunks.blocking_send(Err(io::Error::other(error.to_string())));
                *reading.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
        }
    }
}

async fn send(
    engine: &Engine,
    path: &Path,
    waiting: mpsc::Receiver<io::Result<Bytes>>,
    reading: &Arc<Reading>,
    total: u64,
    tell: Tell<'_>,
) -> Result<Vec<String>, ImagesError> {
    let image = path.display().to_string();
    let step = |layer: String, status: &str, current, total| Step {
        image: image.clone(),
        layer,
        status: status.to_owned(),
        current,
        total,
    };
    let (told, mut sent) = mpsc::unbounded_channel();
    let counted = Arc::clone(reading);
    let body = stream::unfold(waiting, |mut waiting| async move { waiting.recv().await.map(|chunk| (chunk, waiting)) });
    let body = body.inspect(move |_| {
        // Whoever watched has left: the load goes on.
        let _ = told.send(counted.bytes.load(Ordering::Relaxed));
    });
    let options = ImportImageOptionsBuilder::default().quiet(false).build();
    let mut words = std::pin::pin!(engine.patient(PATIENCE).import_image(options, body_try_stream(body), None));
    let failed = |source: Said| refused(path, source);
    let mut loaded = Vec::new();
    loop {
        tokio::select! {
            Some(current) = sent.recv() => tell(step(String::new(), "Sending", current, total)),
            word = tokio::time::timeout(PATIENCE, words.next()) => match word.map_err(|_| failed(Said::silence(PATIENCE)))? {
                None => return Ok(loaded),
                Some(Err(error)) => return Err(failed(error.into())),
                Some(Ok(info)) => {
                    loaded.extend(info.stream.as_deref().and_then(reference));
                    if let (Some(layer), Some(status)) = (info.id, info.status) {
                        let progress = info.progress_detail.unwrap_or_default();
                        let bytes = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
                        tell(step(layer, &status, bytes(progress.current), bytes(progress.total)));
                    }
                }
            },
        }
    }
}

/// `Loaded image: name:tag` and `Loaded image ID: sha256:…`.
fn reference(words: &str) -> Option<String> {
    let rest = words.trim().strip_prefix("Loaded image")?;
    let rest = rest.trim_start_matches(" ID").trim_start_matches("(s)").strip_prefix(':')?;
    Some(rest.trim().to_owned())
}

/// The engine's words about a file, sorted by what is wrong with it.
fn refused(path: &Path, source: Said) -> ImagesError {
    let words = source.words.to_ascii_lowercase();
    let damaged = ["unexpected eof", "corrupt", "checksum", "invalid tar header", "invalid header"];
    let foreign = ["repositories: no such file", "manifest.json", "does not contain", "payload does not match"];
    if damaged.iter().any(|text| words.contains(text)) {
        return ImagesError::Damaged { path: path.to_owned(), reason: source.words };
    }
    if foreign.iter().any(|text| words.contains(text)) {
        return no_archive(path, "it is a tar archive without images");
    }
    ImagesError::Load { path: path.to_owned(), source }
}

fn no_archive(path: &Path, reason: &str) -> ImagesError {
    ImagesError::NoArchive { path: PathBuf::from(path), reason: reason.to_owned() }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read(buffer)?;
        self.1.bytes.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_first_bytes() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(packing(&tar), Some(Packing::Tar));
        assert_eq!(packing(&[0x1f, 0x8b, 8]), Some(Packing::Gzip));
        assert_eq!(packing(&[0x28, 0xb5, 0x2f, 0xfd]), Some(Packing::Zstd));
        assert_eq!(packing(b"PK\x03\x04"), None);
        assert_eq!(packing(&[]), None);
    }

    #[test]
    fn what_the_engine_says_it_loaded() {
        assert_eq!(reference("Loaded image: a/b:1\n").as_deref(), Some("a/b:1"));
        assert_eq!(reference("Loaded image ID: sha256:ab\n").as_deref(), Some("sha256:ab"));
        assert_eq!(reference("Loading layer"), None);
    }
}
