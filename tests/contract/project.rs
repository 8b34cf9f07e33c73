//! What the modules beside it share: stacks with an environment, runs of fixtures, and a bound on stacks of containers at once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

use crate::{
    containers::{COLLECTOR, JAEGER, PROMETHEUS, available},
    sandbox::Run,
    up::stand::Stand,
};

/// The shipped fixtures.
pub(crate) const fn shipped() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")
}

/// The right to a stack of containers.
pub(crate) struct Slot(#[expect(dead_code, reason = "it is held, not read")] MutexGuard<'static, ()>);

/// The right to a stack of containers, where an engine has the images: one at a time, because each is four programs on a few cores.
pub(crate) fn docker_slot() -> Option<Slot> {
    static SLOT: Mutex<()> = Mutex::new(());
    let there = available(&[COLLECTOR, PROMETHEUS, JAEGER]);
    // One that failed has taken its stack down all the same.
    there.then(|| Slot(SLOT.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// `up` on free ports in this environment, which must go well; the note of what is up.
pub(super) fn up(stand: &Stand, args: &[&str], env: &[(&str, &str)]) -> Json {
    let all: Vec<&str> = ["up", "--ports", "auto", "--format", "json"].into_iter().chain(args.iter().copied()).collect();
    let output = stand.sandbox.command(&all).envs(env.iter().copied()).output().unwrap();
    let run = Run::of(&output);
    assert_eq!(run.code, 0, "{}", run.err);
    let up: Json = serde_json::from_str(&run.out).expect("up says JSON");
    up["note"].clone()
}

/// Replays these folders; the exit code and the report.
pub(super) fn replay(stand: &Stand, args: &[&str]) -> (i32, Json) {
    let all: Vec<&str> = ["replay", "--format", "json"].into_iter().chain(args.iter().copied()).collect();
    let run = stand.run(&all);
    let report = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", run.out, run.err));
    (run.code, report)
}

/// A value of a note that is text.
pub(super) fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_else(|| panic!("text and not {value}"))
}
