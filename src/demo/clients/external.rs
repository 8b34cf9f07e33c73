//! What the tasks ask of HubSpot, WhatsApp, OpenAI and Stripe, in the requests of those services' APIs.
//!
//! Called by the tasks of `trigger`; answered by `externals`, or by anything that speaks these APIs.

use http::Method;
use serde_json::{Value, json};

use super::call::{Caller, ExternalClient, ExternalError, Request};
use crate::telemetry::{
    Span,
    attributes::{HUBSPOT_CONTACT_ID, OPENAI_MODEL, OPENAI_TOKENS_INPUT, OPENAI_TOKENS_OUTPUT, WHATSAPP_TEMPLATE},
};

/// Model that is asked for.
pub(crate) const MODEL: &str = "gpt-4o";

/// The CRM.
#[derive(Debug)]
pub(crate) struct HubSpot(pub(crate) ExternalClient);

/// The messenger.
#[derive(Debug)]
pub(crate) struct WhatsApp(pub(crate) ExternalClient);

/// The language model.
#[derive(Debug)]
pub(crate) struct OpenAi(pub(crate) ExternalClient);

/// The payment provider.
#[derive(Debug)]
pub(crate) struct Stripe(pub(crate) ExternalClient);

/// What identifies a person to HubSpot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lead<'a> {
    pub(crate) phone: Option<&'a str>,
    pub(crate) email: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
}

/// What the model said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) text: String,
}

impl HubSpot {
    /// Creates the contact or finds it by phone or mail; its id.
    pub(crate) async fn sync_contact(&self, caller: Caller<'_>, lead: &Lead<'_>) -> Result<String, ExternalError> {
        let body = json!({"properties": {"phone": lead.phone, "email": lead.email, "firstname": lead.name}});
        let answer = self.post(caller, "sync", "/crm/v3/objects/contacts", body).await?;
        text(&answer, "/id", "hubspot", "id")
    }

    /// The id of the contact with this mail address or phone number, if there is one.
    pub(crate) async fn find_contact(&self, caller: Caller<'_>, lead: &Lead<'_>) -> Result<Option<String>, ExternalError> {
        let (property, value) = lead.email.map_or(("phone", lead.phone), |email| ("email", Some(email)));
        let filter = json!({"filters": [{"propertyName": property, "operator": "EQ", "value": value}]});
        let answer = self.post(caller, "search", "/crm/v3/objects/contacts/search", json!({"filterGroups": [filter]})).await?;
        Ok(answer.pointer("/results/0/id").and_then(Value::as_str).map(str::to_owned))
    }

    /// Reads a contact.
    pub(crate) async fn contact(&self, caller: Caller<'_>, contact: &str) -> Result<Value, ExternalError> {
        let path = format!("/crm/v3/objects/contacts/{contact}");
        let request = Request { operation: "get", method: Method::GET, path, body: None };
        self.0.send(caller, request, |span, _| span.set(HUBSPOT_CONTACT_ID, contact.to_owned())).await
    }

    /// Sets properties of a contact.
    pub(crate) async fn update_contact(&self, caller: Caller<'_>, contact: &str, properties: Value) -> Result<(), ExternalError> {
        let path = format!("/crm/v3/objects/contacts/{contact}");
        let body = Some(json!({"properties": properties}));
        let request = Request { operation: "update", method: Method::PATCH, path, body };
        self.0.send(caller, request, |span, _| span.set(HUBSPOT_CONTACT_ID, contact.to_owned())).await.map(drop)
    }

    /// Puts a note on a contact's timeline.
    pub(crate) async fn log_message(&self, caller: Caller<'_>, contact: &str, note: &str) -> Result<(), ExternalError> {
        let body = json!({"properties": {"hs_note_body": note}, "associations": [{"to": {"id": contact}}]});
        self.post(caller, "timeline", "/crm/v3/objects/notes", body).await.map(drop)
    }

    /// Gives the staff something to do about a contact within so many minutes.
    pub(crate) async fn create_task(
        &self,
        caller: Caller<'_>,
        contact: &str,
        subject: &str,
        due_minutes: u32,
    ) -> Result<(), ExternalError> {
        let properties = json!({"hs_task_subject": subject, "due_in_minutes": due_minutes});
        let body = json!({"properties": properties, "associations": [{"to": {"id": contact}}]});
        self.post(caller, "task", "/crm/v3/objects/tasks", body).await.map(drop)
    }

    async fn post(&self, caller: Caller<'_>, operation: &'static str, path: &str, body: Value) -> Result<Value, ExternalError> {
        let request = Request { operation, method: Method::POST, path: path.to_owned(), body: Some(body) };
        self.0.send(caller, request, |_, _| {}).await
    }
}

impl WhatsApp {
    /// Sends a text.
    pub(crate) async fn send_text(&self, caller: Caller<'_>, to: &str, body: &str) -> Result<(), ExternalError> {
        let message = json!({"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}});
        self.post(caller, "send_text", message, None).await
    }

    /// Sends a template that WhatsApp has approved.
    pub(crate) async fn send_template(&self, caller: Caller<'_>, to: &str, template: &'static str) -> Result<(), ExternalError> {
        let message = json!({"messaging_product": "whatsapp", "to": to, "type": "template",
                             "template": {"name": template, "language": {"code": "en"}}});
        self.post(caller, "send_template", message, Some(template)).await
    }

    async fn post(
        &self,
        caller: Caller<'_>,
        operation: &'static str,
        message: Value,
        template: Option<&'static str>,
    ) -> Result<(), ExternalError> {
        let request = Request { operation, method: Method::POST, path: "/v1/messages".to_owned(), body: Some(message) };
        self.0.send(caller, request, |span, _| span.set_some(WHATSAPP_TEMPLATE, template)).await.map(drop)
    }
}

impl OpenAi {
    /// Asks the model; `system` is the task, `user` what it is about.
    pub(crate) async fn complete(
        &self,
        caller: Caller<'_>,
        operation: &'static str,
        system: &str,
        user: &str,
    ) -> Result<Completion, ExternalError> {
        let messages = json!([{"role": "system", "content": system}, {"role": "user", "content": user}]);
        let body = Some(json!({"model": MODEL, "messages": messages}));
        let request = Request { operation, method: Method::POST, path: "/v1/chat/completions".to_owned(), body };
        let answer = self.0.send(caller, request, describe_completion).await?;
        Ok(Completion { text: text(&answer, "/choices/0/message/content", "openai", "choices")? })
    }
}

impl Stripe {
    /// The mail address of a customer, if Stripe knows one.
    pub(crate) async fn customer_email(&self, caller: Caller<'_>, customer: &str) -> Result<Option<String>, ExternalError> {
        let path = format!("/v1/customers/{customer}");
        let request = Request { operation: "get_customer", method: Method::GET, path, body: None };
        let answer = self.0.send(caller, request, |_, _| {}).await?;
        Ok(answer.pointer("/email").and_then(Value::as_str).map(str::to_owned))
    }
}

/// Model and tokens, as the guide's attributes have them.
fn describe_completion(span: &Span, answer: &Value) {
    span.set_some(OPENAI_MODEL, answer.pointer("/model").and_then(Value::as_str).map(str::to_owned));
    span.set_some(OPENAI_TOKENS_INPUT, answer.pointer("/usage/prompt_tokens").and_then(Value::as_i64));
    span.set_some(OPENAI_TOKENS_OUTPUT, answer.pointer("/usage/completion_tokens").and_then(Value::as_i64));
}

fn text(answer: &Value, pointer: &str, service: &'static str, field: &'static str) -> Result<String, ExternalError> {
    let value = answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    value.ok_or(ExternalError::Answer { service, field })
}
