//! `lead-scoring-workflow`: the guide's three steps fetch-data, calculate-score, update-crm.
//!
//! Triggered by the message handler as a child task.

use serde_json::json;

use super::{
    super::{
        context::Attempt,
        error::TaskError,
        scoring::{self, Score},
    },
    schema::{SELECT_LEAD, UPDATE_LEAD},
};
use crate::{
    demo::{names::LEAD_SCORED, payload::tasks::ScoringPayload},
    support::clock::{self, Stopwatch},
    telemetry::{
        KeyValue, Span, WorkflowStep, add_trigger_attributes,
        attributes::{DURATION_MS, HUBSPOT_CONTACT_ID, LEAD_CLASSIFICATION, LEAD_ID},
        with_workflow_span,
    },
};

/// Name of the workflow in span names.
const WORKFLOW: &str = "lead-scoring";

/// Scores one lead.
pub(super) async fn run(attempt: &Attempt, payload: ScoringPayload) -> Result<(), TaskError> {
    let (tracer, parent) = (&attempt.worker.tracer, Some(&attempt.span));
    let at = |index| WorkflowStep { index: Some(index), run_id: None };
    let lead = &payload;
    add_trigger_attributes(
        &attempt.span,
        [(LEAD_ID, Some(lead.lead_id.clone().into())), (HUBSPOT_CONTACT_ID, Some(lead.hubspot_contact_id.clone().into()))],
    );
    with_workflow_span(tracer, WORKFLOW, "fetch-data", parent, at(0), |step| fetch_data(attempt, lead, step)).await?;
    let watch = Stopwatch::start();
    let score =
        with_workflow_span(tracer, WORKFLOW, "calculate-score", parent, at(1), |step| calculate_score(attempt, lead, step))
            .await?;
    describe(attempt, score, watch);
    with_workflow_span(tracer, WORKFLOW, "update-crm", parent, at(2), |step| update_crm(attempt, lead, score, step)).await
}

/// The lead as we and HubSpot know it; one we do not know is not scored.
async fn fetch_data(attempt: &Attempt, lead: &ScoringPayload, step: Span) -> Result<(), TaskError> {
    step.set(LEAD_ID, lead.lead_id.clone());
    let row = attempt.worker.sql.fetch_optional(SELECT_LEAD, vec![lead.lead_id.as_str().into()]).await?;
    row.ok_or(TaskError::UnknownLead)?;
    attempt.worker.hubspot.contact(attempt.caller(), &lead.hubspot_contact_id).await?;
    Ok(())
}

/// Rules first; the model may correct them. Without the model the rules stand.
async fn calculate_score(attempt: &Attempt, lead: &ScoringPayload, step: Span) -> Result<Score, TaskError> {
    let rules = Score::by_rules(&lead.message);
    match attempt.worker.openai.complete(attempt.caller(), "score", &scoring::prompt(), &lead.message).await {
        Ok(completion) => Ok(rules.corrected_by(&completion.text).unwrap_or(rules)),
        Err(error) => {
            attempt.handled(&step, "openai.score", &error, error.class());
            Ok(rules)
        }
    }
}

fn describe(attempt: &Attempt, score: Score, watch: Stopwatch) {
    attempt.set_score(&attempt.span, score.value());
    attempt.span.set(LEAD_CLASSIFICATION, score.classification());
    attempt.span.event(
        LEAD_SCORED,
        [
            KeyValue::new("score", score.value()),
            KeyValue::new("classification", score.classification()),
            KeyValue::new(DURATION_MS, watch.elapsed().as_millis() as i64),
        ],
    );
}

async fn update_crm(attempt: &Attempt, lead: &ScoringPayload, score: Score, step: Span) -> Result<(), TaskError> {
    step.set(HUBSPOT_CONTACT_ID, lead.hubspot_contact_id.clone());
    let properties = json!({"lead_score": score.value(), "lead_status": score.classification()});
    attempt.worker.hubspot.update_contact(attempt.caller(), &lead.hubspot_contact_id, properties).await?;
    let binds = vec![
        lead.hubspot_contact_id.as_str().into(),
        score.value().into(),
        score.classification().into(),
        clock::unix_seconds().into(),
        lead.lead_id.as_str().into(),
    ];
    attempt.worker.sql.execute(UPDATE_LEAD, binds).await?;
    Ok(())
}
