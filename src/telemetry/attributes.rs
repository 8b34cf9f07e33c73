//! Every attribute name of the guide, one constant each: its three tables, the constants of MedicalCor's library, and what the
//! span constructors set.
//!
//! Written onto spans by this room and by services; read by the `medicalcor` rule pack, which holds spans to [`REGISTRY`].

/// Declares the constants and lists all of them in [`REGISTRY`], so that neither can miss one.
macro_rules! registry {
    ($($(#[$doc:meta])* $name:ident = $key:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $key;)*

        /// Every attribute name of the guide and of MedicalCor's library.
        pub const REGISTRY: &[&str] = &[$($name),*];
    };
}

registry! {
    /// Name of the service; belongs to the resource, never to a span.
    SERVICE_NAME = "service.name";
    /// Version of the service (resource).
    SERVICE_VERSION = "service.version";
    /// Family the service belongs to, `medicalcor` (resource).
    SERVICE_NAMESPACE = "service.namespace";
    /// Which instance of the service (resource).
    SERVICE_INSTANCE_ID = "service.instance.id";
    /// `development`, `staging`, `production` (resource).
    DEPLOYMENT_ENVIRONMENT = "deployment.environment";
    /// Name of the service a CLIENT span calls; stands where the original library put `service.name`.
    PEER_SERVICE = "peer.service";

    /// HTTP method, upper case.
    HTTP_METHOD = "http.method";
    /// Path of the request. Never the query: it can hold verify tokens.
    HTTP_URL = "http.url";
    /// Route pattern, `/webhooks/{type}`.
    HTTP_ROUTE = "http.route";
    /// Status of the response, an integer.
    HTTP_STATUS_CODE = "http.status_code";
    /// Size of the request body in bytes.
    HTTP_REQUEST_CONTENT_LENGTH = "http.request_content_length";
    /// Size of the response body in bytes.
    HTTP_RESPONSE_CONTENT_LENGTH = "http.response_content_length";
    /// `User-Agent` of the request.
    HTTP_USER_AGENT = "http.user_agent";
    /// Address of the client.
    HTTP_CLIENT_IP = "http.client_ip";

    /// Database product: `postgresql`, `sqlite`, `redis`.
    DB_SYSTEM = "db.system";
    /// Name of the database.
    DB_NAME = "db.name";
    /// Operation: `SELECT`, or a name such as `custom_query`.
    DB_OPERATION = "db.operation";
    /// Statement with placeholders, cut to 500 characters.
    DB_STATEMENT = "db.statement";
    /// Connection string without credentials.
    DB_CONNECTION_STRING = "db.connection_string";
    /// Rows the statement changed or returned.
    DB_ROWS_AFFECTED = "db.rows_affected";
    /// Index of the Redis database.
    DB_REDIS_DATABASE_INDEX = "db.redis.database_index";
    /// Redis command as given: `GET`.
    REDIS_COMMAND = "redis.command";
    /// Redis key.
    REDIS_KEY = "redis.key";

    /// Messaging system: `trigger.dev`.
    MESSAGING_SYSTEM = "messaging.system";
    /// Destination: the task's id.
    MESSAGING_DESTINATION = "messaging.destination";
    /// Kind of the destination.
    MESSAGING_DESTINATION_KIND = "messaging.destination_kind";
    /// Id of the message.
    MESSAGING_MESSAGE_ID = "messaging.message_id";
    /// `send` or `receive`.
    MESSAGING_OPERATION = "messaging.operation";

    /// UUID of the lead.
    LEAD_ID = "medicalcor.lead.id";
    /// Phone number of the lead. In the original's registry; a personal value, so nothing here ever sets it.
    LEAD_PHONE = "medicalcor.lead.phone";
    /// Score of the lead, 1 to 5.
    LEAD_SCORE = "medicalcor.lead.score";
    /// `HOT`, `WARM`, `COLD` or `UNQUALIFIED`.
    LEAD_CLASSIFICATION = "medicalcor.lead.classification";
    /// Channel the lead came by: `whatsapp`, `web`.
    LEAD_CHANNEL = "medicalcor.lead.channel";
    /// Id of the patient.
    PATIENT_ID = "medicalcor.patient.id";
    /// HubSpot contact id.
    HUBSPOT_CONTACT_ID = "medicalcor.hubspot.contact_id";
    /// What was asked of HubSpot: `sync`.
    HUBSPOT_OPERATION = "medicalcor.hubspot.operation";
    /// WhatsApp message id, `wamid.…`.
    WHATSAPP_MESSAGE_ID = "medicalcor.whatsapp.message_id";
    /// WhatsApp phone number id (of the business, not a number).
    WHATSAPP_PHONE_NUMBER_ID = "medicalcor.whatsapp.phone_number_id";
    /// WhatsApp template.
    WHATSAPP_TEMPLATE = "medicalcor.whatsapp.template";
    /// OpenAI model.
    OPENAI_MODEL = "medicalcor.openai.model";
    /// Tokens of the prompt.
    OPENAI_TOKENS_INPUT = "medicalcor.openai.tokens.input";
    /// Tokens of the answer.
    OPENAI_TOKENS_OUTPUT = "medicalcor.openai.tokens.output";
    /// Id of the workflow.
    WORKFLOW_ID = "medicalcor.workflow.id";
    /// Name of the workflow.
    WORKFLOW_NAME = "medicalcor.workflow.name";
    /// Step of the workflow.
    WORKFLOW_STEP = "medicalcor.workflow.step";
    /// Task of the workflow.
    WORKFLOW_TASK_ID = "medicalcor.workflow.task_id";
    /// Status of the workflow.
    WORKFLOW_STATUS = "medicalcor.workflow.status";
    /// Id of the task.
    TASK_ID = "medicalcor.task.id";
    /// Name of the task.
    TASK_NAME = "medicalcor.task.name";
    /// Attempt of the task.
    TASK_ATTEMPT = "medicalcor.task.attempt";
    /// Correlation id of the request everything else follows from.
    CORRELATION_ID = "medicalcor.correlation_id";
    /// Idempotency key of an enqueued run.
    IDEMPOTENCY_KEY = "medicalcor.idempotency_key";

    /// Id of the task, `whatsapp-message-handler`.
    TRIGGER_TASK_NAME = "trigger.task.name";
    /// Always `task`.
    TRIGGER_TASK_TYPE = "trigger.task.type";
    /// Id of the run, `run_…`.
    TRIGGER_TASK_RUN_ID = "trigger.task.run_id";
    /// Attempt of the run, from 1.
    TRIGGER_TASK_ATTEMPT = "trigger.task.attempt";
    /// Queue of the run.
    TRIGGER_TASK_QUEUE = "trigger.task.queue";
    /// Run id that the enqueue call answered; on the PRODUCER span.
    TRIGGER_TASK_HANDLE_ID = "trigger.task.handle_id";
    /// The enqueue call found a run of the same idempotency key; on the PRODUCER span.
    TRIGGER_TASK_DEDUPLICATED = "trigger.task.deduplicated";
    /// Name of the workflow, `lead-scoring`.
    TRIGGER_WORKFLOW_NAME = "trigger.workflow.name";
    /// Step of the workflow, `calculate-score`.
    TRIGGER_WORKFLOW_STEP = "trigger.workflow.step";
    /// Index of the step, from 0.
    TRIGGER_WORKFLOW_STEP_INDEX = "trigger.workflow.step_index";
    /// Run of the workflow.
    TRIGGER_WORKFLOW_RUN_ID = "trigger.workflow.run_id";
    /// How long the task took, in milliseconds.
    TASK_DURATION_MS = "task.duration_ms";
    /// How long the step took, in milliseconds.
    STEP_DURATION_MS = "step.duration_ms";
    /// How long something took, in milliseconds.
    DURATION_MS = "duration_ms";

    /// Whether something failed (the original's; the span status says it here).
    ERROR = "error";
    /// What class of error: the error's type name, or the HTTP status.
    ERROR_TYPE = "error.type";
    /// Text of the error (the original's; `exception.message` says it here).
    ERROR_MESSAGE = "error.message";
    /// Stack of the error (the original's).
    ERROR_STACK = "error.stack";
    /// On the `exception` event: type of the error.
    EXCEPTION_TYPE = "exception.type";
    /// On the `exception` event: text of the error.
    EXCEPTION_MESSAGE = "exception.message";
}

/// Spellings that are met in the wild, each with the registry's name for the same thing.
pub const UNDESIRED: &[(&str, &str)] = &[
    ("lead.id", LEAD_ID),
    ("lead.score", LEAD_SCORE),
    ("lead.classification", LEAD_CLASSIFICATION),
    ("lead.channel", LEAD_CHANNEL),
    ("patient.id", PATIENT_ID),
    ("hubspot.contact_id", HUBSPOT_CONTACT_ID),
    ("hubspot.operation", HUBSPOT_OPERATION),
    ("whatsapp.message_id", WHATSAPP_MESSAGE_ID),
    ("whatsapp.phone_number_id", WHATSAPP_PHONE_NUMBER_ID),
    ("whatsapp.template", WHATSAPP_TEMPLATE),
    ("openai.model", OPENAI_MODEL),
    ("openai.tokens.input", OPENAI_TOKENS_INPUT),
    ("openai.tokens.output", OPENAI_TOKENS_OUTPUT),
    ("correlation_id", CORRELATION_ID),
    ("correlationId", CORRELATION_ID),
    ("idempotency_key", IDEMPOTENCY_KEY),
    ("task.name", TRIGGER_TASK_NAME),
    ("task.run_id", TRIGGER_TASK_RUN_ID),
    ("task.attempt", TRIGGER_TASK_ATTEMPT),
    ("task.queue", TRIGGER_TASK_QUEUE),
    ("workflow.name", TRIGGER_WORKFLOW_NAME),
    ("workflow.step", TRIGGER_WORKFLOW_STEP),
    ("workflow.step_index", TRIGGER_WORKFLOW_STEP_INDEX),
    ("external.service", PEER_SERVICE),
];

/// The stable HTTP name of an older one, where it does not depend on the span's kind
/// (`http.url` does: a server's is a path, a client's a URL).
pub const STABLE_HTTP: &[(&str, &str)] = &[
    (HTTP_METHOD, "http.request.method"),
    (HTTP_STATUS_CODE, "http.response.status_code"),
    (HTTP_USER_AGENT, "user_agent.original"),
    (HTTP_CLIENT_IP, "client.address"),
    (HTTP_REQUEST_CONTENT_LENGTH, "http.request.body.size"),
    (HTTP_RESPONSE_CONTENT_LENGTH, "http.response.body.size"),
];

/// The registry's name for an undesired spelling.
pub fn preferred(spelling: &str) -> Option<&'static str> {
    UNDESIRED.iter().find(|(undesired, _)| *undesired == spelling).map(|(_, preferred)| *preferred)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_registry_names_each_attribute_once() {
        let unique: BTreeSet<_> = REGISTRY.iter().collect();
        assert_eq!(unique.len(), REGISTRY.len());
    }

    #[test]
    fn undesired_spellings_are_not_in_the_registry_and_lead_into_it() {
        for (undesired, name) in UNDESIRED {
            assert!(!REGISTRY.contains(undesired), "`{undesired}` is both undesired and registered");
            assert!(REGISTRY.contains(name), "`{name}` is not registered");
        }
        assert_eq!(preferred("lead.id"), Some("medicalcor.lead.id"));
        assert_eq!(preferred("medicalcor.lead.id"), None);
    }
}
