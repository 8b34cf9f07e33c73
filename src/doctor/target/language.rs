//! What a process is written in, and whether something loads instrumentation when it starts. Pure, but for a look for packages.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{doctor::otel::Spoken, support::env::Env};

/// What a program is written in, by its executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Node.js.
    Node,
    /// Python.
    Python,
    /// Java and what else runs on its machine.
    Java,
    /// A program of its own: Go, Rust, C.
    Binary,
}

/// Whether something loads instrumentation when a process starts. What its code does cannot be seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Loading {
    /// OpenTelemetry, by the command line.
    ByCommandLine,
    /// OpenTelemetry, by a variable.
    ByVariable,
    /// A module of its own is loaded first (`--import ./tracing.js`), which may set it up.
    OwnModule,
    /// Nothing does; packages of an SDK are within reach, so that its code may.
    OnlyPackages,
    /// Nothing does, and there are no packages of an SDK either.
    Nothing,
    /// Nothing does, and packages cannot be seen from outside; its code may.
    NothingSeen,
    /// It could only be in the code.
    InCode,
}

/// Node's options that load a module before the program.
const PRELOADS: [&str; 5] = ["--import", "--require", "-r", "--loader", "--experimental-loader"];

/// Packages that make an SDK; `@opentelemetry/api` alone records nothing.
const SDK_PACKAGES: [&str; 5] =
    ["sdk-node", "sdk-trace-node", "sdk-trace-base", "auto-instrumentations-node", "instrumentation-http"];

/// Environment variables by which Java takes agents.
const JAVA_OPTIONS: [&str; 3] = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"];

/// What of a process decides.
pub(super) struct Start<'a> {
    /// Its command line; empty where it is not told.
    pub(super) words: &'a [String],
    /// The folder it works in.
    pub(super) folder: Option<&'a Path>,
    /// Its variables.
    pub(super) env: &'a dyn Env,
}

impl Language {
    /// By the name of the executable: `python3.12`, `node`.
    pub(super) fn of(program: &str) -> Self {
        let name = program.trim_end_matches(".exe");
        let bare = name.trim_end_matches(|sign: char| sign.is_ascii_digit() || sign == '.');
        match bare {
            "node" | "nodejs" => Self::Node,
            "python" | "pypy" => Self::Python,
            "java" => Self::Java,
            _ => Self::Binary,
        }
    }

    /// What its SDK speaks where no variable says: `http/protobuf` in Node; gRPC in Python (`opentelemetry-distro`).
    pub(super) fn spoken_unset(self) -> Option<Spoken> {
        match self {
            Self::Node => Some(Spoken::Http),
            Self::Python => Some(Spoken::Grpc),
            Self::Java | Self::Binary => None,
        }
    }

    /// How instrumentation is loaded without a change of the code.
    pub(super) fn how_to_load(self) -> &'static str {
        match self {
            Self::Node => {
                "npm install @opentelemetry/auto-instrumentations-node, then start it with NODE_OPTIONS=\"--require @opentelemetry/auto-instrumentations-node/register\""
            }
            Self::Python => {
                "pip install opentelemetry-distro opentelemetry-exporter-otlp, then opentelemetry-instrument python …"
            }
            Self::Java => "start it with -javaagent:opentelemetry-javaagent.jar",
            Self::Binary => "set up the OpenTelemetry SDK of its language in its code",
        }
    }
}

impl Loading {
    pub(super) fn of(language: Language, start: &Start<'_>) -> Self {
        match language {
            Language::Node => of_node(start),
            Language::Python => of_python(start),
            Language::Java => of_java(start),
            Language::Binary => Self::InCode,
        }
    }

    /// Whether OpenTelemetry is known to be loaded, so that its variables count.
    pub(super) fn is_certain(self) -> bool {
        matches!(self, Self::ByCommandLine | Self::ByVariable)
    }
}

/// What it runs: the script of an interpreter, or the module after `-m`.
pub(super) fn script(language: Language, words: &[String]) -> Option<String> {
    let mut rest = words.iter().skip(1);
    if !matches!(language, Language::Node | Language::Python) {
        return None;
    }
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-m" if language == Language::Python => return rest.next().map(|module| format!("-m {module}")),
            // What follows is the program's text.
            "-e" | "--eval" | "-p" | "--print" | "-c" => return None,
            option if language == Language::Node && PRELOADS.contains(&option) => drop(rest.next()),
            option if option.starts_with('-') => {}
            script => return Some(short(script)),
        }
    }
    None
}

/// The last two parts of a path.
fn short(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts[parts.len().saturating_sub(2)..].join("/")
}

fn of_node(start: &Start<'_>) -> Loading {
    let by_line = preloaded(start.words.iter().skip(1).map(String::as_str));
    let options = start.env.get("NODE_OPTIONS").unwrap_or_default();
    let by_variable = preloaded(options.split_whitespace().map(|word| word.trim_matches('"')));
    let of_otel = |modules: &[&str]| modules.iter().any(|module| module.contains("opentelemetry"));
    if of_otel(&by_line) {
        Loading::ByCommandLine
    } else if of_otel(&by_variable) {
        Loading::ByVariable
    } else if !by_line.is_empty() || !by_variable.is_empty() {
        Loading::OwnModule
    } else if start.folder.is_none() {
        Loading::NothingSeen
    } else if has_sdk(start) {
        Loading::OnlyPackages
    } else {
        Loading::Nothing
    }
}

/// The modules that Node's options load first. Options end where the script begins.
fn preloaded<'a>(words: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut words = words.peekable();
    while let Some(word) = words.next_if(|word| word.starts_with('-')) {
        let (option, value) = word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
        if PRELOADS.contains(&option) {
            found.extend(value.or_else(|| words.next()));
        }
    }
    found
}

/// Whether a package of an SDK can be loaded from the folder or from where the script is.
fn has_sdk(start: &Start<'_>) -> bool {
    let folder = start.folder.unwrap_or_else(|| Path::new("/"));
    let mut words = start.words.iter().skip(1).filter(|word| !word.starts_with('-'));
    let script: Option<PathBuf> = words.next_back().map(|script| folder.join(script));
    let above = |path: &Path| path.ancestors().map(Path::to_owned).collect::<Vec<_>>();
    let folders = above(folder).into_iter().chain(script.iter().flat_map(|script| above(script)));
    let mut modules = folders.map(|folder| folder.join("node_modules/@opentelemetry"));
    modules.any(|there| SDK_PACKAGES.iter().any(|package| there.join(package).exists()))
}

fn of_python(start: &Start<'_>) -> Loading {
    if start.words.iter().take(4).any(|word| word.ends_with("opentelemetry-instrument")) {
        Loading::ByCommandLine
    } else if start.env.get("PYTHONPATH").is_some_and(|path| path.contains("opentelemetry/instrumentation/auto_instrumentation"))
    {
        Loading::ByVariable
    } else {
        Loading::NothingSeen
    }
}

fn of_java(start: &Start<'_>) -> Loading {
    let is_agent = |word: &str| word.starts_with("-javaagent:") && word.contains("opentelemetry");
    if start.words.iter().any(|word| is_agent(word)) {
        Loading::ByCommandLine
    } else if JAVA_OPTIONS.iter().any(|name| start.env.get(name).is_some_and(|value| value.split_whitespace().any(is_agent))) {
        Loading::ByVariable
    } else {
        Loading::NothingSeen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::{env::Map, random};

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    fn loading(language: Language, line: &str, pairs: &[(&str, &str)], folder: &Path) -> Loading {
        let env: Map = pairs.iter().copied().collect();
        Loading::of(language, &Start { words: &words(line), folder: Some(folder), env: &env })
    }

    #[test]
    fn languages_go_by_the_executable() {
        for (name, language) in [
            ("node", Language::Node),
            ("python3.12", Language::Python),
            ("java", Language::Java),
            ("medicalcor-api", Language::Binary),
            ("node_exporter", Language::Binary),
        ] {
            assert_eq!(Language::of(name), language, "{name}");
        }
    }

    #[test]
    fn only_the_script_is_kept_of_a_command_line() {
        let of = |language, line| script(language, &words(line));
        assert_eq!(
            of(Language::Node, "node --import ./t.mjs /srv/shop/dist/server.js --token=x").as_deref(),
            Some("dist/server.js")
        );
        assert_eq!(of(Language::Python, "python3 -m http.server 8000").as_deref(), Some("-m http.server"));
        assert_eq!(of(Language::Node, "node -e secret()"), None);
        assert_eq!(of(Language::Binary, "api --password x"), None);
    }

    #[test]
    fn node_loads_by_its_line_by_its_options_or_by_its_code() {
        let folder = std::env::temp_dir().join(format!("devstack-{}", random::uuid()));
        std::fs::create_dir_all(folder.join("app/src")).unwrap();
        let of = |line: &str, options: &str| loading(Language::Node, line, &[("NODE_OPTIONS", options)], &folder.join("app"));
        assert_eq!(of("node --import @opentelemetry/auto-instrumentations-node/register a.js", ""), Loading::ByCommandLine);
        assert_eq!(of("node --require=@opentelemetry/x a.js", ""), Loading::ByCommandLine);
        assert_eq!(of("node a.js", "--max-old-space-size=4096 --require @opentelemetry/x"), Loading::ByVariable);
        assert_eq!(of("node -r ./tracing.js a.js", ""), Loading::OwnModule);
        assert_eq!(of("node a.js --require @opentelemetry/x", ""), Loading::Nothing, "that is an argument of the program");
        std::fs::create_dir_all(folder.join("node_modules/@opentelemetry/api")).unwrap();
        assert_eq!(of("node a.js", ""), Loading::Nothing, "the API alone records nothing");
        std::fs::create_dir_all(folder.join("node_modules/@opentelemetry/sdk-node")).unwrap();
        assert_eq!(of("node src/a.js", ""), Loading::OnlyPackages);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn python_and_java_load_by_their_line_or_a_variable() {
        let of = |language, line, pairs: &[(&str, &str)]| loading(language, line, pairs, Path::new("/"));
        let path = "/v/lib/python3.12/site-packages/opentelemetry/instrumentation/auto_instrumentation:/srv";
        assert_eq!(of(Language::Python, "python app.py", &[("PYTHONPATH", path)]), Loading::ByVariable);
        assert_eq!(of(Language::Python, "python /v/bin/opentelemetry-instrument app.py", &[]), Loading::ByCommandLine);
        assert_eq!(of(Language::Python, "python app.py", &[]), Loading::NothingSeen);
        assert_eq!(
            of(Language::Java, "java -javaagent:/opt/opentelemetry-javaagent.jar -jar a.jar", &[]),
            Loading::ByCommandLine
        );
        assert_eq!(of(Language::Java, "java -jar a.jar", &[]), Loading::NothingSeen);
        assert_eq!(of(Language::Binary, "api", &[]), Loading::InCode);
    }
}
