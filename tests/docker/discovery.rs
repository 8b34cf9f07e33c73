//! Engines that are there, are not, or do not answer.

use std::path::PathBuf;

use devstack::{
    runtime::docker::{Engine, EngineError},
    support::{env::Map, random},
};
use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::engine;

fn host(host: &str) -> Map {
    [("DOCKER_HOST", host)].into_iter().collect()
}

fn socket() -> PathBuf {
    std::env::temp_dir().join(format!("devstack-{}.sock", const_hex::encode(random::bytes::<6>())))
}

#[tokio::test]
async fn an_engine_says_what_it_is() {
    let Some(engine) = engine().await else { return };
    let about = engine.about();
    assert!(["docker", "podman"].contains(&about.name.as_str()), "{about:?}");
    assert!(about.version.starts_with(|first: char| first.is_ascii_digit()), "{about:?}");
    assert!(about.api.split_once('.').is_some() && !about.arch.is_empty(), "{about:?}");
}

#[tokio::test]
async fn a_socket_that_is_not_there_is_no_engine() {
    let error = Engine::discover(&host("unix:///nowhere/docker.sock")).await.unwrap_err();
    let EngineError::Absent { looked } = &error else { panic!("{error:?}") };
    assert_eq!(looked, &["unix:///nowhere/docker.sock (DOCKER_HOST)"]);
    assert!(error.is_absent());
}

#[tokio::test]
async fn a_socket_that_listens_and_never_answers_is_an_engine_that_is_silent() {
    let path = socket();
    let listener = UnixListener::bind(&path).unwrap();
    let error = Engine::discover(&host(&format!("unix://{}", path.display()))).await.unwrap_err();
    drop(listener);
    std::fs::remove_file(&path).unwrap();
    let EngineError::Silent { at, reason } = &error else { panic!("{error:?}") };
    assert_eq!(at, &format!("unix://{}", path.display()));
    assert_eq!(reason, "no answer within 3 s");
}

#[tokio::test]
async fn a_socket_that_nobody_listens_on_any_more_is_an_engine_that_is_silent() {
    let path = socket();
    drop(UnixListener::bind(&path).unwrap());
    let error = Engine::discover(&host(&format!("unix://{}", path.display()))).await.unwrap_err();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(&error, EngineError::Silent { reason, .. } if reason == "connection refused"), "{error:?}");
}

#[tokio::test]
async fn an_address_by_ssh_is_refused_with_words() {
    let error = Engine::discover(&host("ssh://me@builder")).await.unwrap_err();
    assert!(error.to_string().contains("does not log in by SSH"), "{error}");
    assert!(!error.is_absent());
}

#[tokio::test]
async fn an_engine_behind_a_tcp_port_is_found() {
    let Some(engine) = engine().await else { return };
    let Some(path) = engine.about().at.strip_prefix("unix://").map(ToOwned::to_owned) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let relay = tokio::spawn(async move {
        while let Ok((mut outside, _)) = listener.accept().await {
            let path = path.clone();
            tokio::spawn(async move {
                let mut inside = UnixStream::connect(path).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    let found = Engine::discover(&host(&format!("tcp://{address}"))).await.unwrap();
    assert_eq!(found.about().version, engine.about().version);
    assert_eq!(found.about().at, format!("tcp://{address}"));
    relay.abort();
}
