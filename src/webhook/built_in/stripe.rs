//! Stripe: payments, refunds, checkouts, invoices, subscriptions.
//!
//! Read by `built_in`. The body's shape is that of Stripe's event objects.

use http::HeaderName;

use crate::webhook::{
    definition::{Definition, Row, Signing, TOLERANCE, template},
    fields::FieldKind::{Email, Horizon, Id, Name, Phone, Time},
    secrets::STRIPE_WEBHOOK_SECRET,
};

pub(super) fn definition() -> Definition {
    Definition {
        path: Some("/webhooks/stripe".to_owned()),
        service: Some(super::MEDICALCOR_API.to_owned()),
        signing: Some(Signing {
            signed: template("${timestamp}.${body}"),
            template: template("t=${timestamp},v1=${signature}"),
            list: Some(','),
            tolerance: Some(TOLERANCE),
            ..Signing::of_body(HeaderName::from_static("stripe-signature"), STRIPE_WEBHOOK_SECRET)
        }),
        ..Definition::new("stripe").with_fields(FIELDS)
    }
}

const FIELDS: &[Row] = &[
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
