//! The engine: whether it answers, and whether the images of the stack are there.

use super::{
    check::Check,
    engine_facts::{EngineFacts, EngineProblem},
};

/// Judges the engine itself.
pub(super) fn engine(found: &Result<EngineFacts, EngineProblem>) -> Check {
    const CODE: &str = "engine";
    let problem = match found {
        Ok(facts) => {
            return Check::ok(CODE, format!("{} {} at {}", facts.name, facts.version, facts.at))
                .detail("version", facts.version.clone())
                .detail("api", facts.api.clone())
                .detail("at", facts.at.clone());
        }
        Err(problem) => problem,
    };
    let words = problem.to_string();
    match problem {
        // No fault: the embedded runtime needs none, and `up` takes it by itself.
        EngineProblem::Absent => Check::attention(CODE, format!("{words}; `devstack up` takes the embedded runtime"))
            .fix("install Docker, or stay with `devstack up --runtime embedded`"),
        EngineProblem::Misnamed { at } => Check::broken(CODE, words).fix("unset DOCKER_HOST").detail("at", at.clone()),
        EngineProblem::Denied { at } => {
            Check::broken(CODE, words).fix("`sudo usermod -aG docker \"$USER\"`, then log in again").detail("at", at.clone())
        }
        EngineProblem::Stopped { at } => Check::broken(CODE, words).fix(start()).detail("at", at.clone()),
        EngineProblem::Silent { at, .. } => Check::broken(CODE, words)
            .fix(format!("`{}`, or `devstack up --runtime embedded`", restart()))
            .detail("at", at.clone()),
        EngineProblem::Unusable { at, .. } => {
            Check::broken(CODE, words).fix("devstack up --runtime embedded").detail("at", at.clone())
        }
    }
}

/// Judges the images of a stack; `None` where it has none.
pub(super) fn images(facts: &EngineFacts, stack: &str) -> Option<Check> {
    const CODE: &str = "images";
    let missing: Vec<_> = facts.images.iter().filter(|image| image.size.is_none()).map(|image| image.reference.clone()).collect();
    let all = facts.images.len();
    let bytes: u64 = facts.images.iter().filter_map(|image| image.size).sum();
    let check = match (all, missing.len()) {
        (0, _) => return None,
        (_, 0) => {
            let all = if all == 1 { "its one image".to_owned() } else { format!("all {all} images") };
            Check::ok(CODE, format!("stack {stack} has {all} here ({} MB)", bytes / 1_000_000))
        }
        (_, lacking) => {
            Check::attention(CODE, format!("{lacking} of {all} images of stack {stack} missing: {}", missing.join(", ")))
                .fix(pull(stack))
        }
    };
    Some(check.detail("present", all - missing.len()).detail("missing", missing).detail("bytes", bytes))
}

fn pull(stack: &str) -> String {
    if stack == "default" { "devstack images pull".to_owned() } else { format!("devstack images pull --stack {stack}") }
}

fn start() -> &'static str {
    if cfg!(target_os = "linux") { "sudo systemctl start docker" } else { "start Docker Desktop, or `colima start`" }
}

fn restart() -> &'static str {
    if cfg!(target_os = "linux") { "sudo systemctl restart docker" } else { "docker desktop restart" }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{engine, images};
    use crate::doctor::{EngineFacts, EngineProblem, ImageFact, Level};

    fn facts(images: &[(&str, Option<u64>)]) -> EngineFacts {
        let image = |(reference, size): &(&str, Option<u64>)| ImageFact { reference: (*reference).to_owned(), size: *size };
        EngineFacts { images: images.iter().map(image).collect(), ..EngineFacts::sample() }
    }

    #[test]
    fn an_engine_that_answers_is_named_with_its_version_and_place() {
        assert_eq!(engine(&Ok(facts(&[]))).message, "docker engine 28.2 at unix:///var/run/docker.sock");
    }

    #[test]
    fn none_at_all_is_no_fault_and_one_that_cannot_be_used_is() {
        let judged = |problem| {
            let check = engine(&Err(problem));
            assert!(check.fix.is_some(), "{check:?}");
            (check.level, check.message)
        };
        let at = || "unix:///run/docker.sock".to_owned();
        assert_eq!(
            judged(EngineProblem::Absent),
            (Level::Attention, "no Docker engine here; `devstack up` takes the embedded runtime".to_owned())
        );
        assert_eq!(
            judged(EngineProblem::Denied { at: at() }),
            (Level::Broken, "the Docker engine at unix:///run/docker.sock does not let this user in".to_owned())
        );
        assert_eq!(
            judged(EngineProblem::Silent { at: at(), after: Duration::from_secs(2) }),
            (Level::Broken, "the Docker engine at unix:///run/docker.sock does not answer within 2 s".to_owned())
        );
        assert_eq!(judged(EngineProblem::Stopped { at: at() }).0, Level::Broken);
        assert_eq!(judged(EngineProblem::Misnamed { at: at() }).0, Level::Broken);
        assert_eq!(judged(EngineProblem::Unusable { at: at(), why: "no".to_owned() }).0, Level::Broken);
    }

    #[test]
    fn images_that_are_missing_are_named_with_how_to_get_them() {
        let check = images(&facts(&[("a:1", Some(45_000_000)), ("b:2", None)]), "default").unwrap();
        assert_eq!((check.level, check.message.as_str()), (Level::Attention, "1 of 2 images of stack default missing: b:2"));
        assert_eq!(check.fix.as_deref(), Some("devstack images pull"));
        let check = images(&facts(&[("b:2", None)]), "jaeger").unwrap();
        assert_eq!(check.fix.as_deref(), Some("devstack images pull --stack jaeger"));
        let check = images(&facts(&[("a:1", Some(45_000_000)), ("b:2", Some(5_000_000))]), "default").unwrap();
        assert_eq!((check.level, check.message.as_str()), (Level::Ok, "stack default has all 2 images here (50 MB)"));
        assert_eq!(images(&facts(&[]), "remote"), None);
    }
}
