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
