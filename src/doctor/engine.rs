//! The engine: whether it answers, and whether the images of the stack are there.

use super::{check::Check, engine_facts::EngineFacts};
use crate::runtime::docker::EngineError;

/// Judges the engine itself.
pub(super) fn engine(found: &Result<EngineFacts, EngineError>) -> Check {
    const CODE: &str = "engine";
    let problem = match found {
        Ok(EngineFacts { about, .. }) => {
            return Check::ok(CODE, format!("{} engine {} at {}", about.name, about.version, about.at))
                .detail("name", about.name.clone())
                .detail("version", about.version.clone())
                .detail("api", about.api.clone())
                .detail("at", about.at.clone());
        }
        Err(problem) => problem,
    };
    let words = problem.to_string();
    match problem {
        // No fault: the embedded runtime needs none, and `up` takes it by itself.
        EngineError::Absent { looked } => absent(CODE, looked),
        EngineError::Refused { at } => {
            Check::broken(CODE, words).fix("`sudo usermod -aG docker \"$USER\"`, then log in again").detail("at", at.clone())
        }
        EngineError::Silent { at, .. } => {
            Check::broken(CODE, words).fix(format!("{}, or `devstack up --runtime embedded`", restart())).detail("at", at.clone())
        }
        EngineError::Unusable { at, .. } => {
            Check::broken(CODE, words).fix("devstack up --runtime embedded").detail("at", at.clone())
        }
    }
}

fn absent(code: &'static str, looked: &[String]) -> Check {
    // The one place that somebody named, with who named it in brackets; or all the usual ones.
    let named = match looked {
        [one] => one.strip_suffix(')').and_then(|one| one.rsplit_once(" (")),
        _ => None,
    };
    let (place, fix) = match named {
        Some((at, by)) => {
            let fix = if by == "DOCKER_HOST" { "unset DOCKER_HOST" } else { "docker context use default" };
            (format!("at {at}, which {by} names"), fix)
        }
        None => ("here".to_owned(), "install Docker or Podman, or stay with `devstack up --runtime embedded`"),
    };
    Check::attention(code, format!("no Docker engine {place}; `devstack up` takes the embedded runtime"))
        .fix(fix)
        .detail("looked", looked.to_vec())
}

/// Judges the images of a stack; `None` where it has none.
pub(super) fn images(facts: &EngineFacts, stack: &str) -> Option<Check> {
    const CODE: &str = "images";
    let missing: Vec<_> = facts.images.iter().filter(|image| !image.present).map(|image| image.reference.clone()).collect();
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

fn restart() -> &'static str {
    if cfg!(target_os = "linux") { "`sudo systemctl restart docker`" } else { "start Docker Desktop, or `colima start`" }
}

#[cfg(test)]
mod tests {
    use super::{engine, images};
    use crate::{
        doctor::{Level, engine_facts::EngineFacts},
        runtime::docker::{EngineError, images::ImageState},
    };

    fn facts(images: &[(&str, Option<u64>)]) -> EngineFacts {
        let image = |(reference, size): &(&str, Option<u64>)| ImageState {
            reference: (*reference).to_owned(),
            present: size.is_some(),
            size: *size,
            id: None,
            digest: None,
            created: None,
        };
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
        let absent = |looked: &[&str]| EngineError::Absent { looked: looked.iter().map(ToString::to_string).collect() };
        assert_eq!(
            judged(absent(&["/var/run/docker.sock", "/h/.docker/run/docker.sock"])),
            (Level::Attention, "no Docker engine here; `devstack up` takes the embedded runtime".to_owned())
        );
        assert_eq!(
            judged(absent(&["unix:///x.sock (DOCKER_HOST)"])).1,
            "no Docker engine at unix:///x.sock, which DOCKER_HOST names; `devstack up` takes the embedded runtime"
        );
        assert_eq!(
            judged(EngineError::Refused { at: at() }),
            (Level::Broken, "this user may not speak to the Docker engine at unix:///run/docker.sock".to_owned())
        );
        let silent = EngineError::Silent { at: at(), reason: "no answer within 2 s".to_owned() };
        assert_eq!(
            judged(silent),
            (Level::Broken, "the Docker engine at unix:///run/docker.sock does not answer: no answer within 2 s".to_owned())
        );
        assert_eq!(judged(EngineError::Unusable { at: at(), reason: "no".to_owned() }).0, Level::Broken);
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
