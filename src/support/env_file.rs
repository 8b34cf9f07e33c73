//! Files of environment variables, as `.env` files are written, and several sources of variables one before the other.
//!
//! Read by `cli` for `--env-file` and a suite's `env_file:`, and by `stack` for a service's; nothing here touches the environment of the
//! process. Own code, because a line that cannot be read may hold a secret, and what the readers there are say of it repeats it.
//!
//! ```text
//! # a comment
//! export NAME=value # another
//! QUOTED="two\nlines"
//! AS_IT_IS='no \n, no $NAME'
//! ```
//!
//! A value in quotes may go on over several lines. `$` is a plain character: no variable is put in, so that a secret with one in it is what
//! it is.

use std::{collections::BTreeMap, fmt, path::Path};

use super::{
    disk::{self, ReadError},
    env::Env,
};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// The variables of one file.
#[derive(Clone, Default)]
pub struct EnvFile(BTreeMap<String, String>);

/// Why a file of variables cannot be used. No part of the file is in it.
#[derive(Debug, thiserror::Error)]
pub enum EnvFileError {
    /// It cannot be read.
    #[error("cannot use `{file}`: {why}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        why: ReadError,
    },
    /// It is no text.
    #[error("cannot use `{file}`: it is not UTF-8 text")]
    NotText {
        /// The file.
        file: String,
    },
    /// A line is none of a file of variables.
    #[error("line {line} of `{file}` {what}")]
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Sources of variables; the first that has one gives it.
#[derive(Default)]
pub struct Layers<'a>(Vec<&'a dyn Env>);

impl EnvFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, EnvFileError> {
        Self::read_as(path, path.display().to_string())
    }

    /// Reads a file that errors call `file`.
    pub fn read_as(path: &Path, file: String) -> Result<Self, EnvFileError> {
        let bytes = match disk::read(path, LARGEST) {
            Ok(bytes) => bytes,
            Err(why) => return Err(EnvFileError::Read { file, why }),
        };
        let Ok(text) = String::from_utf8(bytes) else { return Err(EnvFileError::NotText { file }) };
        Self::parse(&text).map_err(|(line, what)| EnvFileError::Line { file, line, what })
    }

    /// Every variable with its value, which may be empty.
    pub fn into_variables(self) -> BTreeMap<String, String> {
        self.0
    }

    /// Reads text; an error is the number of a line and what is wrong with it. Of two lines with one name the later counts.
    fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut variables = BTreeMap::new();
        let mut line = 1;
        while !rest.is_empty() {
            let (variable, after) = assignment(rest).map_err(|what| (line, what))?;
            variables.extend(variable);
            line += rest[..rest.len() - after.len()].matches('\n').count();
            rest = after;
        }
        Ok(Self(variables))
    }
}

type Assignment<'a> = (Option<(String, String)>, &'a str);

/// The variable of the first line, where it has one, and what comes after it.
fn assignment(text: &str) -> Result<Assignment<'_>, &'static str> {
    let (line, after) = text.split_once('\n').unwrap_or((text, ""));
    let trimmed = line.trim();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return Ok((None, after));
    }
    let body = text.trim_start();
    let body = match body.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start_matches([' ', '\t']),
        _ => body,
    };
    let end = body.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))).unwrap_or(body.len());
    let (name, rest) = body.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err("does not begin with a name");
    }
    let rest = rest.trim_start_matches([' ', '\t']).strip_prefix('=').ok_or("has no `=` after the name")?;
    let rest = rest.trim_start_matches([' ', '\t']);
    let (value, after) = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(&rest[1..], quote)?,
        _ => plain(rest),
    };
    Ok((Some((name.to_owned(), value)), after))
}

/// A value without quotes: to the end of the line, or to a comment that a space stands before.
fn plain(text: &str) -> (String, &str) {
    let (line, after) = text.split_once('\n').unwrap_or((text, ""));
    let comment = line.char_indices().find(|(at, c)| *c == '#' && (*at == 0 || line[..*at].ends_with([' ', '\t'])));
    let value = comment.map_or(line, |(at, _)| &line[..at]);
    (value.trim().to_owned(), after)
}

/// A value up to its closing quote; only between double ones a backslash means something.
fn quoted(text: &str, quote: char) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter == quote => {
                let (tail, after) = text[at + 1..].split_once('\n').unwrap_or((&text[at + 1..], ""));
                let tail = tail.trim();
                return if tail.is_empty() || tail.starts_with('#') {
                    Ok((value, after))
                } else {
                    Err("goes on after the closing quote")
                };
            }
            '\\' if quote == '"' => match letters.next().map(|(_, next)| next) {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some(sign @ ('"' | '\\' | '$' | '`')) => value.push(sign),
                Some(other) => value.extend(['\\', other]),
                None => {}
            },
            _ => value.push(letter),
        }
    }
    Err("has no closing quote")
}

impl Env for EnvFile {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned().filter(|value| !value.is_empty())
    }
}

/// Names without their values.
impl fmt::Debug for EnvFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<'a> FromIterator<&'a dyn Env> for Layers<'a> {
    fn from_iter<I: IntoIterator<Item = &'a dyn Env>>(sources: I) -> Self {
        Self(sources.into_iter().collect())
    }
}

impl Env for Layers<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find_map(|source| source.get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::{EnvFile, EnvFileError, Layers};
    use crate::support::{
        disk::ReadError,
        env::{Env, Map},
        random,
    };

    fn read(text: &str, name: &str) -> Option<String> {
        EnvFile::parse(text).unwrap().get(name)
    }

    #[test]
    fn values_are_read_as_people_write_them() {
        for (text, value) in [
            ("A=b", "b"),
            ("  export A = b c  # a comment\r\n", "b c"),
            ("A=b#c", "b#c"),
            ("A='b $X \\n \"c\"' # d", "b $X \\n \"c\""),
            ("A=\"b\\n\\\"c\\\" \\$x \\d\"", "b\n\"c\" $x \\d"),
            ("A=\"first\nsecond\"\nB=x", "first\nsecond"),
            ("\u{feff}# x\n\nA=pa$$word", "pa$$word"),
            ("A=one\nA=two", "two"),
            ("export=1\nA=b", "b"),
        ] {
            assert_eq!(read(text, "A").as_deref(), Some(value), "{text:?}");
        }
        assert_eq!(read("A=\nB=#x\n", "A").or(read("A=\nB=#x\n", "B")), None, "set to nothing is unset");
        assert_eq!(read("A='x\ny'\nB=z", "B").as_deref(), Some("z"));
    }

    #[test]
    fn a_wrong_line_is_named_and_not_repeated() {
        for (text, line) in
            [("A=b\nsecret words\n", 2), ("=secret", 1), ("A='x\ny'\nB='secret", 3), ("A=\"secret\" b", 1), ("1A=secret", 1)]
        {
            let (found, what) = EnvFile::parse(text).unwrap_err();
            assert_eq!(found, line, "{text:?}");
            assert!(!what.contains("secret"), "{what}");
        }
        let shown = format!("{:?}", EnvFile::parse("A=hidden").unwrap());
        assert!(shown.contains('A') && !shown.contains("hidden"), "{shown}");
    }

    #[test]
    fn a_file_that_is_not_there_is_told_apart() {
        let missing = EnvFile::read(&std::env::temp_dir().join(random::uuid())).unwrap_err();
        assert!(matches!(missing, EnvFileError::Read { why: ReadError::Missing, .. }), "{missing}");
        let folder = EnvFile::read(&std::env::temp_dir()).unwrap_err();
        assert!(matches!(folder, EnvFileError::Read { why: ReadError::NotAFile, .. }), "{folder}");
    }

    #[test]
    fn the_first_source_that_has_it_gives_it() {
        let (first, second): (Map, Map) =
            ([("A", "1"), ("B", "")].into_iter().collect(), [("A", "2"), ("B", "3")].into_iter().collect());
        let layers: Layers<'_> = [&first as &dyn Env, &second].into_iter().collect();
        assert_eq!((layers.get("A").as_deref(), layers.get("B").as_deref(), layers.get("C")), (Some("1"), Some("3"), None));
    }
}
