//! What belongs to others, or outlives the stack: neighbours' stacks, containers on our network, data.

use super::faults::{DockerStand, component, docker, said};
use crate::containers::COLLECTOR;

#[test]
fn data_stays_until_somebody_says_otherwise() {
    let Some(stand) = DockerStand::among_strangers() else { return };
    stand.up(&[]);
    let volumes = stand.volumes();
    assert_eq!(volumes, [format!("devstack-{}-prometheus-prometheus", stand.owner.id)]);
    stand.down();
    assert_eq!(stand.volumes(), volumes);
    stand.up(&[]);
    let run = stand.stand.run(&["down", "--volumes"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(stand.volumes(), Vec::<String>::new());
    stand.is_down();
    // Without a supervisor, too.
    stand.up(&[]);
    super::stand::kill(stand.stand.pid());
    assert_eq!(stand.stand.run(&["down", "--volumes"]).code, 0);
    assert_eq!(stand.volumes(), Vec::<String>::new());
    stand.is_down();
}

#[test]
fn two_projects_have_a_stack_of_containers_each() {
    let Some(one) = DockerStand::new() else { return };
    one.up(&[]);
    let before = one.ids();
    {
        let Some(two) = DockerStand::new() else { return };
        two.up(&[]);
        let (first, second) = (one.stand.status(), two.stand.status());
        for name in ["collector", "jaeger", "prometheus"] {
            assert_ne!(component(&first, name)["ports"], component(&second, name)["ports"]);
        }
        assert_ne!(one.note()["network"], two.note()["network"]);
        two.down();
    }
    assert_eq!(one.ids(), before);
    assert_eq!(one.stand.status()["state"], "up");
    one.down();
}

#[test]
fn a_strangers_container_on_the_network_keeps_the_network_and_nothing_else() {
    let Some(stand) = DockerStand::new() else { return };
    stand.up(&[]);
    let network = format!("devstack-{}", stand.owner.id);
    let name = format!("devstack-test-guest-{}", stand.owner.id);
    // Its image's own configuration is complete: it runs.
    said(&["run", "-d", "--name", &name, "--network", &network, COLLECTOR]);
    let run = stand.stand.down();
    let (left, runs) = (stand.left(), docker(&["inspect", "--format", "{{.State.Running}}", &name]));
    let again = stand.stand.down();
    said(&["rm", "-f", "-v", &name]);
    assert_eq!(run.code, 0, "{}", run.err);
    for run in [run, again] {
        assert!(run.err.contains(&format!("the network {network} stays: {name} of others is attached to it")), "{}", run.err);
    }
    assert_eq!(left, [network]);
    assert_eq!(runs.as_deref(), Some("true"), "it runs on");
    stand.down();
}

#[test]
fn another_runtime_takes_over_and_leaves_no_containers() {
    let Some(stand) = DockerStand::new() else { return };
    stand.up(&[]);
    let up = stand.stand.up(&["--runtime", "embedded"]);
    assert_eq!(up["note"]["runtime"], "embedded");
    assert_eq!(stand.left(), Vec::<String>::new());
    // The same after a crash.
    stand.up(&[]);
    super::stand::kill(stand.stand.pid());
    stand.stand.up(&["--runtime", "embedded"]);
    assert_eq!(stand.left(), Vec::<String>::new());
    stand.down();
}
