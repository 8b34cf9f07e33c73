//! `devstack doctor` as a whole: in process with a scene, as a program, and against a real engine.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use devstack::{
    doctor::{Check, Limits, PortWanted, Report, Scene, examine},
    stack::{Endpoints, Judge, Stack},
    support::{env::Map, project::Project, random},
};

mod engine;
mod environment;
mod program;
mod target;

/// A project in a folder of its own, with its state in it; it goes when the test ends.
pub(crate) struct Place {
    root: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let root = std::env::temp_dir().join(format!("devstack-doctor-{}", random::uuid()));
        fs::create_dir_all(root.join(".git")).unwrap();
        Self { root: root.canonicalize().unwrap() }
    }

    /// An environment with its state here and these variables besides; by default no engine is found.
    pub(crate) fn env(&self, pairs: &[(&str, &str)]) -> Map {
        let root = self.root.display().to_string();
        let own = [("XDG_STATE_HOME".to_owned(), root.clone()), ("DOCKER_HOST".to_owned(), format!("unix://{root}/none.sock"))];
        own.into_iter().chain(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).collect()
    }

    pub(crate) fn project(&self) -> Project {
        Project::find(&self.root, &self.env(&[]))
    }

    /// From here on the project is one that needs neither containers nor ports, so that nothing depends on the machine.
    pub(crate) fn without_containers(&self) {
        fs::write(self.root.join("devstack.yaml"), "runtime: embedded\nports: auto\n").unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.root
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

pub(crate) fn empty_stack() -> Stack {
    Stack { name: "empty".to_owned(), components: Vec::new(), endpoints: Endpoints::default(), judge: Judge::Ledger }
}

/// Long enough for any machine; only what never comes is waited for so long.
pub(crate) const PATIENT: Limits = Limits { engine: Duration::from_secs(20), each: Duration::from_secs(20) };

pub(crate) async fn examined(place: &Place, env: &Map, ports: Vec<PortWanted>, limits: Limits) -> Report {
    examine(Scene { stack: &empty_stack(), ports, project: &place.project(), env, limits }).await
}

pub(crate) fn find<'a>(report: &'a Report, code: &str) -> &'a Check {
    report.checks.iter().find(|check| check.code == code).unwrap_or_else(|| panic!("no {code} in {report:#?}"))
}

#[tokio::test]
async fn a_port_held_by_a_process_names_it() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ports = vec![PortWanted { port, what: "OTLP over HTTP".to_owned() }];
    let report = examined(&place, &place.env(&[]), ports, PATIENT).await;
    let (pid, program) = (std::process::id(), std::env::current_exe().unwrap());
    let name = program.file_name().unwrap().to_string_lossy();
    let check = find(&report, "port");
    let sentence = format!("port {port} (OTLP over HTTP) is held by {name} (pid {pid}), started ");
    assert!(check.message.starts_with(&sentence), "{}", check.message);
    assert_eq!(check.fix, Some(format!("stop it (`kill {pid}`), or `devstack up --ports auto`")));
    assert_eq!(check.details["pid"], pid);
    assert!(report.broken >= 1);
}

#[tokio::test]
async fn an_endpoint_is_told_when_nobody_listens_and_not_when_somebody_does() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let env = place.env(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    let report = examined(&place, &env, Vec::new(), PATIENT).await;
    assert_eq!(find(&report, "otel").message, "the OTEL_* variable that is set has no known mistake");
    // Port 1 (tcpmux) is nobody's on any machine of today.
    let env = place.env(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/v1/traces")]);
    let report = examined(&place, &env, Vec::new(), PATIENT).await;
    let check = find(&report, "otel.reach");
    assert_eq!(check.message, "nobody listens at OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1/v1/traces");
    assert_eq!(check.fix.as_deref(), Some("devstack up"));
}

#[tokio::test]
async fn what_goes_through_a_proxy_is_not_tried() {
    let place = Place::new();
    let proxied = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"), ("HTTP_PROXY", "http://127.0.0.1:2")];
    let report = examined(&place, &place.env(&proxied), Vec::new(), PATIENT).await;
    assert!(report.checks.iter().all(|check| check.code != "otel.reach"), "{report:#?}");
    let excepted = [proxied[0], proxied[1], ("NO_PROXY", "127.0.0.1,localhost")];
    let report = examined(&place, &place.env(&excepted), Vec::new(), PATIENT).await;
    find(&report, "otel.reach");
}
