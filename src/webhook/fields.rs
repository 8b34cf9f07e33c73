//! Which values of a provider's body differ from delivery to delivery, and which tell of a person.
//!
//! One table a provider, read by [`freshen`](super::freshen). A pattern names keys; `*` stands for any index of an array. The
//! payload shapes are those of the `WhatsApp` Business platform, Stripe's event objects and Pipedrive's webhooks.

use super::Provider;
use super::scan::Step;

/// What a value is, which decides how a fresh one is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldKind {
    /// An identifier: fresh in every delivery, so that idempotency does not swallow the next run.
    Id,
    /// When something happened. The newest of these becomes now; all others keep their distance to it.
    Time,
    /// When something will happen (an expiry, a due date): moves along with the times, but is not the newest of them.
    Horizon,
    /// A phone number.
    Phone,
    /// A person's name, or a part of it.
    Name,
    /// An e-mail address.
    Email,
    /// Words a person wrote. They keep their meaning, and a marker that can be searched for is put behind them.
    Text,
}

impl FieldKind {
    /// Whether it tells of a person, and so must never show in telemetry.
    pub fn is_personal(self) -> bool {
        matches!(self, Self::Phone | Self::Name | Self::Email | Self::Text)
    }

    /// Whether it is a moment.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Time | Self::Horizon)
    }
}

use FieldKind::{Email, Horizon, Id, Name, Phone, Text, Time};

/// A row: the pattern of a path and what stands there.
type Row = (&'static str, FieldKind);

const WHATSAPP: &[Row] = &[
    ("entry.*.changes.*.value.contacts.*.wa_id", Phone),
    ("entry.*.changes.*.value.contacts.*.profile.name", Name),
    ("entry.*.changes.*.value.messages.*.id", Id),
    ("entry.*.changes.*.value.messages.*.from", Phone),
    ("entry.*.changes.*.value.messages.*.timestamp", Time),
    ("entry.*.changes.*.value.messages.*.text.body", Text),
    ("entry.*.changes.*.value.messages.*.image.id", Id),
    ("entry.*.changes.*.value.messages.*.image.caption", Text),
    ("entry.*.changes.*.value.messages.*.audio.id", Id),
    ("entry.*.changes.*.value.messages.*.video.id", Id),
    ("entry.*.changes.*.value.messages.*.video.caption", Text),
    ("entry.*.changes.*.value.messages.*.document.id", Id),
    ("entry.*.changes.*.value.messages.*.document.caption", Text),
    ("entry.*.changes.*.value.messages.*.sticker.id", Id),
    ("entry.*.changes.*.value.messages.*.button.text", Text),
    ("entry.*.changes.*.value.messages.*.contacts.*.name.formatted_name", Name),
    ("entry.*.changes.*.value.messages.*.contacts.*.name.first_name", Name),
    ("entry.*.changes.*.value.messages.*.contacts.*.name.last_name", Name),
    ("entry.*.changes.*.value.messages.*.contacts.*.phones.*.phone", Phone),
    ("entry.*.changes.*.value.messages.*.contacts.*.phones.*.wa_id", Phone),
    ("entry.*.changes.*.value.messages.*.contacts.*.emails.*.email", Email),
    ("entry.*.changes.*.value.messages.*.context.id", Id),
    ("entry.*.changes.*.value.messages.*.context.message_id", Id),
    ("entry.*.changes.*.value.messages.*.context.from", Phone),
    ("entry.*.changes.*.value.messages.*.reaction.message_id", Id),
    ("entry.*.changes.*.value.statuses.*.id", Id),
    ("entry.*.changes.*.value.statuses.*.timestamp", Time),
    ("entry.*.changes.*.value.statuses.*.recipient_id", Phone),
    ("entry.*.changes.*.value.statuses.*.conversation.id", Id),
    ("entry.*.changes.*.value.statuses.*.conversation.expiration_timestamp", Horizon),
];

const STRIPE: &[Row] = &[
    ("id", Id),
    ("created", Time),
    ("request.id", Id),
    ("request.idempotency_key", Id),
    ("data.object.id", Id),
    ("data.object.created", Time),
    ("data.object.payment_intent", Id),
    ("data.object.latest_charge", Id),
    ("data.object.charge", Id),
    ("data.object.balance_transaction", Id),
    ("data.object.payment_method", Id),
    ("data.object.customer", Id),
    ("data.object.invoice", Id),
    ("data.object.subscription", Id),
    ("data.object.number", Id),
    ("data.object.expires_at", Horizon),
    ("data.object.due_date", Horizon),
    ("data.object.period_start", Time),
    ("data.object.period_end", Horizon),
    ("data.object.current_period_start", Time),
    ("data.object.current_period_end", Horizon),
    ("data.object.trial_end", Horizon),
    ("data.object.status_transitions.finalized_at", Time),
    ("data.object.status_transitions.paid_at", Time),
    ("data.object.receipt_email", Email),
    ("data.object.email", Email),
    ("data.object.name", Name),
    ("data.object.phone", Phone),
    ("data.object.customer_email", Email),
    ("data.object.customer_name", Name),
    ("data.object.customer_phone", Phone),
    ("data.object.customer_details.email", Email),
    ("data.object.customer_details.name", Name),
    ("data.object.customer_details.phone", Phone),
    ("data.object.billing_details.email", Email),
    ("data.object.billing_details.name", Name),
    ("data.object.billing_details.phone", Phone),
    ("data.object.shipping.name", Name),
    ("data.object.shipping.phone", Phone),
    ("data.object.metadata.email", Email),
    ("data.object.metadata.name", Name),
    ("data.object.metadata.phone", Phone),
    ("data.object.metadata.lead_id", Id),
    ("data.object.metadata.leadId", Id),
    ("data.object.charges.data.*.id", Id),
    ("data.object.charges.data.*.created", Time),
    ("data.object.charges.data.*.billing_details.email", Email),
    ("data.object.charges.data.*.billing_details.name", Name),
    ("data.object.charges.data.*.billing_details.phone", Phone),
    ("data.object.refunds.data.*.id", Id),
    ("data.object.refunds.data.*.created", Time),
    ("data.object.lines.data.*.id", Id),
    ("data.object.lines.data.*.period.start", Time),
    ("data.object.lines.data.*.period.end", Horizon),
];

const PIPEDRIVE: &[Row] = &[
    ("meta.id", Id),
    ("meta.entity_id", Id),
    ("meta.correlation_id", Id),
    ("meta.timestamp", Time),
    ("meta.timestamp_micro", Time),
    ("current.id", Id),
    ("current.person_id", Id),
    ("current.person_id.value", Id),
    ("current.person_id.name", Name),
    ("current.person_id.phone.*.value", Phone),
    ("current.person_id.email.*.value", Email),
    ("current.person_name", Name),
    ("current.name", Name),
    ("current.first_name", Name),
    ("current.last_name", Name),
    ("current.title", Text),
    ("current.phone", Phone),
    ("current.phone.*.value", Phone),
    ("current.email", Email),
    ("current.email.*.value", Email),
    ("current.add_time", Time),
    ("current.update_time", Time),
    ("current.stage_change_time", Time),
    ("current.won_time", Time),
    ("current.next_activity_date", Horizon),
    ("current.expected_close_date", Horizon),
    ("previous.id", Id),
    ("previous.person_id", Id),
    ("previous.person_name", Name),
    ("previous.name", Name),
    ("previous.first_name", Name),
    ("previous.last_name", Name),
    ("previous.title", Text),
    ("previous.phone", Phone),
    ("previous.phone.*.value", Phone),
    ("previous.email", Email),
    ("previous.email.*.value", Email),
    ("previous.add_time", Time),
    ("previous.update_time", Time),
    ("previous.stage_change_time", Time),
];

/// The rows of a provider.
fn rows(provider: Provider) -> &'static [Row] {
    match provider {
        Provider::WhatsApp => WHATSAPP,
        Provider::Stripe => STRIPE,
        Provider::Pipedrive => PIPEDRIVE,
    }
}

/// What stands at `path` in a body of `provider`; `None` for what every delivery has the same.
pub fn kind_at(provider: Provider, path: &[Step<'_>]) -> Option<FieldKind> {
    rows(provider).iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, kind)| *kind)
}

fn matches(pattern: &str, path: &[Step<'_>]) -> bool {
    let mut steps = path.iter();
    for part in pattern.split('.') {
        let fits = match steps.next() {
            Some(Step::Key(key)) => part != "*" && part == key,
            Some(Step::Index(_)) => part == "*",
            None => false,
        };
        if !fits {
            return false;
        }
    }
    steps.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::super::Provider;
    use super::super::scan::Step;
    use super::{FieldKind, kind_at, rows};

    fn path(steps: &[&'static str]) -> Vec<Step<'static>> {
        let step = |text: &&'static str| text.parse().map_or_else(|_| Step::Key((*text).into()), Step::Index);
        steps.iter().map(step).collect()
    }

    #[test]
    fn a_star_is_any_index_and_nothing_else() {
        let at = |steps: &[&'static str]| kind_at(Provider::Pipedrive, &path(steps));
        assert_eq!(at(&["current", "phone", "3", "value"]), Some(FieldKind::Phone));
        assert_eq!(at(&["current", "phone", "x", "value"]), None);
        assert_eq!(at(&["current", "phone"]), Some(FieldKind::Phone));
        assert_eq!(at(&["current"]), None);
        assert_eq!(at(&["current", "id", "more"]), None);
    }

    #[test]
    fn no_path_stands_in_a_table_twice() {
        for provider in Provider::ALL {
            let mut patterns: Vec<_> = rows(provider).iter().map(|(pattern, _)| pattern).collect();
            let all = patterns.len();
            patterns.sort_unstable();
            patterns.dedup();
            assert_eq!(patterns.len(), all, "{provider}");
        }
    }
}
