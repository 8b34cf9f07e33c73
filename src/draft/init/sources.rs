//! Routes, ports and names of variables in source files, by a bounded search of their text.
//!
//! Read by [`super::look`].

use std::{fs, path::Path, sync::LazyLock};

use regex::Regex;

use crate::support::disk;

/// Folders that hold what others wrote, or what was built.
const PASSED_OVER: [&str; 16] = [
    "node_modules",
    "target",
    "dist",
    "build",
    "out",
    "vendor",
    "venv",
    "env",
    "__pycache__",
    "coverage",
    "fixtures",
    "test",
    "tests",
    "docs",
    "migrations",
    "public",
];
/// Endings of source files.
const SOURCES: [&str; 14] = ["js", "mjs", "cjs", "ts", "mts", "jsx", "tsx", "py", "go", "rs", "rb", "php", "java", "kt"];
/// Files that are read.
const MOST_FILES: usize = 2000;
/// Bytes of one file that is read.
const LARGEST: u64 = 256 * 1024;
/// Folders below the project's.
const DEEPEST: usize = 8;

static ROUTE: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"["'`](?:(?:GET|POST|PUT|ANY|ALL) )?(/?[A-Za-z0-9_<>{}:./-]{1,100})["'`]"#));
/// The last argument of a call, on a line of its own; a port where the file serves.
static LAST_ARGUMENT: LazyLock<Regex> = LazyLock::new(|| regex(r"\n[ \t]*(\d{4,5}),?[ \t]*\r?\n[ \t]*\)"));
static SERVES: LazyLock<Regex> = LazyLock::new(|| regex(r"(?i)\b(?:serve|listen|listenandserve)\("));
/// Names of variables that hold secrets or addresses.
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| regex(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:SECRET|TOKEN|KEY|URL)\b"));
static PORT: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r#"(?i)(?:\blisten\(\s*|\bport\s*[=:]\s*|PORT"?\]?\s*(?:\|\||\?\?|,)\s*["']?|["'](?:0\.0\.0\.0|127\.0\.0\.1)?:)(\d{4,5})\b"#,
    )
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is one")
}

/// A route and the file that has it, below the project's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) path: String,
    pub(super) file: String,
}

/// What the sources say.
#[derive(Debug, Default)]
pub(super) struct Sources {
    routes: Vec<Route>,
    ports: Vec<(u16, String)>,
    variables: Vec<(String, String)>,
}

impl Sources {
    /// Reads the sources of a project.
    pub(super) fn read(folder: &Path) -> Self {
        let mut files = Vec::new();
        walk(folder, folder, 0, &mut files);
        files.sort();
        let mut sources = Self::default();
        for file in &files {
            let text = disk::read(&folder.join(file), LARGEST).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            sources.take(file, &text.unwrap_or_default());
        }
        sources
    }

    /// Routes that take webhooks, each once.
    pub(super) fn webhook_routes(&self) -> Vec<&Route> {
        let mut routes: Vec<&Route> = Vec::new();
        for route in self.routes.iter().filter(|route| is_webhook(&route.path)) {
            if !routes.iter().any(|known| known.path == route.path) {
                routes.push(route);
            }
        }
        routes
    }

    /// The route that answers when the service is ready, in one file or in any.
    pub(super) fn ready(&self, within: Option<&str>) -> Option<(String, String)> {
        let mut routes = self.routes.iter().filter(|route| within.is_none_or(|file| file == route.file));
        routes.find(|route| route.is_ready()).map(|route| (route.path.clone(), route.file.clone()))
    }

    /// The port that the service listens on, in one file or in any.
    pub(super) fn port(&self, within: Option<&str>) -> Option<(u16, String)> {
        self.ports.iter().find(|(_, said_by)| within.is_none_or(|file| file == said_by)).cloned()
    }

    /// Names of variables that hold secrets or addresses, each with the file that first has it.
    pub(super) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    fn take(&mut self, file: &str, text: &str) {
        for found in ROUTE.captures_iter(text) {
            let raw = &found[1];
            // Django's and some routers' patterns begin without a slash.
            let path = if raw.starts_with('/') { raw.to_owned() } else { format!("/{raw}") };
            let route = Route { path: path.trim_end_matches('/').to_owned(), file: file.to_owned() };
            let plain = !route.path.contains("//") && !route.path.contains(['.', '<', '{', ':']);
            if plain && (raw.starts_with('/') && route.is_ready() || is_webhook(&route.path)) {
                self.routes.push(route);
            }
        }
        let last = Some(&LAST_ARGUMENT).filter(|_| SERVES.is_match(text));
        let ports = [&PORT].into_iter().chain(last).flat_map(|pattern| pattern.captures_iter(text));
        let port = ports.filter_map(|found| found[1].parse().ok()).find(|port: &u16| *port >= 1024);
        self.ports.extend(port.map(|port| (port, file.to_owned())));
        for found in VARIABLE.find_iter(text) {
            if !self.variables.iter().any(|(name, _)| name == found.as_str()) {
                self.variables.push((found.as_str().to_owned(), file.to_owned()));
            }
        }
    }
}

/// `/webhooks/stripe`, `/api/hooks/orders`, `/stripe/webhook`.
fn is_webhook(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let hook = |part: &&str| matches!(*part, "webhook" | "webhooks" | "hook" | "hooks");
    parts.len() >= 2 && parts.iter().any(hook) && !parts.last().is_some_and(|last| hook(last) && parts.len() < 2)
}

fn walk(root: &Path, folder: &Path, depth: usize, files: &mut Vec<String>) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<_> = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, entry) in entries {
        if files.len() >= MOST_FILES || name.starts_with('.') {
            continue;
        }
        // A link may lead anywhere.
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_dir() && depth < DEEPEST && !PASSED_OVER.contains(&name.as_str()) {
            walk(root, &path, depth + 1, files);
        } else if kind.is_file() && path.extension().is_some_and(|ending| SOURCES.iter().any(|source| ending == *source)) {
            files.extend(path.strip_prefix(root).ok().map(|path| path.display().to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_and_ports_are_found_in_the_text_of_several_languages() {
        let mut sources = Sources::default();
        sources.take("a.js", "app.post('/webhooks/stripe', h); app.get(\"/health\", h); app.listen(process.env.PORT || 3005)");
        sources.take("b.py", "path('hooks/orders/', v)\nuvicorn.run(app, port=8001)");
        sources.take("c.go", "http.HandleFunc(\"/github/webhook\", h)\nhttp.ListenAndServe(\":8080\", nil)");
        sources.take("d.ts", "import x from './webhooks/thing.ts'; fetch('https://a.example/webhooks/x')");
        let routes: Vec<_> = sources.webhook_routes().into_iter().map(|route| route.path.as_str()).collect();
        assert_eq!(routes, ["/webhooks/stripe", "/hooks/orders", "/github/webhook"]);
        assert_eq!(sources.ready(None), Some(("/health".to_owned(), "a.js".to_owned())));
        sources.take(
            "e.mjs",
            "serve(\n  {\n    'GET /ready': ok,\n    'POST /hooks/pay': pay,\n  },\n  3010,\n);\nhmac(process.env.PAY_SECRET)",
        );
        sources.take("f.mjs", "setTimeout(\n  () => {},\n  5000,\n);");
        assert_eq!(sources.ready(Some("e.mjs")).map(|(path, _)| path).as_deref(), Some("/ready"));
        assert_eq!((sources.port(Some("e.mjs")).map(|(port, _)| port), sources.port(Some("f.mjs"))), (Some(3010), None));
        assert_eq!(sources.variables(), [("PAY_SECRET".to_owned(), "e.mjs".to_owned())]);
        assert_eq!(sources.ports.iter().map(|(port, _)| *port).collect::<Vec<_>>(), [3005, 8001, 8080, 3010]);
    }
}
