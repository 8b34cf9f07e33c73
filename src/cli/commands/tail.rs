//! `devstack tail`: who sends what to the stack, as it arrives, and what is rejected and why.

use std::time::Duration;

use clap::Args;
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{
        Failure,
        exit::Exit,
        interrupt,
        live_trace::named,
        project::{owner, stack_up},
    },
    client::{self, TailClient},
    model::Happening,
    report::stack::happening,
    runtime::{
        Note, Owner,
        supervisor::{self, Found},
    },
    support::clock::{self, Stopwatch},
    term::Ui,
};

/// Show what arrives as it arrives, and what is rejected and why
///
/// Each span as a line: when, service, name, status, duration, trace. What could not be read, and what the next hop refused, is told with
/// the reason. Ends with Ctrl-C, or when the stack goes down.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  devstack tail
  devstack tail --service api --errors
  devstack tail -n 1 --format json | jq -r .trace_id")]
pub(crate) struct TailArgs {
    /// Only of this service, by its name or what follows the last hyphen of it (can be repeated)
    #[arg(long, value_name = "NAME")]
    service: Vec<String>,

    /// Only spans that ended in error, and what was rejected
    #[arg(long)]
    errors: bool,

    /// End after so many lines
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    lines: Option<u64>,

    /// What stdout gets: lines, or a JSON document for each
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    format: super::OutputFormat,
}

/// How long a stack that is being replaced may be nowhere: between one supervisor and the next there is a moment with none.
const BETWEEN: Duration = Duration::from_secs(1);

/// How often the next one is looked for.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) fn run(args: &TailArgs, ui: &Ui) -> Result<Exit, Failure> {
    let project = super::project()?;
    let owner = owner(&project)?;
    let mut note = stack_up(&project)?;
    super::async_runtime()?.block_on(async {
        let stop = CancellationToken::new();
        let signals = interrupt::cancel_on_signal(stop.clone(), ui.eraser());
        let mut shown = Shown { args, ui, lines: 0 };
        let ended = loop {
            match shown.follow(&note, &stop).await? {
                End::Enough => break Ok(Exit::Held),
                End::Gone => {}
            }
            match successor(&owner, note.pid, &stop).await {
                Some(next) => note = *next,
                None if stop.is_cancelled() => break Ok(Exit::Held),
                None => break shown.went_down(&note),
            }
            ui.status(&format!("The stack was replaced by {}.", named(&note)));
        };
        signals.abort();
        ended
    })
}

/// Why the following of a stack ended.
enum End {
    /// So many lines as were wanted, a signal, or nobody reads any more.
    Enough,
    /// The stack has gone.
    Gone,
}

/// What was shown so far, and what is to be shown.
struct Shown<'a> {
    args: &'a TailArgs,
    ui: &'a Ui,
    lines: u64,
}

impl Shown<'_> {
    async fn follow(&mut self, note: &Note, stop: &CancellationToken) -> Result<End, Failure> {
        let failed = |error: client::ClientError| Failure::environment(&error as &dyn std::error::Error);
        let http = client::loopback().map_err(failed)?;
        let mut happenings = TailClient::new(http, note.ledger.as_str()).follow().await.map_err(failed)?;
        self.ui.status(&format!("Listening at {} of {}; Ctrl-C ends it.", note.otlp_http, named(note)));
        loop {
            let next = tokio::select! {
                next = happenings.next() => next,
                () = stop.cancelled() => return Ok(End::Enough),
            };
            match next {
                None => return Ok(End::Gone),
                Some(Ok(happening)) => self.show(&happening),
                // A line of another build; the next may be understood.
                Some(Err(error)) => self.ui.warn(&error.to_string()),
            }
            if self.ui.closed() || self.args.lines.is_some_and(|lines| self.lines >= lines) {
                return Ok(End::Enough);
            }
        }
    }

    fn show(&mut self, what: &Happening) {
        if !wanted(what, &self.args.service, self.args.errors) {
            return;
        }
        self.lines += 1;
        self.ui.data(&match self.args.format {
            super::OutputFormat::Text => happening(what, self.ui.look()),
            super::OutputFormat::Json => serde_json::to_string(what).expect("a happening has only text keys"),
        });
    }

    /// The end of the stack is what one waits for, unless a number of lines was.
    fn went_down(&self, note: &Note) -> Result<Exit, Failure> {
        let words = format!("{} went down", named(note));
        match self.args.lines {
            Some(lines) => Err(Failure::environment(format!("{words} after {} of {lines} lines", self.lines))),
            None => {
                self.ui.status(&format!("{}.", words.replacen("the", "The", 1)));
                Ok(Exit::Held)
            }
        }
    }
}

fn wanted(what: &Happening, services: &[String], errors: bool) -> bool {
    let of_service = |service: &str| services.is_empty() || services.iter().any(|wanted| is_called(service, wanted));
    match what {
        Happening::Span(span) => of_service(&span.service) && (span.error || !errors),
        // Whose it was may not be known, and whoever waits for a service's spans wants to know that they cannot be read.
        Happening::Problem { service, .. } => service.as_deref().is_none_or(of_service),
        Happening::Missed { .. } => true,
    }
}

/// `api` is `medicalcor-api`, as the waterfall has it.
fn is_called(service: &str, wanted: &str) -> bool {
    service == wanted || service.strip_suffix(wanted).is_some_and(|front| front.ends_with('-'))
}

/// The stack that is up in place of one that went, as soon as it is; `None` when none is coming.
async fn successor(owner: &Owner, pid: u32, stop: &CancellationToken) -> Option<Box<Note>> {
    let mut nothing = Stopwatch::start();
    loop {
        match supervisor::find(owner) {
            Ok(Found::Up(note)) if note.pid != pid => return Some(note),
            // One that is going may be followed by another.
            Ok(Found::Up(_) | Found::Changing { .. }) => nothing = Stopwatch::start(),
            Ok(Found::Nothing | Found::Dead(_)) | Err(_) if nothing.elapsed() > BETWEEN => return None,
            Ok(Found::Nothing | Found::Dead(_)) | Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = clock::pause(LOOK) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::wanted;
    use crate::model::{Happening, SpanArrived, SpanId, SpanKind, TraceId};

    fn span(service: &str, error: bool) -> Happening {
        Happening::Span(Box::new(SpanArrived {
            at_ns: 1,
            service: service.to_owned(),
            name: "GET /".to_owned(),
            span_kind: SpanKind::Server,
            status: "unset".to_owned(),
            error,
            duration_ns: 1,
            trace_id: TraceId::parse("0af7651916cd43dd8448eb211c80319c").unwrap(),
            span_id: SpanId::parse("b7ad6b7169203331").unwrap(),
        }))
    }

    fn problem(service: Option<&str>) -> Happening {
        Happening::Problem { at_ns: 1, service: service.map(ToOwned::to_owned), words: "no".to_owned() }
    }

    #[test]
    fn a_service_is_meant_by_its_name_or_the_end_of_it() {
        let of = |what: &Happening, name: &str| wanted(what, &[name.to_owned()], false);
        assert!(of(&span("medicalcor-api", false), "medicalcor-api"));
        assert!(of(&span("medicalcor-api", false), "api"));
        assert!(!of(&span("medicalcor-api", false), "pi"));
        assert!(!of(&span("medicalcor-api", false), "web"));
        assert!(of(&problem(None), "api") && of(&problem(Some("medicalcor-api")), "api") && !of(&problem(Some("web")), "api"));
        assert!(wanted(&span("anything", false), &[], false));
    }

    #[test]
    fn errors_are_spans_in_error_and_every_problem() {
        assert!(wanted(&span("api", true), &[], true) && !wanted(&span("api", false), &[], true));
        assert!(wanted(&problem(None), &[], true) && wanted(&Happening::Missed { count: 1 }, &[], true));
    }
}
