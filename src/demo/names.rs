//! Words that more than one service must spell alike: services, tasks, queues, events.
//!
//! Read all over this room; the names are the guide's.

/// `service.name` of the API gateway.
pub const API: &str = "medicalcor-api";
/// `service.name` of the worker.
pub const TRIGGER: &str = "medicalcor-trigger";
/// `service.name` of the web application.
pub const WEB: &str = "medicalcor-web";

/// A task that the worker has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskId {
    WhatsAppMessage,
    WhatsAppStatus,
    PaymentSucceeded,
    PaymentFailed,
    Refund,
    LeadScoring,
}

/// Event: a message was dealt with.
pub(crate) const MESSAGE_PROCESSED: &str = "message_processed";
/// Event: a lead has its score.
pub(crate) const LEAD_SCORED: &str = "lead_scored";
/// Event: an error was caught on purpose, and the work goes on without what failed.
pub(crate) const ERROR_HANDLED: &str = "error_handled";
/// Attribute of spans of a store inside the process: `embedded`.
pub(crate) const STORE: &str = "devstack.store";

impl TaskId {
    const ALL: [Self; 6] = [
        Self::WhatsAppMessage,
        Self::WhatsAppStatus,
        Self::PaymentSucceeded,
        Self::PaymentFailed,
        Self::Refund,
        Self::LeadScoring,
    ];

    /// The id on the wire and in span names.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::WhatsAppMessage => "whatsapp-message-handler",
            Self::WhatsAppStatus => "whatsapp-status-handler",
            Self::PaymentSucceeded => "payment-succeeded-handler",
            Self::PaymentFailed => "payment-failed-handler",
            Self::Refund => "refund-handler",
            Self::LeadScoring => "lead-scoring-workflow",
        }
    }

    /// The task of an id.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.id() == id)
    }
}
