//! `devstack init` on sample folders: the exact files and lines, and nothing that was there is touched.

use std::fs;

use crate::sandbox::{Run, Sandbox};

/// A folder without anything.
fn folder() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::remove_file(sandbox.path("devstack.yaml")).unwrap();
    fs::remove_dir(sandbox.path("fixtures")).unwrap();
    sandbox
}

fn read(sandbox: &Sandbox, path: &str) -> String {
    fs::read_to_string(sandbox.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Everything that was written is right, and nothing of it is worth a warning.
fn assert_lints(sandbox: &Sandbox) {
    let run = sandbox.run(&["lint", "--strict"]);
    assert_eq!((run.code, run.out.as_str()), (0, "1 fixture, 1 suite, 1 stack: nothing to complain about\n"), "{}", run.err);
}

#[test]
fn a_node_service_with_stripe_gets_what_its_files_say() {
    let sandbox = folder();
    sandbox.write(
        "package.json",
        r#"{"name":"@acme/shop-api","scripts":{"start":"node src/server.js"},"dependencies":{"express":"4"}}"#,
    );
    sandbox.write(
        ".env.example",
        "STRIPE_WEBHOOK_SECRET=whsec_realsecretvalue\nPORT=3005\nDATABASE_URL=postgres://app:hunter2@db/app\n",
    );
    sandbox.write("src/server.js", "app.post('/webhooks/stripe', h)\napp.get('/health', ok)\napp.listen(process.env.PORT)\n");
    sandbox.write("node_modules/x/y.js", "'/webhooks/slack'");
    let run = sandbox.run(&["init"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(
        run.out,
        "\
✓ devstack.yaml                            how `shop-api` is started
✓ fixtures/suite.yaml                      what the fixtures are sent to, and the rules
✓ fixtures/stripe/payment-succeeded.yaml   a first fixture
✓ fixtures/stripe/payment-succeeded.json   its body, invented
"
    );
    assert_eq!(
        run.err,
        "\
Found:
  shop-api           `npm start`, port 3005  (package.json, .env.example, src/server.js)
  stripe             STRIPE_WEBHOOK_SECRET in .env.example, /webhooks/stripe in src/server.js
Next:
  devstack up                                        starts the services, and what takes their telemetry
  devstack record --forward http://127.0.0.1:3005    turns real webhooks into fixtures
  devstack replay                                    sends the fixtures and checks their traces
"
    );
    assert_eq!(
        read(&sandbox, "devstack.yaml"),
        "\
# The services that `devstack up` and `devstack replay` start. Their OTEL_* variables are set for them.
services:
  shop-api:
    command: npm start
    environment:
      STRIPE_WEBHOOK_SECRET: ${secret.STRIPE_WEBHOOK_SECRET}
    port: 3005
    ready: /health
"
    );
    assert_eq!(
        read(&sandbox, "fixtures/suite.yaml"),
        "\
# The service of devstack.yaml that the fixtures are sent to.
target: shop-api
# One trace without gaps, errors that say what they are, no personal values.
rules: [otel]
# The longest a case may take. Exporters send every 5 s, unless devstack starts the service.
deadline: 15s
"
    );
    assert_eq!(
        read(&sandbox, "fixtures/stripe/payment-succeeded.yaml"),
        "\
# A first fixture. Put a real body into payment-succeeded.json (or let `devstack record` write one), and say what must come of it.
name: a stripe payment-succeeded is taken
tags: [stripe]
request: { stripe: payment-succeeded.json }
response: { status: { in: [200, 201, 202, 204] } }
trace:
  - server: { starts_with: POST }   # the span of the request; its exact name says more
    service: shop-api
none: [{ status: error }]
# edges: [api -> worker]   # fails when the trace context is lost between two services
"
    );
    assert_lints(&sandbox);
    let everything = format!("{}{}{}", super::sessions::bytes_of(&sandbox.path("fixtures")), run.out, run.err);
    assert!(!everything.contains("whsec_") && !everything.contains("hunter2"), "values of variables are not read");
}

#[test]
fn a_python_service_with_github_and_flags_that_say_otherwise() {
    let sandbox = folder();
    sandbox.write("requirements.txt", "fastapi\nuvicorn\n");
    sandbox.write("main.py", "app = FastAPI()\n\n@app.post(\"/hooks/github\")\ndef hook(): ...\n");
    let run = sandbox.run(&[
        "init",
        "--service",
        "api=uvicorn main:app --port 9000",
        "--service",
        "worker=python worker.py",
        "--port",
        "9000",
    ]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(
        read(&sandbox, "devstack.yaml"),
        "\
# The services that `devstack up` and `devstack replay` start. Their OTEL_* variables are set for them.
services:
  api:
    command: 'uvicorn main:app --port 9000'
    # environment:   # its own name for what deliveries are signed with
    #   GITHUB_WEBHOOK_SECRET: ${secret.GITHUB_WEBHOOK_SECRET}
    port: 9000
    # ready: /health   # a path that answers 200 once requests are taken
  worker:
    command: python worker.py
    # port: 3001   # where it listens, if it does
"
    );
    let fixture = read(&sandbox, "fixtures/github/push.yaml");
    assert!(fixture.contains("/hooks/github") && fixture.contains("push.json"), "{fixture}");
    assert!(fixture.contains("# edges: [api -> worker]") && fixture.contains("service: api"), "{fixture}");
    assert_lints(&sandbox);
}

#[test]
fn an_empty_folder_gets_a_plain_start_that_lints() {
    let sandbox = folder();
    let run = sandbox.run(&["init", "--yes"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.err.starts_with("Nothing was found here that says how a service is started or which webhooks it takes.\nNext:\n"),
        "{}",
        run.err
    );
    assert!(read(&sandbox, "devstack.yaml").contains("# services:\n#   api:\n#     command: npm start\n#     port: 3000\n"));
    assert_lints(&sandbox);
}

#[test]
fn a_package_with_a_name_that_means_something_else_is_called_api() {
    let sandbox = folder();
    sandbox.write("package.json", r#"{"name":"devstack","scripts":{"start":"node x.js"}}"#);
    assert_eq!(sandbox.run(&["init"]).code, 0);
    assert!(read(&sandbox, "devstack.yaml").contains("\n  api:\n    command: npm start\n"));
    assert_lints(&sandbox);
    assert!(sandbox.run(&["init", "--service", "secret=npm start"]).err.contains("a name of letters"));
}

#[test]
fn what_is_there_is_left_and_said() {
    let sandbox = folder();
    sandbox.write("devstack.yaml", "# mine\n");
    let first = sandbox.run(&["init", "--yes"]);
    assert!(
        first.out.starts_with("· devstack.yaml                            there already, left as it is\n✓ "),
        "{}",
        first.out
    );
    let again = sandbox.run(&["init", "--yes"]);
    assert_eq!((again.code, again.out.matches("left as it is").count()), (0, 4), "{}", again.out);
    assert!(again.err.contains("Nothing was written."));
    assert_eq!(read(&sandbox, "devstack.yaml"), "# mine\n");
}

#[test]
fn wrong_flags_are_told_with_what_is_wanted() {
    let sandbox = folder();
    let wrong = |args: &[&str]| -> Run {
        let run = sandbox.run(&[&["init"], args].concat());
        assert_eq!(run.code, 2, "{}", run.err);
        run
    };
    assert!(wrong(&["--provider", "strpe"]).err.contains("did you mean `stripe`?"));
    assert!(wrong(&["--service", "api"]).err.contains("`api=npm start`"));
    assert!(wrong(&["--path", "x"]).err.contains("a path such as `/webhooks/stripe`"));
    assert!(wrong(&["--port", "0"]).err.contains("1..=65535"));
    assert_eq!(fs::read_dir(sandbox.path("")).unwrap().count(), 0, "nothing was written");
}
