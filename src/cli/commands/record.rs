//! `devstack record`: passes webhooks on to a service and turns each into a fixture.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    cli::{Failure, exit::Exit, interrupt, receiving::Receiving},
    client::{self, LedgerClient, OtlpClient},
    draft::{
        Deliveries, Origin, Place, Redaction, Saved, Seen,
        record::{Context, Event, Passed, RecordError, Recorder, RecorderConfig, Watched, own_span, watch},
        redact, save,
    },
    support::words::capitalised,
    term::{Role, Ui},
    webhook::Providers,
};

/// The version of the JSON shape.
const VERSION: u32 = 1;

/// Pass webhooks on to a service and turn each into a fixture
///
/// Listens, passes every request on unchanged, gives the answer back, and waits for the trace. Then it writes a fixture with what was sent,
/// answered and traced, in which personal values and secrets are replaced. Ends with Ctrl-C after what is under way.
#[derive(Debug, Args)]
#[command(
    after_help = "Telemetry is looked for in the stack that is up; with none up, devstack receives it on 4317 and 4318 meanwhile.

Examples:
  devstack record --forward http://localhost:3000
  devstack record --forward http://localhost:3000 --listen 127.0.0.1:4000 --out fixtures
  devstack record --forward http://localhost:3000 --name orders/created --limit 1"
)]
pub(crate) struct RecordArgs {
    /// The service that gets every request: http://HOST:PORT
    #[arg(long, value_name = "URL")]
    forward: String,

    /// Where to listen (default: a free port of 127.0.0.1)
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", hide_default_value = true)]
    listen: SocketAddr,

    /// Answer requests to this host name too, such as that of a tunnel (can be repeated)
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,

    /// The folder that fixtures are written to
    #[arg(long, value_name = "FOLDER", default_value = "fixtures")]
    out: PathBuf,

    /// The name of the fixture (default: the provider's and the event's)
    #[arg(long, value_name = "NAME", value_parser = super::fixture_name)]
    name: Option<String>,

    /// End after so many deliveries
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,

    /// A trace counts as whole when nothing new came for so long
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = super::duration)]
    settle: Duration,

    /// The longest to wait for the first span of a delivery
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = super::duration)]
    wait: Duration,

    /// Ports of the receiver where no stack is up: `fixed` takes 4317 and 4318, `auto` free ones
    #[arg(long, value_name = "PORTS", default_value = "fixed")]
    ports: Ports,

    /// What stdout gets: lines, or a JSON document for each
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: super::OutputFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Ports {
    /// 4317 and 4318
    Fixed,
    /// Free ones
    Auto,
}

pub(crate) fn run(args: &RecordArgs, ui: &Ui) -> Result<Exit, Failure> {
    let project = super::project()?;
    let providers = super::providers(&project, ui)?;
    super::async_runtime()?.block_on(async {
        let http = client::loopback().map_err(|error| Failure::environment(&error as &dyn std::error::Error))?;
        let config = RecorderConfig { listen: args.listen, forward: args.forward.clone(), allow_hosts: args.allow_host.clone() };
        let recorder = Recorder::bind(config).await.map_err(|error| failed(&error))?;
        let receiving = Receiving::find(&project, args.ports == Ports::Auto, &http).await?;
        if !args.listen.ip().is_loopback() {
            ui.warn(&format!("`--listen {}`: whoever reaches this machine may send to the service through it", args.listen));
        }
        let session = Session {
            ledger: LedgerClient::new(http.clone(), receiving.ledger.as_str()),
            otlp: OtlpClient::new(http, receiving.otlp_http.as_str()),
            place: Place::Folder { folder: args.out.clone(), name: args.name.clone() },
            kept: project.state().map(Deliveries::of),
            providers,
            settle: args.settle,
            wait: args.wait,
        };
        ui.status(&format!("Recording at http://{}, passing on to {}; Ctrl-C ends it.", recorder.address(), args.forward));
        ui.status(&format!("Traces come to {} at {}.", receiving.words, receiving.otlp_http));
        let failed = serve(recorder, Arc::new(session), args, ui).await;
        receiving.end().await;
        Ok(if failed { Exit::Environment } else { Exit::Held })
    })
}

fn failed(error: &RecordError) -> Failure {
    let failure = match error {
        RecordError::Forward { .. } => Failure::usage(error as &dyn std::error::Error).hint("`--forward http://localhost:3000`"),
        RecordError::Listen { .. } => Failure::environment(error as &dyn std::error::Error),
    };
    match error {
        RecordError::Listen { .. } => failure.hint("`--listen 127.0.0.1:0` takes a free port"),
        RecordError::Forward { .. } => failure,
    }
}

/// What every delivery needs.
struct Session {
    ledger: LedgerClient,
    otlp: OtlpClient,
    place: Place,
    kept: Option<Deliveries>,
    providers: Providers,
    settle: Duration,
    wait: Duration,
}

/// One line of output.
enum Line {
    Recorded { saved: Saved, redaction: Box<Redaction>, status: u16, trace: Option<String> },
    Failed(String),
}

/// Takes deliveries until the limit or a signal, then waits for what is under way. Whether something could not be recorded.
async fn serve(recorder: Recorder, session: Arc<Session>, args: &RecordArgs, ui: &Ui) -> bool {
    let (stop, asked) = (CancellationToken::new(), CancellationToken::new());
    let signals = interrupt::cancel_on_signal(asked.clone(), ui.eraser());
    let (events, mut inbox) = mpsc::unbounded_channel();
    let (lines, mut said) = mpsc::unbounded_channel();
    let serving = tokio::spawn(recorder.run(events, stop.clone()));
    let tasks = TaskTracker::new();
    let (mut taken, mut written, mut wrong) = (0, 0, false);
    loop {
        tokio::select! {
            event = inbox.recv() => match event {
                Some(Event::Passed(passed)) if args.limit.is_none_or(|limit| taken < limit) => {
                    taken += 1;
                    let (session, lines) = (Arc::clone(&session), lines.clone());
                    tasks.spawn(async move { let _ = lines.send(record(&session, *passed).await); });
                    if args.limit == Some(taken) {
                        stop.cancel();
                    }
                }
                Some(Event::Passed(_)) => {}
                Some(event) => wrong |= tell_event(&event, args, ui),
                None => break,
            },
            Some(line) = said.recv() => {
                written += usize::from(matches!(line, Line::Recorded { .. }));
                wrong |= tell(&line, args, ui);
            }
            () = asked.cancelled(), if !stop.is_cancelled() => stop.cancel(),
        }
    }
    if asked.is_cancelled() && !tasks.is_empty() {
        ui.status("Finishing what is under way; Ctrl-C again ends at once.");
    }
    // Nothing goes by any more; the traces of what did may still be coming.
    drop(lines);
    tasks.close();
    while let Some(line) = said.recv().await {
        written += usize::from(matches!(line, Line::Recorded { .. }));
        wrong |= tell(&line, args, ui);
    }
    tasks.wait().await;
    let _ = serving.await;
    signals.abort();
    match (taken, written) {
        (0, _) => ui.status("Nothing was recorded."),
        (_, 0) => {}
        _ => ui.status(&format!("Next: devstack replay {}", args.out.display())),
    }
    wrong
}

/// From what went by to the files.
async fn record(session: &Session, passed: Passed) -> Line {
    if let Some(span) = own_span(&passed) {
        // The store's view is nicer with it; a fixture does not need it.
        let _ = session.otlp.export(&[Arc::new(span)]).await;
    }
    let Passed { mut delivery, context, .. } = passed;
    let watched = seen(session, context).await;
    if let Ok(Watched::Trace(trace)) = &watched {
        delivery.trace = Some(trace.clone());
    }
    let mut redaction = match redact(&delivery, &session.providers) {
        Ok(redaction) => redaction,
        Err(error) => return Line::Failed(format!("a delivery was passed on and not recorded: {error}")),
    };
    let trace_id = context.trace_id();
    if let (Some(kept), Some(id)) = (&session.kept, trace_id) {
        // `trace --save-as` will do without the body then.
        let _ = kept.keep(id, &redaction);
    }
    let words = match &watched {
        Ok(Watched::Nothing(waited)) => {
            format!("No span of its trace arrived within {} s, so nothing is proposed.", waited.as_secs())
        }
        Ok(Watched::Trace(_)) => String::new(),
        Err(words) => words.clone(),
    };
    let trace = delivery.trace.clone();
    let seen = trace.as_ref().map_or(Seen::Nothing(&words), Seen::Trace);
    let status = delivery.answer.as_ref().map_or(0, |answer| answer.status.as_u16());
    match save(&mut redaction, seen, Origin::Record, &session.place) {
        Ok(saved) => Line::Recorded { saved, redaction: Box::new(redaction), status, trace: trace_id.map(|id| id.to_string()) },
        Err(error) => Line::Failed(format!("a delivery was passed on and not recorded: {error}")),
    }
}

async fn seen(session: &Session, context: Context) -> Result<Watched, String> {
    let id = match context {
        Context::Given(id, _) | Context::Brought(id) => id,
        Context::Unsampled(_) => {
            return Err("The sender's traceparent is not sampled, so no trace was to be expected.".to_owned());
        }
        Context::Unknown => return Err("The sender's traceparent is malformed, so the trace could not be told.".to_owned()),
    };
    watch(&session.ledger, id, session.settle, session.wait)
        .await
        .map_err(|_| "The receiver of the telemetry did not answer, so nothing is known of the trace.".to_owned())
}

/// A line about what was not recorded; whether something went wrong.
fn tell_event(event: &Event, args: &RecordArgs, ui: &Ui) -> bool {
    let words = match event {
        Event::Passed(_) => return false,
        Event::Unanswered { reason } => format!("{reason}; the sender was told so"),
        Event::Unrecorded { reason } => format!("a delivery was not recorded: {reason}"),
        Event::Refused { host } => format!("a request to the host `{host}` was refused; `--allow-host` lets it in"),
    };
    tell(&Line::Failed(words), args, ui) && !matches!(event, Event::Refused { .. })
}

fn tell(line: &Line, args: &RecordArgs, ui: &Ui) -> bool {
    match args.format {
        super::OutputFormat::Text => ui.data(&text(line, ui)),
        super::OutputFormat::Json => ui.data(&as_json(line).to_string()),
    }
    matches!(line, Line::Failed(_))
}

fn text(line: &Line, ui: &Ui) -> String {
    let look = ui.look();
    match line {
        Line::Recorded { saved, redaction, status, .. } => {
            let facts = [status.to_string()].into_iter().chain((saved.spans == 0).then(|| "no spans".to_owned()));
            super::drafted(redaction, saved, &facts.collect::<Vec<_>>(), ui)
        }
        Line::Failed(words) => format!("{} {}", look.paint(Role::Error, look.glyph("✗", "x")), capitalised(words)),
    }
}

fn as_json(line: &Line) -> serde_json::Value {
    match line {
        Line::Recorded { saved, redaction, status, trace } => {
            let delivery = redaction.redacted();
            json!({
                "version": VERSION, "recorded": true, "provider": delivery.sender(), "event": delivery.event(),
                "fixture": saved.fixture, "body": saved.body, "status": status, "trace_id": trace,
                "spans": saved.spans, "services": saved.services, "replaced": delivery.counts(),
            })
        }
        Line::Failed(words) => json!({ "version": VERSION, "recorded": false, "reason": words }),
    }
}
