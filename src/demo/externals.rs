//! HubSpot, WhatsApp, OpenAI and Stripe as the services meet them: the normal answers, in the shapes of their APIs.
//!
//! Served by `standin::externals` when no script says otherwise; called by the clients of `trigger`. Ids are derived from what was sent, so
//! that the same contact keeps its id.

use std::{net::SocketAddr, sync::Arc};

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::error::DemoError;
use crate::{
    standin::externals::{Answering, Externals, ExternalsConfig, Reply, Request},
    support::clock::TimerClock,
};

/// Reply of the model to a message it was not asked to score.
const REPLY: &str = "Thank you for your message. A colleague will come back to you shortly.";

/// The services that answer here, by path prefix.
const SERVICES: [&str; 4] = ["hubspot", "whatsapp", "openai", "stripe"];

/// The four services.
#[derive(Debug)]
struct Services;

/// Takes the port of the externals; `clock` is that of scripted delays.
pub async fn bind(listen: SocketAddr, clock: TimerClock) -> Result<Externals, DemoError> {
    let config = ExternalsConfig { listen, own: Vec::new(), clock, answering: Arc::new(Services) };
    Externals::bind(config).await.map_err(DemoError::Externals)
}

impl Answering for Services {
    fn names(&self) -> Vec<&str> {
        SERVICES.to_vec()
    }

    fn answer(&self, request: Request<'_>) -> Option<Reply> {
        answer(request).map(|(status, body)| Reply::json(status, body))
    }

    fn known(&self, external: &str) -> Vec<String> {
        let known: &[&str] = match external {
            "hubspot" => &[
                "POST /crm/v3/objects/contacts",
                "POST /crm/v3/objects/contacts/search",
                "GET /crm/v3/objects/contacts/{id}",
                "PATCH /crm/v3/objects/contacts/{id}",
                "POST /crm/v3/objects/notes",
                "POST /crm/v3/objects/tasks",
            ],
            "whatsapp" => &["POST /v1/messages"],
            "openai" => &["POST /v1/chat/completions"],
            "stripe" => &["GET /v1/customers/{id}"],
            _ => &[],
        };
        known.iter().map(|known| (*known).to_owned()).collect()
    }
}

/// The answer to a request; `None` for what the API does not have.
fn answer(request: Request<'_>) -> Option<(StatusCode, Value)> {
    let Request { external, method, path, body } = request;
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    Some(match (external, method.as_str(), segments.as_slice()) {
        ("hubspot", "POST", ["crm", "v3", "objects", "contacts"]) => (StatusCode::CREATED, contact_of(body)),
        ("hubspot", "POST", ["crm", "v3", "objects", "contacts", "search"]) => (StatusCode::OK, search(body)),
        ("hubspot", "GET", ["crm", "v3", "objects", "contacts", id]) => {
            (StatusCode::OK, json!({"id": id, "properties": {"lifecyclestage": "lead"}}))
        }
        ("hubspot", "PATCH", ["crm", "v3", "objects", "contacts", id]) => {
            (StatusCode::OK, json!({"id": id, "properties": body.get("properties")}))
        }
        ("hubspot", "POST", ["crm", "v3", "objects", "notes" | "tasks"]) => {
            (StatusCode::CREATED, json!({"id": numeric_id(&body.to_string())}))
        }
        ("whatsapp", "POST", ["v1", "messages"]) => {
            (StatusCode::OK, json!({"messages": [{"id": format!("wamid.{}", numeric_id(&body.to_string()))}]}))
        }
        ("openai", "POST", ["v1", "chat", "completions"]) => (StatusCode::OK, completion(body)),
        ("stripe", "GET", ["v1", "customers", id]) => {
            (StatusCode::OK, json!({"id": id, "object": "customer", "email": format!("{id}@example.com")}))
        }
        _ => return None,
    })
}

fn contact_of(body: &Value) -> Value {
    let properties = body.get("properties").cloned().unwrap_or_default();
    let who = ["email", "phone"].iter().find_map(|key| properties.get(key)?.as_str()).unwrap_or_default();
    json!({"id": numeric_id(who), "properties": properties})
}

fn search(body: &Value) -> Value {
    let who = body.pointer("/filterGroups/0/filters/0/value").and_then(Value::as_str);
    let results: Vec<Value> = who.into_iter().map(|who| json!({"id": numeric_id(who)})).collect();
    json!({"total": results.len(), "results": results})
}

/// Eleven digits, as HubSpot's ids have.
fn numeric_id(of: &str) -> String {
    let hash = Sha256::digest(of);
    let number = hash.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    (10_000_000_000 + number % 90_000_000_000).to_string()
}

/// A line of the rubric that the prompt may hold: words and what each line is worth when one of them is there.
#[derive(Debug, Deserialize)]
struct RubricLine {
    words: Vec<String>,
    points: i64,
}

/// A model that does what its prompt says: given a rubric (`Rubric: [...]`) it scores by it, else it replies.
fn completion(body: &Value) -> Value {
    let content = |index: usize| body.pointer(&format!("/messages/{index}/content")).and_then(Value::as_str).unwrap_or_default();
    let (system, user) = (content(0), content(1));
    let text = match rubric(system) {
        Some(lines) => json!({"score": score(&lines, user), "reasoning": "by the rubric"}).to_string(),
        None => REPLY.to_owned(),
    };
    let tokens = |text: &str| text.split_whitespace().count();
    let usage = json!({"prompt_tokens": tokens(system) + tokens(user), "completion_tokens": tokens(&text)});
    json!({"model": body.get("model"), "choices": [{"index": 0, "message": {"role": "assistant", "content": text}}], "usage": usage})
}

fn rubric(system: &str) -> Option<Vec<RubricLine>> {
    serde_json::from_str(system.split_once("Rubric: ")?.1).ok()
}

fn score(lines: &[RubricLine], text: &str) -> i64 {
    let text = text.to_lowercase();
    let holds = |line: &&RubricLine| line.words.iter().any(|word| text.contains(word.as_str()));
    (1 + lines.iter().filter(holds).map(|line| line.points).sum::<i64>()).clamp(1, 5)
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::{Value, json};

    use super::{Answering as _, Request, SERVICES, Services, StatusCode, answer};

    fn post(external: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(Request { external, method: &Method::POST, path, body }).unwrap()
    }

    #[test]
    fn the_same_person_is_the_same_contact() {
        let created = post("hubspot", "/crm/v3/objects/contacts", &json!({"properties": {"phone": "+40721"}})).1;
        let filter = json!({"filterGroups": [{"filters": [{"propertyName": "phone", "value": "+40721"}]}]});
        let found = post("hubspot", "/crm/v3/objects/contacts/search", &filter).1;
        assert_eq!(created["id"], found["results"][0]["id"]);
    }

    #[test]
    fn the_model_scores_by_the_rubric_it_is_given() {
        let ask = |text: &str| {
            let system = r#"Score it. Rubric: [{"words": ["implant"], "points": 3}, {"words": ["browsing"], "points": -2}]"#;
            let messages = json!([{"role": "system", "content": system}, {"role": "user", "content": text}]);
            let answer = post("openai", "/v1/chat/completions", &json!({"model": "gpt-4o", "messages": messages})).1;
            let content: Value = serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
            content["score"].as_i64().unwrap()
        };
        assert_eq!((ask("An IMPLANT please"), ask("just browsing")), (4, 1));
    }

    #[test]
    fn what_an_api_has_is_listed_and_nothing_else_is_there() {
        for external in SERVICES {
            let known = Services.known(external);
            assert!(!known.is_empty());
            for line in known {
                let (method, path) = line.split_once(' ').unwrap();
                let method: Method = method.parse().unwrap();
                assert!(answer(Request { external, method: &method, path, body: &Value::Null }).is_some(), "{external} {line}");
            }
        }
        let asked = |external, method, path| answer(Request { external, method, path, body: &Value::Null });
        assert_eq!(asked("hubspot", &Method::POST, "/crm/v9/objects"), None);
        assert_eq!(asked("whatsapp", &Method::GET, "/v1/messages"), None);
    }
}
