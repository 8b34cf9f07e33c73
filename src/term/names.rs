//! Short names of services: what all of a family share at the front says nothing and goes (`medicalcor-api` is `api` beside
//! `medicalcor-trigger`).
//!
//! Fed with all services of one report or trace, so that the same name is shortened the same way throughout.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Look,
    text::{clean, clip},
};

/// What is drawn after the service of a span that comes from what stands in for it (DESIGN section 8).
const STAND_IN: &str = " (stand-in)";

/// Characters that end a segment of a service name.
const SEPARATORS: [char; 4] = ['-', '.', '_', '/'];

/// Services and the short names they are shown by.
#[derive(Debug, Clone, Default)]
pub struct ServiceNames(BTreeMap<String, String>);

impl ServiceNames {
    /// Shortens these services among each other; a name that would become ambiguous stays whole, and then all do.
    pub fn new<'a>(services: impl IntoIterator<Item = &'a str>) -> Self {
        let services: BTreeSet<&str> = services.into_iter().collect();
        let shorter: BTreeMap<_, _> =
            services.iter().map(|name| ((*name).to_owned(), name[shared(name, &services)..].to_owned())).collect();
        let distinct: BTreeSet<_> = shorter.values().collect();
        if distinct.len() == services.len() {
            Self(shorter)
        } else {
            Self(services.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect())
        }
    }

    /// The short name, or the name itself where it was not among those this was made from.
    pub fn short<'a>(&'a self, service: &'a str) -> &'a str {
        self.0.get(service).map_or(service, String::as_str)
    }

    /// How it is drawn in a column: at most `most` columns of the short name, and whole the mark of what only stands in for it.
    pub(super) fn column(&self, service: &str, stand_in: bool, most: usize, look: &Look) -> String {
        format!("{}{}", clip(&clean(self.short(service)), most, look), if stand_in { STAND_IN } else { "" })
    }

    /// All short names.
    pub fn shorts(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }
}

/// Length of the longest front of `name`, ending in a separator, that another service shares; something must be left of both.
fn shared(name: &str, services: &BTreeSet<&str>) -> usize {
    let ends =
        name.char_indices().filter(|(_, ch)| SEPARATORS.contains(ch)).map(|(at, _)| at + 1).filter(|end| *end < name.len());
    ends.filter(|end| {
        let front = &name[..*end];
        services.iter().any(|other| *other != name && other.len() > *end && other.starts_with(front))
    })
    .max()
    .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::ServiceNames;

    #[test]
    fn a_family_loses_its_name_and_strangers_keep_theirs() {
        let names = ServiceNames::new(["medicalcor-api", "medicalcor-trigger", "devstack"]);
        assert_eq!(names.short("medicalcor-api"), "api");
        assert_eq!(names.short("medicalcor-trigger"), "trigger");
        assert_eq!(names.short("devstack"), "devstack");
        assert_eq!(ServiceNames::new(["medicalcor-api"]).short("medicalcor-api"), "medicalcor-api");
        assert_eq!(names.short("unheard-of"), "unheard-of");
    }

    #[test]
    fn nothing_becomes_ambiguous_or_empty() {
        let names = ServiceNames::new(["a-x", "a-y", "b-x", "b-y"]);
        assert_eq!(names.short("a-x"), "a-x");
        let names = ServiceNames::new(["api-", "api-v2"]);
        assert_eq!((names.short("api-"), names.short("api-v2")), ("api-", "api-v2"));
    }
}
