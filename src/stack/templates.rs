//! Values of a service's variables: variables of the environment replaced, references to addresses and secrets checked and kept.
//!
//! Called by `services`. Values may be secrets: no message shows one.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    expand::{Part, parts},
    settings::{External, Piece, Template},
};
use crate::support::{
    env::Env,
    source::{Place, Problem},
    suggest,
    yaml::Entry,
};

/// The part of a reference that comes before the name of a secret.
const SECRET: &str = "secret";

/// What can be referred to.
pub(super) struct Known {
    /// What has an address.
    addresses: Vec<String>,
    /// Services without one.
    mute: Vec<String>,
}

impl Known {
    /// The services of these entries, and the externals.
    pub(super) fn of(services: &[Entry], externals: &[External]) -> Self {
        let (with, without): (Vec<&Entry>, Vec<_>) =
            services.iter().partition(|entry| entry.value.get("port").or_else(|| entry.value.get("url")).is_some());
        let externals = externals.iter().map(|external| external.name.clone());
        let addresses = with.iter().map(|entry| entry.key.clone()).chain(externals).collect();
        Self { addresses, mute: without.iter().map(|entry| entry.key.clone()).collect() }
    }
}

/// The value of a variable, or what is wrong with it. `file` is what the service's `env_file` has.
pub(super) fn template(
    text: &str,
    entry: &Entry,
    source: &Arc<str>,
    known: &Known,
    env: Option<&dyn Env>,
    file: &BTreeMap<String, String>,
) -> Result<Template, Vec<Problem>> {
    let parts = parts(text).map_err(|complaint| vec![complaint.at(entry.blame())])?;
    let (mut pieces, mut problems) = (Vec::new(), Vec::new());
    for part in parts {
        let piece = match part {
            Part::Text(text) => Ok(Piece::Text(text.to_owned())),
            Part::Variable { name, default: Some(_) } if name.contains('.') => {
                let problem =
                    Problem::at(place_of(name, entry, source), "bad-reference", format!("`${{{name}}}` is always there"));
                Err(problem.label("takes no default"))
            }
            Part::Variable { name, .. } if name.contains('.') => reference(name, place_of(name, entry, source), known),
            Part::Variable { name, default } => {
                let of_file = || file.get(name).cloned();
                match env.map(|env| env.get(name).or_else(of_file).or(default.map(str::to_owned))) {
                    Some(Some(value)) => Ok(Piece::Text(value)),
                    None => Ok(Piece::Text(String::new())),
                    Some(None) => {
                        let place = place_of(name, entry, source);
                        let problem = Problem::at(place, "unset-variable", format!("the environment has no `{name}`"));
                        Err(problem.label("not set").help(format!("set it, or write `${{{name}:-}}` to do without")))
                    }
                }
            }
        };
        match piece {
            Ok(piece) => pieces.push(piece),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(Template(pieces)) } else { Err(problems) }
}

/// `NAME.url` or `secret.NAME`.
fn reference(name: &str, place: Place, known: &Known) -> Result<Piece, Problem> {
    let (of, what) = name.rsplit_once('.').unwrap_or((name, ""));
    if let Some((SECRET, secret)) = name.split_once('.') {
        return Ok(Piece::Secret(secret.to_owned()));
    }
    if what != "url" {
        let problem = Problem::at(place, "unknown-reference", format!("there is no `${{{name}}}`"));
        return Err(problem.label(format!("did you mean `${{{of}.url}}`?")).help("`${NAME.url}` and `${secret.NAME}` are known"));
    }
    if known.addresses.iter().any(|known| known == of) {
        return Ok(Piece::Url(of.to_owned()));
    }
    if known.mute.iter().any(|known| known == of) {
        let problem = Problem::at(place, "no-address", format!("`{of}` has no address"));
        return Err(problem.label("it has neither `port` nor `url`").help(format!("give `{of}` a `port`, or `port: auto`")));
    }
    let problem = Problem::at(place, "unknown-service", format!("there is no service or external `{of}`"));
    let all = || known.addresses.iter().chain(&known.mute).map(String::as_str);
    Err(match suggest::nearest(of, all()) {
        Some(near) => problem.label(format!("did you mean `${{{near}.url}}`?")),
        None => problem.label("not here"),
    })
}

/// The place of a variable in a value, where it stands there as it is.
fn place_of(name: &str, entry: &Entry, source: &Arc<str>) -> Place {
    let blame = entry.blame();
    let variable = format!("${{{name}");
    let at = source.get(blame.range()).and_then(|text| text.find(&variable).filter(|at| text[..*at].is_ascii()));
    at.map_or(blame, |at| blame.part(at, variable.len() + 1))
}
