//! Where secrets come from: files that the command line names, else the environment, else files that suites name.
//!
//! What a person typed goes first. The environment goes before a suite's file, because that file is shared by everybody who has the
//! fixtures, and CI sets in its environment what is different there. A suite's file need not be there, as it seldom is in CI; what is then
//! missing is told by name.

use std::path::PathBuf;

use super::Failure;
use crate::support::{
    disk::ReadError,
    env::{Env, Os},
    env_file::{EnvFile, EnvFileError, Layers},
};

/// All sources of variables of one run.
#[derive(Debug, Default)]
pub(super) struct Variables {
    asked: Vec<EnvFile>,
    of_suites: Vec<EnvFile>,
    /// Files of suites that are not there.
    absent: Vec<PathBuf>,
}

impl Variables {
    /// Reads the files; of several that the command line names, a later one goes before an earlier one.
    pub(super) fn read(asked: &[PathBuf], of_suites: Vec<PathBuf>) -> Result<Self, Failure> {
        let refused = |error: EnvFileError| Failure::usage(&error as &dyn std::error::Error);
        let mut variables = Self::default();
        for path in asked.iter().rev() {
            variables.asked.push(EnvFile::read(path).map_err(refused)?);
        }
        for path in of_suites {
            match EnvFile::read(&path) {
                Ok(file) => variables.of_suites.push(file),
                Err(EnvFileError::Read { why: ReadError::Missing, .. }) => variables.absent.push(path),
                Err(error) => return Err(refused(error)),
            }
        }
        Ok(variables)
    }

    /// Files that suites name and that are not there.
    pub(super) fn absent(&self) -> &[PathBuf] {
        &self.absent
    }
}

impl Env for Variables {
    fn get(&self, name: &str) -> Option<String> {
        let own = |file| file as &dyn Env;
        let layers: Layers<'_> =
            self.asked.iter().map(own).chain([&Os as &dyn Env]).chain(self.of_suites.iter().map(own)).collect();
        layers.get(name)
    }
}
