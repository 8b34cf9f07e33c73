//! Webhook providers from the outside: the reference's signature vectors, and properties of signing, verifying and splicing.

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use devstack::support::env::Map;
use devstack::webhook::scan::{json_path, scan};
use devstack::webhook::secrets::{
    CRM_WEBHOOK_SECRET, GITHUB_WEBHOOK_SECRET, PIPEDRIVE_WEBHOOK_SECRET, SHOPIFY_API_SECRET, SLACK_SIGNING_SECRET,
    STANDARD_WEBHOOKS_SECRET, STRIPE_WEBHOOK_SECRET, TWILIO_AUTH_TOKEN, VAPI_WEBHOOK_SECRET, WHATSAPP_WEBHOOK_SECRET,
};
use devstack::webhook::{
    Content, FieldKind, Freshness, Parts, Prepared, Provider, Providers, Renewal, Secrets, Shift, Signature, SignatureError,
    SpliceError, freshen, sign,
};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

const NOW: i64 = 1_765_000_000;

const FRESH: Freshness = Freshness { ids: Renewal::Fresh, time: Shift::Now, personal: Renewal::Fresh, now: NOW, nonce: 1 };

const MESSAGE: &str = r#"{
  "object": "whatsapp_business_account",
  "entry": [{ "id": "100000000000001", "changes": [{ "field": "messages", "value": {
    "messaging_product" : "whatsapp",
    "metadata": {"display_phone_number": "40210000000", "phone_number_id": "100000000000002"},
    "contacts": [ {"wa_id":"40721000001", "profile":{"name":"Ana Exemplu"}} ],
    "messages": [
      {"id":"wamid.HBgLNDA3MjEwMDAwMDEVAgASGBQz", "from": "40721000001", "timestamp": "1700000000", "type": "text",
       "text": {"body": "Bun\u0103, vreau un implant All-on-4\n"}},
      {"id":"wamid.HBgLNDA3MjEwMDAwMDEVAgASGBQ0", "from": "40721000001", "timestamp": "1700000007", "type": "text",
       "text": {"body": "azi"}, "context": {"message_id": "wamid.HBgLNDA3MjEwMDAwMDEVAgASGBQz"}}
    ]
  }}]}]
}
"#;

const PAYMENT: &str = r#"{"id":"evt_1PqRsTuVwXyZ0123","object":"event","api_version":"2024-06-20","created":1700000100,"data":{"object":{"id":"pi_3PqRsTuVwXyZ0123456789ab","object":"payment_intent","amount":1.5e5,"created":1700000000,"receipt_email":"ana@example.com","metadata":{"phone":"+40721000001","order":"pi_3PqRsTuVwXyZ0123456789ab","note":null}}},"livemode":false,"type":"payment_intent.succeeded"}"#;

const PERSON: &str = r#"{"v":1,"event":"updated.person","meta":{"object":"person","action":"updated","id":42,"timestamp":1700000000,"timestamp_micro":1700000000123456},"current":{"id":42,"name":"Ana Exemplu","first_name":"Ana","last_name":"Exemplu","phone":[{"label":"mobile","value":"+40 721 000 001","primary":true}],"email":[{"value":"ana.exemplu@example.com"}],"add_time":"2023-11-01 09:00:00","update_time":"2023-11-14 22:13:20"},"previous":{"id":42,"name":"Ana"}}"#;

const CALL: &str = r#"{"type":"call.ended","call":{"id":"5f0c2a52-7f7e-4a1e-9d8f-0a1b2c3d4e5f","status":"ended","type":"inbound","customer":{"number":"+40721000001","name":"Ana Exemplu"},"startedAt":"2023-11-14T22:13:20.000Z","endedAt":"2023-11-14T22:15:20.500Z"}}"#;

const VOICE: &str = "AccountSid=AC00000000000000000000000000000001&ApiVersion=2010-04-01&CallSid=CA0123456789abcdef0123456789abcdef&CallStatus=completed&Called=%2B40210000000&Caller=%2B40721000001&Direction=inbound&From=%2B40721000001&To=%2B40210000000&CallerName=ANA+EXEMPLU&SpeechResult=Bun%C4%83+ziua%2C+doare&Timestamp=Tue%2C+14+Nov+2023+22%3A13%3A20+%2B0000&ParentCallSid=CA0123456789abcdef0123456789abcdef";

const PUSH: &str = r#"{"ref":"refs/heads/main","before":"0000000000000000000000000000000000000000","after":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","pusher":{"name":"Ana Exemplu","email":"ana@example.com"},"head_commit":{"id":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","message":"Mend it","timestamp":"2023-11-14T22:13:20+02:00","author":{"name":"Ana Exemplu","email":"ana@example.com"}}}"#;

const EVENT: &str = r#"{"token":"x","team_id":"T123ABC456","event":{"type":"message","user":"U123ABC456","text":"salut","ts":"1700000000.000200","event_ts":"1700000000.000200","user_profile":{"real_name":"Ana Exemplu"}},"type":"event_callback","event_id":"Ev08MFMKH6","event_time":1700000000}"#;

const ORDER: &str = r#"{"id":820982911946154508,"email":"ana@example.com","created_at":"2023-11-14T22:13:20-05:00","updated_at":"2023-11-14T22:13:21-05:00","customer":{"id":115310627314723954,"first_name":"Ana","last_name":"Exemplu","phone":"+40721000001"},"billing_address":{"name":"Ana Exemplu","address1":"Strada Mare 1"},"line_items":[{"id":866550311766439020}]}"#;

const USER: &str = r#"{"type":"user.created","timestamp":"2023-11-14T22:13:20.726965Z","data":{"id":"usr_1f81eb52-5198-4599-803e-771906343485","type":"user"}}"#;

/// Secrets of every provider that are not random, because vectors are made with some of them.
fn secrets() -> Secrets {
    Secrets::default()
        .with(VAPI_WEBHOOK_SECRET, "vapi-secret")
        .with(TWILIO_AUTH_TOKEN, "tok")
        .with(GITHUB_WEBHOOK_SECRET, "It's a Secret to Everybody")
        .with(SLACK_SIGNING_SECRET, "8f742231b10e8888abcd99yyyzzz85a5")
        .with(SHOPIFY_API_SECRET, "hush")
        .with(STANDARD_WEBHOOKS_SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        .with(WHATSAPP_WEBHOOK_SECRET, "devstack-wa-secret")
        .with(STRIPE_WEBHOOK_SECRET, "whsec_devstack")
        .with(PIPEDRIVE_WEBHOOK_SECRET, "pd-secret")
        .with(CRM_WEBHOOK_SECRET, "crm-secret")
}

fn signed(provider: &Provider, body: &[u8], now: i64, signature: Signature) -> HeaderMap {
    sign(provider, &secrets(), &parts(body, now), signature).expect("all secrets are set").into_iter().collect()
}

fn parts(body: &[u8], unix_seconds: i64) -> Parts<'_> {
    Parts { body, url: "https://example.test/webhooks/voice", id: "msg_p5jXN8AQM9LWM0D4loKWxJek", unix_seconds }
}

fn verify(provider: &Provider, secrets: &Secrets, headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), SignatureError> {
    devstack::webhook::verify(provider, secrets, headers, &parts(body, now))
}

fn every() -> Vec<Provider> {
    Providers::built_in().iter().cloned().collect()
}

/// Those that sign: all but `plain`.
fn signing() -> Vec<Provider> {
    every().into_iter().filter(|provider| provider.variables().next().is_some()).collect()
}

fn sample(provider: &Provider) -> &'static str {
    match provider.name() {
        "whatsapp" => MESSAGE,
        "stripe" => PAYMENT,
        "pipedrive" => PERSON,
        "vapi" => CALL,
        "twilio" => VOICE,
        "github" => PUSH,
        "slack" => EVENT,
        "shopify" => ORDER,
        "standard-webhooks" | "plain" => USER,
        other => panic!("no sample of {other}"),
    }
}

fn prepare(provider: &Provider, how: Freshness) -> Prepared {
    freshen(provider, sample(provider).as_bytes(), how).expect("the samples are JSON")
}

fn new_at<'a>(prepared: &'a Prepared, path: &str) -> &'a str {
    let found = prepared.replaced.iter().find(|replacement| replacement.path == path);
    &found.unwrap_or_else(|| panic!("{path} was not replaced: {:#?}", prepared.replaced)).new
}

#[test]
fn the_vectors_of_the_reference_come_out() {
    let header = |provider: &Provider, body: &str, now| {
        signed(provider, body.as_bytes(), now, Signature::Valid)
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        header(&Provider::whatsapp(), r#"{"object":"whatsapp_business_account","entry":[]}"#, NOW),
        ["x-hub-signature-256: sha256=4b91bb7eb31394e86e65f0b56fd9298a75d9e577b8ba51f9dc73fa245dbdfc4e"]
    );
    assert_eq!(
        header(&Provider::stripe(), r#"{"id":"evt_1"}"#, 1_700_000_000),
        ["stripe-signature: t=1700000000,v1=46e376ce9348303310c19fedc4f6503c2061ac3bb57bf66754cbe0fef06dcf0f"]
    );
    assert_eq!(
        header(&Provider::pipedrive(), r#"{"event":"updated.person"}"#, NOW),
        [
            "x-pipedrive-signature: a9c85ba225b0c6dc4138ff2228880ba44533bd7f2fa393b2cba351703089a394",
            "x-crm-webhook-secret: crm-secret"
        ]
    );
}

#[test]
fn the_documented_examples_of_other_providers_come_out() {
    let named = |name: &str| Providers::built_in().get(name).cloned().unwrap();
    let made = |provider: &Provider, secrets: &Secrets, parts: Parts<'_>| {
        let headers: HeaderMap = sign(provider, secrets, &parts, Signature::Valid).unwrap().into_iter().collect();
        assert_eq!(devstack::webhook::verify(provider, secrets, &headers, &parts), Ok(()));
        headers.into_iter().map(|(name, value)| format!("{}: {}", name.unwrap(), value.to_str().unwrap())).collect::<Vec<_>>()
    };
    // GitHub, "Validating webhook deliveries".
    let hello = Parts { body: b"Hello, World!", id: "72d3162e", ..Parts::default() };
    assert_eq!(
        made(&named("github"), &secrets(), hello),
        [
            "x-hub-signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            "x-github-delivery: 72d3162e"
        ]
    );
    // Slack, "Verifying requests from Slack".
    let command = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    assert_eq!(
        made(&named("slack"), &secrets(), parts(command, 1_531_420_618)),
        [
            "x-slack-signature: v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
            "x-slack-request-timestamp: 1531420618"
        ]
    );
    // Standard Webhooks, the specification's example.
    assert_eq!(
        made(&named("standard-webhooks"), &secrets(), parts(br#"{"test": 2432232314}"#, 1_614_265_330)),
        [
            "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp: 1614265330"
        ]
    );
    // The reference's call, and Twilio's own examples: sorted fields, and fields that are there twice.
    let call = format!(
        "To=%2B40210000000&AccountSid=AC1&ApiVersion=2010-04-01&CallSid=CA{}&CallStatus=ringing&Called=%2B40210000000&Caller=%2B40721000000&Direction=inbound&From=%2B40721000000",
        "0".repeat(32)
    );
    assert_eq!(
        made(&named("twilio"), &secrets(), parts(call.as_bytes(), 0)),
        ["x-twilio-signature: 5nVGMlWuA8N9irmdgZnIPvdCddQ="]
    );
    let token = Secrets::default().with(TWILIO_AUTH_TOKEN, "12345");
    for (body, expected) in [
        (
            "Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
        ("Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234", "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    ] {
        let parts = Parts { url: "https://mycompany.com/myapp.php?foo=1&bar=2", ..parts(body.as_bytes(), 0) };
        assert_eq!(made(&named("twilio"), &token, parts), [format!("x-twilio-signature: {expected}")]);
    }
    // Made with Python's hmac.
    assert_eq!(
        made(&named("shopify"), &secrets(), parts(br#"{"id":820982911946154508}"#, 0)),
        [
            "x-shopify-hmac-sha256: qBvrsZF7RfB1iS6BX6IHqJTp5L911P7intnPeTPsH0I=",
            "x-shopify-webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek"
        ]
    );
    let vapi = Secrets::default().with(VAPI_WEBHOOK_SECRET, "whsec_vapi");
    assert_eq!(
        made(&named("vapi"), &vapi, parts(br#"{"type":"call.started"}"#, 1_700_000_000)),
        ["x-vapi-signature: t=1700000000,v1=82074597a78a2bc17d0f49474c75a518f0c432581ccacb70ac53098b9ab10bc7"]
    );
}

#[test]
fn twilio_signs_the_url_that_its_service_was_told() {
    let env: Map = [("TWILIO_WEBHOOK_URL", "https://example.test/webhooks/voice")].into_iter().collect();
    let told = Providers::built_in().with_urls_of(&env);
    let seen_inside = Parts { url: "http://127.0.0.1:3000/webhooks/voice", ..parts(VOICE.as_bytes(), NOW) };
    let signed =
        |all: &Providers, parts: &Parts<'_>| sign(all.get("twilio").unwrap(), &secrets(), parts, Signature::Valid).unwrap();
    assert_eq!(signed(&told, &seen_inside), signed(&Providers::built_in(), &parts(VOICE.as_bytes(), NOW)));
    assert_ne!(signed(&told, &seen_inside), signed(&Providers::built_in(), &seen_inside));
    assert_eq!(told.get("stripe"), Providers::built_in().get("stripe"));
}

#[test]
fn several_signatures_of_standard_webhooks_are_one_too_many_but_one_that_fits_is_enough() {
    let standard = Providers::built_in().get("standard-webhooks").cloned().unwrap();
    let parts = parts(b"{}", NOW);
    let mut headers: HeaderMap = sign(&standard, &secrets(), &parts, Signature::Valid).unwrap().into_iter().collect();
    let own = headers["webhook-signature"].to_str().unwrap().to_owned();
    let other = format!("v1,{}=", "A".repeat(43));
    for (text, fits) in [(format!("{other} {own}"), true), (format!("v1a,xyz {own}"), true), (other, false)] {
        headers.insert("webhook-signature", HeaderValue::from_str(&text).unwrap());
        assert_eq!(devstack::webhook::verify(&standard, &secrets(), &headers, &parts).is_ok(), fits, "{text}");
    }
}

#[test]
fn a_secret_that_is_not_written_as_it_should_be_is_named_and_not_shown() {
    let standard = Providers::built_in().get("standard-webhooks").cloned().unwrap();
    let odd = Secrets::default().with(STANDARD_WEBHOOKS_SECRET, "whsec_not base64");
    let refused = sign(&standard, &odd, &parts(b"{}", NOW), Signature::Valid).unwrap_err();
    assert_eq!(refused.to_string(), "secret `STANDARD_WEBHOOKS_SECRET` is not base64, or `whsec_` and base64");
}

#[test]
fn a_form_is_made_fresh_in_place() {
    let twilio = Providers::built_in().get("twilio").cloned().unwrap();
    let prepared = prepare(&twilio, FRESH);
    let text = String::from_utf8(prepared.body.clone()).unwrap();
    let call = new_at(&prepared, "$.CallSid");
    assert!(
        call.starts_with("CA") && call.len() == 34 && call[2..].bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    );
    assert_eq!(new_at(&prepared, "$.ParentCallSid"), call, "a reference stays a reference");
    assert_eq!(new_at(&prepared, "$.From"), new_at(&prepared, "$.Caller"));
    assert!(text.contains("From=%2B4072"), "{text}");
    assert!(text.contains("&SpeechResult=Bun%C4%83+ziua%2C+doare+"), "the text and its escapes stay: {text}");
    assert!(text.starts_with("AccountSid=AC00000000000000000000000000000001&ApiVersion=2010-04-01&CallSid=CA"));
    assert!(text.contains("Timestamp=Sat%2C+06+Dec+2025+05%3A46%3A40+%2B0000"), "{text}");
    for old in ["0123456789abcdef", "40721000001", "EXEMPLU"] {
        assert!(!text.contains(old), "{old}");
    }
    let refused = freshen(&twilio, b"From=%ff%fe&To=anonymous", FRESH);
    assert!(refused.is_ok(), "escapes are text: {refused:?}");
    assert_eq!(freshen(&twilio, &[b'a', b'=', 0xff], FRESH).unwrap_err().to_string(), "the body is not a form");
}

#[test]
fn a_slash_command_is_a_form_of_slack() {
    let slack = Providers::built_in().get("slack").cloned().unwrap().with_content(Content::Form);
    assert_eq!(slack.content_type(), "application/x-www-form-urlencoded");
    let prepared =
        freshen(&slack, b"user_name=roadrunner&command=%2Fgo&text=la+dentist&trigger_id=3987.4744.803a0bc8", FRESH).unwrap();
    let fresh: Vec<_> = prepared.replaced.iter().map(|replacement| replacement.path.as_str()).collect();
    assert_eq!(fresh, ["$.user_name", "$.text", "$.trigger_id"]);
}

#[test]
fn a_forged_signature_is_well_formed_and_wrong_and_a_missing_one_is_missing() {
    for provider in &signing() {
        let body = sample(provider).as_bytes();
        let check = |signature| verify(provider, &secrets(), &signed(provider, body, NOW, signature), body, NOW);
        assert_eq!(check(Signature::Valid), Ok(()), "{provider}");
        assert!(matches!(check(Signature::Forged), Err(SignatureError::Mismatch { .. })), "{provider}");
        assert!(matches!(check(Signature::Missing), Err(SignatureError::Missing { .. })), "{provider}");
    }
}

#[test]
fn an_unset_secret_is_named() {
    for (provider, variable) in [
        (&Provider::whatsapp(), "WHATSAPP_WEBHOOK_SECRET"),
        (&Provider::stripe(), "STRIPE_WEBHOOK_SECRET"),
        (&Provider::pipedrive(), "PIPEDRIVE_WEBHOOK_SECRET"),
    ] {
        let refused = sign(provider, &Secrets::default(), &parts(b"{}", NOW), Signature::Valid);
        assert_eq!(refused, Err(SignatureError::SecretUnset { variable: variable.to_owned() }));
    }
}

#[test]
fn whatsapp_ids_times_and_personal_values_are_fresh_and_stay_related() {
    let prepared = prepare(&Provider::whatsapp(), FRESH);
    let at = |path: &str| new_at(&prepared, &format!("$.entry[0].changes[0].value.{path}"));
    assert_eq!(at("messages[1].timestamp"), NOW.to_string(), "the newest is now");
    assert_eq!(at("messages[0].timestamp"), (NOW - 7).to_string(), "the distance stays");
    assert_eq!(at("contacts[0].wa_id"), at("messages[0].from"));
    assert_eq!(at("messages[1].context.message_id"), at("messages[0].id"), "a reference stays a reference");
    assert_ne!(at("messages[1].id"), at("messages[0].id"));
    assert_eq!(at("messages[0].id").len(), "wamid.HBgLNDA3MjEwMDAwMDEVAgASGBQz".len());

    let text = String::from_utf8(prepared.body.clone()).unwrap();
    assert!(text.contains(r#""body": "Bun\u0103, vreau un implant All-on-4\n "#), "the text and its escapes stay: {text}");
    assert!(text.contains(r#""phone_number_id": "100000000000002""#), "what names the account stays");
    for old in ["40721000001", "Exemplu", "wamid.HBgLNDA3MjEwMDAwMDEVAgASGBQz", "1700000000"] {
        assert!(!text.contains(old), "{old}");
    }
}

#[test]
fn stripe_values_are_fresh_wherever_they_stand() {
    let prepared = prepare(&Provider::stripe(), FRESH);
    assert_eq!(new_at(&prepared, "$.created"), NOW.to_string());
    assert_eq!(new_at(&prepared, "$.data.object.created"), (NOW - 100).to_string());
    assert_eq!(
        new_at(&prepared, "$.data.object.metadata.order"),
        new_at(&prepared, "$.data.object.id"),
        "an echo of the id follows it"
    );
    let text = String::from_utf8(prepared.body.clone()).unwrap();
    assert!(text.contains(&format!(r#""created":{NOW},"data""#)), "a number stays a number");
    assert!(text.contains(r#""amount":1.5e5,"#), "and in its form");
    assert!(text.contains("@example.com"));
}

#[test]
fn pipedrive_numbers_stay_numbers_and_parts_of_a_name_stay_its_parts() {
    let prepared = prepare(&Provider::pipedrive(), FRESH);
    let value: serde_json::Value = serde_json::from_slice(&prepared.body).unwrap();
    let id = value["current"]["id"].as_u64().unwrap();
    assert!(id > 42 && i32::try_from(id).is_ok());
    assert_eq!(value["meta"]["id"].as_u64(), Some(id));
    assert_eq!(value["previous"]["id"].as_u64(), Some(id));
    let part = |key: &str| value["current"][key].as_str().unwrap().to_owned();
    assert_eq!(part("name"), format!("{} {}", part("first_name"), part("last_name")));
    assert_eq!(part("update_time"), "2025-12-06 05:46:39", "1.765e9 in Pipedrive's own form; the microseconds are the newest");
    assert_eq!(value["meta"]["timestamp_micro"].as_i64(), Some((NOW - 1) * 1_000_000 + 123_456));
}

#[test]
fn what_is_to_be_kept_is_kept() {
    let keep = Freshness { ids: Renewal::Keep, time: Shift::Keep, personal: Renewal::Keep, ..FRESH };
    for provider in &every() {
        let prepared = prepare(provider, keep);
        assert_eq!(prepared.body, sample(provider).as_bytes(), "{provider}");
        assert_eq!(prepared.replaced, []);
    }
    let late = prepare(&Provider::whatsapp(), Freshness { time: Shift::Offset(-600), ..keep });
    assert_eq!(new_at(&late, "$.entry[0].changes[0].value.messages[1].timestamp"), (NOW - 600).to_string());
    assert!(late.replaced.iter().all(|replacement| replacement.kind == FieldKind::Time));
}

#[test]
fn a_leak_can_be_searched_for() {
    for provider in &every() {
        let prepared = prepare(provider, FRESH);
        let body = String::from_utf8(prepared.body.clone()).unwrap().replace('+', " ").replace("%40", "@");
        let digits: String = body.chars().filter(char::is_ascii_digit).collect();
        let personal: Vec<_> = prepared.replaced.iter().filter(|replacement| replacement.kind.is_personal()).collect();
        assert_eq!(personal.is_empty(), matches!(provider.name(), "standard-webhooks" | "plain"), "{provider}");
        for replacement in &prepared.replaced {
            let needles = replacement.needles();
            assert_eq!(needles.is_empty(), !replacement.kind.is_personal(), "{replacement:?}");
            for needle in needles.into_iter().filter(|needle| !replacement.old.starts_with(needle.as_str())) {
                assert!(needle.len() >= 7, "{needle} is too short to be looked for");
                assert!(body.contains(&needle) || digits.contains(&needle), "{needle}");
                assert!(!sample(provider).contains(&needle), "{needle} is no news");
            }
        }
    }
}

#[test]
fn the_same_nonce_repeats_a_delivery_and_others_share_nothing_personal_and_no_id() {
    for provider in &every() {
        assert_eq!(prepare(provider, FRESH), prepare(provider, FRESH));
        let mut seen = HashSet::new();
        for nonce in 0..500 {
            let prepared = prepare(provider, Freshness { nonce, ..FRESH });
            let own: HashSet<_> = prepared
                .replaced
                .into_iter()
                .filter(|replacement| !replacement.kind.is_time())
                .map(|replacement| (replacement.kind, replacement.new))
                .collect();
            for value in own {
                assert!(seen.insert(value.clone()), "{value:?} of nonce {nonce} was there before");
            }
        }
    }
}

#[test]
fn what_is_not_json_is_refused_with_the_place() {
    let refused = freshen(&Provider::whatsapp(), br#"{"object": "#, FRESH).unwrap_err();
    let SpliceError::NotJson { source } = &refused else { panic!("{refused}") };
    assert_eq!(
        (refused.to_string().as_str(), source.to_string().as_str()),
        ("the body is not JSON", "expected a value at byte 11")
    );
}

#[test]
fn a_large_body_is_prepared_without_a_tree() {
    let filler = "x".repeat(1 << 20);
    let body = format!(r#"{{"id":"evt_1PqRsTuVwXyZ0123","filler":["{filler}",{}1]}}"#, "0,".repeat(1 << 18));
    let prepared = freshen(&Provider::stripe(), body.as_bytes(), FRESH).unwrap();
    assert_eq!(prepared.body.len(), body.len());
    assert_eq!(prepared.replaced.len(), 1);
}

/// Any JSON value, small.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_filter_map("JSON has no such number", |number| serde_json::Number::from_f64(number).map(Into::into)),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![any::<String>(), Just("id".to_owned()), Just("current".to_owned()), Just("phone".to_owned())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((key, inner), 0..6).prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_provider() -> impl Strategy<Value = Provider> {
    prop::sample::select(every())
}

fn any_signing() -> impl Strategy<Value = Provider> {
    prop::sample::select(signing())
}

fn any_json_provider() -> impl Strategy<Value = Provider> {
    any_provider().prop_filter("of JSON", |provider| provider.content() == Content::Json)
}

/// A document taken apart: the scalars with their paths, and everything between them.
fn apart(body: &[u8]) -> (Vec<(String, String)>, Vec<Vec<u8>>) {
    let (mut scalars, mut between, mut end) = (Vec::new(), Vec::new(), 0);
    scan(body, &mut |path, scalar| {
        scalars.push((json_path(path), scalar.raw.to_owned()));
        between.push(body[end..scalar.span.start].to_vec());
        end = scalar.span.end;
    })
    .expect("the body is JSON");
    between.push(body[end..].to_vec());
    (scalars, between)
}

/// Everything that differs between the bodies was reported as replaced, byte for byte.
fn nothing_else_changed(old: &[u8], prepared: &Prepared) -> Result<(), TestCaseError> {
    let ((old_scalars, old_between), (new_scalars, new_between)) = (apart(old), apart(&prepared.body));
    prop_assert_eq!(old_between, new_between);
    prop_assert_eq!(old_scalars.len(), new_scalars.len());
    let mut replaced = prepared.replaced.iter().peekable();
    for ((path, old), (_, new)) in old_scalars.into_iter().zip(new_scalars) {
        if let Some(replacement) = replaced.next_if(|replacement| replacement.path == path) {
            prop_assert!(new.trim_matches('"').ends_with(&replacement.new) || new.contains('\\'), "{} {:?}", new, replacement);
        } else {
            prop_assert_eq!(old, new, "{}", path);
        }
    }
    prop_assert!(replaced.next().is_none());
    Ok(())
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_what_is_forged_or_missing_never_does(
        provider in any_signing(),
        key in prop::collection::vec(any::<u8>(), 1..64),
        body in prop::collection::vec(any::<u8>(), 0..300),
        id in "[a-zA-Z0-9_-]{1,40}",
        now in 0_i64..4_000_000_000,
    ) {
        let secret = if provider.name() == "standard-webhooks" { STANDARD.encode(&key) } else { const_hex::encode(&key) };
        let secrets = provider.variables().fold(Secrets::default(), |secrets, name| secrets.with(name, secret.clone()));
        let parts = Parts { id: &id, ..parts(&body, now) };
        for (signature, taken) in [(Signature::Valid, true), (Signature::Forged, false), (Signature::Missing, false)] {
            let headers = sign(&provider, &secrets, &parts, signature).unwrap().into_iter().collect();
            let verdict = devstack::webhook::verify(&provider, &secrets, &headers, &parts);
            prop_assert_eq!(verdict.is_ok(), taken, "{:?} {:?}", signature, verdict);
        }
    }

    #[test]
    fn one_flipped_bit_of_the_body_fails(provider in any_signing(), body in prop::collection::vec(any::<u8>(), 1..300), at: prop::sample::Index, bit in 0..8_u8) {
        // Twilio signs what the fields say, not how they are written.
        prop_assume!(provider.name() != "twilio");
        let headers = signed(&provider, &body, NOW, Signature::Valid);
        let mut other = body;
        let at = at.index(other.len());
        other[at] ^= 1 << bit;
        let refused = matches!(verify(&provider, &secrets(), &headers, &other, NOW), Err(SignatureError::Mismatch { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn another_value_of_a_signed_field_fails(names in prop::collection::btree_set("[A-Z][a-z]{3,8}", 1..6), at: prop::sample::Index, old in "[a-z0-9]{0,9}", new in "[a-z0-9]{0,9}") {
        prop_assume!(old != new);
        let twilio = Providers::built_in().get("twilio").cloned().unwrap();
        let chosen = at.index(names.len());
        let form = |value: &str| {
            let field = |(at, name): (usize, &String)| format!("{name}={}", if at == chosen { value } else { "same" });
            names.iter().enumerate().map(field).collect::<Vec<_>>().join("&")
        };
        let headers = signed(&twilio, form(&old).as_bytes(), NOW, Signature::Valid);
        let verdict = verify(&twilio, &secrets(), &headers, form(&new).as_bytes(), NOW);
        let refused = matches!(verdict, Err(SignatureError::Mismatch { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn one_flipped_bit_of_the_signature_or_of_what_is_signed_beside_the_body_fails(
        provider in any_signing(),
        header: prop::sample::Index,
        at: prop::sample::Index,
        bit in 0..7_u8,
    ) {
        let mut headers = signed(&provider, b"{}", NOW, Signature::Valid);
        // An id that is not signed may be another one.
        let unsigned = if provider.name() == "standard-webhooks" { None } else { provider.id_header() };
        let names: Vec<_> = headers.keys().filter(|name| Some(*name) != unsigned).cloned().collect();
        let name = names[header.index(names.len())].clone();
        let mut bytes = headers[&name].as_bytes().to_vec();
        let at = at.index(bytes.len());
        let old = bytes[at];
        bytes[at] ^= 1 << bit;
        // Hex digits may be capitals, and what is no header value cannot be sent.
        prop_assume!(bytes[at].is_ascii_graphic() || bytes[at] == b' ');
        prop_assume!(!(old.is_ascii_hexdigit() && old.eq_ignore_ascii_case(&bytes[at]) && !matches!(provider.name(), "twilio" | "shopify" | "standard-webhooks")));
        headers.insert(&name, HeaderValue::from_bytes(&bytes).unwrap());
        let verdict = verify(&provider, &secrets(), &headers, b"{}", NOW);
        prop_assert!(verdict.is_err(), "{}: {:?}", name, headers);
    }

    #[test]
    fn any_header_is_refused_without_a_panic(provider in any_signing(), text in "[ -~]{0,90}") {
        let headers = provider.signing_headers().map(|name| (name.clone(), HeaderValue::from_str(&text).unwrap())).collect();
        let refused = verify(&provider, &secrets(), &headers, b"{}", NOW).is_err();
        prop_assert!(refused);
    }

    #[test]
    fn damaged_bodies_are_refused_without_a_panic_and_whatever_serde_reads_is_spliced(
        provider in any_json_provider(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        end: prop::sample::Index,
        cut: bool,
    ) {
        let mut body = sample(&provider).as_bytes().to_vec();
        for (at, byte) in noise {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if cut {
            body.truncate(end.index(body.len()));
        }
        let readable = serde_json::from_slice::<serde_json::Value>(&body).is_ok();
        prop_assert!(!readable || freshen(&provider, &body, FRESH).is_ok());
    }

    #[test]
    fn any_json_stays_json_and_no_other_value_changes(provider in any_json_provider(), value in any_json(), pretty: bool, nonce: u64) {
        let body = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
        let prepared = freshen(&provider, &body, Freshness { nonce, ..FRESH }).unwrap();
        nothing_else_changed(&body, &prepared)?;
    }

    #[test]
    fn any_form_stays_a_form_and_no_other_value_changes(body in "([A-Za-z]{1,4}|From|CallSid|Body)(=[a-z0-9%+]{0,12})?(&(From|Body|X|Y)=[a-z0-9%+]{0,12}){0,6}", nonce: u64) {
        let twilio = Providers::built_in().get("twilio").cloned().unwrap();
        let prepared = freshen(&twilio, body.as_bytes(), Freshness { nonce, ..FRESH }).unwrap();
        let text = String::from_utf8(prepared.body.clone()).unwrap();
        prop_assert_eq!(body.split('&').count(), text.split('&').count());
        let mut replaced = prepared.replaced.iter().map(|replacement| replacement.path.as_str()).peekable();
        for (old, new) in body.split('&').zip(text.split('&')) {
            let name = old.split('=').next().unwrap();
            prop_assert_eq!(name, new.split('=').next().unwrap());
            let changed = replaced.next_if(|path| *path == format!("$.{name}") && old != new).is_some();
            prop_assert_eq!(changed, old != new, "{} {}", old, new);
        }
    }

    #[test]
    fn the_samples_are_spliced_signed_and_verified(provider in any_signing(), nonce: u64, now in 1_000_000_000_i64..4_000_000_000) {
        let how = Freshness { nonce, now, ..FRESH };
        let prepared = prepare(&provider, how);
        let headers = signed(&provider, &prepared.body, now, Signature::Valid);
        prop_assert_eq!(verify(&provider, &secrets(), &headers, &prepared.body, now), Ok(()));
        if provider.content() == Content::Json {
            nothing_else_changed(sample(&provider).as_bytes(), &prepared)?;
        }
        let stolen = verify(&provider, &secrets(), &headers, sample(&provider).as_bytes(), now);
        prop_assert!(stolen.is_err(), "the signature fits the recorded body too");
    }
}
