//! The Stripe events the API knows (`medicalcor.md` 2.3).
//!
//! Read by `api::stripe`, which asks [`Event::payment`] what, if anything, is to be done.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The whole body.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "object")]
    _object: ObjectWord,
    #[serde(rename = "created")]
    _created: i64,
    #[serde(rename = "type")]
    kind: EventKind,
    #[serde(rename = "livemode")]
    _livemode: bool,
    data: Data,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ObjectWord {
    Event,
}

#[derive(Debug, Deserialize)]
struct Data {
    object: Value,
}

/// The 21 event types the API accepts; any other is refused with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum EventKind {
    #[serde(rename = "payment_intent.succeeded")]
    PaymentIntentSucceeded,
    #[serde(rename = "payment_intent.payment_failed")]
    PaymentIntentFailed,
    #[serde(rename = "charge.succeeded")]
    ChargeSucceeded,
    #[serde(rename = "charge.failed")]
    ChargeFailed,
    #[serde(rename = "charge.refunded")]
    ChargeRefunded,
    #[serde(rename = "checkout.session.completed")]
    CheckoutCompleted,
    #[serde(rename = "invoice.paid")]
    InvoicePaid,
    /// Known, and nothing is done about it.
    #[serde(
        rename = "payment_intent.canceled",
        alias = "customer.created",
        alias = "customer.updated",
        alias = "invoice.payment_failed",
        alias = "invoice.created",
        alias = "invoice.finalized",
        alias = "invoice.upcoming",
        alias = "checkout.session.expired",
        alias = "customer.subscription.created",
        alias = "customer.subscription.updated",
        alias = "customer.subscription.deleted",
        alias = "customer.subscription.trial_will_end",
        alias = "customer.subscription.paused",
        alias = "customer.subscription.resumed"
    )]
    Ignored,
}

/// What an event means for the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Money came in.
    Succeeded,
    /// A payment did not go through.
    Failed,
    /// Money went back.
    Refunded,
}

/// A payment as the tasks want it, whatever object it came in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Payment {
    pub(crate) outcome: Outcome,
    /// The canonical id: the payment intent's for a charge, the session's or invoice's for those.
    pub(crate) id: String,
    /// The id of the object that came.
    pub(crate) raw_id: String,
    /// In the currency's smallest unit.
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) customer: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) metadata: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct PaymentIntent {
    id: String,
    amount: i64,
    #[serde(rename = "amount_received")]
    _amount_received: i64,
    currency: String,
    #[serde(rename = "status")]
    _status: String,
    customer: Option<String>,
    receipt_email: Option<String>,
    #[serde(default)]
    metadata: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Charge {
    id: String,
    amount: i64,
    amount_refunded: i64,
    currency: String,
    payment_intent: Option<String>,
    customer: Option<String>,
    receipt_email: Option<String>,
    #[serde(rename = "refunded")]
    _refunded: bool,
    #[serde(default)]
    metadata: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct CheckoutSession {
    id: String,
    amount_total: Option<i64>,
    currency: Option<String>,
    payment_status: String,
    customer: Option<String>,
    customer_email: Option<String>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
struct Invoice {
    id: String,
    amount_paid: i64,
    currency: String,
    customer: Option<String>,
    customer_email: Option<String>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
}

impl Event {
    /// The payment this event is about; `None` when it is known and nothing is to be done.
    pub(crate) fn payment(self) -> Result<Option<Payment>, serde_json::Error> {
        let object = self.data.object;
        match self.kind {
            EventKind::PaymentIntentSucceeded => Ok(Some(intent(object, Outcome::Succeeded)?)),
            EventKind::PaymentIntentFailed => Ok(Some(intent(object, Outcome::Failed)?)),
            EventKind::ChargeSucceeded => Ok(Some(charge(object, Outcome::Succeeded)?)),
            EventKind::ChargeFailed => Ok(Some(charge(object, Outcome::Failed)?)),
            EventKind::ChargeRefunded => Ok(Some(charge(object, Outcome::Refunded)?)),
            EventKind::CheckoutCompleted => checkout(object),
            EventKind::InvoicePaid => Ok(Some(invoice(object)?)),
            EventKind::Ignored => Ok(None),
        }
    }
}

fn intent(object: Value, outcome: Outcome) -> Result<Payment, serde_json::Error> {
    let intent: PaymentIntent = serde_json::from_value(object)?;
    Ok(Payment {
        outcome,
        raw_id: intent.id.clone(),
        id: intent.id,
        amount: intent.amount,
        currency: intent.currency,
        customer: intent.customer,
        email: intent.receipt_email,
        metadata: intent.metadata,
    })
}

fn charge(object: Value, outcome: Outcome) -> Result<Payment, serde_json::Error> {
    let charge: Charge = serde_json::from_value(object)?;
    Ok(Payment {
        outcome,
        id: charge.payment_intent.unwrap_or_else(|| charge.id.clone()),
        raw_id: charge.id,
        amount: if outcome == Outcome::Refunded { charge.amount_refunded } else { charge.amount },
        currency: charge.currency,
        customer: charge.customer,
        email: charge.receipt_email,
        metadata: charge.metadata,
    })
}

/// A session that is completed but not paid (`payment_status` is not `paid`) is nothing to book yet.
fn checkout(object: Value) -> Result<Option<Payment>, serde_json::Error> {
    let session: CheckoutSession = serde_json::from_value(object)?;
    Ok((session.payment_status == "paid").then(|| Payment {
        outcome: Outcome::Succeeded,
        raw_id: session.id.clone(),
        id: session.id,
        amount: session.amount_total.unwrap_or_default(),
        currency: session.currency.unwrap_or_default(),
        customer: session.customer,
        email: session.customer_email,
        metadata: session.metadata.unwrap_or_default(),
    }))
}

fn invoice(object: Value) -> Result<Payment, serde_json::Error> {
    let invoice: Invoice = serde_json::from_value(object)?;
    Ok(Payment {
        outcome: Outcome::Succeeded,
        raw_id: invoice.id.clone(),
        id: invoice.id,
        amount: invoice.amount_paid,
        currency: invoice.currency,
        customer: invoice.customer,
        email: invoice.customer_email,
        metadata: invoice.metadata.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Event, Outcome};

    fn event(kind: &str, object: &Value) -> Result<Event, serde_json::Error> {
        serde_json::from_value(
            json!({"id": "evt_1", "object": "event", "created": 1, "livemode": false, "type": kind, "data": {"object": object}}),
        )
    }

    fn charge() -> Value {
        json!({"id": "ch_1", "amount": 900, "amount_refunded": 400, "currency": "eur", "payment_intent": "pi_1",
               "customer": null, "receipt_email": null, "refunded": true, "metadata": {}})
    }

    #[test]
    fn a_refunded_charge_is_the_refund_of_its_payment_intent() {
        let payment = event("charge.refunded", &charge()).unwrap().payment().unwrap().unwrap();
        assert_eq!((payment.outcome, payment.id.as_str(), payment.amount), (Outcome::Refunded, "pi_1", 400));
    }

    #[test]
    fn an_unpaid_checkout_and_an_ignored_type_are_nothing_to_do() {
        let session = json!({"id": "cs_1", "payment_status": "unpaid"});
        assert_eq!(event("checkout.session.completed", &session).unwrap().payment().unwrap(), None);
        assert_eq!(event("invoice.upcoming", &json!({})).unwrap().payment().unwrap(), None);
    }

    #[test]
    fn an_unknown_type_and_a_payment_without_amount_are_refused() {
        assert!(event("charge.vanished", &charge()).is_err());
        assert!(event("payment_intent.succeeded", &json!({"id": "pi_1"})).unwrap().payment().is_err());
    }
}
