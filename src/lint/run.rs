//! The linting itself: load everything, then look at each fixture and at all of them together.
//!
//! Called by `cli`; the looks are in `within` and `across`, and for stacks in `stacks`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{LintReport, across, stacks, within};
use crate::{
    fixture::{self, LoadOptions},
    support::yaml,
};

/// Looks at the fixtures, suites and stacks under `paths`, found as `replay` finds them; `home` is the folder in which `fixtures` is looked
/// for when there is no path, and whose project's `devstack.yaml` is looked at then. Fixtures with errors have only those reported.
pub fn lint(paths: &[PathBuf], home: &Path) -> LintReport {
    let stacks = stacks::lint(paths, home);
    if !paths.is_empty() && stacks.others.is_empty() {
        return LintReport { problems: stacks.problems, fixtures: 0, suites: 0, stacks: stacks.files.len() };
    }
    let (externals, providers) = (stacks::externals(home), stacks::providers(home));
    let options = LoadOptions { home: home.to_owned(), externals, providers, ..LoadOptions::default() };
    let mut loaded = fixture::load_all(&stacks.others, &options);
    let mut problems = stacks.problems;
    problems.merge(std::mem::take(&mut loaded.problems));
    for fixture in &loaded.fixtures {
        // It was read a moment ago without an error.
        let Some(node) = yaml::read(&fixture.source, &mut Vec::new()) else { continue };
        problems.add(fixture.file.clone(), Some(Arc::clone(&fixture.source)), within::warnings(fixture, &node));
    }
    for (file, source, problem) in across::warnings(&loaded) {
        problems.add(file, source, [problem]);
    }
    LintReport { problems, fixtures: loaded.found.len(), suites: loaded.suites, stacks: stacks.files.len() }
}
