//! A first delivery of each provider: an invented body in the shape that the provider documents, for a person to replace.
//!
//! Read by [`super::look`] (which variables and routes speak of which provider) and [`super::files`].

use std::path::Path;

use crate::fixture::{LARGEST_BODY, Shelf};

/// The providers that can be named, `plain` for nobody in particular.
pub const PROVIDERS: [&str; 10] =
    ["whatsapp", "stripe", "pipedrive", "vapi", "twilio", "github", "slack", "shopify", "standard-webhooks", "plain"];

/// Whether a word is one of [`PROVIDERS`].
pub fn is_provider(name: &str) -> bool {
    PROVIDERS.contains(&name)
}

/// A delivery.
pub(super) struct Sample {
    /// The name of the fixture and of its body file.
    pub(super) stem: &'static str,
    /// The ending of the body file.
    pub(super) ending: &'static str,
    /// The body.
    pub(super) body: Vec<u8>,
    /// Headers that tell of the event.
    pub(super) headers: &'static [(&'static str, &'static str)],
}

/// What variables of a provider begin with, or are.
const VARIABLES: [(&str, &str); 14] = [
    ("WHATSAPP_", "whatsapp"),
    ("META_APP_SECRET", "whatsapp"),
    ("STRIPE_", "stripe"),
    ("PIPEDRIVE_", "pipedrive"),
    ("CRM_WEBHOOK_", "pipedrive"),
    ("VAPI_", "vapi"),
    ("TWILIO_", "twilio"),
    ("GITHUB_", "github"),
    ("GH_WEBHOOK_", "github"),
    ("SLACK_", "slack"),
    ("SHOPIFY_", "shopify"),
    ("SVIX_", "standard-webhooks"),
    ("STANDARD_WEBHOOKS_", "standard-webhooks"),
    ("CLERK_WEBHOOK_", "standard-webhooks"),
];

/// Words of a route that name a provider.
const ROUTES: [(&str, &str); 12] = [
    ("whatsapp", "whatsapp"),
    ("stripe", "stripe"),
    ("pipedrive", "pipedrive"),
    ("crm", "pipedrive"),
    ("vapi", "vapi"),
    ("twilio", "twilio"),
    ("github", "github"),
    ("slack", "slack"),
    ("shopify", "shopify"),
    ("svix", "standard-webhooks"),
    ("clerk", "standard-webhooks"),
    ("resend", "standard-webhooks"),
];

/// The provider whose secret a variable holds.
pub(super) fn of_variable(name: &str) -> Option<&'static str> {
    let words: Vec<&str> = name.split('_').collect();
    let secret = words.iter().any(|word| matches!(*word, "SECRET" | "TOKEN" | "SIGNING"));
    if !secret {
        return None;
    }
    let known = VARIABLES.iter().find(|(beginning, _)| name.starts_with(beginning)).map(|(_, provider)| *provider);
    // A key of an API is no sign of webhooks, the secret of a webhook of whomever is.
    let hooked = words.iter().any(|word| matches!(*word, "WEBHOOK" | "WEBHOOKS" | "HOOK" | "SIGNING" | "VERIFY"))
        || name.ends_with("AUTH_TOKEN")
        || name.starts_with("META_APP");
    known.filter(|_| hooked).or_else(|| (name.ends_with("WEBHOOK_SECRET") && known.is_none()).then_some("plain"))
}

/// The provider that a route names.
pub(super) fn of_route(path: &str) -> Option<&'static str> {
    let mut parts = path.split(['/', '-', '_']);
    parts.find_map(|part| ROUTES.iter().find(|(word, _)| *word == part).map(|(_, provider)| *provider))
}

/// A delivery of a provider.
pub(super) fn sample(provider: &str) -> Sample {
    let json = |stem, body: &str, headers| Sample { stem, ending: "json", body: body.as_bytes().to_vec(), headers };
    let shipped = |stem, path: &str| {
        let body = Shelf::Embedded.read(Path::new(path), LARGEST_BODY).expect("the shipped bodies are part of the program");
        Sample { stem, ending: "json", body, headers: &[] }
    };
    match provider {
        "whatsapp" => shipped("text-message", "whatsapp/cold-lead.json"),
        "stripe" => shipped("payment-succeeded", "stripe/payment-succeeded.json"),
        "pipedrive" => shipped("person-updated", "crm/person-updated.json"),
        "vapi" => json("end-of-call", VAPI, &[]),
        "twilio" => Sample { stem: "message", ending: "form", body: TWILIO.as_bytes().to_vec(), headers: &[] },
        "github" => json("push", GITHUB, &[("x-github-event", "push")]),
        "slack" => json("app-mention", SLACK, &[]),
        "shopify" => json("orders-create", SHOPIFY, &[("x-shopify-topic", "orders/create")]),
        "standard-webhooks" => json("user-created", STANDARD, &[]),
        _ => json("order-created", PLAIN, &[]),
    }
}

const PLAIN: &str = r#"{
  "id": "ord_7Qk2mZx41",
  "type": "order.created",
  "created_at": "2026-01-15T10:00:00Z",
  "data": { "amount": 2500, "currency": "EUR" }
}
"#;

const STANDARD: &str = r#"{
  "type": "user.created",
  "timestamp": "2026-01-15T10:00:00Z",
  "data": { "id": "usr_7Qk2mZx41", "email": "nobody@example.com" }
}
"#;

const GITHUB: &str = r#"{
  "ref": "refs/heads/main",
  "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
  "after": "59b20b8d5c6ff8d09518216e87bb2b69fcf0d5a1",
  "repository": { "id": 186853002, "name": "shop", "full_name": "example/shop", "private": true },
  "pusher": { "name": "nobody", "email": "nobody@example.com" },
  "sender": { "login": "nobody", "id": 21031067, "type": "User" },
  "commits": [
    {
      "id": "59b20b8d5c6ff8d09518216e87bb2b69fcf0d5a1",
      "message": "Say what changed",
      "timestamp": "2026-01-15T10:00:00Z",
      "author": { "name": "Nobody", "email": "nobody@example.com" },
      "added": [], "removed": [], "modified": ["README.md"]
    }
  ]
}
"#;

const SLACK: &str = r#"{
  "type": "event_callback",
  "team_id": "T0EXAMPLE1",
  "api_app_id": "A0EXAMPLE1",
  "event_id": "Ev0EXAMPLE1",
  "event_time": 1768471200,
  "event": { "type": "app_mention", "user": "U0EXAMPLE1", "text": "hello there", "ts": "1768471200.000100", "channel": "C0EXAMPLE1" }
}
"#;

const SHOPIFY: &str = r#"{
  "id": 820982911946154500,
  "created_at": "2026-01-15T10:00:00Z",
  "currency": "EUR",
  "total_price": "25.00",
  "email": "nobody@example.com",
  "line_items": [{ "id": 866550311766439000, "sku": "CHAIR-1", "quantity": 1, "price": "25.00" }]
}
"#;

const TWILIO: &str = "MessageSid=SM00000000000000000000000000000001&AccountSid=AC00000000000000000000000000000001&From=%2B15550100123&To=%2B15550100124&Body=hello+there&NumMedia=0";

const VAPI: &str = r#"{
  "message": {
    "type": "end-of-call-report",
    "timestamp": 1768471200000,
    "endedReason": "customer-ended-call",
    "call": { "id": "7f0d2c1e-5b1a-4c55-9a3e-2f6d8e4b9c10", "type": "inboundPhoneCall" },
    "customer": { "number": "+15550100123" },
    "transcript": "AI: Hello. User: Goodbye."
  }
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_has_a_body_of_its_form() {
        for provider in PROVIDERS {
            let sample = sample(provider);
            let json = serde_json::from_slice::<serde_json::Value>(&sample.body).is_ok();
            assert_eq!(json, sample.ending == "json", "{provider}");
        }
    }

    #[test]
    fn variables_and_routes_name_providers() {
        for (name, provider) in [
            ("STRIPE_WEBHOOK_SECRET", Some("stripe")),
            ("STRIPE_SECRET_KEY", None),
            ("SLACK_SIGNING_SECRET", Some("slack")),
            ("TWILIO_AUTH_TOKEN", Some("twilio")),
            ("ORDERS_WEBHOOK_SECRET", Some("plain")),
            ("DATABASE_URL", None),
        ] {
            assert_eq!(of_variable(name), provider, "{name}");
        }
        assert_eq!((of_route("/api/webhooks/github"), of_route("/hooks/orders")), (Some("github"), None));
    }
}
