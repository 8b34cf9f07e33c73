//! `given:` how the externals answer one case, told to them before its first byte and forgotten after its verdict.
//!
//! Called by `drive`.

use super::{Grounds, findings::finding, observe::Trail, outcome::Finding};
use crate::{
    fixture::Fixture,
    replay::{Externals, script_of},
};

/// Sets the script of a case, where it has one.
pub(super) async fn set(fixture: &Fixture, grounds: &Grounds, trail: &Trail) -> Result<(), Box<Finding>> {
    if fixture.given.is_empty() {
        return Ok(());
    }
    let Some(base) = &grounds.externals else {
        let mut finding = finding("case.no-externals", "`given:` needs the demo's externals, and there are none.");
        finding.hint = Some("run it against the demo services".to_owned());
        return Err(Box::new(finding));
    };
    let externals = Externals::new(grounds.http.clone(), base);
    externals.script(&key(trail), &script_of(&fixture.given)).await.map_err(|error| {
        let mut finding = finding("case.script", "The externals did not take the script of `given:`.");
        finding.details.push(format!("{error}."));
        Box::new(finding)
    })
}

/// Forgets it.
pub(super) async fn forget(fixture: &Fixture, grounds: &Grounds, trail: &Trail) {
    if let Some(base) = grounds.externals.as_ref().filter(|_| !fixture.given.is_empty()) {
        Externals::new(grounds.http.clone(), base).forget(&key(trail)).await;
    }
}

/// Externals know a case by the trace they are called in, or by correlation id where that trace is not known beforehand.
fn key(trail: &Trail) -> String {
    if trail.continued { trail.trace_id.to_string() } else { trail.correlation_id.clone() }
}
