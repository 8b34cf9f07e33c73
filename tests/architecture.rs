//! The import table of the rooms, and three more rules of the house: every file says what it is for, only `term` prints, and only
//! `runtime/docker` speaks to container engines.
//!
//! The compiler does not see these within one crate. The checker reads the paths in `src/**` with comments and strings blanked, and
//! its own tests show that it notices what it is for.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may import; itself it may always. A room that is not here must be entered before it may exist.
const ROOMS: &[(&str, &[&str])] = &[
    ("support", &[]),
    ("model", &["support"]),
    ("telemetry", &["support"]),
    ("webhook", &["support"]),
    // A project says which providers call its services (`webhook`), which stands below.
    ("stack", &["webhook", "support"]),
    ("term", &["model", "support"]),
    ("client", &["model", "support"]),
    ("traceql", &["model", "support"]),
    ("promql", &["model", "support"]),
    // It tells what it was handed in a type of `model`, which is pure data.
    ("standin", &["telemetry", "webhook", "model", "support"]),
    ("demo", &["standin", "telemetry", "webhook", "support"]),
    ("expect", &["traceql", "model", "support"]),
    ("fixture", &["expect", "webhook", "support"]),
    ("lint", &["fixture", "expect", "stack", "webhook", "support"]),
    ("replay", &["fixture", "webhook", "telemetry", "model", "support"]),
    ("backend", &["traceql", "promql", "model", "support"]),
    // Beyond DESIGN section 5: the state file carries the secrets of `webhook`.
    // It tells the services it starts where their telemetry goes (`telemetry`), and keeps the secrets they share (`webhook`).
    ("runtime", &["stack", "backend", "demo", "standin", "client", "webhook", "telemetry", "model", "support"]),
    // Beyond DESIGN section 5: a service is examined by what arrived of it (`model`), which stands below.
    ("doctor", &["runtime", "stack", "client", "model", "support"]),
    // Beyond DESIGN section 5: what was replaced in a body must not leak (`webhook`), attribute names are held to the registry of
    // `telemetry`. Both stand below.
    ("check", &["replay", "fixture", "expect", "client", "webhook", "telemetry", "model", "support"]),
    // It holds what it drafts against the trace that was seen (`fixture`, `expect`) before it is written.
    ("draft", &["fixture", "expect", "webhook", "client", "model", "support"]),
    ("runs", &["check", "model", "support"]),
    ("report", &["check", "expect", "runtime", "term", "model", "support"]),
    ("cli", EVERYTHING),
];

/// The mark of a room that may import every other.
const EVERYTHING: &[&str] = &["*"];

/// The one room that writes to the terminal.
const PRINTER: &str = "term";

/// The library that speaks to container engines, and the one folder that may name it: everything else asks there.
const ENGINE: (&str, &str) = ("bollard", "src/runtime/docker");

/// One broken rule, as a sentence.
#[derive(Debug, PartialEq, Eq)]
struct Broken {
    file: PathBuf,
    line: usize,
    rule: Rule,
}

#[derive(Debug, PartialEq, Eq)]
enum Rule {
    Import { room: String, imported: String },
    UnknownRoom { name: String },
    NoOpening,
    Prints { with: String },
    SpeaksToEngine,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ", self.file.display(), self.line)?;
        match &self.rule {
            Rule::Import { room, imported } => {
                let allowed = allowed(room).unwrap_or_default();
                let list = if allowed.is_empty() { "nothing of ours".to_owned() } else { format!("`{}`", allowed.join("`, `")) };
                write!(f, "imports `{imported}` into `{room}`, which may import only {list}")
            }
            Rule::UnknownRoom { name } => {
                write!(f, "names the room `{name}`, which the table in tests/architecture.rs does not have")
            }
            Rule::NoOpening => write!(f, "does not open with `//!`: what it is for, who feeds it, who reads it"),
            Rule::Prints { with } => write!(f, "prints with `{with}`, which only `{PRINTER}` does"),
            Rule::SpeaksToEngine => write!(f, "names `{}`, which only `{}` does", ENGINE.0, ENGINE.1),
        }
    }
}

fn allowed(room: &str) -> Option<&'static [&'static str]> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed)
}

#[test]
fn imports_point_down_only_term_prints_and_only_docker_speaks_to_engines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    assert!(files.len() > 20, "the sources were not found: {files:?}");
    let broken: Vec<_> =
        files.iter().flat_map(|file| check(file.strip_prefix(root).unwrap(), &fs::read_to_string(file).unwrap())).collect();
    assert!(broken.is_empty(), "\n{}", sentences(&broken));
}

#[test]
fn every_test_file_says_what_it_is_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("tests"), &mut files);
    let broken: Vec<_> =
        files.iter().filter_map(|file| opening(file.strip_prefix(root).unwrap(), &fs::read_to_string(file).unwrap())).collect();
    assert!(broken.is_empty(), "\n{}", sentences(&broken));
}

fn sentences(broken: &[Broken]) -> String {
    broken.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("the folder of sources can be read");
    let mut entries: Vec<_> = entries.map(|entry| entry.expect("its entries can be read").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Everything that is wrong with one source file; `file` is relative to the crate.
fn check(file: &Path, text: &str) -> Vec<Broken> {
    let code = blank(text);
    let tokens = tokens(&code);
    let parts: Vec<_> = file.components().skip(1).map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let mut broken: Vec<_> = opening(file, text).into_iter().collect();
    let line_of = |offset: usize| code[..offset].matches('\n').count() + 1;
    let mut add = |offset, rule| broken.push(Broken { file: file.to_owned(), line: line_of(offset), rule });

    let room = match parts.as_slice() {
        [one] if one == "main.rs" => "main",
        [one] if one == "lib.rs" => return broken,
        [first, ..] => first.trim_end_matches(".rs"),
        [] => return broken,
    };
    if room != "main" && allowed(room).is_none() {
        add(0, Rule::UnknownRoom { name: room.to_owned() });
    }
    for (offset, imported) in rooms_named(&tokens, depth(&parts)) {
        if allowed(imported).is_none() {
            add(offset, Rule::UnknownRoom { name: imported.to_owned() });
        } else if !may_import(room, imported) {
            add(offset, Rule::Import { room: room.to_owned(), imported: imported.to_owned() });
        }
    }
    if room != PRINTER {
        for (offset, with) in prints(&tokens) {
            add(offset, Rule::Prints { with });
        }
    }
    if !file.starts_with(ENGINE.1) {
        for (offset, _) in tokens.iter().filter(|(_, word)| *word == ENGINE.0) {
            add(*offset, Rule::SpeaksToEngine);
        }
    }
    broken
}

fn may_import(room: &str, imported: &str) -> bool {
    let list = if room == "main" { &["cli"][..] } else { allowed(room).unwrap_or_default() };
    room == imported || list == EVERYTHING || list.contains(&imported)
}

/// How many modules a file's code is below the crate's root.
fn depth(parts: &[String]) -> usize {
    parts.len() - usize::from(parts.last().is_some_and(|name| name == "mod.rs" || name == "main.rs"))
}

fn opening(file: &Path, text: &str) -> Option<Broken> {
    let opens = text.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| line.starts_with("//! ") && line.len() > 20);
    (!opens).then(|| Broken { file: file.to_owned(), line: 1, rule: Rule::NoOpening })
}

/// A word, `::` or another sign, and where it stands.
type Token<'a> = (usize, &'a str);

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut signs = code.char_indices().peekable();
    while let Some((start, sign)) = signs.next() {
        if sign.is_whitespace() {
            continue;
        }
        let mut end = start + sign.len_utf8();
        let is_word = |sign: &char| sign.is_alphanumeric() || *sign == '_';
        if is_word(&sign) {
            while let Some((at, next)) = signs.next_if(|(_, next)| is_word(next)) {
                end = at + next.len_utf8();
            }
        } else if sign == ':' && signs.next_if(|(_, next)| *next == ':').is_some() {
            end += 1;
        }
        tokens.push((start, &code[start..end]));
    }
    tokens
}

/// The rooms that paths name: `crate::room`, `devstack::room`, `use crate::{room, other::thing}`, and `super::` chains that reach the root
/// from a file `depth` modules below it.
fn rooms_named<'a>(tokens: &[Token<'a>], depth: usize) -> Vec<Token<'a>> {
    let inline = inline_modules(tokens);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = at == 0 || tokens[at - 1].1 != "::";
        let reached = match tokens[at].1 {
            "crate" | "devstack" if begins => Some(at + 1),
            "super" if begins => past_supers(tokens, at, depth + inline[at]),
            _ => None,
        };
        at += 1;
        if let Some(next) = reached.filter(|next| tokens.get(*next).is_some_and(|token| token.1 == "::")) {
            heads(tokens, next + 1, &mut found);
            at = next;
        }
    }
    found
}

/// For each token, how many `mod name { .. }` of this file it stands in.
fn inline_modules(tokens: &[Token<'_>]) -> Vec<usize> {
    let mut open = Vec::new();
    let mut depths = Vec::with_capacity(tokens.len());
    for (at, (_, sign)) in tokens.iter().enumerate() {
        match *sign {
            "{" => open.push(at >= 2 && tokens[at - 2].1 == "mod"),
            "}" => drop(open.pop()),
            _ => {}
        }
        depths.push(open.iter().filter(|is_module| **is_module).count());
    }
    depths
}

/// Where a chain of exactly `depth` `super`s ends.
fn past_supers(tokens: &[Token<'_>], start: usize, depth: usize) -> Option<usize> {
    let mut at = start + 1;
    let mut count = 1;
    while tokens.get(at).is_some_and(|token| token.1 == "::") && tokens.get(at + 1).is_some_and(|token| token.1 == "super") {
        at += 2;
        count += 1;
    }
    (count == depth).then_some(at)
}

/// The first names of a path or of a braced list of paths.
fn heads<'a>(tokens: &[Token<'a>], start: usize, found: &mut Vec<Token<'a>>) {
    let Some(first) = tokens.get(start) else { return };
    if first.1 != "{" {
        found.push(*first);
        return;
    }
    let mut nesting = 0;
    for (at, (_, sign)) in tokens.iter().enumerate().skip(start) {
        match *sign {
            "{" => nesting += 1,
            "}" => nesting -= 1,
            word if nesting == 1 && matches!(tokens[at - 1].1, "{" | ",") && word != "," => found.push(tokens[at]),
            _ => {}
        }
        if nesting == 0 {
            return;
        }
    }
}

fn prints(tokens: &[Token<'_>]) -> Vec<(usize, String)> {
    let at = |index: usize| tokens.get(index).map_or("", |token| token.1);
    let mut found = Vec::new();
    for (index, (offset, word)) in tokens.iter().enumerate() {
        let is_macro = matches!(*word, "print" | "println" | "eprint" | "eprintln" | "dbg") && at(index + 1) == "!";
        let is_stream = matches!(*word, "stdout" | "stderr")
            && index >= 2
            && at(index - 1) == "::"
            && matches!(at(index - 2), "io" | "anstream");
        if is_macro {
            found.push((*offset, format!("{word}!")));
        } else if is_stream {
            found.push((*offset, format!("{}::{word}", at(index - 2))));
        }
    }
    found
}

/// The text with comments, strings and character literals replaced by spaces; line breaks stay.
fn blank(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let in_word = code.chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '_');
        let length = match sign {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment_length(rest),
            '"' => quoted_length(rest, 1, '"'),
            'b' if !in_word && rest.starts_with("b\"") => quoted_length(rest, 2, '"'),
            'r' | 'b' | 'c' if !in_word => raw_length(rest).unwrap_or(0),
            '\'' if is_character(rest) => quoted_length(rest, 1, '\''),
            _ => 0,
        };
        let taken = if length == 0 { sign.len_utf8() } else { length };
        let blanked = |sign: char| if sign == '\n' { "\n".to_owned() } else { " ".repeat(sign.len_utf8()) };
        if length == 0 {
            code.push(sign);
        } else {
            code.extend(rest[..taken].chars().map(blanked));
        }
        rest = &rest[taken..];
    }
    code
}

fn comment_length(rest: &str) -> usize {
    let (mut nesting, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            nesting += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            nesting -= 1;
            at += 2;
            if nesting == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn quoted_length(rest: &str, start: usize, quote: char) -> usize {
    let mut escaped = false;
    for (at, sign) in rest.char_indices().skip(start) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if sign == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a raw string such as `r#".."#` or `br".."` at the beginning of `rest`.
fn raw_length(rest: &str) -> Option<usize> {
    let open = rest.strip_prefix("br").or_else(|| rest.strip_prefix("cr")).or_else(|| rest.strip_prefix('r'))?;
    let hashes = open.len() - open.trim_start_matches('#').len();
    let inside = open[hashes..].strip_prefix('"')?;
    let end = inside.find(&format!("\"{}", "#".repeat(hashes)))?;
    Some(rest.len() - inside.len() + end + 1 + hashes)
}

/// Whether a quote opens a character, not a lifetime.
fn is_character(rest: &str) -> bool {
    let mut signs = rest.chars().skip(1);
    matches!((signs.next(), signs.next()), (Some('\\'), _) | (Some(_), Some('\'')))
}

#[cfg(test)]
mod the_checker {
    use std::path::Path;

    use super::check;

    fn complaints(file: &str, code: &str) -> Vec<String> {
        let text = format!("//! A file that is written for this test.\n{code}");
        check(Path::new(file), &text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn notices_an_import_that_points_up_however_it_is_written() {
        for code in [
            "use crate::check::RunReport;",
            "use crate::{model::Span, check};",
            "use crate::{\n    model::{self, Span},\n    check::{Finding, Mark},\n};",
            "fn f() -> crate::check::RunReport { todo() }",
            "pub(crate) use super::super::check::RunReport;",
            "mod tests { use super::super::super::check::X; }",
            "macro_rules! m { () => { $crate::check::x() } }",
            "const A: &str = r#\"//\"#; const B: char = '\"'; use crate::check::X; // \"",
            "fn f<'a>(x: &'a str) { crate::check::x(x) }",
        ] {
            let complaints = complaints("src/backend/store.rs", code);
            assert_eq!(complaints.len(), 1, "{code}: {complaints:?}");
            assert!(
                complaints[0]
                    .contains("imports `check` into `backend`, which may import only `traceql`, `promql`, `model`, `support`"),
                "{complaints:?}"
            );
        }
    }

    #[test]
    fn names_file_and_line() {
        let found = complaints("src/support/clock.rs", "\nuse std::io;\nuse crate::model::Span;\n");
        assert_eq!(found, ["src/support/clock.rs:4 imports `model` into `support`, which may import only nothing of ours"]);
    }

    #[test]
    fn takes_what_is_allowed_and_what_is_no_code() {
        for code in [
            "use crate::{model::Span, support::{clock, env}};",
            "use crate::backend::ledger::Ledger;",
            "use super::ledger::Ledger;",
            "mod tests { use super::super::ledger; use super::Store; mod deeper { use super::super::super::ledger; } }",
            "// use crate::check::X;\n/* crate::check /* nested */ crate::check */",
            "const A: &str = \"crate::check::X \\\" crate::check\"; const B: &[u8] = br##\"crate::check\"# \"##;",
            "/// See [`crate::check`].\nfn f() {}",
            "use other_crate::check::X; use std::io::Write;",
            "let out = command.stdout(piped()).stderr(piped());",
        ] {
            assert_eq!(complaints("src/backend/store.rs", code), Vec::<String>::new(), "{code}");
        }
    }

    #[test]
    fn notices_printing_outside_of_term() {
        for code in
            ["println!(\"x\");", "eprint ! (\"x\");", "let _ = dbg!(1);", "std::io::stdout().lock();", "f(std::io::stderr);"]
        {
            assert_eq!(complaints("src/cli/replay.rs", code).len(), 1, "{code}");
            assert_eq!(complaints("src/term/ui.rs", code).len(), 0, "{code}");
        }
    }

    #[test]
    fn notices_the_library_of_engines_outside_of_its_folder() {
        let code = "use bollard::Docker;";
        assert!(complaints("src/doctor/engine.rs", code)[0].contains("names `bollard`"));
        assert_eq!(complaints("src/runtime/base/docker.rs", code).len(), 1);
        assert_eq!(complaints("src/runtime/docker/engine.rs", code).len(), 0);
        assert_eq!(complaints("src/doctor/engine.rs", "// bollard\nlet words = \"bollard\";").len(), 0);
    }

    #[test]
    fn notices_a_room_without_an_entry_and_a_file_without_an_opening() {
        assert!(complaints("src/misc/mod.rs", "")[0].contains("names the room `misc`"));
        assert!(complaints("src/cli/mod.rs", "use crate::misc::x;")[0].contains("names the room `misc`"));
        let silent = check(Path::new("src/cli/mod.rs"), "use std::fmt;\n//! too late\n");
        assert!(silent[0].to_string().contains("src/cli/mod.rs:1 does not open with `//!`"));
    }

    #[test]
    fn main_is_a_door_into_cli_and_nothing_else() {
        assert_eq!(complaints("src/main.rs", "fn main() { devstack::cli::main() }"), Vec::<String>::new());
        assert_eq!(complaints("src/main.rs", "fn main() { devstack::check::run() }").len(), 1);
    }

    #[test]
    fn the_table_itself_has_no_circle() {
        for (at, (room, allowed)) in super::ROOMS.iter().enumerate() {
            for imported in allowed.iter().filter(|imported| **imported != "*") {
                let below = super::ROOMS.iter().position(|(name, _)| name == imported);
                assert!(below.is_some_and(|below| below < at), "`{imported}` must stand above `{room}` in the table");
            }
        }
    }
}
