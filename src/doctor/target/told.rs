//! The rules on what is told without sending: the process, how it was started, its variables, and where they lead.

use super::{
    facts::{Destination, Exit, ExitHow, Facts, Process, Reach, Receiver},
    finding::{Cause, Finding},
    language::{Language, Loading},
    look::{manner, port_of},
};
use crate::{
    doctor::{Check, Level, otel},
    support::{env::Env, inspect::NotTold, inspect::Variables},
};

/// Spans that wait longer than this make whoever looks for them wait.
pub(super) const SLOW_MS: u64 = 1000;

/// How often a batch is exported where nothing says otherwise: `OTEL_BSP_SCHEDULE_DELAY` of the specification.
pub(super) const DEFAULT_DELAY_MS: u64 = 5000;

/// `SIGKILL` and `SIGTERM`, as POSIX numbers them.
const KILLED: i32 = 9;
const TERMINATED: i32 = 15;

/// How often a process exports, as its variables say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delay {
    /// Each span at once (`OTEL_DEBUG` of the guide).
    Immediate,
    /// So many milliseconds, by this variable.
    Set(u64, &'static str),
    /// Nothing is set.
    Unset,
}

/// Everything that is told.
pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found = vec![listening(facts)];
    if let Some(process) = &facts.process {
        found.push(known(process));
        found.extend(connection(process));
        found.extend(variables(facts, process));
        found.extend(elsewhere(facts));
        found.extend(instrumentation(facts, process));
        found.extend(delay(facts, process));
        found.extend(unnamed(facts, process));
    }
    found.extend(facts.known_exits.iter().map(ended));
    found
}

/// How often spans are exported.
pub(super) fn delay_of(env: &dyn Env) -> Delay {
    if env.get("OTEL_DEBUG").is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
        return Delay::Immediate;
    }
    let set = |name: &'static str| Some(Delay::Set(env.get(name)?.trim().parse().ok()?, name));
    set("OTEL_BSP_SCHEDULE_DELAY").or_else(|| set("OTEL_BSP_SCHEDULE_DELAY_MILLIS")).unwrap_or(Delay::Unset)
}

fn listening(facts: &Facts) -> Finding {
    let Facts { url, port, here, .. } = facts;
    let broken = |code, words: String| Finding::broken(Cause::Target, code, words);
    let found = match (&facts.process, facts.reach) {
        (None, Reach::Refused) => broken("target.listens", format!("nothing listens at {url}")).fix(if *here {
            "start the service, or pass the URL at which it answers"
        } else {
            "pass the URL at which it answers"
        }),
        (None, Reach::Unknown) => {
            broken("target.listens", format!("{url} cannot be reached")).fix("pass the URL at which the service answers")
        }
        (None, Reach::Open) if !here => Finding::attention(
            Cause::Aside,
            "target.process",
            format!("{url} is on another machine: its process and variables cannot be seen from here"),
        )
        .fix("run `devstack doctor --target` there"),
        (None, Reach::Open) => Finding::attention(
            Cause::Aside,
            "target.process",
            format!("{url} is held by a process that this user may not see: its variables are not known"),
        )
        .fix(format!("find it (`sudo lsof -nP -iTCP:{port} -sTCP:LISTEN`), or run this as its user")),
        (Some(process), Reach::Refused | Reach::Unknown) => {
            broken("target.listens", format!("{} listens on port {port}, but not where {url} leads", named(process)))
                .fix("pass the URL with the address that it listens on, such as 127.0.0.1 or [::1]")
        }
        (Some(process), Reach::Open) => Finding::seen("target.process", described(url, process)),
    };
    found.detail("port", *port)
}

/// `node dist/server.js (pid 812)`.
pub(super) fn named(process: &Process) -> String {
    let runs = process.runs.as_deref().map(|runs| format!(" {runs}")).unwrap_or_default();
    format!("{}{runs} (pid {})", process.name, process.pid)
}

fn described(url: &str, process: &Process) -> String {
    let since = process.since.as_deref().map(|since| format!(", started {since}")).unwrap_or_default();
    let by: Vec<_> = process.started_by.iter().map(ToString::to_string).collect();
    let by = if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
    let with = match process.started.len() {
        0 => String::new(),
        1 => format!(", with {} below it", process.started[0]),
        more => format!(", with {more} processes below it"),
    };
    format!("{} listens at {url}{since}{by}{with}", named(process))
}

/// Whether the variables are told at all.
fn known(process: &Process) -> Finding {
    let code = "target.variables";
    let words = match (&process.variables, process.is_container) {
        (_, true) => {
            let words = "it stands for a container, whose variables cannot be seen from here".to_owned();
            let fix = "`docker inspect` shows them";
            return Finding::attention(Cause::Aside, code, words).fix(fix);
        }
        (Err(NotTold::System), _) => "this system shows the variables of a process to nobody: they are not known".to_owned(),
        (Err(NotTold::User), _) => format!("{} belongs to another user: its variables are not known", named(process)),
        (Err(NotTold::Gone), _) => format!("{} is gone already", named(process)),
        (Ok(variables), _) => {
            let names: Vec<_> = variables.names().filter(|name| name.starts_with("OTEL_")).collect();
            let words = match names.as_slice() {
                [] => "it was started without OTEL_* variables".to_owned(),
                names => format!("it was started with {}", names.join(", ")),
            };
            return Finding::seen(code, words).detail("names", names);
        }
    };
    let fix =
        if matches!(process.variables, Err(NotTold::User)) { "run this as its user" } else { "start it with `devstack run`" };
    Finding::attention(Cause::Aside, code, words).fix(fix)
}

fn connection(process: &Process) -> Option<Finding> {
    let ports: Vec<_> = process.connected.iter().map(u16::to_string).collect();
    let words = format!("it was seen connecting to port {}, where OTLP is taken", ports.join(" and "));
    (!ports.is_empty()).then(|| Finding::seen("target.connection", words).detail("ports", process.connected.clone()))
}

/// What `doctor` says of these variables in a shell, and how much of it keeps traces away.
fn variables(facts: &Facts, process: &Process) -> Vec<Finding> {
    let Some(variables) = facts.variables() else { return Vec::new() };
    let checks = otel::variables_of(variables, &manner(process.language, facts.receiver.as_ref()));
    checks.into_iter().map(|check| weighed(check, variables)).collect()
}

fn weighed(mut check: Check, variables: &Variables) -> Finding {
    let variable = check.details.get("variable").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
    let of_traces = !variable.contains("_METRICS_") && !variable.contains("_LOGS_");
    // A slash too many is forgiven by most; what is appended twice by none.
    let certain = !check.message.ends_with("//v1/traces");
    let (cause, broken) = match check.code {
        "otel.disabled" | "otel.exporter" => (Cause::Off, true),
        "otel.sampler" => (Cause::Off, drops_all(variables)),
        "otel.port" | "otel.scheme" | "otel.path" => (Cause::Wrong, certain),
        "otel.protocol" | "otel.headers" => (Cause::Wrong, false),
        "otel.propagators" => (Cause::Context, false),
        _ => (Cause::Aside, false),
    };
    if !of_traces {
        return Finding { check, cause: Cause::Aside };
    }
    if broken {
        check.level = Level::Broken;
    }
    Finding { check, cause }
}

/// Whether the sampler drops traces that were sampled before, too.
fn drops_all(env: &dyn Env) -> bool {
    let text = |name| env.get(name).map(|value| value.trim().to_ascii_lowercase());
    match text("OTEL_TRACES_SAMPLER").as_deref() {
        Some("always_off") => true,
        Some("traceidratio") => text("OTEL_TRACES_SAMPLER_ARG").and_then(|ratio| ratio.parse::<f64>().ok()) == Some(0.0),
        _ => false,
    }
}

/// Traces that go to nobody, or to somebody else.
fn elsewhere(facts: &Facts) -> Option<Finding> {
    let to = facts.traces_to.as_ref()?;
    let code = "target.endpoint";
    let right = |receiver: &Receiver| if to.grpc == Some(true) { receiver.otlp_grpc.clone() } else { receiver.otlp_http.clone() };
    let variable = to.variable.unwrap_or("OTEL_EXPORTER_OTLP_ENDPOINT");
    let fix = match &facts.receiver {
        Some(_) if variable.contains("_TRACES_") => format!("unset {variable}, and start it with what `devstack env` prints"),
        Some(receiver) => format!("export {variable}={}", right(receiver)),
        None => "devstack up".to_owned(),
    };
    let (words, certain) = said(to, facts)?;
    let is_ours =
        |receiver: &Receiver| [&receiver.otlp_http, &receiver.otlp_grpc].iter().any(|url| port_of(url) == Some(to.port));
    let found = match (to.reach, &facts.receiver) {
        (Reach::Refused, _) => format!("{words}, where nobody listens"),
        (Reach::Unknown, _) => format!("{words}, which cannot be reached"),
        (Reach::Open, Some(receiver)) if !(to.loopback && is_ours(receiver)) => {
            format!("{words}, which is not the receiver of the stack that is up")
        }
        (Reach::Open, _) => return None,
    };
    let finding = if certain { Finding::broken } else { Finding::attention };
    Some(finding(Cause::Elsewhere, code, found).fix(fix).detail("endpoint", to.endpoint.clone()))
}

/// Where it sends traces to, and whether that is certain; `None` where nothing can be said.
fn said(to: &Destination, facts: &Facts) -> Option<(String, bool)> {
    let process = facts.process.as_ref()?;
    let endpoint = &to.endpoint;
    match to.variable {
        Some(variable) => Some((format!("{variable}={endpoint}"), true)),
        None if process.variables.is_err() => None,
        None if process.loading.is_certain() => Some((format!("no endpoint is set, so that it exports to {endpoint}"), true)),
        // Its code may name another one; worth a word only where nothing came of a program that may export at all.
        None if matches!(process.loading, Loading::Nothing | Loading::NothingSeen) => None,
        None => {
            facts.is_silent().then(|| (format!("no endpoint is set: unless its code names one, it exports to {endpoint}"), false))
        }
    }
}

fn instrumentation(facts: &Facts, process: &Process) -> Option<Finding> {
    if facts.exports() || process.is_container {
        return None;
    }
    let code = "target.instrumentation";
    let silent = facts.is_silent();
    let came = if silent { ", and no span of the control request came" } else { "" };
    let by = if process.language == Language::Node {
        "neither its command line nor NODE_OPTIONS loads"
    } else {
        "nothing that starts it loads"
    };
    let unsure = |words: String| Finding::attention(Cause::Instrumentation, code, words);
    let found = match process.loading {
        Loading::ByCommandLine => return Some(Finding::seen(code, "its command line loads OpenTelemetry")),
        Loading::ByVariable => return Some(Finding::seen(code, "a variable loads OpenTelemetry when it starts")),
        Loading::OwnModule => {
            let words = format!("a module of its own is loaded first, which may set OpenTelemetry up{came}");
            if silent { unsure(words) } else { return Some(Finding::seen(code, words)) }
        }
        Loading::Nothing if silent => Finding::broken(
            // Nobody reads the variables then, whatever is wrong with them.
            Cause::Off,
            code,
            format!("no instrumentation is loaded: {by} OpenTelemetry, no package of its SDK is within reach{came}"),
        ),
        Loading::Nothing => unsure(format!(
            "no instrumentation seems to be loaded: {by} OpenTelemetry, and no package of its SDK is within reach"
        )),
        Loading::OnlyPackages => unsure(format!("{by} OpenTelemetry; its packages are there, so that the code may{came}")),
        Loading::NothingSeen => unsure(format!("{by} OpenTelemetry; only its code could{came}")),
        Loading::InCode if silent => {
            unsure("no span of the control request came: its code may set up no instrumentation".to_owned())
        }
        Loading::InCode => return None,
    };
    Some(found.fix(process.language.how_to_load()).detail("language", language_word(process.language)))
}

fn language_word(language: Language) -> &'static str {
    match language {
        Language::Node => "node",
        Language::Python => "python",
        Language::Java => "java",
        Language::Binary => "binary",
    }
}

/// What its variables say of the delay; what was measured is judged in `measured`.
fn delay(facts: &Facts, process: &Process) -> Option<Finding> {
    let variables = facts.variables()?;
    let instrumented = facts.arrived() || process.loading.is_certain();
    let words = match delay_of(variables) {
        Delay::Set(millis, name) if millis >= SLOW_MS => {
            format!("{name} is a second or more: spans come that late")
        }
        Delay::Unset if instrumented => {
            format!("OTEL_BSP_SCHEDULE_DELAY is not set: spans may come {} s late", DEFAULT_DELAY_MS / 1000)
        }
        Delay::Set(..) | Delay::Unset | Delay::Immediate => return None,
    };
    // Measured on enough spans, the measurement counts and not the variable.
    let measured = facts.measured.as_ref().is_some_and(|measured| {
        measured.longest_lag_ms() >= SLOW_MS || measured.senders.iter().map(|sender| sender.spans.count).sum::<u64>() >= 5
    });
    let fix = "export OTEL_BSP_SCHEDULE_DELAY=50 OTEL_BSP_SCHEDULE_DELAY_MILLIS=50";
    (!measured).then(|| Finding::attention(Cause::Late, "target.delay", words).fix(fix))
}

fn unnamed(facts: &Facts, process: &Process) -> Option<Finding> {
    let variables = facts.variables()?;
    let named = variables.get("OTEL_SERVICE_NAME").is_some()
        || variables.get("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|list| list.contains("service.name="));
    // Where spans came, they say it themselves; elsewhere the code may.
    if named || facts.arrived() || !process.loading.is_certain() {
        return None;
    }
    let words = "OTEL_SERVICE_NAME is not set: its spans may come as `unknown_service`";
    Some(Finding::attention(Cause::Aside, "target.name", words).fix("export OTEL_SERVICE_NAME=<name>"))
}

/// A process that ended: one that was killed had no chance to export what it held.
fn ended(exit: &Exit) -> Finding {
    let (words, fix) = exit.words(&exit.name);
    let sure = matches!(exit.how, ExitHow::Signal(number) if number != TERMINATED);
    let finding = if sure { Finding::broken } else { Finding::attention };
    finding(Cause::Ended, "target.exit", words).fix(fix)
}

impl Exit {
    /// What it means for spans, and what to do: a process that was killed had no chance to export what it held.
    pub fn words(&self, who: &str) -> (String, String) {
        let who = format!("{who} (pid {})", self.pid);
        let look = format!("devstack logs {}", self.name);
        match self.how {
            ExitHow::Signal(KILLED) => (
                format!("{who} was killed (SIGKILL): the spans that it had not exported yet are lost"),
                "end it with SIGTERM, and let it shut its SDK down".to_owned(),
            ),
            ExitHow::Signal(TERMINATED) => (
                format!("{who} ended by SIGTERM, which it did not handle: spans that it had not exported yet are lost"),
                "shut the SDK down when SIGTERM comes".to_owned(),
            ),
            ExitHow::Signal(number) => {
                (format!("{who} ended by signal {number}: the spans that it had not exported yet are lost"), look)
            }
            ExitHow::Code(status) => {
                (format!("{who} ended with exit code {status}: spans that it did not export before are lost"), look)
            }
            ExitHow::Unseen => (
                format!("{who} ended while the case ran: spans that it had not exported before are lost"),
                "end it with SIGTERM, and let it shut its SDK down; its own log may say why it ended".to_owned(),
            ),
        }
    }
}
