//! Engines that are absent, silent, stopped or closed to this user; and a real one, where there is one.

use std::{fs, io, os::unix::fs::PermissionsExt as _, process::Command, time::Duration};

use devstack::{
    doctor::{Level, Limits, PortWanted, Report, Scene, examine},
    runtime::Owner,
    stack::{Component, Role, Stack},
    support::{env::Map, random},
};
use tokio::net::UnixListener;

use super::{PATIENT, Place, empty_stack, examined, find, program::squeezed};

const PROMETHEUS: &str = "prom/prometheus:v3.16.0";

/// The environment in which the engine is said to be at a socket of the place.
fn env(place: &Place) -> Map {
    place.env(&[("DOCKER_HOST", &format!("unix://{}/engine.sock", place.path().display()))])
}

async fn with_engine(place: &Place, limits: Limits) -> Report {
    examined(place, &env(place), Vec::new(), limits).await
}

#[tokio::test]
async fn one_that_is_silent_is_told_with_its_bound_and_the_rest_is_there() {
    let place = Place::new();
    // Connections wait in its queue for ever.
    let _silent = UnixListener::bind(place.path().join("engine.sock")).unwrap();
    let limits = Limits { engine: Duration::from_millis(50), ..PATIENT };
    let report = with_engine(&place, limits).await;
    let check = find(&report, "engine");
    assert_eq!(check.level, Level::Broken);
    assert!(check.message.ends_with("engine.sock does not answer: no answer within 0.05 s"), "{}", check.message);
    assert_eq!(find(&report, "state").level, Level::Ok);
}

#[tokio::test]
async fn one_that_has_stopped_left_its_socket() {
    let place = Place::new();
    drop(UnixListener::bind(place.path().join("engine.sock")).unwrap());
    let report = with_engine(&place, PATIENT).await;
    let check = find(&report, "engine");
    assert_eq!(check.level, Level::Broken);
    assert!(check.message.ends_with("engine.sock does not answer: connection refused"), "{}", check.message);
}

/// Root is let in everywhere, so the program is run as another user where this is root.
#[test]
fn one_that_lets_only_others_in() {
    const NOBODY: u32 = 65534;
    let place = Place::new();
    let socket = place.path().join("engine.sock");
    place.without_containers();
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o000)).unwrap();
    let program = |path: &std::path::Path| {
        let mut command = Command::new(path);
        command.arg("doctor").current_dir(place.path()).env_clear();
        command.env("DOCKER_HOST", format!("unix://{}", socket.display())).env("XDG_STATE_HOME", "/");
        if rustix::process::geteuid().is_root() {
            std::os::unix::process::CommandExt::uid(&mut command, NOBODY);
        }
        command.output()
    };
    let output = match program(env!("CARGO_BIN_EXE_devstack").as_ref()) {
        // The build lies in a folder that other users may not enter.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let copy = place.path().join("devstack");
            fs::copy(env!("CARGO_BIN_EXE_devstack"), &copy).unwrap();
            program(&copy)
        }
        ran => ran,
    };
    let output = output.unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{out}");
    let sentence = format!("✗ this user may not speak to the Docker engine at unix://{}", socket.display());
    assert!(squeezed(&out).starts_with(&squeezed(&sentence)), "{out}");
    assert!(out.contains("fix: `sudo usermod -aG docker \"$USER\"`, then log in again"), "{out}");
}

/// A container that publishes a port; removed when the test ends.
struct Container {
    name: String,
    port: u16,
}

impl Container {
    fn start(label: &str) -> Self {
        let name = format!("devstack-doctor-{}", random::uuid());
        let mut container = Self { name: name.clone(), port: 0 };
        docker(&["run", "-d", "--name", &name, "--label", label, "-p", "127.0.0.1::9090", PROMETHEUS]);
        let published = docker(&["port", &name, "9090"]);
        container.port = published.trim().rsplit_once(':').expect("address and port").1.parse().unwrap();
        container
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", "-v", &self.name]).output();
    }
}

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether an engine answers here; without one these tests are skipped, except in CI, which has one.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn engine_is_here() -> bool {
    let here = Command::new("docker").arg("version").output().is_ok_and(|output| output.status.success());
    assert!(here || std::env::var_os("CI").is_none(), "CI is set and no Docker engine answers");
    if !here {
        eprintln!("skipped: no Docker engine answers here");
    }
    here
}

fn stack_of_prometheus() -> Stack {
    let component = Component {
        name: "prometheus".to_owned(),
        role: Role::Prometheus,
        image: PROMETHEUS.to_owned(),
        command: Vec::new(),
        environment: std::collections::BTreeMap::new(),
        files: std::collections::BTreeMap::new(),
        ports: std::collections::BTreeMap::new(),
        volumes: std::collections::BTreeMap::new(),
        user: None,
        memory: None,
        after: Vec::new(),
        ready: Vec::new(),
        stop_grace: Duration::from_secs(1),
    };
    let absent = Component { name: "absent".to_owned(), image: "devstack.invalid/absent:1".to_owned(), ..component.clone() };
    Stack { name: "two".to_owned(), components: vec![component, absent], ..empty_stack() }
}

#[tokio::test]
async fn a_real_one_tells_images_clock_and_whose_container_holds_a_port() {
    if !engine_is_here() {
        return;
    }
    let place = Place::new();
    let project = place.project();
    let owner = Owner::of(&project).unwrap().id;
    let (foreign, ours) =
        (Container::start("dev.devstack.owner=someone-else"), Container::start(&format!("dev.devstack.owner={owner}")));
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    let env = place.env(&[("DOCKER_HOST", &host)]);
    let port = |port| PortWanted { port, what: "prometheus".to_owned() };
    let stack = stack_of_prometheus();
    let ports = vec![port(foreign.port), port(ours.port)];
    let report = examine(Scene { stack: &stack, ports, project: &project, env: &env, limits: PATIENT }).await;

    assert_eq!(find(&report, "engine").level, Level::Ok);
    let held = find(&report, "port");
    assert_eq!(held.message, format!("port {} (prometheus) is held by container {}", foreign.port, foreign.name));
    assert_eq!(find(&report, "ports.ours").message, format!("port {} is held by this project's stack", ours.port));
    assert_eq!(find(&report, "images").message, "1 of 2 images of stack two missing: devstack.invalid/absent:1");
    assert_eq!(find(&report, "stack").message, "1 container of this project is left over");
    assert_eq!(find(&report, "clock").level, Level::Ok, "{report:#?}");
}
