//! What package.json says: which of its scripts start services, and which file each runs.
//!
//! Read by [`super::manifests`].

use std::path::Path;

use serde_json::Value as Json;

use super::{
    look::FoundService,
    manifests::{named_after, port_in, text},
};
use crate::draft::event::slug;

const PACKAGE: &str = "package.json";
/// Scripts, and services, that take requests.
const FRONT: [&str; 6] = ["api", "web", "server", "app", "http", "backend"];
/// Scripts that start services which take none.
const BACK: [&str; 5] = ["worker", "workers", "consumer", "jobs", "scheduler"];

/// Services, the one that takes requests first.
pub(super) fn services(folder: &Path) -> Vec<FoundService> {
    let Some(package) = text(&folder.join(PACKAGE)).and_then(|text| serde_json::from_str::<Json>(&text).ok()) else {
        return Vec::new();
    };
    let scripts = package.get("scripts").cloned().unwrap_or_default();
    let script = |name: &str| scripts.get(name).and_then(Json::as_str);
    let tool = [("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lockb", "bun"), ("bun.lock", "bun")];
    let tool = tool.iter().find(|(lock, _)| folder.join(lock).is_file()).map_or("npm", |(_, tool)| tool);
    let service = |name: String, called: &str| {
        let command = if called == "start" { format!("{tool} start") } else { format!("{tool} run {called}") };
        let script = script(called).unwrap_or_default();
        let source = script.split_whitespace().rev().find(|word| is_source(folder, word));
        let source = source.map(|word| word.trim_start_matches("./").to_owned());
        FoundService { name, command, port: port_in(script), ready: None, said_by: vec![PACKAGE.to_owned()], source }
    };
    let main = ["start", "dev", "serve"].iter().find_map(|name| Some((*name, script(name)?)));
    let started = main.map(|(_, main)| started_by(main, |name| script(name).is_some())).unwrap_or_default();
    let mut services: Vec<FoundService> = match (main, started.len()) {
        // A script that only starts others.
        (Some(_), 2..) => started.iter().map(|name| service(slug(name), name)).collect(),
        (Some((called, _)), _) => {
            let own = package.get("name").and_then(Json::as_str).map(|name| slug(name.rsplit('/').next().unwrap_or(name)));
            let own = own.filter(|name| name.starts_with(|sign: char| sign.is_ascii_alphabetic()));
            vec![service(own.unwrap_or_else(|| named_after(folder)), called)]
        }
        (None, _) => {
            let known = FRONT.iter().chain(&BACK).filter(|name| script(name).is_some());
            known.map(|name| service((*name).to_owned(), name)).collect()
        }
    };
    services.sort_by_key(|service| !FRONT.contains(&service.name.as_str()));
    services
}

/// The other scripts that a script starts: `npm run worker & npm run api`, `concurrently npm:api npm:worker`, `run-p api worker`.
fn started_by(script: &str, is_script: impl Fn(&str) -> bool) -> Vec<String> {
    let words: Vec<&str> = script.split(|sign: char| sign.is_whitespace() || "&;|\"'".contains(sign)).collect();
    let mut started: Vec<String> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let together = words[..at].iter().any(|word| matches!(*word, "run-p" | "npm-run-all"));
        let after_run = at > 0 && matches!(words[at - 1], "run" | "pnpm" | "yarn");
        let name = word.strip_prefix("npm:").or((after_run || together).then_some(*word));
        if let Some(name) = name.filter(|name| is_script(name) && !started.iter().any(|known| known == name)) {
            started.push(name.to_owned());
        }
    }
    started
}

fn is_source(folder: &Path, word: &str) -> bool {
    let ending = Path::new(word).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ["js", "mjs", "cjs", "ts", "mts"].contains(&ending) && folder.join(word).is_file()
}

#[cfg(test)]
mod tests {
    use super::started_by;

    #[test]
    fn a_script_that_starts_others_is_told_from_one_that_does_the_work() {
        let scripts = ["api", "worker", "build"];
        let of = |script: &str| started_by(script, |name| scripts.contains(&name));
        for script in [
            "npm run worker & npm run api; wait",
            "concurrently npm:worker 'npm:api'",
            "concurrently \"npm run worker\" \"npm run api\"",
            "run-p worker api",
        ] {
            assert_eq!(of(script), ["worker", "api"], "{script}");
        }
        assert_eq!(of("npm run build && node api.mjs"), ["build"]);
        assert_eq!(of("node worker api"), Vec::<String>::new());
    }
}
