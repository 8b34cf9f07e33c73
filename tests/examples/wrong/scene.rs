//! The shop with settings that a test chooses for each service, and both commands that must name what is wrong with them.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Json as Answer, Router, http::StatusCode, routing::post};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use crate::{
    examples::{
        arrived::Stack,
        install::{self, Example},
        service::{Running, Service},
    },
    sandbox::Run,
    up::stand::{kill, until},
};

/// What the API and `replay` share.
const SECRET: (&str, &str) = ("STRIPE_WEBHOOK_SECRET", "whsec_of_a_test");

/// A payment that goes on to the worker.
const FIXTURE: &str = "\
name: a payment becomes a job
request: { stripe: payment.json }
response: 200
edges: [api -> worker]
";

/// Variables beyond the right ones, or in their place.
pub(super) type Settings<'a> = &'a [(&'a str, &'a str)];

/// So long that a process exports nothing before it ends.
pub(super) const NEVER: Settings<'_> = &[("OTEL_BSP_SCHEDULE_DELAY", "600000"), ("OTEL_BSP_SCHEDULE_DELAY_MILLIS", "600000")];

/// A stack that is up, and what the shop needs beside it.
pub(super) struct Scene {
    pub(super) example: Example,
    pub(super) stack: Stack,
    pub(super) mail: Mail,
    stop: CancellationToken,
}

/// The mail service, which the worker asks in the middle of a job.
#[derive(Clone, Default)]
pub(super) struct Mail {
    pub(super) url: String,
    asked: Arc<AtomicUsize>,
    kills: Arc<Mutex<Option<(usize, u32)>>>,
}

/// Both services, as they run.
pub(super) struct Shop {
    pub(super) api: Running,
    pub(super) worker: Running,
}

/// What `replay` said: to a person, and of each case as JSON.
pub(super) struct Replayed {
    pub(super) run: Run,
    pub(super) cases: Vec<Json>,
}

impl Scene {
    /// `None` where the packages of the example cannot be had.
    pub(super) async fn open() -> Option<Self> {
        let example = install::node()?;
        let (stop, mut mail) = (CancellationToken::new(), Mail::default());
        let asked = mail.clone();
        let send = async move || {
            asked.is_asked();
            (StatusCode::ACCEPTED, Answer(json!({ "queued": true })))
        };
        (mail.url, _) = crate::stage::serve(Router::new().route("/send", post(send)), stop.clone()).await;
        let stack = Stack::up();
        let sandbox = &stack.stand.sandbox;
        sandbox.write("fixtures/payment.json", std::fs::read(example.path("fixtures/stripe/payment-succeeded.json")).unwrap());
        sandbox.write("fixtures/payment.yaml", FIXTURE);
        sandbox.write("secrets.env", format!("{}={}\n", SECRET.0, SECRET.1));
        Some(Self { example, stack, mail, stop })
    }

    /// A fixture beside, or in place of, the one that expects an edge.
    pub(super) fn fixture(&self, text: &str) {
        self.stack.stand.sandbox.write("fixtures/payment.yaml", text);
    }

    /// Where the stack takes OTLP over `http/protobuf` or `grpc`.
    pub(super) fn endpoint(&self, protocol: &str) -> String {
        self.stack.settings(protocol)["OTEL_EXPORTER_OTLP_ENDPOINT"].clone()
    }

    /// A command in a folder with the settings of `devstack env` and these.
    fn service(&self, folder: &Path, command: &[&str], settings: Settings<'_>) -> Service {
        let right = self.stack.settings("http/protobuf");
        Service::new(folder, command)
            .with_all(right.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .with_all(settings.iter().copied())
    }

    pub(super) fn worker(&self, settings: Settings<'_>) -> Service {
        let command = ["node", "--import", "./telemetry.mjs", "worker.mjs"];
        self.service(&self.example.path(""), &command, settings).with("MAIL_URL", &self.mail.url)
    }

    /// Without what loads its instrumentation.
    pub(super) fn bare_worker(&self) -> Service {
        self.service(&self.example.path(""), &["node", "worker.mjs"], &[]).with("MAIL_URL", &self.mail.url)
    }

    pub(super) fn api(&self, worker: &Running, settings: Settings<'_>) -> Service {
        let command = ["node", "--import", "./telemetry.mjs", "api.mjs"];
        let api = self.service(&self.example.path(""), &command, settings);
        api.with("WORKER_URL", worker.url()).with(SECRET.0, SECRET.1)
    }

    /// Both services, each with these settings.
    pub(super) fn shop(&self, api: Settings<'_>, worker: Settings<'_>) -> Shop {
        self.shop_of(self.worker(worker).start(), api)
    }

    /// The API with these settings before a worker.
    pub(super) fn shop_of(&self, worker: Running, api: Settings<'_>) -> Shop {
        Shop { api: self.api(&worker, api).start(), worker }
    }

    /// Replays the fixture at the shop.
    pub(super) fn replay(&self, shop: &Shop, deadline: &str, more: &[&str]) -> Replayed {
        self.replay_at(&shop.api.url(), &shop.worker.url(), deadline, more)
    }

    /// Replays the fixture at services that answer there.
    pub(super) fn replay_at(&self, api: &str, worker: &str, deadline: &str, more: &[&str]) -> Replayed {
        let sandbox = &self.stack.stand.sandbox;
        sandbox.write(
            "fixtures/suite.yaml",
            format!("target: {api}\nservice: api\nservices: {{ worker: {worker} }}\nrules: [otel]\ndeadline: {deadline}\n"),
        );
        let all = ["replay", "fixtures", "--env-file", "secrets.env", "--report", "json=run.json"];
        let all: Vec<&str> = all.into_iter().chain(more.iter().copied()).collect();
        let run = self.stack.stand.run(&all);
        let read = std::fs::read_to_string(sandbox.path("run.json"));
        let read = read.unwrap_or_else(|error| panic!("no report: {error}\n{}\n{}", run.out, run.err));
        let report: Json = serde_json::from_str(&read).unwrap();
        Replayed { cases: report["cases"].as_array().unwrap().clone(), run }
    }

    pub(super) fn doctor(&self, url: &str) -> Run {
        self.stack.stand.run(&["doctor", "--target", url])
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Mail {
    /// Kills a process when the mail of that number is asked for, before it is answered: the work that asks never ends.
    pub(super) fn kills(&self, at: usize, pid: u32) {
        *self.kills.lock().unwrap() = Some((at, pid));
    }

    /// Waits until so many mails were asked for.
    pub(super) fn wait_for(&self, count: usize) {
        until("a mail", || (self.asked.load(Ordering::SeqCst) >= count).then_some(()));
    }

    fn is_asked(&self) {
        let count = self.asked.load(Ordering::SeqCst) + 1;
        if let Some((_, pid)) = self.kills.lock().unwrap().take_if(|(at, _)| *at == count) {
            kill(pid);
        }
        self.asked.store(count, Ordering::SeqCst);
    }
}

impl Replayed {
    /// The one case.
    pub(super) fn case(&self) -> &Json {
        assert_eq!(self.cases.len(), 1, "{}", self.run.out);
        &self.cases[0]
    }

    /// That a person reads this once, however it is wrapped.
    #[track_caller]
    pub(super) fn says_once(&self, words: &str) {
        says_once(&self.run, words);
    }
}

/// That a person reads this once, however it is wrapped.
#[track_caller]
pub(super) fn says_once(run: &Run, words: &str) {
    let found = squeezed(&run.out).matches(&squeezed(words)).count();
    assert_eq!(found, 1, "`{words}` stands {found} times in\n{}", run.out);
}

/// Without any space: sentences are wrapped to the terminal.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}
