//! Scripted externals by data: below their names on one port, and on ports of their own.

use std::{net::SocketAddr, sync::Arc};

use devstack::{
    client::loopback,
    standin::{
        Externals, ExternalsConfig, StandInError,
        externals::{Catalogue, External},
    },
    support::clock::TimerClock,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Externals that answer until dropped.
struct Lab {
    http: reqwest::Client,
    /// Where scripts are put.
    base: String,
    crm: String,
    mail: String,
    shutdown: CancellationToken,
}

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn catalogue() -> Catalogue {
    let described = json!([
        {"name": "crm", "answers": [
            {"method": "POST", "path": "/contacts", "status": 201, "headers": {"location": "/contacts/7"}, "body": {"json": {"id": 7}}},
            {"method": "GET", "path": "/contacts/{id}", "body": {"text": "somebody"}, "headers": {"content-type": "text/vcard"}},
        ]},
        {"name": "mail", "answers": [{"path": "/send", "status": 202}]},
    ]);
    Catalogue::new(serde_json::from_value::<Vec<External>>(described).unwrap()).unwrap()
}

impl Lab {
    async fn start() -> Self {
        let own = vec![("mail".to_owned(), any_port())];
        let config = ExternalsConfig { listen: any_port(), own, clock: TimerClock::default(), answering: Arc::new(catalogue()) };
        let externals = Externals::bind(config).await.unwrap();
        let (base, urls) = (format!("http://{}", externals.address()), externals.urls());
        let shutdown = CancellationToken::new();
        tokio::spawn(externals.run(shutdown.clone()));
        Self { http: loopback().unwrap(), base, crm: urls["crm"].clone(), mail: urls["mail"].clone(), shutdown }
    }

    async fn post(&self, url: String, correlation: &str) -> (u16, reqwest::header::HeaderMap, String) {
        let response = self.http.post(url).header("x-correlation-id", correlation).body("{}").send().await.unwrap();
        (response.status().as_u16(), response.headers().clone(), response.text().await.unwrap())
    }

    async fn told(&self, path: &str) -> Value {
        self.http.get(format!("{}/_devstack/{path}", self.base)).send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

#[tokio::test]
async fn an_external_answers_below_its_name_or_on_a_port_of_its_own() {
    let lab = Lab::start().await;
    assert_eq!(lab.crm, format!("{}/crm", lab.base));
    assert!(!lab.mail.starts_with(&lab.base));
    let (status, headers, body) = lab.post(format!("{}/contacts", lab.crm), "c").await;
    assert_eq!((status, &headers["location"], body.as_str()), (201, &"/contacts/7".parse().unwrap(), r#"{"id":7}"#));
    let response = lab.http.get(format!("{}/contacts/9?fields=all", lab.crm)).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/vcard");
    assert_eq!(response.text().await.unwrap(), "somebody");
    // The same external either way.
    for url in [format!("{}/send", lab.mail), format!("{}/mail/send", lab.base)] {
        let (status, _, body) = lab.post(url, "c").await;
        assert_eq!((status, body.as_str()), (202, ""));
    }
    assert_eq!(lab.told("scripts/c").await["calls"], json!({"crm": 1, "mail": 2}));
}

#[tokio::test]
async fn what_nobody_answers_says_what_was_asked_and_what_there_is() {
    let lab = Lab::start().await;
    let (status, _, body) = lab.post(format!("{}/contacts/7?token=secret", lab.crm), "c").await;
    let said: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &said["error"]), (404, &json!("the stand-in for `crm` has no answer to `POST /contacts/7`")));
    assert_eq!(said["known"], json!(["POST /contacts", "GET /contacts/{id}"]));
    let (status, _, body) = lab.post(format!("{}/fax/send", lab.base), "c").await;
    let said: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &said["known"]), (404, &json!(["/crm/", "/mail/"])), "{body}");
    let of_case = lab.told("scripts/c").await;
    assert_eq!((&of_case["calls"], &of_case["unmatched"]), (&json!({"crm": 1}), &json!({"crm": 1})));
    assert_eq!(lab.told("calls").await, json!({"calls": {"crm": 1}, "unmatched": {"crm": 1}, "strangers": 1}));
}

#[tokio::test]
async fn a_case_scripts_any_external_by_its_name() {
    let lab = Lab::start().await;
    let put = async |script: Value| {
        let url = format!("{}/_devstack/scripts/c-1", lab.base);
        let response = lab.http.put(url).json(&script).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(put(json!({"mail": [{"status": 429, "retry_after_ms": 1500}, {"body": "late"}]})).await.0, 204);
    let send = || lab.post(format!("{}/send", lab.mail), "c-1");
    let (status, headers, _) = send().await;
    assert_eq!((status, &headers["retry-after"]), (429, &"2".parse().unwrap()));
    let (status, _, body) = send().await;
    assert_eq!((status, body.as_str()), (202, r#""late""#));
    assert_eq!(send().await.2, "", "after the last step it answers as usual");
    assert_eq!(lab.post(format!("{}/send", lab.mail), "c-2").await.0, 202, "another case is not touched");
    let (status, said) = put(json!({"mial": [{"status": 500}]})).await;
    assert!(status == 400 && said.contains("did you mean `mail`?"), "{said}");
}

#[tokio::test]
async fn latency_is_kept_on_the_clock_and_a_script_can_change_it() {
    // On this clock a minute lasts as good as nothing; on the wall's, the test would not end.
    let slow = json!([{"name": "slow", "latency": 60_000, "answers": [{"path": "/"}]}]);
    let answering = Arc::new(Catalogue::new(serde_json::from_value(slow).unwrap()).unwrap());
    let config = |clock| ExternalsConfig { listen: any_port(), own: Vec::new(), clock, answering: Arc::clone(&answering) as _ };
    let scaled = Externals::bind(config(TimerClock::scaled(0.0001))).await.unwrap();
    let url = scaled.urls()["slow"].clone();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(scaled.run(shutdown.clone()));
    assert_eq!(loopback().unwrap().get(url).send().await.unwrap().status(), 200);
    shutdown.cancel();
    running.await.unwrap();

    let honest = Externals::bind(config(TimerClock::default())).await.unwrap();
    let (url, base) = (honest.urls()["slow"].clone(), format!("http://{}", honest.address()));
    tokio::spawn(honest.run(CancellationToken::new()));
    let http = loopback().unwrap();
    let held = http.get(&url).timeout(std::time::Duration::from_millis(300)).send().await;
    assert!(held.is_err_and(|error| error.is_timeout()), "the minute is kept");
    let script = http.put(format!("{base}/_devstack/scripts/c")).json(&json!({"slow": [{"delay_ms": 0}]}));
    assert_eq!(script.send().await.unwrap().status(), 204);
    let answer = http.get(url).header("x-correlation-id", "c").send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn an_address_for_nobody_is_refused() {
    let own = vec![("fax".to_owned(), any_port())];
    let config = ExternalsConfig { listen: any_port(), own, clock: TimerClock::default(), answering: Arc::new(catalogue()) };
    let error = Externals::bind(config).await.unwrap_err();
    assert!(matches!(error, StandInError::Externals { .. }) && error.to_string().contains("`fax`"), "{error}");
}
