//! A registry on loopback that has what a test gives it: the OCI distribution API as far as an engine needs it to pull.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use devstack::support::random;
use sha2::{Digest, Sha256};
use tokio::{net::TcpListener, task::JoinHandle};

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// Blobs and manifests by digest or tag.
type Things = Arc<HashMap<String, (String, Vec<u8>)>>;

/// A registry with one image, `NAME:1`.
pub(super) struct Registry {
    pub(super) reference: String,
    server: JoinHandle<()>,
}

impl Registry {
    /// Serves an image of random bytes in `layers` layers; nothing in it can be run.
    pub(super) async fn serve(layers: usize) -> Self {
        let mut things = HashMap::new();
        let mut described = Vec::new();
        let mut unpacked = Vec::new();
        for number in 0..layers {
            let tar = layer(&format!("file-{number}"), 200_000);
            unpacked.push(digest(&tar));
            let packed = gzip(&tar);
            let (name, size) = (digest(&packed), packed.len());
            described.push(serde_json::json!({ "mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": size, "digest": name }));
            things.insert(name, ("application/octet-stream".to_owned(), packed));
        }
        let config = serde_json::json!({
            "architecture": "amd64", "os": "linux", "config": {}, "created": "2026-01-02T03:04:05Z",
            "rootfs": { "type": "layers", "diff_ids": unpacked },
        });
        let config = config.to_string().into_bytes();
        let name = digest(&config);
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "layers": described,
            "config": { "mediaType": "application/vnd.docker.container.image.v1+json", "size": config.len(), "digest": name },
        });
        things.insert(name, ("application/octet-stream".to_owned(), config));
        let manifest = manifest.to_string().into_bytes();
        things.insert(digest(&manifest), (MANIFEST.to_owned(), manifest.clone()));
        things.insert("1".to_owned(), (MANIFEST.to_owned(), manifest));
        Self::start(Arc::new(things)).await
    }

    async fn start(things: Things) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/v2/", get(|| async { StatusCode::OK }))
            .route("/v2/devstack/{name}/{kind}/{reference}", get(thing))
            .with_state(things);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let name = const_hex::encode(random::bytes::<4>());
        Self { reference: format!("{address}/devstack/test-{name}:1"), server }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn thing(State(things): State<Things>, Path((_, _, reference)): Path<(String, String, String)>) -> Response {
    let Some((kind, bytes)) = things.get(&reference) else { return StatusCode::NOT_FOUND.into_response() };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
    headers.insert("docker-content-digest", digest(bytes).parse().unwrap());
    (headers, bytes.clone()).into_response()
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", const_hex::encode(Sha256::digest(bytes)))
}

/// A layer with one file of bytes that do not shrink.
fn layer(name: &str, size: usize) -> Vec<u8> {
    let bytes: Vec<u8> = (0..size / 32).flat_map(|_| random::bytes::<32>()).collect();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, &bytes[..]).unwrap();
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}
