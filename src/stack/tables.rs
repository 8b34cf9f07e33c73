//! The keys of stack files, of a project's `devstack.yaml`, and of what `--set` may set.
//!
//! Read by `support::yaml` (check, schema, reference page). No key is required here: any file may be a layer over another, so what must
//! be there is looked for when all layers are one (`check`).

use super::{
    formats::{ADDRESS, COMPONENT_NAME, CONTAINER_PATH, EXPANDED, HEADER, IMAGE, MEMORY, NAME, REGEX, URL_PATH, USER, VARIABLE},
    service_tables::{EXTERNALS, SERVICES},
};
use crate::{
    support::yaml::{
        formats::DURATION,
        shape::{Group, Key, MapShape, Need, Object, Shape, Words},
    },
    webhook::file::PROVIDERS,
};

const PORT_NUMBER: Shape = Shape::Int(1, 65_535);
const USER_NUMBER: Shape = Shape::Int(0, u32::MAX as i64);

static COMPONENTS: Shape = Shape::Map(&MapShape {
    key: "name",
    form: Some(&COMPONENT_NAME),
    value: &Shape::Either(&[Shape::Object(&COMPONENT), Shape::Nothing]),
});
static ENVIRONMENT: Shape = Shape::Map(&MapShape {
    key: "variable",
    form: Some(&VARIABLE),
    value: &Shape::Either(&[Shape::Scalar, Shape::Object(&CONTENT), Shape::Nothing]),
});
static FILES: Shape = Shape::Map(&MapShape {
    key: "path in the container",
    form: Some(&CONTAINER_PATH),
    value: &Shape::Either(&[Shape::Text, Shape::Object(&TEXT), Shape::Nothing]),
});
static PORTS: Shape = Shape::Map(&MapShape {
    key: "name",
    form: Some(&NAME),
    value: &Shape::Either(&[PORT_NUMBER, Shape::Object(&PORT), Shape::Nothing]),
});
static VOLUMES: Shape = Shape::Map(&MapShape {
    key: "name",
    form: Some(&NAME),
    value: &Shape::Either(&[Shape::Format(&CONTAINER_PATH), Shape::Nothing]),
});
static READY: Shape = Shape::Either(&[Shape::Object(&PROBE), Shape::AnyList(&Shape::Object(&PROBE))]);
static ADDRESSED: Shape = Shape::Either(&[Shape::Format(&ADDRESS), Shape::Object(&ENDPOINT), Shape::Nothing]);
static HEADERS: Shape = Shape::Map(&MapShape {
    key: "header",
    form: Some(&HEADER),
    value: &Shape::Either(&[Shape::Format(&EXPANDED), Shape::Nothing]),
});

static ENDPOINTS_SHAPE: Shape = Shape::Object(&ENDPOINTS);
static JUDGE: Shape = Shape::Word(&JUDGES);

static ROLES: Words = Words {
    what: "a role",
    words: &[
        ("collector", "takes OTLP from devstack's receiver; ports `otlp_http` or `otlp_grpc`, `health`, `metrics`"),
        ("tempo", "keeps traces; port `api`"),
        ("jaeger", "keeps traces; ports `api`, `health`, `metrics`"),
        ("prometheus", "keeps metrics; port `api`"),
        ("grafana", "draws; port `http`"),
        ("other", "anything else"),
    ],
};

static JUDGES: Words = Words {
    what: "what verdicts rest on",
    words: &[
        ("ledger", "what devstack's own receiver saw, the default"),
        ("stored", "what the backend has, where services cannot export to devstack"),
    ],
};

static RUNTIMES: Words = Words {
    what: "a runtime",
    words: &[
        ("auto", "docker where an engine answers, else embedded"),
        ("docker", "containers"),
        ("embedded", "devstack's own backend"),
        ("remote", "what already runs elsewhere"),
    ],
};

static PORT_CHOICES: Words =
    Words { what: "a choice of ports", words: &[("fixed", "those that the stack names"), ("auto", "any free ones")] };

const COMPONENTS_KEY: Key = Key::new("components", &COMPONENTS, "What runs in containers; `null` takes one away.");
const ENDPOINTS_KEY: Key = Key::new("endpoints", &ENDPOINTS_SHAPE, "What already runs elsewhere, instead of components.");
const JUDGE_KEY: Key = Key::new("judge", &JUDGE, "What verdicts rest on.");

/// A stack file.
pub static STACK: Object = Object {
    name: "stack",
    doc: "What should run: components in containers, or endpoints of what runs already.",
    keys: &[
        Key::new("name", &Shape::Format(&NAME), "Its name; the file's without this key."),
        Key::new("about", &Shape::Text, "One sentence of what it is."),
        Key::new("extends", &Shape::Text, "The stack that this one changes: a shipped one by name, or a path from this file on."),
        JUDGE_KEY,
        COMPONENTS_KEY,
        ENDPOINTS_KEY,
    ],
    groups: &[Group { keys: &["components", "endpoints", "extends"], need: Need::Some, what: "anything to run" }],
    later: &[],
};

/// A project's `devstack.yaml`.
pub static PROJECT: Object = Object {
    name: "project",
    doc: "What a project wants: its stack, and what is different in it. The file lies in the project's folder.",
    keys: &[
        Key::new(
            "stack",
            &Shape::Text,
            "The stack: a shipped one by name, or a path from this file on; `default` without this key.",
        ),
        Key::new("runtime", &Shape::Word(&RUNTIMES), "Where it runs; `auto` without this key."),
        Key::new("ports", &Shape::Word(&PORT_CHOICES), "Which ports of this machine; `fixed` without this key."),
        JUDGE_KEY,
        COMPONENTS_KEY,
        ENDPOINTS_KEY,
        Key::new("services", &SERVICES, "The project's own programs."),
        Key::new("externals", &EXTERNALS, "Stand-ins for what the services call."),
        Key::new("providers", &PROVIDERS, "Providers of webhooks besides the built-in ones."),
    ],
    groups: &[],
    later: &[],
};

/// What `--set` may set.
pub(super) static OVERRIDE: Object = Object {
    name: "override",
    doc: "What `--set` may set.",
    keys: &[JUDGE_KEY, COMPONENTS_KEY, ENDPOINTS_KEY],
    groups: &[],
    later: &[],
};

static COMPONENT: Object = Object {
    name: "component",
    doc: "A container. Its name is its host name for the others.",
    keys: &[
        Key::new("role", &Shape::Word(&ROLES), "What it is to devstack; its name where that is a role, else `other`."),
        Key::new("image", &Shape::Format(&IMAGE), "The image with its tag or digest."),
        Key::new("command", &Shape::AnyList(&Shape::AnyText), "Arguments; the image's without this key."),
        Key::new("environment", &ENVIRONMENT, "Environment variables, each a value or the content of a file."),
        Key::new(
            "files",
            &FILES,
            "Files that are put into it before it starts: the path of one beside the stack file, of a folder with everything below it, or the text itself.",
        ),
        Key::new(
            "ports",
            &PORTS,
            "Ports published on 127.0.0.1; a bare number is the container's, on any free port of the host.",
        ),
        Key::new("volumes", &VOLUMES, "Where it keeps data that outlives it."),
        Key::new(
            "user",
            &Shape::Either(&[Shape::Format(&USER), USER_NUMBER, Shape::Nothing]),
            "Who it runs as; the image's without this key.",
        ),
        Key::new(
            "memory",
            &Shape::Either(&[Shape::Format(&MEMORY), Shape::Nothing]),
            "The most memory it gets; no bound without this key.",
        ),
        Key::new("after", &Shape::AnyList(&Shape::Text), "Components that must be ready before it starts."),
        Key::new("ready", &READY, "How it shows that it is ready; with several all of them."),
        Key::new(
            "stop_grace",
            &Shape::Format(&DURATION),
            "How long it may take to stop before it is killed; `10s` without this key.",
        ),
    ],
    groups: &[],
    later: &[],
};

static CONTENT: Object = Object {
    name: "content",
    doc: "The content of a file as a variable's value.",
    keys: &[Key::required("file", &Shape::Text, "The path, from the stack file on.")],
    groups: &[],
    later: &[],
};

static TEXT: Object = Object {
    name: "text",
    doc: "A file's content, said here.",
    keys: &[Key::required("text", &Shape::AnyText, "The content.")],
    groups: &[],
    later: &[],
};

static PORT: Object = Object {
    name: "port",
    doc: "A published port.",
    keys: &[
        Key::new("container", &PORT_NUMBER, "Inside the container."),
        Key::new(
            "host",
            &Shape::Either(&[PORT_NUMBER, Shape::Nothing]),
            "On 127.0.0.1 of the host; any free one without this key.",
        ),
    ],
    groups: &[],
    later: &[],
};

static PROBE: Object = Object {
    name: "probe",
    doc: "How a component shows that it is ready.",
    keys: &[
        Key::new("http", &Shape::Text, "The name of the port that is asked."),
        Key::new("path", &Shape::Format(&URL_PATH), "With `http`: the path; `/` without this key."),
        Key::new("status", &Shape::Int(100, 599), "With `http`: the status that means ready; 200 without this key."),
        Key::new("log", &Shape::Format(&REGEX), "A line of its output matches this regular expression."),
        Key::new("health", &Shape::Bool, "`true`: the image's own health check says healthy."),
    ],
    groups: &[Group { keys: &["http", "log", "health"], need: Need::One, what: "a sort of probe" }],
    later: &[],
};

static ENDPOINTS: Object = Object {
    name: "endpoint-map",
    doc: "What already runs elsewhere. In the values `${NAME}` stands for a variable of the environment and `${NAME:-text}` for one with a default; an endpoint whose address becomes empty is left out.",
    keys: &[
        Key::new("otlp_grpc", &ADDRESSED, "Where OTLP over gRPC is passed on to."),
        Key::new("otlp_http", &ADDRESSED, "Where OTLP over HTTP is passed on to: the base, to which `/v1/traces` is added."),
        Key::new("tempo", &ADDRESSED, "A Tempo to read traces from."),
        Key::new("jaeger", &ADDRESSED, "A Jaeger to read traces from."),
        Key::new("prometheus", &ADDRESSED, "A Prometheus, or what speaks its API, to read metrics from."),
        Key::new("grafana", &ADDRESSED, "A Grafana to open."),
    ],
    groups: &[],
    later: &[],
};

static ENDPOINT: Object = Object {
    name: "endpoint",
    doc: "An address with what is needed to talk to it.",
    keys: &[
        Key::new("url", &Shape::Format(&ADDRESS), "The address."),
        Key::new("headers", &HEADERS, "Headers of each request; their values are secrets and never shown."),
        Key::new("ca", &Shape::Format(&EXPANDED), "A file with PEM certificates to trust besides the system's."),
        Key::new("timeout", &Shape::Format(&DURATION), "How long an answer may take; `10s` without this key."),
    ],
    groups: &[],
    later: &[],
};
