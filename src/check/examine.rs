//! Who can tell why the telemetry of a service does not come.
//!
//! Declared here and done by `cli`, because it takes looking at processes and at their environment; asked by `drive`: before a case, which
//! processes stand behind the services, and after one that does not hold, what became of them and what is wrong with those of which
//! nothing arrived.

use std::{any::Any, fmt, sync::Arc};

use futures_util::future::BoxFuture;

use super::{ServiceAddress, findings::finding, judge::Judgement, outcome::Finding};
use crate::support::words::capitalised;

/// Looks at services that should have exported.
pub trait Examiner: fmt::Debug + Send + Sync {
    /// What stands behind these services now, before a case sends anything to them; handed back by [`Self::examine`].
    fn before(&self, services: Vec<ServiceAddress>) -> BoxFuture<'static, Before>;

    /// Causes, the most probable first: of any service, that its process ended since `before`; of those that are silent, whatever can be
    /// seen. Empty when nothing is wrong with them that could be seen.
    fn examine(&self, silent: Vec<ServiceAddress>, before: Before) -> BoxFuture<'static, Vec<Cause>>;
}

/// What the examiner noted before a case; nobody else looks into it.
pub type Before = Arc<dyn Any + Send + Sync>;

/// Why telemetry does not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Its stable name: `target.endpoint`, `otel.disabled`, …
    pub code: String,
    /// The services that it keeps silent.
    pub services: Vec<String>,
    /// What it is, to stand after a colon, without a full stop.
    pub words: String,
    /// Whether it keeps every span away; else it may.
    pub certain: bool,
    /// What to do.
    pub hint: Option<String>,
}

impl Cause {
    /// Where services are silent: `api and worker: OTEL_SDK_DISABLED=true turns telemetry off.`
    fn sentence(&self) -> String {
        if self.code == ENDED { capitalised(&format!("{}.", self.words)) } else { format!("{}: {}.", self.who(), self.words) }
    }

    fn who(&self) -> String {
        match self.services.as_slice() {
            [] => "a service".to_owned(),
            [one] => one.clone(),
            [most @ .., last] => format!("{} and {last}", most.join(", ")),
        }
    }

    fn finding(self) -> Finding {
        let silent = format!("no span of {} came: {}.", self.who(), self.words);
        let headline = if self.code == ENDED { self.sentence() } else { silent };
        let mut found = finding(&format!("cause.{}", self.code), headline);
        found.hint = self.hint;
        found
    }
}

/// The code of a process that ended while a case ran. Some of its spans may have come, and its words are a whole sentence.
pub const ENDED: &str = "target.exit";

/// A judgement with these causes. What is certain is the headline; what is only possible comes after what was missed.
pub(super) fn with_causes(mut judgement: Judgement, causes: Vec<Cause>) -> Judgement {
    if let Some(nothing) = judgement.findings.iter_mut().find(|finding| finding.code == "cause.unobserved") {
        nothing.details.extend(causes.iter().map(Cause::sentence));
        nothing.hint = causes.into_iter().find_map(|cause| cause.hint).or(nothing.hint.take());
        return judgement;
    }
    let (certain, possible): (Vec<_>, Vec<_>) = causes.into_iter().partition(|cause| cause.certain);
    // The verdict stays: a cause says why evidence lacks, and is none.
    judgement.findings.splice(0..0, certain.into_iter().map(Cause::finding));
    judgement.findings.extend(possible.into_iter().map(Cause::finding));
    judgement
}

#[cfg(test)]
mod tests {
    use super::{Cause, ENDED, with_causes};
    use crate::check::{Verdict, findings::finding, judge::Judgement};

    fn cause(code: &str, certain: bool, services: &[&str]) -> Cause {
        let services = services.iter().map(|service| (*service).to_owned()).collect();
        Cause { code: code.into(), services, words: format!("{code} is so"), certain, hint: Some("mend it".into()) }
    }

    fn said(code: &str, causes: Vec<Cause>) -> (Vec<String>, Vec<String>) {
        let findings = vec![finding(code, "something lacks.")];
        let judged = Judgement { verdict: Verdict::Failed, findings, warnings: Vec::new(), tree: Vec::new() };
        let judged = with_causes(judged, causes);
        assert_eq!(judged.verdict, Verdict::Failed);
        let details = judged.findings.iter().flat_map(|finding| finding.details.clone()).collect();
        (judged.findings.into_iter().map(|finding| finding.headline).collect(), details)
    }

    #[test]
    fn what_is_certain_comes_first_and_what_is_possible_last() {
        let causes = vec![cause("this", true, &["api", "worker"]), cause("that", false, &["crm"]), cause(ENDED, true, &["web"])];
        let (headlines, details) = said("expect.edge", causes);
        let expected = [
            "No span of api and worker came: this is so.",
            "Target.exit is so.",
            "Something lacks.",
            "No span of crm came: that is so.",
        ];
        assert_eq!((headlines, details), (expected.map(String::from).into(), Vec::new()));
    }

    #[test]
    fn where_nothing_came_at_all_they_stand_below_that() {
        let (headlines, details) =
            said("cause.unobserved", vec![cause("this", true, &["a", "b", "c"]), cause(ENDED, true, &["web"])]);
        assert_eq!(headlines, ["Something lacks."]);
        assert_eq!(details, ["a, b and c: this is so.", "Target.exit is so."]);
    }
}
