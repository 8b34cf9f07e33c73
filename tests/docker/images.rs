//! Images: fetched from a registry, saved to files of each packing, loaded again; and files that are none.

use std::{path::PathBuf, sync::Mutex};

use devstack::{
    runtime::{
        Pull, UpEvent,
        docker::{
            Engine,
            images::{self, ImagesError, Step},
        },
    },
    stack::Role,
    support::random,
};
use tokio::net::TcpListener;

use super::{Bench, component, docker, engine, registry::Registry};

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("devstack-images-{}", random::uuid()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An image that goes when the test ends.
struct Image(String);

impl Image {
    fn one(&self) -> &[String] {
        std::slice::from_ref(&self.0)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = std::process::Command::new("docker").args(["rmi", "-f", &self.0]).output();
    }
}

async fn state(engine: &Engine, reference: &str) -> images::ImageState {
    images::list(engine, &[reference.to_owned()]).await.unwrap().remove(0)
}

fn nobody(_: Step) {}

#[tokio::test]
async fn an_image_is_fetched_layer_by_layer() {
    let Some(engine) = engine().await else { return };
    let registry = Registry::serve(2).await;
    let image = Image(registry.reference.clone());
    assert!(!state(&engine, &image.0).await.present);
    let told = Mutex::new(Vec::new());
    let tell = |step: Step| told.lock().unwrap().push(step);
    images::pull(&engine, image.one(), &tell).await.unwrap();
    let now = state(&engine, &image.0).await;
    assert!(now.present && now.size.unwrap() >= 399_000, "{now:?}");
    assert!(now.id.unwrap().starts_with("sha256:"));
    assert!(now.digest.unwrap().contains("@sha256:"));
    assert_eq!(now.created.as_deref(), Some("2026-01-02T03:04:05Z"));
    let told = told.into_inner().unwrap();
    let done = told.iter().filter(|step| step.status == "Pull complete").count();
    assert_eq!(done, 2, "{told:?}");
    assert!(told.iter().any(|step| step.status == "Downloading" && step.total > 0 && !step.layer.is_empty()), "{told:?}");
    assert!(told.iter().all(|step| step.image == image.0));
}

#[tokio::test]
async fn a_stack_fetches_what_is_missing_and_tells_of_it() {
    let Some(mut bench) = Bench::new().await else { return };
    let registry = Registry::serve(1).await;
    let image = Image(registry.reference.clone());
    let mut order = bench.order(vec![component("other", Role::Other, &image.0)]);
    order.pull = Pull::Missing;
    // The image has nothing to run: it is fetched, and then the engine has no command.
    let failure = bench.containers.make(&order, &bench.events, &bench.stop).await.unwrap_err();
    assert!(failure.details.iter().any(|detail| detail.contains("No command")), "{failure:?}");
    assert!(bench.told().iter().any(|event| matches!(event, UpEvent::Pulling { image: told, .. } if *told == image.0)));
    assert!(state(bench.containers.engine(), &image.0).await.present);
    assert_eq!(bench.there().await, Vec::<String>::new());
}

#[tokio::test]
async fn fetching_from_a_registry_that_never_answers_can_be_cancelled() {
    let Some(bench) = Bench::new().await else { return };
    let hole = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut order = bench.order(vec![component("other", Role::Other, &format!("{}/x:1", hole.local_addr().unwrap()))]);
    order.pull = Pull::Missing;
    let (containers, events, stop) = (bench.containers.clone(), bench.events.clone(), bench.stop.clone());
    let making = tokio::spawn(async move { containers.make(&order, &events, &stop).await });
    // The engine has asked the registry, and waits.
    let asked = tokio::time::timeout(super::DEADLINE, hole.accept()).await.unwrap().unwrap();
    bench.stop.cancel();
    let failure = tokio::time::timeout(super::DEADLINE, making).await.unwrap().unwrap().unwrap_err();
    drop(asked);
    assert!(failure.cancelled, "{failure:?}");
    assert_eq!(bench.there().await, Vec::<String>::new());
}

#[tokio::test]
async fn saved_and_loaded_again_in_each_packing() {
    let Some(engine) = engine().await else { return };
    let (registry, folder) = (Registry::serve(2).await, Folder::new());
    let image = Image(registry.reference.clone());
    images::pull(&engine, image.one(), &nobody).await.unwrap();
    let before = state(&engine, &image.0).await;
    let mut sizes = Vec::new();
    for name in ["images.tar", "images.tar.gz", "images.tar.zst"] {
        let path = folder.0.join(name);
        let packed = images::save(&engine, image.one(), &path, &nobody).await.unwrap();
        assert!(packed > 400_000, "{name}: {packed}");
        sizes.push(path.metadata().unwrap().len());
        docker(&["rmi", "-f", &image.0]).await;
        assert!(!state(&engine, &image.0).await.present);
        let told = Mutex::new(Vec::new());
        let tell = |step: Step| told.lock().unwrap().push(step);
        assert_eq!(images::load(&engine, &path, &tell).await.unwrap(), *image.one(), "{name}");
        assert_eq!(state(&engine, &image.0).await.id, before.id, "{name}");
        let told = told.into_inner().unwrap();
        assert!(
            told.iter().any(|step| step.status == "Sending" && step.current == step.total && step.total > 0),
            "{name}: {told:?}"
        );
    }
    assert!(sizes[1] < sizes[0] && sizes[2] < sizes[0], "{sizes:?}");
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 3, "no half files beside them");
}

#[tokio::test]
async fn files_that_are_no_images_are_refused_with_words() {
    let Some(engine) = engine().await else { return };
    let (registry, folder) = (Registry::serve(1).await, Folder::new());
    let image = Image(registry.reference.clone());
    images::pull(&engine, image.one(), &nobody).await.unwrap();
    for name in ["whole.tar", "whole.tar.gz", "whole.tar.zst"] {
        images::save(&engine, image.one(), &folder.0.join(name), &nobody).await.unwrap();
        let whole = std::fs::read(folder.0.join(name)).unwrap();
        let cut = folder.0.join(name.replace("whole", "cut"));
        std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
        let error = images::load(&engine, &cut, &nobody).await.unwrap_err();
        assert!(matches!(error, ImagesError::Damaged { .. }), "{name}: {error:?}");
    }
    let refused = async |name: &str, bytes: &[u8]| {
        let path = folder.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = images::load(&engine, &path, &nobody).await.unwrap_err();
        assert!(matches!(error, ImagesError::NoArchive { .. }), "{name}: {error:?}");
        error.to_string().replace(&path.display().to_string(), "FILE")
    };
    assert_eq!(
        refused("text", b"hello").await,
        "`FILE` is no archive of images: it begins neither as tar nor as gzip nor as zstd"
    );
    assert_eq!(refused("empty", b"").await, "`FILE` is no archive of images: it is empty");
    let mut other = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    other.append_data(&mut header, "note.txt", &b"hi"[..]).unwrap();
    let other = other.into_inner().unwrap();
    assert_eq!(refused("other.tar", &other).await, "`FILE` is no archive of images: it is a tar archive without images");
    let missing = images::load(&engine, &folder.0.join("nowhere"), &nobody).await.unwrap_err();
    assert!(matches!(missing, ImagesError::Read { .. }), "{missing:?}");
    let unsaved = images::save(&engine, &["nobody/nothing:0".to_owned()], &folder.0.join("x.tar"), &nobody).await.unwrap_err();
    assert_eq!(unsaved.to_string(), "the engine does not have `nobody/nothing:0`");
    assert!(!folder.0.join("x.tar").exists());
}

/// The command as a program: exit code, stdout, stderr.
async fn command(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_devstack"));
    let output = program.arg("images").args(arguments).envs(environment.iter().copied()).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn the_command_lists_fetches_saves_and_loads() {
    let Some(engine) = engine().await else { return };
    let (registry, folder) = (Registry::serve(2).await, Folder::new());
    let image = Image(registry.reference.clone());
    let (code, out, err) = command(&["pull", &image.0], &[]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains(&format!("✓ {}", image.0)) && out.contains("400 kB"), "{out}");
    assert_eq!(err.lines().collect::<Vec<_>>(), [format!("{}: pulling from devstack/{}", image.0, name_of(&image.0))]);
    let file = folder.0.join("one.tar.zst").display().to_string();
    let (code, out, err) = command(&["save", &file, &image.0], &[]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with(&format!("{file}: 1 image, ")), "{out}");
    docker(&["rmi", "-f", &image.0]).await;
    let (code, out, err) = command(&["load", &file], &[]).await;
    assert_eq!((code, out), (Some(0), format!("loaded {}\n", image.0)), "{err}");
    assert!(state(&engine, &image.0).await.present);
    let (code, out, _) = command(&["list", "--stack", "jaeger", "--format", "json"], &[]).await;
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &document["version"]), (Some(0), &serde_json::json!(1)));
    let references: Vec<_> =
        document["images"].as_array().unwrap().iter().map(|image| image["reference"].as_str().unwrap()).collect();
    assert!(references.contains(&super::JAEGER), "{references:?}");
}

#[tokio::test]
async fn the_command_says_by_its_exit_code_whose_fault_it_is() {
    let nowhere = [("DOCKER_HOST", "unix:///nowhere/docker.sock")];
    let (code, out, err) = command(&["list"], &nowhere).await;
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(err.contains("there is no Docker engine here") && err.contains("hint: "), "{err}");
    let Some(_) = engine().await else { return };
    let (code, _, err) = command(&["load", "Cargo.toml"], &[]).await;
    assert_eq!(code, Some(2));
    assert!(err.contains("`Cargo.toml` is no archive of images"), "{err}");
    let (code, _, err) = command(&["pull", "127.0.0.1:1/nobody/nothing:1"], &[]).await;
    assert_eq!(code, Some(3));
    assert!(err.contains("connection refused") && err.contains("devstack images load FILE"), "{err}");
}

/// `test-1a2b3c4d` of `127.0.0.1:1/devstack/test-1a2b3c4d:1`.
fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().and_then(|rest| rest.split(':').next()).unwrap()
}
