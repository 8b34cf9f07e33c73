//! `POST /webhooks/stripe`: payments, failures, refunds.
//!
//! Fed by Stripe (or `replay`); each event that means money becomes a run.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Request, State},
};
use serde_json::{Map, Value, json};

use super::{
    limits::WebhookKind,
    service::{ApiState, Run},
    whatsapp::object,
};
use crate::{
    demo::{
        http::ApiError,
        idempotency,
        names::TaskId,
        payload::{
            stripe::{Event, Outcome, Payment},
            tasks::{PaymentPayload, RefundPayload},
        },
    },
    webhook::Provider,
};

/// An event. Answers before it is worked on; a type the API does not know is refused.
pub(super) async fn receive(State(api): State<Arc<ApiState>>, request: Request) -> Result<Json<Value>, ApiError> {
    let delivery = api.accept(WebhookKind::Stripe, request).await?;
    api.verify(&Provider::stripe(), &delivery)?;
    let invalid = |_| ApiError::Validation("Invalid Stripe payload".to_owned());
    let event: Event = serde_json::from_slice(&delivery.body).map_err(invalid)?;
    let payment = event.payment().map_err(invalid)?;
    api.enqueue_later(&delivery.trace, payment.map(run).into_iter().collect());
    Ok(Json(json!({"received": true})))
}

fn run(payment: Payment) -> Run {
    match payment.outcome {
        Outcome::Succeeded => payment_run(TaskId::PaymentSucceeded, "payment-success", payment),
        Outcome::Failed => payment_run(TaskId::PaymentFailed, "payment-failed", payment),
        Outcome::Refunded => refund_run(payment),
    }
}

fn payment_run(task: TaskId, namespace: &str, payment: Payment) -> Run {
    Run {
        task,
        message_id: payment.id.clone(),
        idempotency_key: idempotency::key(namespace, &[&payment.id]),
        payload: payment_payload(payment),
    }
}

fn payment_payload(payment: Payment) -> Map<String, Value> {
    object(&PaymentPayload {
        payment_id: payment.id,
        raw_payment_id: payment.raw_id,
        amount: payment.amount,
        currency: payment.currency,
        customer_id: payment.customer,
        customer_email: payment.email,
        metadata: payment.metadata,
    })
}

fn refund_run(payment: Payment) -> Run {
    let refund_id = format!("refund_{}", payment.id);
    Run {
        task: TaskId::Refund,
        message_id: refund_id.clone(),
        idempotency_key: idempotency::key("refund", &[&refund_id]),
        payload: object(&RefundPayload {
            refund_id,
            payment_id: payment.id,
            amount: payment.amount,
            currency: payment.currency,
            customer_email: payment.email,
        }),
    }
}
