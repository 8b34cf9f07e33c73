//! Deliberate faults: the hidden switch that makes a demo service break the way real services do, so that devstack can show it sees it.
//!
//! Fed by `cli` (names) and tests; read at the one place in `api` and `trigger` where the real bug would sit. Each is the smallest
//! deviation that still is the bug.

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use crate::support::suggest;

/// One deliberate fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The task payload carries no `traceparent`: the run starts a trace of its own.
    ContextLost,
    /// The context is injected into the payload before the producer is active: the consumer stands beside its producer.
    InjectEarly,
    /// The producer span is never ended, as after an error path without `end()`.
    ProducerLeak,
    /// Each HubSpot POST is recorded twice, as when a wrapper and an auto-instrumentation both see the call.
    DuplicateSpan,
    /// The consumer span of a run is made with kind INTERNAL.
    WrongKind,
    /// The message handler records no `message_processed` event.
    MissingEvent,
    /// The message handler has one more internal span than anyone expects.
    ExtraSpan,
    /// The consumer span is named after the function, not `trigger.task.<task>`.
    WrongName,
    /// `medicalcor.lead.score` is text.
    WrongAttributeType,
    /// One WhatsApp client span of each run is handed to the exporter two seconds after it ended.
    LateSpan,
    /// The services export to an address where nobody listens, as with a wrong `OTEL_EXPORTER_OTLP_ENDPOINT`.
    Silent,
    /// An external's failure is caught and forgotten: the run succeeds and no `error_handled` event says so.
    SwallowedError,
}

/// A name that is no fault's.
#[derive(Debug, thiserror::Error)]
#[error("unknown fault `{name}`{}", hint.map_or_else(String::new, |near| format!(", did you mean `{near}`?")))]
pub struct UnknownFault {
    name: String,
    hint: Option<&'static str>,
}

/// The faults a service runs with; empty in normal life.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<BTreeSet<Fault>>);

impl Fault {
    /// Every fault, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::ContextLost,
        Self::InjectEarly,
        Self::ProducerLeak,
        Self::DuplicateSpan,
        Self::WrongKind,
        Self::MissingEvent,
        Self::ExtraSpan,
        Self::WrongName,
        Self::WrongAttributeType,
        Self::LateSpan,
        Self::Silent,
        Self::SwallowedError,
    ];

    /// The name by which a person asks for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ContextLost => "context-lost",
            Self::InjectEarly => "inject-early",
            Self::ProducerLeak => "producer-leak",
            Self::DuplicateSpan => "duplicate-span",
            Self::WrongKind => "wrong-kind",
            Self::MissingEvent => "missing-event",
            Self::ExtraSpan => "extra-span",
            Self::WrongName => "wrong-name",
            Self::WrongAttributeType => "wrong-attribute-type",
            Self::LateSpan => "late-span",
            Self::Silent => "silent",
            Self::SwallowedError => "swallowed-error",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|fault| fault.name() == name)
            .ok_or_else(|| UnknownFault { name: name.to_owned(), hint: suggest::nearest(name, Self::ALL.map(Self::name)) })
    }
}

impl Faults {
    /// Whether `fault` is switched on.
    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        Self(Arc::new(faults.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults};

    #[test]
    fn every_name_parses_to_its_fault() {
        for fault in Fault::ALL {
            assert_eq!(fault.name().parse::<Fault>().unwrap(), fault);
        }
    }

    #[test]
    fn a_typo_is_refused_with_the_nearest_name() {
        let error = "contxt-lost".parse::<Fault>().unwrap_err();
        assert_eq!(error.to_string(), "unknown fault `contxt-lost`, did you mean `context-lost`?");
    }

    #[test]
    fn only_what_was_asked_for_is_on() {
        let faults: Faults = [Fault::Silent].into_iter().collect();
        assert!(faults.has(Fault::Silent) && !faults.has(Fault::LateSpan));
    }
}
