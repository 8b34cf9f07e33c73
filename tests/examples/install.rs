//! A copy of an example in a folder of its own, with what it depends on; used by the tests of both examples.
//!
//! Dependencies are installed once for each lock file and version of the tools, below cargo's folder for tests, and kept. Where a tool
//! lacks, or nothing can be installed, the tests skip with a line; in CI (`CI` is set) they fail.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use devstack::support::random;
use sha2::{Digest, Sha256};

/// A copy that goes when the test ends.
pub(crate) struct Example {
    root: PathBuf,
}

/// How the dependencies of one example are had.
struct Recipe {
    folder: &'static str,
    /// What pins them.
    lock: &'static [&'static str],
    /// The folder that holds them, here and in the cache.
    holds: &'static str,
    /// Commands that must go well on a machine that can install them; what they say is part of the cache's key.
    needs: &'static [&'static [&'static str]],
    install: &'static [&'static [&'static str]],
}

const NODE: Recipe = Recipe {
    folder: "node",
    lock: &["package.json", "package-lock.json", ".npmrc"],
    holds: "node_modules",
    needs: &[&["node", "--version"], &["npm", "--version"]],
    install: &[&["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]],
};

const PYTHON: Recipe = Recipe {
    folder: "python",
    lock: &["requirements.txt"],
    holds: ".venv",
    // Debian has `venv` and `ensurepip` in a package of their own.
    needs: &[&["python3", "-c", "import ensurepip, sys, venv; print(sys.version, sys.executable)"]],
    install: &[
        &["python3", "-m", "venv", ".venv"],
        &[".venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", "requirements.txt"],
    ],
};

/// A copy of `examples/node` with its packages; `None` where they cannot be had.
pub(crate) fn node() -> Option<Example> {
    static CACHE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    NODE.copy(&CACHE)
}

/// A copy of `examples/python` with its virtual environment; `None` where it cannot be had.
pub(crate) fn python() -> Option<Example> {
    static CACHE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PYTHON.copy(&CACHE)
}

impl Example {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Takes out the one line that holds `text`.
    pub(crate) fn without_line(&self, file: &str, text: &str) {
        let path = self.path(file);
        let before = fs::read_to_string(&path).unwrap();
        assert_eq!(before.lines().filter(|line| line.contains(text)).count(), 1, "`{text}` stands once in {file}");
        let after: String = before.lines().filter(|line| !line.contains(text)).flat_map(|line| [line, "\n"]).collect();
        fs::write(path, after).unwrap();
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // What is installed is only linked to, and stays.
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Recipe {
    fn copy(&self, cache: &OnceLock<Result<PathBuf, String>>) -> Option<Example> {
        let cache = cache.get_or_init(|| {
            let installed = self.installed();
            if let Err(why) = &installed {
                // Not `eprintln!`, which a passing test keeps to itself.
                let _ = writeln!(io::stderr(), "skipping the tests of examples/{}: {why}", self.folder);
            }
            installed
        });
        if let Err(why) = cache {
            assert!(std::env::var_os("CI").is_none(), "CI needs examples/{}: {why}", self.folder);
        }
        let cache = cache.as_ref().ok()?;
        let example = Example { root: std::env::temp_dir().join(format!("devstack-example-{}", random::uuid())) };
        copy(&self.source(), &example.root, self.holds).unwrap();
        std::os::unix::fs::symlink(cache.join(self.holds), example.path(self.holds)).unwrap();
        Some(example)
    }

    fn source(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(self.folder)
    }

    /// The folder with the dependencies, installed by whoever comes first, in this process or another.
    fn installed(&self) -> Result<PathBuf, String> {
        // A virtual environment holds its own path: a copy of the whole checkout needs one of its own.
        let mut key = Sha256::new_with_prefix(env!("CARGO_TARGET_TMPDIR"));
        for command in self.needs {
            key.update(ran(command, Path::new("."))?);
        }
        for file in self.lock {
            key.update(fs::read(self.source().join(file)).map_err(|error| format!("{file}: {error}"))?);
        }
        let name = format!("{}-{}", self.folder, &const_hex::encode(key.finalize())[..16]);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        self.install_into(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    }

    fn install_into(&self, folder: &Path) -> io::Result<()> {
        let lock = File::create(folder.with_extension("lock"))?;
        lock.lock()?;
        let done = folder.join("installed");
        if done.exists() {
            return Ok(());
        }
        // What a test left that was killed while it installed.
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        for file in self.lock {
            fs::copy(self.source().join(file), folder.join(file))?;
        }
        for command in self.install {
            ran(command, folder).map_err(io::Error::other)?;
        }
        fs::write(done, "")
    }
}

/// What a command said, which must go well. It has the outer environment: registries and proxies are set there.
fn ran(command: &[&str], folder: &Path) -> Result<Vec<u8>, String> {
    let line = command.join(" ");
    let output = Command::new(command[0]).args(&command[1..]).current_dir(folder).output();
    let output = output.map_err(|error| format!("`{line}`: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("`{line}` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
}

/// Copies a folder but for `without`, which a developer may have installed there.
fn copy(from: &Path, to: &Path, without: &str) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_name() == without {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, without)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
