//! What a replay is aimed at: the command line over the profile over the suites.
//!
//! Made by `replay` from its options and the fixtures that were loaded; read by `stand`, which finds the target, and by `secrets`.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use super::{Failure, variables::Variables};
use crate::fixture::{Fixture, Rate, SuiteSettings, Target};

/// What the options say.
#[derive(Debug, Clone, Default)]
pub(super) struct TargetOptions {
    /// `--target`.
    pub(super) target: Option<Target>,
    /// `--env-file`s.
    pub(super) env_files: Vec<PathBuf>,
    /// `--rate`.
    pub(super) rate: Option<Rate>,
    /// `--jobs`.
    pub(super) jobs: Option<usize>,
    /// `--allow-target`s.
    pub(super) allow: Vec<String>,
}

/// What is wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The one target of the run.
    pub(super) target: Target,
    /// `service.name` of the target, where somebody says it.
    pub(super) service: Option<String>,
    /// Further services by name.
    pub(super) services: BTreeMap<String, String>,
    /// How fast.
    pub(super) rate: Option<Rate>,
    /// How many cases at once.
    pub(super) jobs: Option<usize>,
    /// Hosts that may be sent to.
    pub(super) allow: Vec<String>,
    /// Where secrets come from.
    pub(super) variables: Variables,
}

impl Wanted {
    /// Puts the options over what the suites of these fixtures say. Suites may differ in anything but what there is one of in a run; where
    /// several limit it, the strictest counts.
    pub(super) fn of(options: TargetOptions, fixtures: &[Fixture]) -> Result<Self, Failure> {
        let suites = suites(fixtures);
        let said = one(fixtures, "target", |suite| suite.target.clone().unwrap_or(Target::Demo));
        let target = options.target.map_or(said, Ok)?;
        let service = match target {
            Target::Demo => None,
            _ => one(fixtures, "service", |suite| suite.service.clone())?,
        };
        let rate = options.rate.or_else(|| suites.iter().filter_map(|suite| suite.rate).max_by_key(|rate| rate.spacing()));
        let jobs = options.jobs.or_else(|| suites.iter().filter_map(|suite| suite.jobs).min());
        let mut allow = options.allow;
        allow.extend(suites.iter().flat_map(|suite| suite.allow_target.clone()));
        let of_suites = suites.iter().filter_map(|suite| suite.env_file.clone()).collect();
        Ok(Self {
            target,
            service,
            services: services(&suites)?,
            rate,
            jobs,
            allow,
            variables: Variables::read(&options.env_files, of_suites)?,
        })
    }
}

/// The suites of the fixtures, each once.
fn suites(fixtures: &[Fixture]) -> Vec<Arc<SuiteSettings>> {
    let mut suites: Vec<Arc<SuiteSettings>> = Vec::new();
    for fixture in fixtures {
        if !suites.iter().any(|known| Arc::ptr_eq(known, &fixture.suite)) {
            suites.push(Arc::clone(&fixture.suite));
        }
    }
    suites
}

/// What all suites say of something that a run has one of.
fn one<T: PartialEq + Told>(fixtures: &[Fixture], key: &str, of: impl Fn(&SuiteSettings) -> T) -> Result<T, Failure> {
    let first = fixtures.first().map(|fixture| (fixture, of(&fixture.suite)));
    let Some((first, said)) = first else { return Ok(of(&SuiteSettings::default())) };
    match fixtures.iter().map(|other| (other, of(&other.suite))).find(|(_, other)| *other != said) {
        None => Ok(said),
        Some((other, differs)) => {
            let message = format!(
                "`{}` is for {key} {} and `{}` for {}; a run has one {key}",
                first.id,
                said.told(),
                other.id,
                differs.told()
            );
            let hint = if key == "target" { "replay them apart, or name one with `--target`" } else { "replay them apart" };
            Err(Failure::usage(message).hint(hint))
        }
    }
}

/// How a value reads in a sentence.
trait Told {
    fn told(&self) -> String;
}

impl Told for Target {
    fn told(&self) -> String {
        format!("`{self}`")
    }
}

impl Told for Option<String> {
    fn told(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), |name| format!("`{name}`"))
    }
}

fn services(suites: &[Arc<SuiteSettings>]) -> Result<BTreeMap<String, String>, Failure> {
    let mut services: BTreeMap<String, String> = BTreeMap::new();
    for (name, url) in suites.iter().flat_map(|suite| suite.services.clone()) {
        match services.get(&name) {
            Some(known) if *known != url => {
                let message = format!("the suites of this run have two addresses for the service `{name}`: {known} and {url}");
                return Err(Failure::usage(message).hint("replay their fixtures apart"));
            }
            _ => services.insert(name, url),
        };
    }
    Ok(services)
}
