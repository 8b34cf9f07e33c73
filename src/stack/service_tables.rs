//! The keys of `services` and `externals` in a project's `devstack.yaml`.
//!
//! Read by `tables`; decoded by `services` and `externals`.

use super::formats::{HEADER, REGEX, URL_PATH, VARIABLE, url};
use crate::support::{
    path_pattern::{PathPattern, PatternError},
    yaml::{
        formats::DURATION,
        shape::{Complaint, Format, Group, Key, MapShape, Need, Object, Shape, Words},
    },
};

const PORT_NUMBER: Shape = Shape::Int(1, 65_535);

/// The word for a port that is chosen when something starts.
pub(super) const AUTO: &str = "auto";

/// Names that mean something else in a reference, or in `devstack logs`.
const RESERVED: [&str; 2] = ["secret", "devstack"];

/// The path of requests that an external answers.
static ANSWER_PATH: Format = Format { what: "a path such as `/contacts/{id}`", pattern: r"^/[^?\s]*$", check: answer_path };

/// The name of a service or an external.
static SERVICE_NAME: Format = Format { what: "a service's name", pattern: "^[A-Za-z0-9][A-Za-z0-9_-]*$", check: service_name };

/// An address without variables.
static PLAIN_ADDRESS: Format =
    Format { what: "an address such as `http://localhost:3000`", pattern: r"^https?://[^\s]+$", check: plain_address };

/// The upper-case name of an HTTP method.
static METHOD: Format = Format { what: "a method such as `POST`", pattern: "^[A-Z]+$", check: method };

pub(super) static SERVICES: Shape =
    Shape::Map(&MapShape { key: "name", form: Some(&SERVICE_NAME), value: &Shape::Object(&SERVICE) });
pub(super) static EXTERNALS: Shape =
    Shape::Map(&MapShape { key: "name", form: Some(&SERVICE_NAME), value: &Shape::Object(&EXTERNAL) });

static COMMAND: Shape = Shape::Either(&[Shape::Text, Shape::List(&Shape::Scalar)]);
static VARIABLES: Shape = Shape::Map(&MapShape { key: "variable", form: Some(&VARIABLE), value: &Shape::Scalar });
static HEADERS: Shape = Shape::Map(&MapShape { key: "header", form: Some(&HEADER), value: &Shape::Scalar });
static PORT: Shape = Shape::Either(&[PORT_NUMBER, Shape::Word(&AUTOS)]);
static READY: Shape = Shape::Either(&[Shape::Format(&URL_PATH), Shape::Object(&SERVICE_PROBE)]);

static AUTOS: Words = Words { what: "a port", words: &[(AUTO, "any free one")] };
static STAND_INS: Words =
    Words { what: "something devstack can stand in for", words: &[("trigger.dev", "the HTTP API of Trigger.dev")] };

static SERVICE: Object = Object {
    name: "service",
    doc: "A program of the project's own. `devstack up` starts it beside the stack, `devstack replay` for the length of a run; both tell it by `OTEL_*` variables where its telemetry goes.",
    keys: &[
        Key::required("command", &COMMAND, "The program with its arguments as a list, or text that `sh -c` runs."),
        Key::new("directory", &Shape::Text, "Where it runs, from this file on; the file's folder without this key."),
        Key::new(
            "environment",
            &VARIABLES,
            "Its variables. In the values `${NAME}` and `${NAME:-text}` stand for a variable of the environment or of `env_file`, `${NAME.url}` for the address of a service or an external, `${secret.NAME}` for what deliveries are signed with.",
        ),
        Key::new("env_file", &Shape::Text, "A file of `NAME=value` lines, from this file on; `environment` has the last word."),
        Key::new(
            "port",
            &PORT,
            "Where it listens; with `auto` any free one. It gets the number as `PORT`, unless `environment` says otherwise.",
        ),
        Key::new(
            "url",
            &Shape::Format(&PLAIN_ADDRESS),
            "Its address, where it has no `port` or is elsewhere; `http://127.0.0.1:PORT` without this key.",
        ),
        Key::new("ready", &READY, "How it shows that it is ready; without this key its port accepts."),
        Key::new("after", &Shape::AnyList(&Shape::Text), "Services that must be ready before it starts."),
        Key::new(
            "stop_grace",
            &Shape::Format(&DURATION),
            "How long it may take to send what it has and end before it is killed; `10s` without this key.",
        ),
        Key::new("name", &Shape::Text, "Its name in traces (`OTEL_SERVICE_NAME`); the key without this one."),
    ],
    groups: &[],
    later: &[],
};

static SERVICE_PROBE: Object = Object {
    name: "service-probe",
    doc: "How a service shows that it is ready. A path alone is short for `http`.",
    keys: &[
        Key::new("http", &Shape::Format(&URL_PATH), "A GET of this path on its address is answered well."),
        Key::new(
            "status",
            &Shape::Int(100, 599),
            "With `http`: the status that means ready; any from 200 to 299 without this key.",
        ),
        Key::new("log", &Shape::Format(&REGEX), "A line of its output matches this regular expression."),
        Key::new("port", &PORT_NUMBER, "This port of 127.0.0.1 accepts."),
    ],
    groups: &[Group { keys: &["http", "log", "port"], need: Need::One, what: "a sort of probe" }],
    later: &[],
};

static EXTERNAL: Object = Object {
    name: "external",
    doc: "A stand-in for what services call and nobody here runs: it answers as it is told. Every service gets its address in a variable.",
    keys: &[
        Key::new(
            "variable",
            &Shape::Format(&VARIABLE),
            "The variable that gets its address; its name in capitals with `_URL` without this key.",
        ),
        Key::new("port", &PORT, "Where it listens; `auto`, any free one, without this key."),
        Key::new("latency", &Shape::Format(&DURATION), "How long each answer takes; `0s` without this key."),
        Key::new("answers", &Shape::List(&Shape::Object(&ANSWER)), "What it answers: the first that fits a request."),
        Key::new("stand_in", &Shape::Word(&STAND_INS), "What it stands in for, instead of `answers`."),
        Key::new(
            "service",
            &Shape::Text,
            "With `stand_in`: the name in traces of the worker that it stands in for, under which it sends its spans; the key without this one.",
        ),
        Key::new(
            "spans",
            &Shape::Bool,
            "With `stand_in`: whether it goes on with the trace of each run, in one span that is marked as a stand-in's; `true` without this key. `false` where a real worker does.",
        ),
    ],
    groups: &[
        Group { keys: &["stand_in", "answers"], need: Need::AtMostOne, what: "what it answers" },
        Group { keys: &["stand_in", "latency"], need: Need::AtMostOne, what: "what it answers" },
    ],
    later: &[],
};

static ANSWER: Object = Object {
    name: "answer",
    doc: "What an external answers to the requests that fit.",
    keys: &[
        Key::new("method", &Shape::Format(&METHOD), "Requests of this method; any without this key."),
        Key::new(
            "path",
            &Shape::Format(&ANSWER_PATH),
            "Requests of this path, in which `*` and `{name}` stand for any one segment; any path without this key.",
        ),
        Key::new("status", &Shape::Int(200, 599), "The status of the answer; 200 without this key."),
        Key::new("headers", &HEADERS, "Headers of the answer."),
        Key::new("json", &Shape::Any, "The body of the answer, as JSON."),
        Key::new("body", &Shape::AnyText, "The body of the answer, as text."),
        Key::new("latency", &Shape::Format(&DURATION), "How long this answer takes; as the external says without this key."),
    ],
    groups: &[Group { keys: &["json", "body"], need: Need::AtMostOne, what: "a body" }],
    later: &[],
};

fn service_name(text: &str) -> Result<(), Complaint> {
    let wrong = |label: &str| Complaint::new(format!("`{text}` cannot be the name of a service"), label);
    if RESERVED.contains(&text) {
        return Err(wrong("devstack means something else by it"));
    }
    let fits = text.starts_with(|ch: char| ch.is_ascii_alphanumeric())
        && text.chars().all(|ch| ch.is_ascii_alphanumeric() || matches!(ch, '_' | '-'));
    if fits { Ok(()) } else { Err(wrong("not a name").help("letters, digits, `_` and `-`, beginning with a letter or a digit")) }
}

fn answer_path(text: &str) -> Result<(), Complaint> {
    let complaint = |error: PatternError| Complaint::new(error.to_string(), "not a path");
    let complaint = |error| complaint(error).help("such as `/v1/messages` or `/contacts/{id}`");
    text.parse::<PathPattern>().map(drop).map_err(complaint)
}

fn plain_address(text: &str) -> Result<(), Complaint> {
    url(text).map_err(|label| Complaint::new("this is not an address", label).help("write `http://localhost:3000`"))
}

fn method(text: &str) -> Result<(), Complaint> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(());
    }
    let complaint = Complaint::new(format!("`{text}` is not a method"), "not a method");
    Err(complaint.help("in capitals: `GET`, `POST`"))
}
