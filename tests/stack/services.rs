//! Services and externals of a project: what is decoded, in which order, and what the environment does to it.

use std::time::Duration;

use devstack::{
    stack::{self, Command, PortWish, Readiness, Settings, Template},
    support::env::Map,
};

use super::Project;

const WHOLE: &str = r#"
services:
  api:
    command: [node, --import, ./telemetry.mjs, api.mjs, 010]
    directory: services/api
    environment:
      WORKER_URL: "${worker.url}/v1"
      API_KEY: "${API_KEY:-dev}"
      STRIPE_WEBHOOK_SECRET: "${secret.STRIPE_WEBHOOK_SECRET}"
      MAIL: "${mail.url}"
      LEVEL: "${LEVEL}"
    env_file: .env
    port: 3000
    url: http://localhost:3000/
    ready: { http: /health, status: 204 }
    after: [worker]
    stop_grace: 5s
    name: shop-api
  worker: { command: npm run worker, port: auto, ready: /health }
  job: { command: ./job, ready: { log: "^done" } }
externals:
  mail: { latency: 5ms, answers: [{ method: POST, path: /send, status: 202, json: { queued: true }, headers: { X-A: 1 }, latency: 20ms }] }
  trigger: { stand_in: trigger.dev, variable: TRIGGER_API_URL, port: 3040 }
"#;

fn project(env_file: &str) -> Project {
    Project::new(&[("devstack.yaml", WHOLE), ("services/api/.keep", ""), (".env", env_file)])
}

fn settings(project: &Project, env: &[(&str, &str)]) -> Result<Settings, String> {
    stack::settings(&project.0, &env.iter().copied().collect::<Map>()).map_err(|problems| problems.to_string())
}

/// As JSON, because nothing else shows what is in it.
fn shown(template: Option<&Template>) -> String {
    serde_json::to_string(&template).unwrap()
}

#[test]
fn everything_that_can_be_said_is_decoded() {
    let project = project("LEVEL=debug\nAPI_KEY=of-the-file\nMORE=1\n");
    let settings = settings(&project, &[]).unwrap();
    let names: Vec<_> = settings.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["worker", "api", "job"], "each after what it waits for, else as written");

    let api = &settings.services[1];
    let program = ["node", "--import", "./telemetry.mjs", "api.mjs", "010"].map(str::to_owned);
    assert_eq!(api.command, Command::Program(program.into()));
    assert_eq!(
        (api.otel_name.as_str(), api.port, api.stop_grace),
        ("shop-api", Some(PortWish::Fixed(3000)), Duration::from_secs(5))
    );
    assert_eq!(api.url.as_deref(), Some("http://localhost:3000"));
    assert_eq!(api.ready, Readiness::Http { path: "/health".to_owned(), status: Some(204) });
    assert!(api.directory.is_absolute() && api.directory.ends_with("services/api"));
    let value = |name: &str| shown(api.environment.get(name));
    assert_eq!(value("WORKER_URL"), r#"[{"url":"worker"},{"text":"/v1"}]"#);
    assert_eq!(value("STRIPE_WEBHOOK_SECRET"), r#"[{"secret":"STRIPE_WEBHOOK_SECRET"}]"#);
    assert_eq!(value("API_KEY"), r#"[{"text":"of-the-file"}]"#, "a variable of the file is one, before any default");
    assert_eq!((value("LEVEL"), value("MORE")), (r#"[{"text":"debug"}]"#.to_owned(), r#"[{"text":"1"}]"#.to_owned()));

    let worker = &settings.services[0];
    assert_eq!(worker.command, Command::Shell("npm run worker".to_owned()));
    assert_eq!((worker.otel_name.as_str(), worker.port), ("worker", Some(PortWish::Auto)));
    assert_eq!(worker.ready, Readiness::Http { path: "/health".to_owned(), status: None });
    assert_eq!(settings.services[2].ready, Readiness::Log("^done".to_owned()));
    insta::assert_snapshot!(serde_json::to_string_pretty(&settings.externals).unwrap());
}

#[test]
fn the_environment_comes_before_the_file_and_an_unset_variable_is_told_at_its_place() {
    let project = project("MORE=1\n");
    let told = settings(&project, &[]).unwrap_err();
    assert!(told.ends_with("devstack.yaml:11:15: the environment has no `LEVEL`"), "{told}");
    let settings = settings(&project, &[("LEVEL", "info"), ("API_KEY", "hunter2")]).unwrap();
    let api = &settings.services[1];
    assert_eq!(shown(api.environment.get("API_KEY")), r#"[{"text":"hunter2"}]"#);
    assert!(!format!("{settings:?}").contains("hunter2"), "nobody sees a value");
}

#[test]
fn a_file_of_variables_that_cannot_be_read_is_told_without_its_content() {
    let told = settings(&project("hunter2\n"), &[("LEVEL", "info")]).unwrap_err();
    assert!(told.ends_with("line 1 of `.env` has no `=` after the name"), "{told}");
}

#[test]
fn a_project_without_a_file_has_no_services() {
    assert_eq!(settings(&Project::new(&[]), &[]), Ok(Settings::default()));
}
