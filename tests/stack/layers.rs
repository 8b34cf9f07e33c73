//! What is put over a stack: `extends`, the project's file, `--set`; and what a project says besides.

use devstack::stack::{Judge, Port, Probe, RuntimeWish};

use super::Project;

const SHOP: &str = "
extends: jaeger
components:
  jaeger: { image: 'jaegertracing/jaeger:2.14.0', memory: 512MiB }
  redis:
    image: redis:8
    environment: { VERSION: 1.10, ON: true, CONF: { file: redis.conf }, TEXT: '${NOT_EXPANDED}' }
    files:
      /etc/redis: conf
      /etc/redis/b.conf: { text: mine }
    ports: { api: 6379 }
    ready: { log: Ready }
    after: [jaeger, collector]
    stop_grace: 300ms
";

fn shop() -> Project {
    Project::new(&[
        ("stacks/shop.yaml", SHOP),
        ("stacks/redis.conf", "maxmemory 1mb\n"),
        ("stacks/conf/a.conf", "a"),
        ("stacks/conf/b.conf", "b"),
        ("stacks/conf/deep/c.conf", "c"),
        ("stacks/conf/.hidden", "h"),
        (
            "devstack.yaml",
            "stack: stacks/shop.yaml\nruntime: docker\nports: auto\njudge: stored\ncomponents:\n  redis: { memory: 64MiB, ports: { api: { host: 6380 } }, environment: { \"ON\": null } }\n",
        ),
    ])
}

#[test]
fn a_project_changes_a_stack_that_changes_a_shipped_one() {
    let loaded = shop().load(None, &[], &[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((loaded.runtime, loaded.free_ports), (Some(RuntimeWish::Docker), true));
    assert_eq!(loaded.files.len(), 2);
    let stack = loaded.stack;
    assert_eq!((stack.name.as_str(), stack.judge), ("shop", Judge::Stored));
    let names: Vec<&str> = stack.components.iter().map(|component| component.name.as_str()).collect();
    assert_eq!(names, ["collector", "prometheus", "jaeger", "redis"]);
    let jaeger = stack.component("jaeger").unwrap();
    assert_eq!((jaeger.image.as_str(), jaeger.memory), ("jaegertracing/jaeger:2.14.0", Some(512 << 20)));
    assert_eq!(jaeger.ports["api"], Port { container: 16686, host: Some(16686) });
    let redis = stack.component("redis").unwrap();
    // The number as it is written, the variable of an endpoint only there.
    let environment = [("CONF", "maxmemory 1mb\n"), ("TEXT", "${NOT_EXPANDED}"), ("VERSION", "1.10")];
    assert_eq!(redis.environment, environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let files = [("/etc/redis/a.conf", "a"), ("/etc/redis/b.conf", "mine"), ("/etc/redis/deep/c.conf", "c")];
    assert_eq!(redis.files, files.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(redis.ports["api"], Port { container: 6379, host: Some(6380) });
    assert_eq!((redis.memory, redis.stop_grace.as_millis()), (Some(64 << 20), 300));
    assert_eq!(redis.ready, [Probe::Log("Ready".to_owned())]);
}

#[test]
fn sets_come_last_and_in_order() {
    let sets = [
        "components.redis.image=redis:7",
        "components.redis.image=redis:8.2",
        "components.redis.ready={http: api, path: /ping, status: 204}",
        "components.redis.files./etc/redis.conf.d/x.y.conf=stacks/redis.conf",
        "components.redis.files.\"/etc/z\".text=z",
        "components.redis.files./etc/redis/b.conf={text: theirs}",
        "components.redis.ports.web=80",
        "components.redis.ports.api.host=null",
        "components.redis.environment.ON=010",
        "components.redis.memory=null",
        "components.prometheus=null",
        "judge=ledger",
    ];
    let stack = shop().load(None, &sets, &[]).unwrap_or_else(|problems| panic!("{problems}")).stack;
    assert_eq!(stack.judge, Judge::Ledger);
    assert!(stack.component("prometheus").is_none());
    let redis = stack.component("redis").unwrap();
    assert_eq!((redis.image.as_str(), redis.memory), ("redis:8.2", None));
    assert_eq!(redis.ready, [Probe::Http { port: "api".to_owned(), path: "/ping".to_owned(), status: 204 }]);
    assert_eq!(redis.files["/etc/redis.conf.d/x.y.conf"], "maxmemory 1mb\n");
    assert_eq!((redis.files["/etc/z"].as_str(), redis.files["/etc/redis/b.conf"].as_str()), ("z", "theirs"));
    assert_eq!(redis.ports["web"], Port { container: 80, host: None });
    assert_eq!(redis.ports["api"], Port { container: 6379, host: None });
    assert_eq!(redis.environment["ON"], "010");
}

#[test]
fn another_stack_takes_of_the_project_what_fits() {
    let loaded = shop().load(Some("default"), &[], &[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.stack.component("redis").is_none());
    assert_eq!(loaded.stack.judge, Judge::Stored);
    let warnings = loaded.warnings.to_string();
    assert!(warnings.ends_with("devstack.yaml:6:3: the stack of `--stack` has no `redis` to change"), "{warnings}");
    let remote = shop().load(Some("remote"), &[], &[("DEVSTACK_REMOTE_TEMPO", "http://127.0.0.1:3200")]).unwrap();
    assert_eq!(remote.stack.endpoints.tempo.unwrap().url, "http://127.0.0.1:3200");
}

#[test]
fn a_remote_project_needs_no_stack_of_its_own() {
    let text = "runtime: remote\nendpoints:\n  tempo: { url: 'http://${HOST:-127.0.0.1}:3200', headers: { X-Scope: '${SCOPE}' }, ca: ca.pem, timeout: 3s }\n";
    let project = Project::new(&[("devstack.yaml", text), ("ca.pem", "-----BEGIN CERTIFICATE-----\n")]);
    let loaded = project.load(None, &["endpoints.tempo.headers.authorization=Basic x"], &[("SCOPE", "me")]).unwrap();
    assert_eq!((loaded.runtime, loaded.stack.name.as_str()), (Some(RuntimeWish::Remote), "remote"));
    let tempo = loaded.stack.endpoints.tempo.unwrap();
    assert_eq!((tempo.url.as_str(), tempo.timeout.as_secs()), ("http://127.0.0.1:3200", 3));
    assert_eq!(
        tempo.headers,
        [("authorization", "Basic x"), ("x-scope", "me")].map(|(a, b)| (a.to_owned(), b.to_owned())).into()
    );
    assert_eq!(tempo.ca.as_deref(), Some("-----BEGIN CERTIFICATE-----\n"));
}

#[test]
fn secrets_in_clear_are_a_warning_unless_they_stay_on_this_machine() {
    let set = ["endpoints.tempo.headers.authorization=x"];
    let at = |url| Project::new(&[]).load(Some("remote"), &set, &[("DEVSTACK_REMOTE_TEMPO", url)]).unwrap().warnings.to_string();
    assert!(at("http://tempo.example.com").ends_with("headers go to this address unencrypted"));
    for fine in ["https://tempo.example.com", "http://localhost:3200", "http://[::1]:3200"] {
        assert_eq!(at(fine), "", "{fine}");
    }
}

#[test]
fn a_project_without_a_file_or_with_an_empty_one_has_the_default() {
    for files in [&[][..], &[("devstack.yaml", "# nothing yet\n")]] {
        let loaded = Project::new(files).load(None, &[], &[]).unwrap();
        assert_eq!((loaded.stack.name.as_str(), loaded.runtime, loaded.free_ports), ("default", None, false));
    }
}
