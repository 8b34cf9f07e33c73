//! The keys of expectations: spans, selectors, events, counts and the predicates on values.
//!
//! Read by `support::yaml` (check, schema, reference) and by `fixture`, whose own tables contain these.

use super::formats::{DURATION, EDGE, REGEX};
use crate::support::yaml::shape::{Group, Key, MapShape, Need, Object, Shape, Words};

/// The keys of a span pattern that name its kind; `span` takes any.
pub const KINDS: &[&str] = &["server", "client", "producer", "consumer", "internal", "span"];

/// More spans than any trace may have.
const MANY: i64 = 1_000_000;

static ANY_COUNT: Shape = Shape::Int(0, MANY);

/// What a literal may be: a value, or a list of values for an array attribute.
const LITERAL: &[Shape] = &[Shape::Scalar, Shape::AnyList(&Shape::Scalar)];

/// A predicate on any value.
pub static VALUE: Shape = Shape::Either(&[Shape::Scalar, Shape::AnyList(&Shape::Scalar), Shape::Object(&PREDICATE)]);

/// A predicate on a text.
pub static TEXT: Shape = Shape::Either(&[Shape::Text, Shape::Object(&PREDICATE)]);

/// `trace:`.
pub static TRACE: Shape = Shape::Either(&[Shape::Word(&NOTHING), Shape::List(&Shape::Object(&SPAN))]);

/// `none:`.
pub static NONE: Shape = Shape::List(&Shape::Object(&SELECTOR));

/// `edges:`.
pub static EDGES: Shape = Shape::List(&Shape::Format(&EDGE));

static ATTRIBUTES: Shape = Shape::Map(&MapShape { key: "attribute", form: None, value: &VALUE });
static EVENTS: Shape = Shape::List(&Shape::Either(&[Shape::Text, Shape::Object(&EVENT)]));
static STATUS: Shape = Shape::Either(&[Shape::Word(&CODES), Shape::Object(&STATUS_MAP)]);
static SPANS: Shape = Shape::List(&Shape::Object(&SPAN));

static NOTHING: Words = Words { what: "a list of spans", words: &[("none", "no span may arrive")] };

static CODES: Words = Words {
    what: "a span status",
    words: &[("unset", "nobody said how it ended"), ("ok", "said to be well"), ("error", "failed")],
};

static KIND_WORDS: Words = Words {
    what: "a span kind",
    words: &[
        ("server", "handles a request"),
        ("client", "makes a request"),
        ("producer", "enqueues work"),
        ("consumer", "does enqueued work"),
        ("internal", "none of these"),
    ],
};

/// The types of attribute values.
pub static TYPES: Words = Words {
    what: "a type of value",
    words: &[
        ("string", "text"),
        ("bool", "`true` or `false`"),
        ("int", "a whole number"),
        ("double", "a number with a fraction"),
        ("array", "a list"),
        ("bytes", "raw bytes"),
        ("map", "keys and values"),
    ],
};

/// A span pattern.
pub static SPAN: Object = Object {
    name: "span",
    doc: "What a span must be. One key names its kind, and the value of that key is its name: `server: POST /webhooks/stripe`.",
    keys: &[
        Key::new("server", &TEXT, "A span of kind SERVER with this name."),
        Key::new("client", &TEXT, "A span of kind CLIENT with this name."),
        Key::new("producer", &TEXT, "A span of kind PRODUCER with this name."),
        Key::new("consumer", &TEXT, "A span of kind CONSUMER with this name."),
        Key::new("internal", &TEXT, "A span of kind INTERNAL with this name."),
        Key::new("span", &TEXT, "A span of any kind with this name."),
        Key::new("service", &TEXT, "`service.name` of its resource."),
        Key::new("status", &STATUS, "How it ended."),
        Key::new("attributes", &ATTRIBUTES, "Attributes of the span, or of its resource where the span has none of that name."),
        Key::new("resource", &ATTRIBUTES, "Attributes of its resource."),
        Key::new("events", &EVENTS, "Events it must have, in any order."),
        Key::new("duration", &Shape::Object(&DURATION_BOUNDS), "How long it took."),
        Key::new(
            "count",
            &Shape::Either(&[Shape::Int(0, MANY), Shape::Object(&COUNT_BOUNDS)]),
            "How many such spans there are; without it at least one.",
        ),
        Key::new(
            "sequence",
            &Shape::List(&Shape::Object(&STEP)),
            "The matching spans in order of their start, one entry each; its length is their exact number.",
        ),
        Key::new("exact", &Shape::Bool, "`true`: no child that `children` does not name, and so on below."),
        Key::new("children", &SPANS, "Direct children, in any order; more are fine unless `exact`."),
        Key::new("below", &SPANS, "Spans at any depth below."),
    ],
    groups: &[Group { keys: KINDS, need: Need::One, what: "a span kind" }],
    later: &["stand_in", "traceql", "promql", "metrics"],
};

/// A selector of `none:`.
pub static SELECTOR: Object = Object {
    name: "selector",
    doc: "Spans that may not be there; all that is given must match. A name goes under its kind, as in a span pattern, or under `name`.",
    keys: &[
        Key::new("kind", &Shape::Word(&KIND_WORDS), "The kind."),
        Key::new("name", &TEXT, "The name."),
        Key::new("server", &TEXT, "Kind SERVER with this name."),
        Key::new("client", &TEXT, "Kind CLIENT with this name."),
        Key::new("producer", &TEXT, "Kind PRODUCER with this name."),
        Key::new("consumer", &TEXT, "Kind CONSUMER with this name."),
        Key::new("internal", &TEXT, "Kind INTERNAL with this name."),
        Key::new("span", &TEXT, "Any kind with this name."),
        Key::new("service", &TEXT, "`service.name` of the resource."),
        Key::new("status", &STATUS, "How it ended."),
        Key::new("attributes", &ATTRIBUTES, "Attributes."),
    ],
    groups: &[
        Group {
            keys: &[
                "kind",
                "name",
                "server",
                "client",
                "producer",
                "consumer",
                "internal",
                "span",
                "service",
                "status",
                "attributes",
            ],
            need: Need::Some,
            what: "a way to select spans",
        },
        Group {
            keys: &["kind", "server", "client", "producer", "consumer", "internal", "span"],
            need: Need::AtMostOne,
            what: "a kind",
        },
        Group {
            keys: &["name", "server", "client", "producer", "consumer", "internal", "span"],
            need: Need::AtMostOne,
            what: "a name",
        },
    ],
    later: &["traceql", "promql", "metrics"],
};

static EVENT: Object = Object {
    name: "event",
    doc: "An event of a span; a bare text is its name.",
    keys: &[Key::required("name", &TEXT, "Its name."), Key::new("attributes", &ATTRIBUTES, "Its attributes.")],
    groups: &[],
    later: &[],
};

static STATUS_MAP: Object = Object {
    name: "status",
    doc: "The status of a span; a bare word is its code.",
    keys: &[Key::new("code", &Shape::Word(&CODES), "The code."), Key::new("message", &TEXT, "The message.")],
    groups: &[Group { keys: &["code", "message"], need: Need::Some, what: "part of a status" }],
    later: &[],
};

static STEP: Object = Object {
    name: "entry",
    doc: "What one span of a sequence must be; an empty map takes any.",
    keys: &[
        Key::new("status", &STATUS, "How it ended."),
        Key::new("attributes", &ATTRIBUTES, "Attributes."),
        Key::new("events", &EVENTS, "Events it must have."),
    ],
    groups: &[],
    later: &[],
};

static COUNT_BOUNDS: Object = Object {
    name: "count",
    doc: "How many; a bare number is exact.",
    keys: &[Key::new("at_least", &ANY_COUNT, "No fewer."), Key::new("at_most", &ANY_COUNT, "No more.")],
    groups: &[Group { keys: &["at_least", "at_most"], need: Need::Some, what: "a bound" }],
    later: &[],
};

static DURATION_BOUNDS: Object = Object {
    name: "duration",
    doc: "How long.",
    keys: &[
        Key::new("at_least", &Shape::Format(&DURATION), "No shorter."),
        Key::new("at_most", &Shape::Format(&DURATION), "No longer."),
    ],
    groups: &[Group { keys: &["at_least", "at_most"], need: Need::Some, what: "a bound" }],
    later: &[],
};

/// Predicates on a value.
pub static PREDICATE: Object = Object {
    name: "predicate",
    doc: "What a value must satisfy; all that is given must hold. A bare value asks for equality, of the same type: `200` is not `'200'`.",
    keys: &[
        Key::new("equals", &Shape::Either(LITERAL), "Equal, of the same type."),
        Key::new("not", &VALUE, "There, and not so."),
        Key::new("in", &Shape::List(&Shape::Scalar), "Equal to one of these."),
        Key::new(
            "matches",
            &Shape::Format(&REGEX),
            "A regular expression that is found somewhere in the text; anchor it with `^` and `$`.",
        ),
        Key::new("contains", &Shape::Scalar, "A part of the text, or an element of the array."),
        Key::new("starts_with", &Shape::Text, "The text begins so."),
        Key::new("ends_with", &Shape::Text, "The text ends so."),
        Key::new("greater_than", &Shape::Number, "A number above."),
        Key::new("at_least", &Shape::Number, "A number not below."),
        Key::new("less_than", &Shape::Number, "A number below."),
        Key::new("at_most", &Shape::Number, "A number not above."),
        Key::new("type", &Shape::Word(&TYPES), "The type of the value."),
        Key::new("exists", &Shape::Bool, "`true`: there, with any value. `false`: not there."),
    ],
    groups: &[Group {
        keys: &[
            "equals",
            "not",
            "in",
            "matches",
            "contains",
            "starts_with",
            "ends_with",
            "greater_than",
            "at_least",
            "less_than",
            "at_most",
            "type",
            "exists",
        ],
        need: Need::Some,
        what: "a predicate",
    }],
    later: &[],
};
