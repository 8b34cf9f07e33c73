//! What a file may say, as tables: the keys of each object with their meaning and the shape of their values.
//!
//! Written by the readers (`fixture`, `expect::file`) as statics; walked by `check`, `schema` and `reference`, which therefore agree.

/// An object: its keys and what holds between them.
#[derive(Debug)]
pub struct Object {
    /// Name in the schema and the reference page: `fixture`, `span`, …
    pub name: &'static str,
    /// One sentence of what it is.
    pub doc: &'static str,
    /// The keys there are.
    pub keys: &'static [Key],
    /// Rules about keys that go together.
    pub groups: &'static [Group],
    /// Keys that a later version will know; refused with words that say so.
    pub later: &'static [&'static str],
}

/// A key of an object.
#[derive(Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// One sentence of what it means.
    pub doc: &'static str,
    /// What it takes.
    pub shape: &'static Shape,
    /// Whether it must be there.
    pub required: bool,
}

/// Keys of which some number must be there.
#[derive(Debug)]
pub struct Group {
    /// The keys.
    pub keys: &'static [&'static str],
    /// How many.
    pub need: Need,
    /// What a key of the group is, for messages: `a span kind`.
    pub what: &'static str,
}

/// How many keys of a group there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Exactly one.
    One,
    /// At least one.
    Some,
    /// One or none.
    AtMostOne,
}

/// What a value may be.
#[derive(Debug)]
pub enum Shape {
    /// Text that is not empty.
    Text,
    /// Any text.
    AnyText,
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Int(i64, i64),
    /// A finite number.
    Number,
    /// Text, a number, `true` or `false`.
    Scalar,
    /// Anything at all, also nothing.
    Any,
    /// `null`: takes away what another file says.
    Nothing,
    /// One of some words.
    Word(&'static Words),
    /// Text of a form of its own.
    Format(&'static Format),
    /// A list that is not empty.
    List(&'static Self),
    /// A list that may be empty.
    AnyList(&'static Self),
    /// A map whose keys are the user's.
    Map(&'static MapShape),
    /// An object of known keys.
    Object(&'static Object),
    /// One of several, told apart by the sort of value (text, number, list, map).
    Either(&'static [Self]),
}

/// A closed set of words.
#[derive(Debug)]
pub struct Words {
    /// What one of them is, for messages: `a status`.
    pub what: &'static str,
    /// The words, each with what it means.
    pub words: &'static [(&'static str, &'static str)],
}

/// Text with a form: a duration, a regular expression, a path into JSON.
pub struct Format {
    /// What it is, for messages: a duration.
    pub what: &'static str,
    /// A regular expression for the schema that holds for everything `check` takes (and as little else as it can say).
    pub pattern: &'static str,
    /// Returns what is wrong with a text.
    pub check: fn(&str) -> Result<(), Complaint>,
}

/// What is wrong with a text of a [`Format`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The message.
    pub message: String,
    /// What stands under the caret.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

/// A map with free keys.
#[derive(Debug)]
pub struct MapShape {
    /// What a key is, for messages and the reference: `attribute`.
    pub key: &'static str,
    /// The form of a key, where it has one.
    pub form: Option<&'static Format>,
    /// What the values are.
    pub value: &'static Shape,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Format").field("what", &self.what).finish_non_exhaustive()
    }
}

impl Key {
    /// A key that may be left out.
    pub const fn new(name: &'static str, shape: &'static Shape, doc: &'static str) -> Self {
        Self { name, doc, shape, required: false }
    }

    /// A key that must be there.
    pub const fn required(name: &'static str, shape: &'static Shape, doc: &'static str) -> Self {
        Self { name, doc, shape, required: true }
    }
}

impl Complaint {
    /// A complaint with a message and words under the caret.
    pub fn new(message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { message: message.into(), label: label.into(), help: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Words {
    /// Whether `word` is one of them.
    pub fn has(&self, word: &str) -> bool {
        self.names().any(|known| known == word)
    }

    /// The words alone.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.words.iter().map(|(word, _)| *word)
    }
}

impl Shape {
    /// What is wanted, in words: `text`, `a list of spans`, `text or a map`.
    pub fn wanted(&self) -> String {
        join(self.parts())
    }

    /// Whether any text will do.
    pub fn takes_text(&self) -> bool {
        match self {
            Self::Text | Self::AnyText | Self::Scalar => true,
            Self::Either(shapes) => shapes.iter().any(Self::takes_text),
            _ => false,
        }
    }

    /// The forms that text may have.
    pub fn formats(&self) -> Box<dyn Iterator<Item = &'static Format> + '_> {
        match self {
            Self::Format(format) => Box::new(std::iter::once(*format)),
            Self::Either(shapes) => Box::new(shapes.iter().flat_map(Self::formats)),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// What may stand there, one by one.
    fn parts(&self) -> Vec<String> {
        let word = |word: &str| format!("`{word}`");
        match self {
            Self::Text | Self::AnyText => vec!["text".to_owned()],
            Self::Bool => vec![word("true"), word("false")],
            Self::Int(..) => vec!["a whole number".to_owned()],
            Self::Number => vec!["a number".to_owned()],
            Self::Scalar => vec!["text".to_owned(), "a number".to_owned(), word("true"), word("false")],
            Self::Any => vec!["anything".to_owned()],
            Self::Nothing => vec![word("null")],
            Self::Word(words) if words.words.len() <= 4 => words.names().map(word).collect(),
            Self::Word(words) => vec![words.what.to_owned()],
            Self::Format(format) => vec![format.what.to_owned()],
            Self::List(shape) | Self::AnyList(shape) => vec![match shape {
                Self::Object(object) => format!("a list of {}", plural(object.name)),
                Self::Text => "a list of texts".to_owned(),
                _ => "a list".to_owned(),
            }],
            Self::Map(map) => vec![format!("a map ({}: …)", map.key)],
            Self::Object(object) => vec![format!("a map ({})", object.name)],
            Self::Either(shapes) => shapes.iter().flat_map(Self::parts).collect(),
        }
    }
}

fn plural(noun: &str) -> String {
    noun.strip_suffix('y').map_or_else(|| format!("{noun}s"), |stem| format!("{stem}ies"))
}

/// `a, b or c`.
pub fn join(parts: impl IntoIterator<Item = String>) -> String {
    let mut parts: Vec<String> = parts.into_iter().collect();
    let last = parts.pop().unwrap_or_default();
    if parts.is_empty() { last } else { format!("{} or {last}", parts.join(", ")) }
}
