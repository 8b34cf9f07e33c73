//! The externals of a project, played: stand-ins on ports of their own, for whoever starts services and gives them the addresses.
//!
//! Called by the supervisor (`up`) and by `cli` (`replay` without a stack) before services start; ended after them. The servers are those
//! of `standin`; this makes them of what `devstack.yaml` says.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::ExternalAt;
use crate::{
    model::FLUSH_ATTRIBUTE,
    runtime::UpFailure,
    stack::{self, External},
    standin::{
        Externals, ExternalsConfig, StandInError, Trigger, TriggerConfig,
        externals::{self as scripted, AnswerBody, Catalogue},
    },
    support::{clock, clock::TimerClock, ports},
    telemetry::Settings,
    webhook::{Secrets, secrets::TRIGGER_SECRET_KEY},
};

/// How often a stand-in exports on its own. It does so at once with each span, so this bounds what nobody waits for.
const EXPORT_DELAY: Duration = Duration::from_millis(50);

/// Externals that run, until they are ended.
#[derive(Debug, Default)]
pub struct Playing {
    /// Where they are, in the order of the file.
    pub at: Vec<ExternalAt>,
    /// Base address at which scripts of the scripted ones are put; `None` without a scripted one.
    pub scripts: Option<String>,
    /// Base address of the stand-in for the Trigger.dev API, which tells what was enqueued there; `None` without one.
    pub enqueued: Option<String>,
    /// Variables that services need besides the addresses: the key that the Trigger.dev API lets them in by.
    pub variables: Vec<(String, String)>,
    /// When they began, in seconds since the Unix epoch.
    pub since: i64,
    parts: Vec<Part>,
}

/// A server, for one external or several.
#[derive(Debug)]
struct Part {
    of: Vec<String>,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

/// Starts all externals of a project. Stand-ins that send spans send them to the OTLP receiver at `otlp_http`. A key that `secrets` lack is
/// made anew, and is among [`Playing::variables`] either way.
///
/// # Errors
/// A port is taken, or externals cannot be served as they are described; none is left then.
pub async fn play(externals: &[External], secrets: &Secrets, otlp_http: &str) -> Result<Playing, UpFailure> {
    let (standing_in, scripted): (Vec<_>, Vec<_>) = externals.iter().partition(|external| external.stand_in.is_some());
    let secrets = secrets.clone().or_generated([TRIGGER_SECRET_KEY]);
    // Bound before any runs, so that a failure leaves nothing.
    let scripted = match bind_scripted(&scripted).await {
        Ok(scripted) => scripted,
        Err(error) => return Err(failure(externals, error).await),
    };
    let mut triggers = Vec::new();
    for external in standing_in {
        match Trigger::bind(trigger_config(external, &secrets, otlp_http)).await {
            Ok(trigger) => triggers.push((external, trigger)),
            Err(error) => return Err(failure(externals, error).await),
        }
    }

    let mut playing = Playing { since: clock::unix_seconds(), ..Playing::default() };
    let mut urls = BTreeMap::new();
    if let Some(scripted) = scripted {
        playing.scripts = Some(format!("http://{}", scripted.address()));
        urls.extend(scripted.urls());
        playing.run(urls.keys().cloned().collect(), |shutdown| scripted.run(shutdown));
    }
    for (external, trigger) in triggers {
        let url = format!("http://{}", trigger.address());
        playing.enqueued = Some(url.clone());
        playing.variables =
            secrets.get(TRIGGER_SECRET_KEY).map(|key| (TRIGGER_SECRET_KEY.to_owned(), key.to_owned())).into_iter().collect();
        urls.insert(external.name.clone(), url);
        playing.run(vec![external.name.clone()], |shutdown| trigger.run(shutdown));
    }
    let at = |external: &External| {
        let url = urls.get(&external.name)?.clone();
        let stand_in = external.stand_in.clone();
        Some(ExternalAt { name: external.name.clone(), variable: external.variable.clone(), url, stand_in })
    };
    playing.at = externals.iter().filter_map(at).collect();
    Ok(playing)
}

impl Playing {
    /// Whether an external still answers.
    pub fn runs(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.of.iter().any(|of| of == name) && !part.running.is_finished())
    }

    /// Ends them, each after what it is answering, and after its spans are handed over.
    pub async fn end(self) {
        for part in &self.parts {
            part.shutdown.cancel();
        }
        for part in self.parts {
            // One that panicked has ended as well.
            let _ = part.running.await;
        }
    }

    fn run<F>(&mut self, of: Vec<String>, server: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(server(shutdown.clone()));
        self.parts.push(Part { of, shutdown, running });
    }
}

/// The scripted ones, each on a port of its own; `None` without any.
async fn bind_scripted(externals: &[&External]) -> Result<Option<Externals>, StandInError> {
    if externals.is_empty() {
        return Ok(None);
    }
    let described = externals.iter().map(|external| played(external)).collect();
    let config = ExternalsConfig {
        listen: here(None),
        own: externals.iter().map(|external| (external.name.clone(), here(external.port))).collect(),
        clock: TimerClock::default(),
        answering: Arc::new(Catalogue::new(described)?),
    };
    Externals::bind(config).await.map(Some)
}

fn trigger_config(external: &External, secrets: &Secrets, otlp_http: &str) -> TriggerConfig {
    let spans = || {
        let settings = Settings::new(&external.service).with_endpoint(otlp_http).with_schedule_delay(EXPORT_DELAY);
        // Whoever judges need not wait for it longer than that.
        let flush = (FLUSH_ATTRIBUTE.to_owned(), EXPORT_DELAY.as_millis().to_string());
        Settings { namespace: "devstack".to_owned(), resource: vec![flush], ..settings }
    };
    TriggerConfig { listen: here(external.port), secrets: secrets.clone(), spans: external.spans.then(spans) }
}

/// What the project describes, as `standin` takes it.
fn played(external: &External) -> scripted::External {
    let answers = external.answers.iter().map(answer).collect();
    scripted::External { name: external.name.clone(), answers, latency: external.latency }
}

fn answer(answer: &stack::Answer) -> scripted::Answer {
    let json = || answer.json.clone().map(AnswerBody::Json);
    let text = || answer.body.clone().map(AnswerBody::Text);
    scripted::Answer {
        method: answer.method.clone(),
        path: answer.path.clone(),
        status: answer.status,
        headers: answer.headers.clone(),
        body: json().or_else(text).unwrap_or_default(),
        latency: answer.latency_ms.map(Duration::from_millis),
    }
}

/// A port of this machine; a free one where none is wished.
fn here(port: Option<u16>) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port.unwrap_or_default()).into()
}

/// Why it could not start; of a port, who has it.
async fn failure(externals: &[External], error: StandInError) -> UpFailure {
    let StandInError::Listen { address, source, .. } = &error else {
        let failure = UpFailure::new(error.to_string());
        return match std::error::Error::source(&error) {
            Some(source) => failure.detail(source.to_string()),
            None => failure,
        };
    };
    let port = address.port();
    let Some(external) = externals.iter().find(|external| external.port == Some(port)) else {
        return UpFailure::new(format!("{error}: {source}"));
    };
    let failure = UpFailure::new(format!("port {port} is taken, and the external `{}` wants it", external.name));
    let failure = match tokio::task::spawn_blocking(move || ports::holder(port)).await.ok().flatten() {
        Some(holder) => failure.detail(format!("by {holder}")),
        None => failure.detail(source.to_string()),
    };
    failure.hint("stop it, or give the external another `port` (`auto`, or none, takes any free one)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::loopback;

    fn external(wire: &serde_json::Value) -> External {
        let mut whole = serde_json::json!({
            "name": "mail", "variable": "MAIL_URL", "port": null, "latency_ms": 0, "answers": [], "stand_in": null, "service": "mail",
            "spans": false,
        });
        whole.as_object_mut().unwrap().extend(wire.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    fn answers(of: &serde_json::Value) -> serde_json::Value {
        let answer = |mut wire: serde_json::Value| {
            let whole = serde_json::json!({
                "method": null, "path": null, "status": 200, "headers": {}, "json": null, "body": null, "latency_ms": null,
            });
            for (key, value) in whole.as_object().unwrap() {
                wire.as_object_mut().unwrap().entry(key).or_insert(value.clone());
            }
            wire
        };
        serde_json::json!({ "answers": of.as_array().unwrap().iter().cloned().map(answer).collect::<Vec<_>>() })
    }

    #[tokio::test]
    async fn each_answers_at_an_address_of_its_own_until_it_is_ended() {
        let mail = external(&answers(&serde_json::json!([
            {"method": "POST", "path": "/send", "status": 202, "json": {"queued": true}},
            {"body": "hello"},
        ])));
        let trigger = external(&serde_json::json!({"name": "jobs", "variable": "TRIGGER_API_URL", "stand_in": "trigger.dev"}));
        let secrets = Secrets::default().with(TRIGGER_SECRET_KEY, "tr_dev_1");
        let playing = play(&[trigger, mail], &secrets, "http://127.0.0.1:1").await.unwrap();
        let names: Vec<_> = playing.at.iter().map(|at| (at.name.as_str(), at.variable.as_str())).collect();
        assert_eq!(names, [("jobs", "TRIGGER_API_URL"), ("mail", "MAIL_URL")]);
        assert_eq!(playing.enqueued.as_ref(), Some(&playing.at[0].url));
        assert_eq!(playing.variables, [(TRIGGER_SECRET_KEY.to_owned(), "tr_dev_1".to_owned())]);
        assert!(playing.runs("mail") && playing.runs("jobs") && !playing.runs("fax"));

        let (http, url) = (loopback().unwrap(), playing.at[1].url.clone());
        let sent = http.post(format!("{url}/send")).send().await.unwrap();
        assert_eq!((sent.status().as_u16(), sent.text().await.unwrap().as_str()), (202, r#"{"queued":true}"#));
        assert_eq!(http.get(format!("{url}/any/thing")).send().await.unwrap().text().await.unwrap(), "hello");
        let script = format!("{}/_devstack/scripts/c", playing.scripts.as_ref().unwrap());
        let put = http.put(script).body(r#"{"mail": [{"status": 503}]}"#).send().await.unwrap();
        assert_eq!(put.status(), 204);
        let limited = http.post(format!("{url}/send")).header("x-correlation-id", "c").send().await.unwrap();
        assert_eq!(limited.status(), 503);

        playing.end().await;
        assert!(http.get(url).send().await.is_err_and(|error| error.is_connect()));
    }

    #[tokio::test]
    async fn a_taken_port_names_the_external_and_leaves_nothing() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for stand_in in [serde_json::Value::Null, "trigger.dev".into()] {
            let other = external(&serde_json::json!({"name": "other", "port": free}));
            let wants = external(&serde_json::json!({"name": "wants", "port": port, "stand_in": stand_in}));
            let failure = play(&[other, wants], &Secrets::default(), "http://127.0.0.1:1").await.unwrap_err();
            assert_eq!(failure.message, format!("port {port} is taken, and the external `wants` wants it"));
            assert!(ports::is_free(here(Some(free))), "what was bound before is let go");
        }
    }

    #[tokio::test]
    async fn without_externals_nothing_runs_and_a_key_that_is_missing_is_made() {
        let nothing = play(&[], &Secrets::default(), "http://127.0.0.1:1").await.unwrap();
        assert!(nothing.at.is_empty() && nothing.scripts.is_none() && nothing.enqueued.is_none() && nothing.variables.is_empty());
        let jobs = external(&serde_json::json!({"name": "jobs", "stand_in": "trigger.dev"}));
        let playing = play(&[jobs], &Secrets::default(), "http://127.0.0.1:1").await.unwrap();
        assert!(playing.scripts.is_none() && playing.variables[0].1.starts_with("tr_dev_"));
        playing.end().await;
    }
}
