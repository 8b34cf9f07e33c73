//! What is wrong with a text, as data: a message, a place, what stands under the caret, and help; collected over all files.
//!
//! Made by readers, drawn by `render`.

use std::{collections::BTreeSet, fmt, sync::Arc};

use serde::Serialize;
use serde_json::{Value, json};

use super::Place;

/// How grave a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The file cannot be used.
    Error,
    /// Worth a look.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Where; `None` when it concerns the whole file.
    pub place: Option<Place>,
    /// How grave.
    pub level: Level,
    /// A stable name of the sort of problem: `unknown-key`, `wrong-type`, `yaml`, …
    pub code: &'static str,
    /// What is wrong: a lower-case fragment, values in backticks.
    pub message: String,
    /// What stands under the caret.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The problems of one file.
#[derive(Debug, Clone)]
pub struct FileProblems {
    /// The file as the user named it.
    pub file: String,
    /// Its text, for the caret; `None` when it could not be read.
    pub source: Option<Arc<str>>,
    /// What is wrong, in file order.
    pub problems: Vec<Problem>,
}

/// The problems of all files that were looked at.
#[derive(Debug, Clone, Default)]
pub struct Problems {
    files: Vec<FileProblems>,
}

impl Problem {
    /// An error at a place; [`Self::label`] and [`Self::help`] say more.
    pub fn at(place: Place, code: &'static str, message: impl Into<String>) -> Self {
        Self { place: Some(place), level: Level::Error, code, message: message.into(), label: "here".to_owned(), help: None }
    }

    /// An error that concerns the whole file.
    pub fn of_file(code: &'static str, message: impl Into<String>) -> Self {
        Self { place: None, level: Level::Error, code, message: message.into(), label: String::new(), help: None }
    }

    /// The same with other words under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.level = Level::Warning;
        self
    }
}

impl Problems {
    /// Adds the problems of a file, sorted by place and each once (an alias shows the same text several times). Adding none is nothing.
    pub fn add(&mut self, file: impl Into<String>, source: Option<Arc<str>>, problems: impl IntoIterator<Item = Problem>) {
        let file = file.into();
        let fresh: BTreeSet<Problem> = problems.into_iter().collect();
        if fresh.is_empty() {
            return;
        }
        match self.files.iter_mut().find(|known| known.file == file) {
            Some(known) => {
                let all: BTreeSet<Problem> = known.problems.drain(..).chain(fresh).collect();
                known.problems.extend(all);
                known.source = known.source.take().or(source);
            }
            None => self.files.push(FileProblems { file, source, problems: fresh.into_iter().collect() }),
        }
    }

    /// Takes over all of `other`.
    pub fn merge(&mut self, other: Self) {
        for file in other.files {
            self.add(file.file, file.source, file.problems);
        }
    }

    /// By file, in the order in which the files were read.
    pub fn files(&self) -> &[FileProblems] {
        &self.files
    }

    /// Every problem with the file it belongs to.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Problem)> {
        self.files.iter().flat_map(|file| file.problems.iter().map(|problem| (file.file.as_str(), problem)))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// How many there are of `level`.
    pub fn count(&self, level: Level) -> usize {
        self.iter().filter(|(_, problem)| problem.level == level).count()
    }

    /// The problems as a versioned JSON document: `{"version": 1, "problems": [{"file", "line", "column", …}]}`.
    pub fn to_json(&self) -> Value {
        let rows: Vec<Value> = self
            .iter()
            .map(|(file, problem)| {
                json!({
                    "file": file,
                    "line": problem.place.map(|place| place.line),
                    "column": problem.place.map(|place| place.column),
                    "offset": problem.place.map(|place| place.offset),
                    "length": problem.place.map(|place| place.length),
                    "level": problem.level,
                    "code": problem.code,
                    "message": problem.message,
                    "label": problem.label,
                    "help": problem.help,
                })
            })
            .collect();
        json!({ "version": 1, "problems": rows })
    }
}

/// One line a problem, `file:line:column: message`, without source: for logs and tests.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (file, problem)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            match problem.place {
                Some(Place { line, column, .. }) => write!(f, "{separator}{file}:{line}:{column}: {}", problem.message)?,
                None => write!(f, "{separator}{file}: {}", problem.message)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::{Level, Place, Problem, Problems};

    #[test]
    fn the_same_problem_twice_is_told_once_and_in_file_order() {
        let at = |line| Place { line, column: 1, offset: line * 10, length: 3 };
        let mut problems = Problems::default();
        problems.add("a.yaml", None, [Problem::at(at(4), "x", "second"), Problem::at(at(2), "x", "first")]);
        problems.add("a.yaml", None, [Problem::at(at(2), "x", "first")]);
        problems.add("b.yaml", None, []);
        assert_eq!(problems.to_string(), "a.yaml:2:1: first\na.yaml:4:1: second");
        assert_eq!(problems.count(Level::Error), 2);
        assert_eq!(problems.to_json()["problems"][1]["line"], 4);
    }
}
