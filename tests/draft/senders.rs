//! Signed deliveries of every provider that devstack can sign for, each with values that tell of a person.
//!
//! Bodies are written here in the shape that the provider documents, where no shipped fixture has one.

use std::path::Path;

use devstack::{
    support::{clock, random},
    webhook::{self, Content, Freshness, Parts, Provider, Providers, Renewal, Secrets, Shift, Signature},
};
use http::{HeaderMap, HeaderName};

/// A delivery of a provider, and the personal values in it.
pub(super) struct Delivery {
    /// The provider, which signs when it is known where the delivery goes.
    provider: Provider,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Texts that may not be in anything that is written.
    pub(super) personal: Vec<String>,
}

/// What a provider sends.
struct Sample {
    /// Headers beside the signature's.
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
    /// Personal values that no table of devstack's needs to know for a test to look for them.
    planted: &'static [&'static str],
}

/// One delivery each of the built-in providers, and a second one where a provider sends forms as well.
pub(super) fn of_all() -> Vec<Delivery> {
    let providers = Providers::built_in();
    let command = Sample {
        headers: &[("x-slack-retry-num", "1")],
        body: SLACK_COMMAND.as_bytes().to_vec(),
        planted: &["zamfirescu", "Lalelelor", "smaranda.z"],
    };
    let slack = providers.get("slack").expect("it is built in").with_content(Content::Form);
    let each = providers.iter().map(|provider| delivery(provider.clone(), &sample(provider.name())));
    each.chain([delivery(slack, &command)]).collect()
}

/// Those that the demo's API takes.
pub(super) fn of_demo() -> Vec<Delivery> {
    of_all().into_iter().filter(|delivery| ["whatsapp", "stripe", "pipedrive"].contains(&delivery.name())).collect()
}

impl Delivery {
    /// The provider's name.
    pub(super) fn name(&self) -> &str {
        self.provider.name()
    }

    /// The path that takes it.
    pub(super) fn path(&self) -> &str {
        if self.provider.has_path() { self.provider.path() } else { "/hooks/visits" }
    }

    /// What a fixture's body file ends with.
    pub(super) fn ending(&self) -> &'static str {
        match self.provider.content() {
            Content::Json => "json",
            Content::Form => "form",
        }
    }

    /// Sends it to a service or what stands before it, signed for that address; the status of the answer.
    pub(super) async fn send(&self, service: &str, secrets: &Secrets) -> u16 {
        let url = format!("{service}{}", self.path());
        let id = random::uuid();
        let parts = Parts { body: &self.body, url: &url, id: &id, unix_seconds: clock::unix_seconds() };
        let signed = webhook::sign(&self.provider, secrets, &parts, Signature::Valid).expect("the secret is there");
        let headers: HeaderMap =
            self.headers.clone().into_iter().filter_map(|(name, value)| Some((name?, value))).chain(signed).collect();
        let request = devstack::client::loopback().unwrap().post(&url).headers(headers).body(self.body.clone());
        request.send().await.unwrap().status().as_u16()
    }
}

fn delivery(provider: Provider, sample: &Sample) -> Delivery {
    let now = clock::unix_seconds();
    let nonce = u64::from(u32::from_be_bytes(random::bytes()));
    // Values of the own bodies stay as they are written here; those of the shipped ones are anybody's until they are made anew.
    let personal = if sample.planted.is_empty() { Renewal::Fresh } else { Renewal::Keep };
    let how = Freshness { ids: Renewal::Fresh, time: Shift::Now, personal, now, nonce };
    let prepared = webhook::freshen(&provider, &sample.body, how).unwrap();
    let replaced = prepared.replaced.iter().filter(|one| one.kind.is_personal());
    let personal = replaced.flat_map(|one| one.needles().into_iter().chain([one.new.clone()]));
    let personal = personal.chain(sample.planted.iter().map(|value| (*value).to_owned())).collect();
    let mut headers: HeaderMap = HeaderMap::new();
    headers.insert("content-type", provider.content_type().parse().unwrap());
    for (name, value) in sample.headers {
        headers.insert(HeaderName::from_static(name), value.parse().unwrap());
    }
    Delivery { provider, headers, body: prepared.body, personal }
}

fn sample(provider: &str) -> Sample {
    let shipped = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file);
        Sample { headers: &[], body: std::fs::read(path).unwrap(), planted: &[] }
    };
    let own = |headers, body: &str, planted| Sample { headers, body: body.as_bytes().to_vec(), planted };
    match provider {
        "whatsapp" => shipped("whatsapp/hot-lead.json"),
        "stripe" => shipped("stripe/payment-succeeded.json"),
        "pipedrive" => shipped("crm/person-updated.json"),
        "vapi" => own(&[], VAPI, &["Smaranda", "Zamfirescu", "744555666", "durere cumplita", "doare rau"]),
        "twilio" => own(&[], TWILIO, &["Smaranda", "Zamfirescu", "744555666", "durere", "cumplita", "Voluntari"]),
        "github" => own(
            &[("x-github-event", "push"), ("x-github-hook-installation-target-type", "repository")],
            GITHUB,
            &["Smaranda", "Zamfirescu", "smaranda-z", "smaranda.z@", "adresa ei"],
        ),
        "slack" => own(&[], SLACK, &["Smaranda", "Zamfirescu", "smaranda.z", "durere cumplita"]),
        "shopify" => own(
            &[("x-shopify-topic", "orders/create"), ("x-shopify-shop-domain", "shop.example")],
            SHOPIFY,
            &["Smaranda", "Zamfirescu", "smaranda.z", "744 555 666", "Lalelelor", "la etajul", "203.0.113.201", "Voluntari"],
        ),
        "standard-webhooks" => own(&[], STANDARD, &["Smaranda", "Zamfirescu", "smaranda.z", "744555666", "Lalelelor"]),
        "plain" => own(
            &[("x-visits-event", "visit.booked"), ("x-api-key", "pk-hunter2-hunter2")],
            PLAIN,
            &["Smaranda", "Zamfirescu", "smaranda.z", "744 555 666", "durere cumplita", "hunter2"],
        ),
        other => panic!("give a body for {other}"),
    }
}

const VAPI: &str = r#"{ "message": { "type": "end-of-call-report", "timestamp": 1768471200000, "endedReason": "customer-ended-call",
  "call": { "id": "7f0d2c1e-5b1a-4c55-9a3e-2f6d8e4b9c10", "type": "inboundPhoneCall", "customer": { "number": "+40744555666" } },
  "customer": { "number": "+40744555666", "name": "Smaranda Zamfirescu" }, "summary": "Smaranda are durere cumplita",
  "transcript": "AI: Buna. User: Sunt Smaranda Zamfirescu, ma doare rau",
  "artifact": { "messages": [{ "role": "user", "message": "ma doare rau", "time": 1768471190000 }] } } }"#;

const TWILIO: &str = "MessageSid=SM4f5e6d7c8b9a0f1e2d3c4b5a69788796&AccountSid=AC0f1e2d3c4b5a69788796a5b4c3d2e1f0&From=whatsapp%3A%2B40744555666\
    &To=%2B40310000000&Body=Am+durere+cumplita%2C+Smaranda+Zamfirescu&ProfileName=Smaranda+Zamfirescu&WaId=40744555666&FromCity=Voluntari\
    &NumMedia=0&ApiVersion=2010-04-01";

const GITHUB: &str = r#"{ "ref": "refs/heads/main", "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
  "after": "59b20b8d5c6ff8d09518216e87bb2b69fcf0d5a1", "repository": { "id": 186853002, "name": "shop", "private": true },
  "pusher": { "name": "smaranda-z", "email": "smaranda.z@cabinet.example" }, "sender": { "login": "smaranda-z", "id": 21031067, "type": "User" },
  "head_commit": { "id": "59b20b8d5c6ff8d09518216e87bb2b69fcf0d5a1", "message": "Repara adresa ei, Smaranda Zamfirescu",
    "timestamp": "2026-01-15T10:00:00+02:00", "author": { "name": "Smaranda Zamfirescu", "email": "smaranda.z@cabinet.example", "username": "smaranda-z" } },
  "commits": [{ "id": "59b20b8d5c6ff8d09518216e87bb2b69fcf0d5a1", "message": "Repara adresa ei, Smaranda Zamfirescu",
    "timestamp": "2026-01-15T10:00:00+02:00", "author": { "name": "Smaranda Zamfirescu", "email": "smaranda.z@cabinet.example" } }] }"#;

const SLACK: &str = r#"{ "type": "event_callback", "team_id": "T0EXAMPLE1", "api_app_id": "A0EXAMPLE1", "event_id": "Ev08MFMKH6",
  "event_time": 1768471200, "event": { "type": "app_mention", "user": "U0EXAMPLE1", "text": "Smaranda Zamfirescu are durere cumplita",
    "ts": "1768471200.000100", "channel": "C0EXAMPLE1", "user_profile": { "real_name": "Smaranda Zamfirescu", "display_name": "smaranda.z" } } }"#;

const SLACK_COMMAND: &str = "team_id=T0EXAMPLE1&channel_id=C0EXAMPLE1&channel_name=visits&user_id=U0EXAMPLE1&user_name=smaranda.z\
    &command=%2Fvisit&text=zamfirescu+pe+Lalelelor&trigger_id=13345224609.738474920.8088930838d88f008e0";

const SHOPIFY: &str = r#"{ "id": 820982911946154508, "created_at": "2026-01-15T10:00:00+02:00", "currency": "EUR", "total_price": "25.00",
  "email": "smaranda.z@cabinet.example", "phone": "+40 744 555 666", "note": "lasati la etajul trei", "browser_ip": "203.0.113.201",
  "customer": { "id": 115310627314723954, "first_name": "Smaranda", "last_name": "Zamfirescu", "email": "smaranda.z@cabinet.example" },
  "shipping_address": { "first_name": "Smaranda", "last_name": "Zamfirescu", "address1": "Aleea Lalelelor 3", "city": "Voluntari", "phone": "+40 744 555 666" },
  "line_items": [{ "id": 866550311766439020, "sku": "CHAIR-1", "quantity": 1, "price": "25.00", "name": "Chair" }] }"#;

const STANDARD: &str = r#"{ "type": "user.created", "timestamp": "2026-01-15T10:00:00Z", "data": { "id": "usr_7Qk2mZx41", "first_name": "Smaranda",
  "last_name": "Zamfirescu", "email": "smaranda.z@cabinet.example", "phone_number": "+40744555666", "address": { "street": "Aleea Lalelelor 3" } } }"#;

const PLAIN: &str = r#"{ "type": "visit.booked", "id": "vis_81kd93mz02", "patient": { "name": "Smaranda Zamfirescu", "email": "smaranda.z@cabinet.example",
  "phone": "+40 744 555 666" }, "comment": "durere cumplita, 0744 555 666", "secret": "pk-hunter2-hunter2", "amount": 120 }"#;
