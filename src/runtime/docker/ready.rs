//! Whether a component is ready: its probes, asked until they hold or asked once.
//!
//! Waited for by `make` (under the order's deadline, while it watches that the container runs), asked once by `states` and for containers
//! that ran already. Without clock of its own: whoever waits bounds it.

use std::{collections::BTreeMap, error::Error, io::ErrorKind, time::Duration};

use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt;
use reqwest::Client;

use super::{Engine, lines::Lines, said::os_kind, seen};
use crate::{
    stack::Probe,
    support::{clock, tls},
};

/// The first pause between two questions. Programs answer 30 to 160 ms after their start, so asking often is what makes `up` quick.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The longest one.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How long one question may wait for its answer; a paused container never answers.
const ANSWER: Duration = Duration::from_secs(1);

/// Who asks, and how.
#[derive(Debug, Clone)]
pub(super) struct Prober {
    engine: Engine,
    http: Client,
}

/// A container to ask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) ports: &'a BTreeMap<String, u16>,
}

/// Why a probe does not hold.
enum NotYet {
    /// It may later.
    Wait(String),
    /// It never will.
    Never(String),
}

impl Prober {
    pub(super) fn new(engine: Engine) -> Self {
        tls::install();
        // A connection a question: one that was opened while nothing listened inside is dead.
        let http = Client::builder().no_proxy().pool_max_idle_per_host(0).redirect(reqwest::redirect::Policy::none());
        let http = http.timeout(ANSWER).build().expect("a client that reads no proxy and no certificate can be made");
        Self { engine, http }
    }

    /// Comes back when all probes hold, or with words when one never will. `seen` gets what was last seen, whenever it changes.
    pub(super) async fn wait(&self, probes: &[Probe], asked: Asked<'_>, mut seen: impl FnMut(&str)) -> Result<(), String> {
        for probe in probes {
            match probe {
                Probe::Log(pattern) => self.wait_for_line(pattern, asked, &mut seen).await?,
                other => self.wait_for(other, asked, &mut seen).await?,
            }
        }
        Ok(())
    }

    /// Whether all probes hold now, those apart that look for a line; else what the first says that does not.
    pub(super) async fn holds(&self, probes: &[Probe], asked: Asked<'_>) -> Result<(), String> {
        for probe in probes {
            self.once(probe, asked).await.map_err(|not_yet| match not_yet {
                NotYet::Wait(words) | NotYet::Never(words) => words,
            })?;
        }
        Ok(())
    }

    async fn wait_for(&self, probe: &Probe, asked: Asked<'_>, seen: &mut impl FnMut(&str)) -> Result<(), String> {
        let mut pause = FIRST_PAUSE;
        let mut last = String::new();
        loop {
            match self.once(probe, asked).await {
                Ok(()) => return Ok(()),
                Err(NotYet::Never(words)) => return Err(words),
                Err(NotYet::Wait(words)) => {
                    if words != last {
                        seen(&words);
                        last = words;
                    }
                }
            }
            clock::pause(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn once(&self, probe: &Probe, asked: Asked<'_>) -> Result<(), NotYet> {
        match probe {
            Probe::Http { port, path, status } => {
                let published = asked.ports.get(port);
                let published = published.ok_or_else(|| NotYet::Never(format!("the port `{port}` is not published")))?;
                self.http(*published, path, *status).await.map_err(NotYet::Wait)
            }
            Probe::Health => self.health(asked).await,
            // A line that was once written stays written, and reading all of a log for each look would be dear.
            Probe::Log(_) => Ok(()),
        }
    }

    async fn http(&self, port: u16, path: &str, status: u16) -> Result<(), String> {
        let answer = self.http.get(format!("http://127.0.0.1:{port}{path}")).send().await;
        match answer {
            Ok(answer) if answer.status().as_u16() == status => Ok(()),
            Ok(answer) => Err(format!("{path}: {}", answer.status().as_u16())),
            Err(error) => Err(format!("{path}: {}", words(&error))),
        }
    }

    async fn health(&self, asked: Asked<'_>) -> Result<(), NotYet> {
        use bollard::models::HealthStatusEnum as Health;
        let found = seen::inspect(&self.engine, asked.id, asked.name).await;
        let found = found.map_err(|error| NotYet::Wait(error.sentence()))?;
        let state = found.and_then(|found| found.state);
        match state.and_then(|state| state.health).and_then(|health| health.status) {
            Some(Health::HEALTHY) => Ok(()),
            Some(Health::STARTING) => Err(NotYet::Wait("health: starting".to_owned())),
            // It may get well; the deadline decides.
            Some(Health::UNHEALTHY) => Err(NotYet::Wait("health: unhealthy".to_owned())),
            _ => Err(NotYet::Never("its image has no health check".to_owned())),
        }
    }

    async fn wait_for_line(&self, pattern: &str, asked: Asked<'_>, seen: &mut impl FnMut(&str)) -> Result<(), String> {
        let wanted = regex(pattern)?;
        seen(&format!("no line matches `{pattern}` yet"));
        let mut pause = FIRST_PAUSE;
        loop {
            if self.lines_match(&wanted, asked).await {
                return Ok(());
            }
            // The output ended: the engine closed it, or the container stopped, which whoever waits notices.
            clock::pause(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn lines_match(&self, wanted: &regex::Regex, asked: Asked<'_>) -> bool {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).follow(true).tail("all").build();
        let mut chunks = std::pin::pin!(self.engine.api().logs(asked.id, Some(options)));
        let mut lines = Lines::default();
        while let Some(Ok(chunk)) = chunks.next().await {
            if lines.push(chunk).iter().any(|line| wanted.is_match(&line.text)) {
                return true;
            }
        }
        lines.rest().iter().any(|line| wanted.is_match(&line.text))
    }
}

fn regex(pattern: &str) -> Result<regex::Regex, String> {
    regex::Regex::new(pattern).map_err(|_| format!("`{pattern}` is not a regular expression"))
}

/// What happened instead of an answer, in the operating system's usual words.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", ANSWER.as_secs());
    }
    match os_kind(error) {
        Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => "connection reset".to_owned(),
        Some(ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
        Some(kind) => kind.to_string(),
        None => {
            let mut last: &dyn Error = error;
            while let Some(source) = last.source() {
                last = source;
            }
            // hyper's words for a connection that was closed before an answer.
            if last.to_string().contains("before message completed") { "empty answer".to_owned() } else { last.to_string() }
        }
    }
}
