//! What the containers of an owner write, as one stream of lines.
//!
//! Read through `containers` by the supervisor and by `devstack logs`. First what there is, in the order of its time; then, where it is
//! wanted, whatever comes: when a container of the owner starts, again or anew, its output is taken up where it was left.

use std::collections::HashMap;

use bollard::{
    container::LogOutput,
    errors::Error as Raw,
    models::EventMessage,
    query_parameters::{EventsOptionsBuilder, LogsOptionsBuilder},
};
use futures_util::{
    Stream, StreamExt,
    future::join_all,
    stream::{self, BoxStream, SelectAll},
};

use super::{
    DockerError, Engine, Said, labels,
    lines::{Line, Lines},
    seen::{self, Seen},
};
use crate::runtime::{LogLine, LogsWanted};

/// A container that is listened to.
#[derive(Debug, Clone)]
struct Source {
    id: String,
    component: String,
    name: String,
}

/// What happens while it is followed.
enum Happens {
    /// A container wrote.
    Line(String, LogLine),
    /// A container's output could not be read.
    Failed(DockerError),
    /// A container's output ended.
    Ended(String),
    /// A container of the owner started.
    Started(Source),
}

/// What follows the history.
struct Following {
    engine: Engine,
    wanted: LogsWanted,
    happens: SelectAll<BoxStream<'static, Happens>>,
    /// Times of the last lines, by container: where to go on.
    last: HashMap<String, u64>,
    /// Containers that are being listened to.
    open: std::collections::HashSet<String>,
}

pub(super) fn logs(engine: Engine, owner: String, wanted: LogsWanted) -> impl Stream<Item = Result<LogLine, DockerError>> + Send {
    stream::once(begin(engine, owner, wanted)).flat_map(|begun| match begun {
        Ok(lines) => lines,
        Err(error) => stream::iter([Err(error)]).boxed(),
    })
}

async fn begin(
    engine: Engine,
    owner: String,
    wanted: LogsWanted,
) -> Result<BoxStream<'static, Result<LogLine, DockerError>>, DockerError> {
    // Asked for before the history is read: a container that starts meanwhile is noticed.
    let starts = wanted.follow.then(|| starts(&engine, &owner));
    let found = seen::containers(&engine, labels::OWNER, Some(&owner)).await?;
    let sources: Vec<_> = found.iter().filter(|seen| is_wanted(&wanted, &seen.component())).map(source).collect();
    let histories = join_all(sources.iter().map(|source| history(&engine, source, &wanted))).await;
    let histories = histories.into_iter().collect::<Result<Vec<_>, _>>()?;
    let last = sources
        .iter()
        .zip(&histories)
        .map(|(source, lines)| (source.id.clone(), lines.iter().map(|line| line.at_ns).max().unwrap_or(0)));
    let last: HashMap<_, _> = last.collect();
    let mut lines: Vec<LogLine> = histories.into_iter().flatten().collect();
    lines.sort_by_key(|line| line.at_ns);
    let history = stream::iter(lines.into_iter().map(Ok));
    let Some(starts) = starts else { return Ok(history.boxed()) };
    let mut following = Following { engine, wanted, happens: SelectAll::new(), last, open: std::collections::HashSet::new() };
    following.happens.push(starts);
    for source in sources {
        following.listen(source);
    }
    Ok(history.chain(following.lines()).boxed())
}

fn is_wanted(wanted: &LogsWanted, component: &str) -> bool {
    wanted.names.is_empty() || wanted.names.iter().any(|name| name == component)
}

fn source(seen: &Seen) -> Source {
    Source { id: seen.id.clone(), component: seen.component(), name: seen.name.clone() }
}

/// What one container wrote until now. Bounded by what the engine keeps and by `tail`.
async fn history(engine: &Engine, source: &Source, wanted: &LogsWanted) -> Result<Vec<LogLine>, DockerError> {
    let tail = wanted.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
    let mut options = LogsOptionsBuilder::default().stdout(true).stderr(true).timestamps(true).tail(&tail);
    if let Some(since) = wanted.since {
        options = options.since(i32::try_from(since).unwrap_or(i32::MAX));
    }
    let mut chunks = std::pin::pin!(engine.api().logs(&source.id, Some(options.build())));
    let mut lines = Lines::default();
    let mut out = Vec::new();
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => out.extend(lines.push(chunk).into_iter().map(|line| named(source, line))),
            Err(error) => match Said::from(error) {
                // Removed meanwhile: what was read is what there is.
                said if said.is_missing() => break,
                said => return Err(DockerError::Logs { name: source.name.clone(), source: said }),
            },
        }
    }
    out.extend(lines.rest().into_iter().map(|line| named(source, line)));
    Ok(out)
}

fn named(source: &Source, line: Line) -> LogLine {
    LogLine { name: source.component.clone(), at_ns: line.at_ns, stderr: line.stderr, text: line.text }
}

impl Following {
    fn lines(self) -> impl Stream<Item = Result<LogLine, DockerError>> + Send {
        stream::unfold(self, |mut following| async move {
            loop {
                match following.happens.next().await? {
                    Happens::Failed(error) => return Some((Err(error), following)),
                    Happens::Ended(id) => drop(following.open.remove(&id)),
                    Happens::Started(source) if is_wanted(&following.wanted, &source.component) => following.listen(source),
                    Happens::Started(_) => {}
                    Happens::Line(id, line) => {
                        let last = following.last.entry(id).or_default();
                        // Given already: an engine counts `since` in seconds.
                        if line.at_ns != 0 && line.at_ns <= *last {
                            continue;
                        }
                        *last = line.at_ns;
                        return Some((Ok(line), following));
                    }
                }
            }
        })
    }

    fn listen(&mut self, source: Source) {
        if !self.open.insert(source.id.clone()) {
            return;
        }
        let since = self.last.get(&source.id).copied().unwrap_or(0) / 1_000_000_000;
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).timestamps(true).follow(true).tail("all");
        let options = options.since(i32::try_from(since).unwrap_or(i32::MAX)).build();
        // No time-out of the client's: a container that writes nothing for an hour is fine.
        let chunks = self.engine.api().logs(&source.id, Some(options)).map(Some).chain(stream::iter([None]));
        let happens = chunks.scan(Lines::default(), move |lines, chunk| {
            let happens = happens(&source, lines, chunk);
            std::future::ready(Some(stream::iter(happens)))
        });
        self.happens.push(happens.flatten().boxed());
    }
}

/// What a chunk brings; `None` is the end of the output.
fn happens(source: &Source, lines: &mut Lines, chunk: Option<Result<LogOutput, Raw>>) -> Vec<Happens> {
    let line = |line| Happens::Line(source.id.clone(), named(source, line));
    match chunk {
        Some(Ok(chunk)) => lines.push(chunk).into_iter().map(line).collect(),
        Some(Err(error)) => match Said::from(error) {
            said if said.is_missing() => Vec::new(),
            said => vec![Happens::Failed(DockerError::Logs { name: source.name.clone(), source: said })],
        },
        None => lines.rest().into_iter().map(line).chain([Happens::Ended(source.id.clone())]).collect(),
    }
}

/// Containers of the owner as they start.
fn starts(engine: &Engine, owner: &str) -> BoxStream<'static, Happens> {
    let mut filters = labels::filter(labels::OWNER, Some(owner));
    filters.insert("type".to_owned(), vec!["container".to_owned()]);
    filters.insert("event".to_owned(), vec!["start".to_owned()]);
    let events = engine.api().events(Some(EventsOptionsBuilder::default().filters(&filters).build()));
    let started = |event: Result<EventMessage, Raw>| {
        let found = event.map(started_source);
        std::future::ready(match found {
            Ok(source) => source.map(Happens::Started),
            Err(error) => Some(Happens::Failed(DockerError::List { what: "events", source: error.into() })),
        })
    };
    events.filter_map(started).boxed()
}

fn started_source(event: EventMessage) -> Option<Source> {
    let actor = event.actor?;
    let attributes = actor.attributes?;
    let component = attributes.get(labels::COMPONENT)?.clone();
    Some(Source { id: actor.id?, component, name: attributes.get("name")?.clone() })
}
