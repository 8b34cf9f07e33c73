//! `given:` how the externals answer one case, told to them before its first byte and forgotten after its verdict.
//!
//! Called by `drive`.

use super::{Grounds, findings::finding, observe::Trail, outcome::Finding};
use crate::{
    fixture::Fixture,
    replay::{ANYBODY, Externals, script_of},
};

/// Sets the script of a case, where it has one.
pub(super) async fn set(fixture: &Fixture, grounds: &Grounds, trail: &Trail) -> Result<(), Box<Finding>> {
    if fixture.given.is_empty() {
        return Ok(());
    }
    let Some(base) = &grounds.externals else {
        let mut finding = finding("case.no-externals", "`given:` needs externals that can be scripted, and there are none here.");
        finding.hint = Some(
            "`externals:` of devstack.yaml, played by `devstack up`, or `services: { externals: URL }` in suite.yaml".to_owned(),
        );
        return Err(Box::new(finding));
    };
    let externals = Externals::new(grounds.http.clone(), base);
    // By its trace, by its correlation id where a call brings nothing else or the services begin a trace of their own; and a case that is
    // alone without either.
    let mut also = vec![trail.correlation_id.as_str()];
    also.extend(fixture.isolated.then_some(ANYBODY));
    externals.script(&trail.trace_id.to_string(), &also, &script_of(&fixture.given)).await.map_err(|error| {
        let mut finding = finding("case.script", "The externals did not take the script of `given:`.");
        finding.details.push(format!("{error}."));
        Box::new(finding)
    })
}

/// Forgets it.
pub(super) async fn forget(fixture: &Fixture, grounds: &Grounds, trail: &Trail) {
    if let Some(base) = grounds.externals.as_ref().filter(|_| !fixture.given.is_empty()) {
        Externals::new(grounds.http.clone(), base).forget(&trail.trace_id.to_string()).await;
    }
}
