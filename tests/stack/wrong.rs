//! What is said of a command line that does not fit, of variables that are not set, and of several layers at once.

use super::Project;

#[test]
fn an_unknown_stack() {
    insta::assert_snapshot!(Project::new(&[]).complaints(Some("jeager"), &[], &[]));
}

#[test]
fn an_unknown_stack_with_a_file_of_that_name() {
    insta::assert_snapshot!(Project::new(&[("shop.yaml", "extends: default\n")]).complaints(Some("shop"), &[], &[]));
}

#[test]
fn a_stack_file_that_is_not_there() {
    insta::assert_snapshot!(Project::new(&[]).complaints(Some("./no-such-stack.yaml"), &[], &[]));
}

#[test]
fn everything_wrong_with_sets_at_once() {
    let sets = [
        "components.tempo.imgae=grafana/tempo:3.1",
        "components.tempo.image=Tempo",
        "components.grafana",
        "components.prometheus.memory=",
        "components..memory=1GiB",
        "components.grafana.ready={http: htp, path: }",
        "components.prometheus.command=[\"a\", 3]",
        "components.collector.files./etc/x.yaml=nowhere.yaml",
        "components.loki=null",
        "name=mine",
        "components.tempo.ports.api.host={",
    ];
    insta::assert_snapshot!(Project::new(&[]).complaints(None, &sets, &[]));
}

#[test]
fn all_layers_at_once_each_at_its_place() {
    let project = Project::new(&[
        (
            "devstack.yaml",
            "stack: stack.yaml\ncomponents:\n  tempo: { ports: { api: { host: 9090 } } }\n  mine: { memory: lots }\n",
        ),
        ("stack.yaml", "extends: base.yaml\ncomponents:\n  mine: { after: [tempo], ready: { http: web } }\n"),
        ("base.yaml", "extends: default\njudge: none\ncomponents:\n  tempo: { after: [mine] }\n"),
    ]);
    insta::assert_snapshot!(project.complaints(None, &["components.grafana.ports.http.host=4318"], &[]));
}

#[test]
fn a_variable_that_is_not_set() {
    let text = "endpoints:\n  tempo: { url: 'http://${TEMPO_HOST}:3200', headers: { authorization: \"Bearer ${TOKEN}\" } }\n  grafana: http://${G:-}${H}\n";
    insta::assert_snapshot!(Project::new(&[("stack.yaml", text)]).complaints(Some("stack.yaml"), &[], &[]));
}

#[test]
fn a_variable_that_holds_no_address_is_not_shown() {
    let env = [("DEVSTACK_REMOTE_TEMPO", "http://me:s3cret@tempo"), ("DEVSTACK_REMOTE_AUTHORIZATION", "s3cret\n")];
    let env2 = [env[1], ("DEVSTACK_REMOTE_JAEGER", "jaeger:s3cret"), env[0]];
    let drawing = Project::new(&[]).complaints(Some("remote"), &[], &env2);
    assert!(!drawing.contains("s3cret"), "{drawing}");
    insta::assert_snapshot!(drawing);
}

#[test]
fn a_remote_stack_of_which_nothing_is_set() {
    insta::assert_snapshot!(Project::new(&[]).complaints(Some("remote"), &[], &[]));
}

#[test]
fn a_project_with_components_on_a_stack_of_endpoints() {
    let project = Project::new(&[
        ("stack.yaml", "endpoints: { tempo: 'http://127.0.0.1:3200' }\n"),
        ("devstack.yaml", "stack: stack.yaml\ncomponents: { redis: { image: 'redis:8' } }\n"),
    ]);
    insta::assert_snapshot!(project.complaints(None, &[], &[]));
}

#[test]
fn files_that_are_no_text_or_no_files() {
    let project = Project::new(&[(
        "stack.yaml",
        "components:\n  a:\n    image: a:1\n    files: { /etc/empty: empty, /etc/binary: binary }\n    environment: { A: { file: empty } }\n",
    )]);
    std::fs::create_dir(project.0.join("empty")).unwrap();
    std::fs::write(project.0.join("binary"), [0xff, 0xfe]).unwrap();
    insta::assert_snapshot!(project.complaints(Some(&project.0.join("stack.yaml").display().to_string()), &[], &[]));
}
