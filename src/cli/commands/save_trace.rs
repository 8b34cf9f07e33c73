//! `devstack trace … --save-as FILE`: a fixture that expects such a trace.

use std::path::Path;

use crate::{
    cli::{Failure, exit::Exit},
    draft::{self, Deliveries, Origin, Place, Redaction, Seen},
    model::Trace,
    support::project::Project,
    term::Ui,
    webhook::Providers,
};

/// Drafts from the one trace that was found.
pub(super) fn save(traces: &[Trace], path: &Path, force: bool, project: &Project, ui: &Ui) -> Result<Exit, Failure> {
    let [trace] = traces else {
        let words = format!("a fixture is drafted from one trace, and there are {}", traces.len());
        return Err(Failure::usage(words).hint("name one by its id; `--format json` lists them"));
    };
    let mut redaction = request(trace, project, &super::providers(project, ui)?)?;
    let place = Place::File { path: path.to_owned(), force };
    let saved =
        draft::save(&mut redaction, Seen::Trace(trace), Origin::Trace, &place).map_err(|error| super::undrafted(&error))?;
    ui.data(&super::drafted(&redaction, &saved, &[], ui));
    match &saved.body {
        Some(body) => ui.status(&format!("The body of the recorded delivery is {}.", body.display())),
        None => ui.status("A trace does not have the body of its request: put it beside the fixture."),
    }
    ui.status(&format!("Next: devstack replay {}", saved.fixture.display()));
    Ok(Exit::Held)
}

/// As it was recorded, else as the trace tells it.
fn request(trace: &Trace, project: &Project, providers: &Providers) -> Result<Redaction, Failure> {
    let recorded = trace.id().zip(project.state()).and_then(|(id, state)| Deliveries::of(state).find(id, providers));
    if let Some(recorded) = recorded {
        return Ok(recorded);
    }
    match draft::of_trace(trace, providers) {
        Some(Ok(redaction)) => Ok(redaction),
        Some(Err(error)) => Err(Failure::usage(&error as &dyn std::error::Error)),
        None => Err(Failure::usage("no SERVER span of this trace says which request began it, so there is nothing to repeat")
            .hint("`devstack record --forward URL` takes the request itself")),
    }
}
