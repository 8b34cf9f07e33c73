//! Providers of one's own: what is read, and what is said of what cannot be.

use http::HeaderMap;
use proptest::prelude::*;

use super::{PROVIDERS, decode};
use crate::{
    support::{
        source::Problem,
        yaml::{check, read},
    },
    webhook::{FieldKind, Freshness, Parts, Provider, Renewal, Secrets, Shift, Signature, SignatureError, freshen, sign, verify},
};

const ACME: &str = r#"
acme:
  path: /hooks/acme
  content_type: json
  ids: [$.id, "$.data.*.order_id"]
  times: [$.created_at]
  personal: { $.customer.email: email, $.customer.name: name, $.customer.phone: phone, $.note: text }
  headers: { x-acme-delivery: "${id}", x-acme-key: "${secret.ACME_KEY}" }
  event_header: X-Acme-Event
  signature:
    hmac: sha256
    signed: "${timestamp}.${body}"
    encoding: hex
    header: X-Acme-Signature
    template: "t=${timestamp},v1=${signature}"
    secret: ACME_WEBHOOK_SECRET
    tolerance: 5m
"#;

fn read_all(text: &str) -> (Vec<Option<Provider>>, Vec<Problem>) {
    let mut problems = Vec::new();
    let node = read(text, &mut problems).expect("valid YAML");
    check(&node, &PROVIDERS, &mut problems);
    let decoded = node.entries().iter().map(|entry| decode(&entry.key, &entry.value, &mut problems)).collect();
    problems.sort();
    (decoded, problems)
}

fn one(text: &str) -> Provider {
    let (mut decoded, problems) = read_all(text);
    assert!(problems.is_empty(), "{problems:#?}");
    decoded.remove(0).expect("a provider")
}

fn wrong(text: &str) -> Vec<String> {
    let (_, problems) = read_all(text);
    let line = |problem: &Problem| {
        let shown = problem.place.map_or("", |place| &text[place.range()]);
        let help = problem.help.as_ref().map(|help| format!(" | {help}")).unwrap_or_default();
        format!("{} [{shown}] {}{help}", problem.message, problem.label)
    };
    problems.iter().map(line).collect()
}

#[test]
fn a_provider_is_read_with_all_its_parts() {
    let acme = one(ACME);
    assert_eq!((acme.name(), acme.path(), acme.method().as_str()), ("acme", "/hooks/acme", "POST"));
    assert_eq!((acme.service(), acme.content_type()), (None, "application/json"));
    assert_eq!(acme.variables().collect::<Vec<_>>(), ["ACME_WEBHOOK_SECRET", "ACME_KEY"]);
    assert_eq!(acme.event_header().map(http::HeaderName::as_str), Some("x-acme-event"));
    let fields: Vec<_> = acme.fields().iter().map(|(pattern, kind)| (pattern.to_string(), *kind)).collect();
    assert_eq!(fields[1], ("$.data[*].order_id".to_owned(), FieldKind::Id));
    assert_eq!(fields.len(), 7);
}

#[test]
fn what_it_signs_it_verifies_and_its_fields_are_made_fresh() {
    let acme = one(ACME);
    let secrets = Secrets::default().with("ACME_WEBHOOK_SECRET", "hush").with("ACME_KEY", "knock");
    let how = Freshness { ids: Renewal::Fresh, time: Shift::Now, personal: Renewal::Fresh, now: 1_765_000_000, nonce: 7 };
    let body = br#"{"id":"ord_123456789","created_at":"2024-01-15T10:00:00Z","customer":{"name":"Ana Exemplu"},"total":5}"#;
    let fresh = freshen(&acme, body, how).expect("JSON").body;
    let text = String::from_utf8(fresh.clone()).expect("text");
    assert!(text.contains(r#""created_at":"2025-12-06T05:46:40Z""#) && !text.contains("Ana") && text.contains(r#""total":5"#));

    let parts = Parts { body: &fresh, id: "d-1", unix_seconds: 1_765_000_000, ..Parts::default() };
    let signed = sign(&acme, &secrets, &parts, Signature::Valid).expect("signed");
    let mut headers: HeaderMap = signed.into_iter().collect();
    assert_eq!(headers["x-acme-delivery"], "d-1");
    assert!(headers["x-acme-signature"].to_str().expect("text").starts_with("t=1765000000,v1="));
    assert_eq!(verify(&acme, &secrets, &headers, &parts), Ok(()));
    let late = Parts { unix_seconds: 1_765_000_301, ..parts };
    assert!(matches!(verify(&acme, &secrets, &headers, &late), Err(SignatureError::Stale { age_seconds: 301, .. })));
    headers.insert("x-acme-key", http::HeaderValue::from_static("guess"));
    assert!(matches!(verify(&acme, &secrets, &headers, &parts), Err(SignatureError::Mismatch { .. })));
}

#[test]
fn little_is_enough() {
    let plain = one("acme: { path: /a }");
    assert_eq!(plain.variables().count(), 0);
    let form = one(
        "acme: { content_type: form, signature: { hmac: sha1, signed: '${url}${params}', encoding: base64, header: x-a, secret: A } }",
    );
    assert!(!form.has_path());
    assert_eq!(form.content_type(), "application/x-www-form-urlencoded");
}

#[test]
fn everything_that_cannot_be_is_said_at_once_and_where() {
    insta::assert_debug_snapshot!(wrong(
        r#"
Acme: { path: hooks }
time: { path: /a b }
a:
  pth: /a
  content_type: xml
  ids: [$.id, "$.a[0]", ""]
  times: [$.id]
  personal: { $.id: mail, $..x: name }
  headers: { "x y": "${id}", x-a: "${ids}", x-b: "a\nb", x-c: "${secret.}" }
  signature: { hmac: md5, signed: "${tiemstamp}.${body}", header: "x:y", template: "t=${timestamp}", secret: "whsec_abc def", tolerance: 300 }
b:
  signature: { signed: v1, template: "${timestamp}${signature}" }
"#), @r##"
    [
        "`secret` on line 11 is not the name of an environment variable []  | name the variable that has the secret, such as `ACME_WEBHOOK_SECRET`; never the secret itself",
        "`Acme` is not a provider's name [Acme] not a name | small letters, digits, `_` and `-`, the first a letter",
        "`hooks` is not a path [hooks] begins without `/`",
        "`time` is not a provider's name [time] taken | `time` means something else in a fixture's `request`",
        "`/a b` is not a path [/a b] has a character that must be escaped",
        "unknown key `pth` [pth] did you mean `path`?",
        "`xml` is not a form of body [xml] unknown | one of `json` or `form`",
        "`$.a[0]` is not a path into a body [\"$.a[0]\"] only `[*]` stands in brackets: any index | `$.items[*].id` is the id of every item",
        "`` is not a path into a body [\"\"] a key is missing | write the keys with dots between: `$.data.order_id`",
        "`$.id` is there twice [$.id] it is on line 7 already",
        "`mail` is not a sort of personal value [mail] did you mean `email`?",
        "`$..x` is not a path into a body [$..x] a key is missing | write the keys with dots between: `$.data.order_id`",
        "`x y` is not a header name [\"x y\"] not a header name",
        "`${ids}` stands for nothing here [\"${ids}\"] did you mean `${id}`?",
        "a header value is one line of ASCII [\"a\\nb\"] not a header value",
        "`${secret.}` stands for nothing here [\"${secret.}\"] did you mean `${secret.NAME}`?",
        "`md5` is not a hash [md5] unknown | one of `sha256` or `sha1`",
        "`${tiemstamp}` stands for nothing here [\"${tiemstamp}.${body}\"] did you mean `${timestamp}`?",
        "`x:y` is not a header name [\"x:y\"] not a header name",
        "`t=${timestamp}` has no `${signature}` [\"t=${timestamp}\"] the signature is missing | write `sha256=${signature}`, or whatever stands around it",
        "`tolerance` takes a duration such as `200ms` or `1m 30s`, not the number `300` [300] its unit is missing | write `200ms`, `5s` or `1m 30s`",
        "missing key `header` [{ signed: v1, template: \"${timestamp}${signature}\" }] in this signature | `header`: The header that has it.",
        "missing key `hmac` [{ signed: v1, template: \"${timestamp}${signature}\" }] in this signature | `hmac`: The hash.",
        "missing key `secret` [{ signed: v1, template: \"${timestamp}${signature}\" }] in this signature | `secret`: The environment variable of the secret, which both sides share.",
        "nothing of a delivery is signed [v1] always the same | `${body}` stands for the body",
        "nothing stands between two values [\"${timestamp}${signature}\"] nobody can tell where one ends",
    ]
    "##);
}

#[test]
fn what_no_receiver_could_check_is_said() {
    insta::assert_debug_snapshot!(wrong(
        r#"
a:
  headers: { x-sig: "${timestamp}" }
  ids: [$.id, id]
  signature: { hmac: sha256, signed: "${id}${params}", header: X-Sig, secret: A, tolerance: 1m }
b:
  signature: { hmac: sha256, signed: "${timestamp}.${body}", header: x-b, secret: B, tolerance: 1m }
"#), @r##"
    [
        "`x-sig` has the signature [x-sig] the same header again",
        "`$.id` is there twice [id] it is on line 4 already",
        "`${params}` are the fields of a form [\"${id}${params}\"] the bodies are JSON | say `content_type: form`, or sign `${body}`",
        "`${id}` is signed, and no header tells it [\"${id}${params}\"] a receiver cannot check this | put `${id}` into `template`, or into one of the `headers`",
        "`tolerance` without a signed time [1m] nothing to hold against now | `signed` has no `${timestamp}`",
        "`${timestamp}` is signed, and no header tells it [\"${timestamp}.${body}\"] a receiver cannot check this | put `${timestamp}` into `template`, or into one of the `headers`",
    ]
    "##);
}

#[test]
fn what_cannot_be_checked_makes_no_provider() {
    let (decoded, _) = read_all("a: { signature: { hmac: sha256, signed: '${id}', header: x-a, secret: A } }\nb: { path: /b }\n");
    assert_eq!(decoded.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_secret_that_stands_where_its_variable_belongs_is_not_shown() {
    let lines = wrong("a: { signature: { hmac: sha256, header: x-a, secret: hunter2hunter2 } }");
    assert_eq!(lines.len(), 1);
    assert!(!lines[0].contains("hunter2"), "{lines:?}");
}

proptest! {
    #[test]
    fn any_text_in_any_place_is_read_or_refused_without_a_panic(text in "[ -~]{0,24}", key in prop::sample::select(vec!["signed", "template", "header", "secret", "tolerance"])) {
        let quoted = serde_json::Value::from(text).to_string();
        let yaml = format!("a: {{ signature: {{ hmac: sha256, header: x-a, secret: A, {key}: {quoted} }} }}");
        let mut problems = Vec::new();
        if let Some(node) = read(&yaml, &mut problems) {
            check(&node, &PROVIDERS, &mut problems);
            let decoded = node.get("a").and_then(|node| decode("a", node, &mut problems));
            prop_assert!(decoded.is_some() || !problems.is_empty());
        }
    }
}
