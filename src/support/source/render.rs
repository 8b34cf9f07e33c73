//! Draws problems for a person: a header a file, and for each problem the source line, a caret, a label and help.
//!
//! Fed with [`Problems`]; the text is printed by the terminal's edge (`cli`). It looks like this:
//!
//! ```text
//! error: fixtures/whatsapp/text-message.yaml has 1 problem
//!
//!   × unknown key `atributes`
//!     ╭─[fixtures/whatsapp/text-message.yaml:12:9]
//!  12 │         atributes: { http.status_code: 200 }
//!     ·         ────┬────
//!     ·             ╰── did you mean `attributes`?
//!     ╰────
//! ```

use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode, ThemeStyles};

use super::{FileProblems, Level, Problem, Problems, excerpt::Excerpt};

/// Columns that the drawing fits in.
pub const WIDTH: usize = 80;

/// Columns that the line number and its border take.
const GUTTER: usize = 8;

/// So many problems of one file are drawn; who has more fixes these first.
const DRAWN_PER_FILE: usize = 25;

/// Whether the drawing has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// ANSI colours.
    Colour,
    /// Plain text.
    Plain,
}

impl Problems {
    /// The drawing, [`WIDTH`] columns wide, without a line break at its end; empty when there is no problem.
    pub fn render(&self, paint: Paint) -> String {
        let mut theme = GraphicalTheme::unicode_nocolor();
        if paint == Paint::Colour {
            theme.styles = ThemeStyles::ansi();
        }
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_context_lines(0)
            .with_width(WIDTH)
            .with_links(false)
            .without_syntax_highlighting();
        let files: Vec<String> = self.files().iter().map(|file| render_file(file, &handler, paint)).collect();
        files.join("\n\n")
    }
}

fn render_file(file: &FileProblems, handler: &GraphicalReportHandler, paint: Paint) -> String {
    let mut out = header(file, paint);
    for problem in file.problems.iter().take(DRAWN_PER_FILE) {
        out.push_str("\n\n");
        // Writing into a String fails only when the handler does, and then it has written what it could.
        let mut drawn = String::new();
        let _ = handler.render_report(&mut drawn, &Drawn::new(file, problem));
        out.push_str(drawn.trim_matches('\n'));
    }
    if file.problems.len() > DRAWN_PER_FILE {
        out.push_str("\n\n  … and ");
        out.push_str(&(file.problems.len() - DRAWN_PER_FILE).to_string());
        out.push_str(" more");
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// `error: FILE has 2 problems`, or `warning:` when none is an error.
fn header(file: &FileProblems, paint: Paint) -> String {
    let errors = file.problems.iter().filter(|problem| problem.level == Level::Error).count();
    let warnings = file.problems.len() - errors;
    let (word, style) = if errors > 0 {
        ("error", anstyle::AnsiColor::Red.on_default().bold())
    } else {
        ("warning", anstyle::AnsiColor::Yellow.on_default().bold())
    };
    let style = if paint == Paint::Colour { style } else { anstyle::Style::new() };
    let plural = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let what = match (errors, warnings) {
        (0, warnings) => plural(warnings, "warning"),
        (errors, 0) => plural(errors, "problem"),
        (errors, warnings) => format!("{} and {}", plural(errors, "problem"), plural(warnings, "warning")),
    };
    format!("{style}{word}{style:#}: {} has {what}", file.file)
}

/// A problem as miette wants it.
struct Drawn<'a> {
    problem: &'a Problem,
    excerpt: Option<Excerpt>,
}

impl<'a> Drawn<'a> {
    fn new(file: &FileProblems, problem: &'a Problem) -> Self {
        let excerpt = file.source.as_deref().zip(problem.place);
        let excerpt = excerpt.map(|(source, place)| Excerpt::new(&file.file, source, place, &problem.label, WIDTH - GUTTER));
        Self { problem, excerpt }
    }
}

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(match self.problem.level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let mark = self.excerpt.as_ref()?.mark();
        let label = Some(self.problem.label.clone()).filter(|label| !label.is_empty());
        Some(Box::new(std::iter::once(LabeledSpan::new_primary_with_span(label, mark))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Paint, Problem, Problems, WIDTH};
    use crate::support::source::Place;

    fn sample() -> Problems {
        let source = "trace:\n  - server: POST /x\n    atributes: { http.status_code: 200 }\n";
        let mut problems = Problems::default();
        let place = Place::of(source, 31..40);
        let typo = Problem::at(place, "unknown-key", "unknown key `atributes`").label("did you mean `attributes`?");
        let whole = Problem::of_file("missing-key", "missing key `name`").help("a sentence that says what the fixture shows");
        problems.add("fixtures/a.yaml", Some(Arc::from(source)), [typo, whole]);
        problems
    }

    #[test]
    fn the_line_the_caret_and_the_help_are_drawn() {
        insta::assert_snapshot!(sample().render(Paint::Plain), @r"
        error: fixtures/a.yaml has 2 problems

          × missing key `name`
          help: a sentence that says what the fixture shows

          × unknown key `atributes`
           ╭─[fixtures/a.yaml:3:5]
         3 │     atributes: { http.status_code: 200 }
           ·     ────┬────
           ·         ╰── did you mean `attributes`?
           ╰────
        ");
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let coloured = sample().render(Paint::Colour);
        assert!(coloured.contains('\u{1b}'));
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), sample().render(Paint::Plain));
    }

    #[test]
    fn many_problems_of_one_file_are_counted_not_drawn() {
        let source = "x\n".repeat(40);
        let mut problems = Problems::default();
        problems.add(
            "a.yaml",
            Some(Arc::from(source.as_str())),
            (0..40).map(|line| Problem::at(Place::of(&source, line * 2..line * 2 + 1), "x", "wrong")),
        );
        let drawn = problems.render(Paint::Plain);
        assert!(drawn.starts_with("error: a.yaml has 40 problems"));
        assert!(drawn.ends_with("… and 15 more"));
        assert!(drawn.lines().all(|line| line.chars().count() <= WIDTH));
    }
}
