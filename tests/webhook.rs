//! Webhook providers from the outside: the reference's signature vectors, and properties of signing, verifying and splicing.

use std::collections::HashSet;

use devstack::webhook::scan::{json_path, scan};
use devstack::webhook::secrets::{CRM_WEBHOOK_SECRET, PIPEDRIVE_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET, WHATSAPP_WEBHOOK_SECRET};
use devstack::webhook::{
    FieldKind, Freshness, Parts, Prepared, Provider, Providers, Renewal, Secrets, Shift, Signature, SignatureError, SpliceError,
    freshen, sign,
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

fn secrets() -> Secrets {
    Secrets::default()
        .with(WHATSAPP_WEBHOOK_SECRET, "devstack-wa-secret")
        .with(STRIPE_WEBHOOK_SECRET, "whsec_devstack")
        .with(PIPEDRIVE_WEBHOOK_SECRET, "pd-secret")
        .with(CRM_WEBHOOK_SECRET, "crm-secret")
}

fn signed(provider: &Provider, body: &[u8], now: i64, signature: Signature) -> HeaderMap {
    sign(provider, &secrets(), &parts(body, now), signature).expect("all secrets are set").into_iter().collect()
}

fn parts(body: &[u8], unix_seconds: i64) -> Parts<'_> {
    Parts { body, unix_seconds, ..Parts::default() }
}

fn verify(provider: &Provider, secrets: &Secrets, headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), SignatureError> {
    devstack::webhook::verify(provider, secrets, headers, &parts(body, now))
}

fn sample(provider: &Provider) -> &'static str {
    match provider.name() {
        "whatsapp" => MESSAGE,
        "stripe" => PAYMENT,
        "pipedrive" => PERSON,
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
fn a_forged_signature_is_well_formed_and_wrong_and_a_missing_one_is_missing() {
    for provider in Providers::built_in().iter() {
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
    for provider in Providers::built_in().iter() {
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
    for provider in Providers::built_in().iter() {
        let prepared = prepare(provider, FRESH);
        let body = String::from_utf8(prepared.body.clone()).unwrap();
        let digits: String = body.chars().filter(char::is_ascii_digit).collect();
        let personal: Vec<_> = prepared.replaced.iter().filter(|replacement| replacement.kind.is_personal()).collect();
        assert!(!personal.is_empty(), "{provider}");
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
    for provider in Providers::built_in().iter() {
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
    let SpliceError::NotJson { source } = &refused;
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
    prop::sample::select(Providers::built_in().iter().cloned().collect::<Vec<_>>())
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
    fn what_is_signed_verifies(provider in any_provider(), body in prop::collection::vec(any::<u8>(), 0..300), now in 0_i64..4_000_000_000) {
        let headers = signed(&provider, &body, now, Signature::Valid);
        prop_assert_eq!(verify(&provider, &secrets(), &headers, &body, now), Ok(()));
    }

    #[test]
    fn one_flipped_bit_of_the_body_fails(provider in any_provider(), body in prop::collection::vec(any::<u8>(), 1..300), at: prop::sample::Index, bit in 0..8_u8) {
        let headers = signed(&provider, &body, NOW, Signature::Valid);
        let mut other = body;
        let at = at.index(other.len());
        other[at] ^= 1 << bit;
        let refused = matches!(verify(&provider, &secrets(), &headers, &other, NOW), Err(SignatureError::Mismatch { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn one_changed_digit_of_the_signature_fails(provider in any_provider(), at in 0..64_usize, digit in 0..16_u32) {
        let mut headers = signed(&provider, b"{}", NOW, Signature::Valid);
        let name = headers.keys().find(|name| name.as_str().contains("signature")).unwrap().clone();
        let mut text = headers[&name].to_str().unwrap().to_owned();
        let at = text.len() - 64 + at;
        let digit = char::from_digit(digit, 16).unwrap().to_string();
        prop_assume!(text[at..=at] != digit);
        text.replace_range(at..=at, &digit);
        headers.insert(name, HeaderValue::from_str(&text).unwrap());
        let refused = matches!(verify(&provider, &secrets(), &headers, b"{}", NOW), Err(SignatureError::Mismatch { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn any_header_is_refused_without_a_panic(provider in any_provider(), text in "[ -~]{0,90}") {
        let mut headers = HeaderMap::new();
        for name in ["x-hub-signature-256", "stripe-signature", "x-pipedrive-signature"] {
            headers.insert(name, HeaderValue::from_str(&text).unwrap());
        }
        let refused = verify(&provider, &secrets(), &headers, b"{}", NOW).is_err();
        prop_assert!(refused);
    }

    #[test]
    fn damaged_bodies_are_refused_without_a_panic_and_whatever_serde_reads_is_spliced(
        provider in any_provider(),
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
    fn any_json_stays_json_and_no_other_value_changes(provider in any_provider(), value in any_json(), pretty: bool, nonce: u64) {
        let body = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
        let prepared = freshen(&provider, &body, Freshness { nonce, ..FRESH }).unwrap();
        nothing_else_changed(&body, &prepared)?;
    }

    #[test]
    fn the_samples_are_spliced_signed_and_verified(provider in any_provider(), nonce: u64, now in 1_000_000_000_i64..4_000_000_000) {
        let how = Freshness { nonce, now, ..FRESH };
        let prepared = prepare(&provider, how);
        let headers = signed(&provider, &prepared.body, now, Signature::Valid);
        prop_assert_eq!(verify(&provider, &secrets(), &headers, &prepared.body, now), Ok(()));
        nothing_else_changed(sample(&provider).as_bytes(), &prepared)?;
        let stolen = verify(&provider, &secrets(), &headers, sample(&provider).as_bytes(), now);
        prop_assert!(stolen.is_err(), "the signature fits the recorded body too");
    }
}
