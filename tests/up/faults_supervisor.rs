//! The supervisor or the command line is gone, killed, stopped or interrupted: what is said, and that nothing is left.

use std::{io::Read as _, process::Stdio};

use devstack::support::process;

use super::{
    faults::{COMPONENTS, DockerStand, JAEGER_STACK, ends, said},
    stand::{Killed, kill, until},
};

/// Sends a signal as a terminal or a person would.
fn signal(name: &str, pid: u32) {
    let sent = std::process::Command::new("kill").args([name, &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn killed_while_up_its_containers_are_taken_over_or_removed() {
    let Some(stand) = DockerStand::among_strangers() else { return };
    stand.up(&[]);
    let (ids, pid) = (stand.ids(), stand.stand.pid());
    assert_eq!(ids.keys().collect::<Vec<_>>(), COMPONENTS);
    kill(pid);
    let status = until("status to notice", || Some(stand.stand.status()).filter(|status| status["state"] != "up"));
    assert_eq!(status["state"], "orphaned", "{status:#}");
    assert!(status["reason"].as_str().unwrap().contains(&format!("pid {pid}")), "{status:#}");
    stand.is("orphaned");
    let replay = stand.stand.run(&["replay"]);
    assert_eq!(replay.code, 3, "{}", replay.err);
    assert!(replay.err.contains("the supervisor of the stack `jaeger` is gone"), "{}", replay.err);

    let up = stand.up(&[]);
    assert_eq!(up["unchanged"], false);
    assert_eq!(stand.ids(), ids, "the containers were not replaced");
    assert_eq!(stand.stand.status()["state"], "up");

    kill(stand.stand.pid());
    stand.down();
    assert_eq!(stand.volumes().len(), 1, "data stays");
}

#[test]
fn killed_and_its_containers_removed_by_hand_there_is_only_a_stale_note() {
    let Some(stand) = DockerStand::new() else { return };
    stand.up(&[]);
    let pid = stand.stand.pid();
    kill(pid);
    for id in stand.ids().values() {
        said(&["rm", "-f", "-v", id]);
    }
    let status = until("status to notice", || Some(stand.stand.status()).filter(|status| status["state"] == "down"));
    assert!(status["reason"].as_str().unwrap().contains(&format!("(pid {pid}) died; nothing else is left")), "{status:#}");
    stand.up(&[]);
    assert_eq!(stand.stand.status()["state"], "up");
    // The folder of states may be deleted, too: labels say what is whose.
    kill(stand.stand.pid());
    std::fs::remove_dir_all(&stand.owner.state).unwrap();
    let status = stand.is("orphaned");
    assert!(status["reason"].as_str().unwrap().contains("left without a supervisor"), "{status:#}");
    stand.down();
}

#[test]
fn killed_on_the_way_up_the_command_says_so_and_down_clears_away() {
    let Some(stand) = DockerStand::among_strangers() else { return };
    let (up, pid) = stand.on_its_way();
    kill(pid);
    let run = ends(up);
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("the supervisor died on the way"), "{}", run.err);
    assert!(run.err.contains("`devstack down` removes what it left"), "{}", run.err);
    stand.is("orphaned");
    assert_ne!(stand.left(), Vec::<String>::new());
    stand.down();
}

#[test]
fn the_command_killed_on_the_way_up_everything_is_taken_back() {
    let Some(stand) = DockerStand::new() else { return };
    let (up, pid) = stand.on_its_way();
    let started = process::started(pid).expect("the supervisor lives");
    signal("-KILL", up.0.id());
    drop(up);
    until("the supervisor to take back and end", || (!process::alive(pid, &started)).then_some(()));
    stand.is_down();
}

#[test]
fn ctrl_c_on_the_way_up_takes_everything_back() {
    let Some(stand) = DockerStand::among_strangers() else { return };
    let (up, _) = stand.on_its_way();
    signal("-INT", up.0.id());
    let run = ends(up);
    assert_eq!(run.code, 130, "{}", run.err);
    assert!(run.err.contains("interrupted"), "{}", run.err);
    stand.is_down();
}

#[test]
fn down_while_it_is_on_its_way_up_ends_both() {
    let Some(stand) = DockerStand::new() else { return };
    let (up, _) = stand.on_its_way();
    stand.down();
    let run = ends(up);
    assert_eq!(run.code, 130, "{}", run.err);
}

#[test]
fn two_at_once_end_with_one_stack_of_containers() {
    let Some(stand) = DockerStand::new() else { return };
    let args = [&["up", "--ports", "auto", "--format", "json"], JAEGER_STACK].concat();
    let start = || stand.stand.sandbox.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let ups = [Killed(start()), Killed(start())];
    for up in ups {
        let run = ends(up);
        assert_eq!(run.code, 0, "{}", run.err);
    }
    assert_eq!(stand.ids().len(), 3);
    assert_eq!(stand.stand.status()["state"], "up");
    stand.down();
}

#[test]
fn stopped_it_is_told_and_down_removes_its_containers_without_it() {
    let Some(stand) = DockerStand::new() else { return };
    stand.up(&[]);
    let pid = stand.stand.pid();
    signal("-STOP", pid);
    let status = stand.is("degraded");
    assert!(status["reason"].as_str().unwrap().contains(&format!("the supervisor (pid {pid}) does not answer")), "{status:#}");
    stand.down();
}

#[test]
fn who_follows_the_logs_does_not_hold_up_down() {
    let Some(stand) = DockerStand::new() else { return };
    stand.up(&[]);
    let pid = stand.stand.pid();
    let started = process::started(pid).expect("the supervisor lives");
    let follow = || {
        let mut command = stand.stand.sandbox.command(&["logs", "-f"]);
        Killed(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    };
    let (mut follow, mut stuck) = (follow(), follow());
    for follower in [&mut follow, &mut stuck] {
        // It follows once it has written something.
        follower.0.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    }
    // One that never reads what it is sent is worse than one that reads.
    signal("-STOP", stuck.0.id());
    stand.down();
    assert!(!process::alive(pid, &started), "the supervisor has ended");
    let journal = std::fs::read_to_string(stand.owner.file("supervisor.log")).unwrap();
    assert!(journal.contains("takes the stack down"), "it was asked and not killed: {journal}");
    ends(follow);
}
