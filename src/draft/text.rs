//! The text of a drafted fixture, in the style of those in `fixtures/`.
//!
//! Called by [`super::save()`] once the name of the body file is known.

use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf};

use super::{
    kind::Kind,
    proof,
    proposal::{self, Proposal},
    provider::Sender,
    redact::{Redacted, Redaction},
    yaml,
};
use crate::{model::Trace, support::words::counted};

/// Columns of a comment.
const WIDTH: usize = 120;

/// What is written: nothing of it tells of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The fixture, as YAML.
    pub fixture: String,
    /// The name of its body file and what is in it.
    pub body: Option<(String, Vec<u8>)>,
    /// Spans that the proposal rests on.
    pub spans: usize,
    /// Services that sent them.
    pub services: usize,
}

/// Which command drafts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `devstack record`.
    Record,
    /// `devstack trace --save-as`.
    Trace,
    /// `devstack from curl`.
    Curl,
    /// `devstack from har`.
    Har,
}

/// What is known of the trace.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// This came.
    Trace(&'a Trace),
    /// Nothing came, as this sentence says.
    Nothing(&'a str),
}

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// A replaced value would still be in what is written.
    #[error("a value that was to be replaced is still in the draft ({}), so nothing was written", list(.kinds))]
    Leak {
        /// What sort of value it is.
        kinds: BTreeSet<Kind>,
    },
    /// The draft is no fixture; nothing of it is quoted.
    #[error("the draft of `{method} {path}` is not a fixture that devstack could read, so nothing was written: {why}")]
    Unreadable {
        /// The method.
        method: String,
        /// The redacted path.
        path: String,
        /// The first problem.
        why: String,
    },
    /// The file is there.
    #[error("`{}` is there already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

fn list(kinds: &BTreeSet<Kind>) -> String {
    let mut counts = super::Counts::default();
    for kind in kinds {
        counts.add(*kind);
    }
    counts.to_string()
}

/// Drafts a fixture whose body file is called `stem` and whatever its format is called.
pub fn draft(redaction: &mut Redaction, seen: Seen<'_>, origin: Origin, stem: &str) -> Result<Draft, DraftError> {
    let Redaction { redacted, disguise, providers } = redaction;
    let sender = Sender::named(providers, &redacted.sender);
    let body = redacted.body.as_ref().map(|(format, text)| (format!("{stem}.{}", format.extension()), text.clone().into_bytes()));
    let file = body.as_ref().map(|(name, _)| name.as_str());
    let proposal = match seen {
        Seen::Trace(trace) => proposal::propose(trace, disguise),
        Seen::Nothing(_) => Proposal::default(),
    };
    let write = |proposal: &Proposal, seen| write(redacted, &sender, proposal, seen, origin, file);
    let mut draft =
        Draft { fixture: write(&proposal, seen), body: body.clone(), spans: proposal.spans, services: proposal.services };
    if let (Seen::Trace(trace), false) = (seen, proof::holds(&draft, seen_trace(seen), redacted, providers)?) {
        // By construction this does not happen; if it does, no expectation is better than a wrong one.
        let words = format!(
            "The trace has {}, of which nothing could be proposed that holds.",
            counted(trace.spans().len(), "span", "spans")
        );
        draft.fixture = write(&Proposal::default(), Seen::Nothing(&words));
        proof::holds(&draft, None, redacted, providers)?;
    }
    let texts = [draft.fixture.as_str(), stem].map(str::to_owned).into_iter();
    let bodies = draft.body.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
    let kinds: BTreeSet<Kind> = texts.chain(bodies).flat_map(|text| disguise.left_in(&text)).collect();
    if kinds.is_empty() { Ok(draft) } else { Err(DraftError::Leak { kinds }) }
}

fn seen_trace(seen: Seen<'_>) -> Option<&Trace> {
    match seen {
        Seen::Trace(trace) => Some(trace),
        Seen::Nothing(_) => None,
    }
}

fn write(of: &Redacted, sender: &Sender, proposal: &Proposal, seen: Seen<'_>, origin: Origin, file: Option<&str>) -> String {
    let mut text = String::new();
    comment(&heading(of, origin), &mut text);
    comment(&replaced(of), &mut text);
    if !sender.is_somebody() && !of.left_out.is_empty() {
        let asked = "add those that the service asks for";
        comment(&format!("Left out of the headers: {}; {asked}.", of.left_out.join(", ")), &mut text);
    }
    if origin == Origin::Trace && file.is_none() {
        comment(
            "A trace does not have the body of the request: add `file:` or `body:`, and the headers that the service asks for.",
            &mut text,
        );
    }
    let _ = writeln!(text, "name: {}", yaml::scalar(&sentence(of)));
    let _ = writeln!(
        text,
        "tags: [{}]",
        if of.somebody().is_empty() { "recorded".to_owned() } else { format!("{}, recorded", of.somebody()) }
    );
    request(of, sender, file, &mut text);
    response(of, &mut text);
    match seen {
        Seen::Trace(_) => trace(proposal, &mut text),
        Seen::Nothing(words) => comment(words, &mut text),
    }
    text
}

fn heading(of: &Redacted, origin: Origin) -> String {
    let (done, by) = match origin {
        Origin::Record => ("Recorded", "record"),
        Origin::Trace => ("Drafted", "trace --save-as"),
        Origin::Curl => ("Drafted", "from curl"),
        Origin::Har => ("Drafted", "from har"),
    };
    let day = jiff::Timestamp::from_second(of.at).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
    format!("{done} on {day} by `devstack {by}`. A proposal: adjust it, then `devstack replay` it.")
}

fn replaced(of: &Redacted) -> String {
    if of.counts.total() == 0 {
        "Nothing in it looked personal or secret, so nothing was replaced.".to_owned()
    } else {
        format!("Replaced by invented values: {}.", of.counts)
    }
}

fn sentence(of: &Redacted) -> String {
    let what = match (of.somebody(), of.event.as_str()) {
        ("", "") => "request".to_owned(),
        ("", event) => format!("{event} request"),
        (sender, "") => format!("{sender} delivery"),
        (sender, event) => format!("{sender} {event}"),
    };
    match &of.answer {
        Some(answer) => format!("a recorded {what} is answered {}", answer.status),
        None => format!("a recorded {what}"),
    }
}

fn request(of: &Redacted, sender: &Sender, file: Option<&str>, text: &mut String) {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let delivery = file.zip(of.body.as_ref()).filter(|(_, (format, _))| sender.can_send(&of.method, *format));
    match delivery {
        Some((file, (format, _))) => {
            pairs.push((of.sender.clone(), yaml::scalar(file)));
            if sender.route() != Some(of.path.as_str()) {
                pairs.push(("path".to_owned(), yaml::scalar(&of.path)));
            }
            if !sender.can_read(*format) {
                pairs.push(("malformed".to_owned(), "true".to_owned()));
            }
        }
        None => {
            pairs.push(("path".to_owned(), yaml::scalar(&of.path)));
            if of.method != if file.is_some() { "POST" } else { "GET" } {
                pairs.push(("method".to_owned(), yaml::scalar(&of.method)));
            }
            pairs.extend(file.map(|file| ("file".to_owned(), yaml::scalar(file))));
        }
    }
    let headers: Vec<_> = of.headers.iter().map(|(name, value)| (name.clone(), yaml::scalar(value))).collect();
    if !headers.is_empty() {
        pairs.push(("headers".to_owned(), yaml::map(&headers)));
    }
    let line = yaml::map(&pairs);
    if line.len() + "request: ".len() <= WIDTH {
        let _ = writeln!(text, "request: {line}");
        return;
    }
    let _ = writeln!(text, "request:");
    for (key, value) in pairs {
        let _ = writeln!(text, "  {key}: {value}");
    }
}

fn response(of: &Redacted, text: &mut String) {
    let Some(answer) = &of.answer else {
        comment("What was answered is not known: say what must come back, such as `response: 200`.", text);
        return;
    };
    let pairs: Vec<_> = answer.json.iter().map(|(path, value)| (path.clone(), yaml::value(value))).collect();
    let _ = match pairs.as_slice() {
        [] => writeln!(text, "response: {}", answer.status),
        pairs => writeln!(text, "response: {{ status: {}, json: {} }}", answer.status, yaml::map(pairs)),
    };
}

fn trace(proposal: &Proposal, text: &mut String) {
    if proposal.patterns.is_empty() {
        let spans = counted(proposal.spans, "span", "spans");
        comment(
            &format!("The trace has {spans}, none of them between services (SERVER, PRODUCER, CONSUMER): nothing is proposed."),
            text,
        );
    } else {
        text.push_str("trace:\n");
        proposal.patterns.iter().for_each(|pattern| pattern.write(1, text));
    }
    if !proposal.edges.is_empty() {
        let edges: Vec<_> = proposal.edges.iter().map(|(from, to)| edge(from, to)).collect();
        let _ = writeln!(text, "edges: [{}]", edges.join(", "));
    }
    if proposal.errors == 0 {
        text.push_str("none: [{ status: error }]\n");
    } else {
        let spans = counted(proposal.errors, "span", "spans");
        comment(&format!("{spans} ended in error, so `none: [{{ status: error }}]` is not proposed."), text);
    }
}

fn edge(from: &str, to: &str) -> String {
    let plain = yaml::scalar(from) == from && yaml::scalar(to) == to;
    let edge = format!("{from} -> {to}");
    if plain { edge } else { yaml::scalar(&edge) }
}

/// Lines of a comment, broken between words.
fn comment(words: &str, text: &mut String) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH && line.len() > 1 {
            let _ = writeln!(text, "{line}");
            "#".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}
