//! `--report FORMAT=FILE`: a report in a file, which is made before the run starts so that a bad path fails in the first second.
//!
//! Made by `cli` from the option, written by it at the end.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Sources, json, junit, terminal};
use crate::{check::RunReport, support::suggest, term::Look};

/// Formats that a file can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// JUnit XML.
    Junit,
    /// The JSON of `--format json`.
    Json,
    /// The text of the terminal, without colour.
    Text,
}

/// A file that waits for its report.
#[derive(Debug)]
pub struct ReportFile {
    format: FileFormat,
    path: PathBuf,
    file: File,
}

/// Why a report cannot go to a file.
#[derive(Debug, thiserror::Error)]
pub enum ReportFileError {
    /// The option has no `=`.
    #[error("`--report {given}` must be `FORMAT=FILE`, for example `junit=report.xml`")]
    NoFormat {
        /// What was given.
        given: String,
    },
    /// A format that there is not.
    #[error("`{given}` is not a report format: it must be `junit`, `json` or `text`{}", suggestion(.given))]
    UnknownFormat {
        /// What was given.
        given: String,
    },
    /// The file cannot be made.
    #[error("cannot create the report file `{}`", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the report file `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ReportFile {
    /// Makes the file, and the folders it lies in, from `FORMAT=FILE`.
    pub fn create(option: &str) -> Result<Self, ReportFileError> {
        let no_format = || ReportFileError::NoFormat { given: option.to_owned() };
        let (format, path) = option.split_once('=').filter(|(_, path)| !path.is_empty()).ok_or_else(no_format)?;
        let format = match format {
            "junit" => FileFormat::Junit,
            "json" => FileFormat::Json,
            "text" => FileFormat::Text,
            other => return Err(ReportFileError::UnknownFormat { given: other.to_owned() }),
        };
        let path = PathBuf::from(path);
        let made = parents(&path).and_then(|()| File::create(&path));
        match made {
            Ok(file) => Ok(Self { format, path, file }),
            Err(source) => Err(ReportFileError::Create { path, source }),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the report.
    pub fn write(mut self, report: &RunReport, sources: &Sources) -> Result<(), ReportFileError> {
        let text = match self.format {
            FileFormat::Junit => junit::render(report, sources),
            FileFormat::Json => json::render(report),
            FileFormat::Text => terminal::render(report, sources, &Look::plain()),
        };
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.flush());
        written.map_err(|source| ReportFileError::Write { path: self.path, source })
    }
}

fn parents(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => fs::create_dir_all(folder),
        _ => Ok(()),
    }
}

fn suggestion(given: &str) -> String {
    suggest::nearest(given, ["junit", "json", "text"]).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default()
}
