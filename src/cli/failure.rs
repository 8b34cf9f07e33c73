//! The one edge where errors of the rooms below become what a person reads: a heading, the chain of causes, hints, and the exit code.

use std::fmt::Write as _;

use super::exit::Exit;

/// Why a command could not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    /// Wrong usage, or a file with errors.
    pub fn usage(error: impl Into<Failing>) -> Self {
        Self::of(Exit::Usage, error.into())
    }

    /// The environment could not run it.
    pub fn environment(error: impl Into<Failing>) -> Self {
        Self::of(Exit::Environment, error.into())
    }

    /// A signal ended it.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::of(Exit::Interrupted, Failing { message: message.into(), causes: Vec::new() })
    }

    /// Nothing matched the selection.
    pub fn nothing_selected(message: impl Into<String>) -> Self {
        Self::of(Exit::NothingSelected, Failing { message: message.into(), causes: Vec::new() })
    }

    /// Adds something to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// How the program ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The text for stderr, after the heading `error: `.
    pub fn text(&self) -> String {
        let mut text = self.message.clone();
        for cause in &self.causes {
            let _ = write!(text, "\n  caused by: {cause}");
        }
        text
    }

    /// Things to do, each without the word `hint`.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    fn of(exit: Exit, failing: Failing) -> Self {
        Self { exit, message: failing.message, causes: failing.causes, hints: Vec::new() }
    }
}

/// An error and its chain of sources, as text.
#[derive(Debug)]
pub struct Failing {
    message: String,
    causes: Vec<String>,
}

impl From<String> for Failing {
    fn from(message: String) -> Self {
        Self { message, causes: Vec::new() }
    }
}

impl From<&str> for Failing {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

impl From<&dyn std::error::Error> for Failing {
    fn from(error: &dyn std::error::Error) -> Self {
        let message = error.to_string();
        let mut causes: Vec<String> = Vec::new();
        let mut next = error.source();
        while let Some(source) = next {
            let text = source.to_string();
            // Libraries often repeat the source's text in their own.
            if !message.contains(&text) && causes.last().is_none_or(|last| !last.contains(&text)) {
                causes.push(text);
            }
            next = source.source();
        }
        Self { message, causes }
    }
}
