//! A line of a file a user wrote, with what is wrong under it, drawn as miette draws it so that all carets look alike.
//!
//! ```text
//!    ╭─[fixtures/stripe/payment-failed.yaml:14:21]
//! 14 │             status: error
//!    ·                     ──┬──
//!    ·                       ╰── the span says unset
//! ```
//!
//! Fed by `report`, which holds the texts.

use super::{
    Look, Role,
    text::{clean, push_line, width, wrap},
};

/// A place in a text, and what to say of it.
#[derive(Debug, Clone)]
pub struct Snippet<'a> {
    /// The file as the user named it; may carry a link already.
    pub file: &'a str,
    /// The whole text of the file; `None` when it could not be had, then only the place is named.
    pub source: Option<&'a str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Length in characters; what reaches beyond the line is cut.
    pub length: usize,
    /// What stands under the caret.
    pub label: &'a str,
}

/// Draws the snippet, each line after `indent` spaces, each ended.
pub fn render(snippet: &Snippet<'_>, indent: usize, look: &Look) -> String {
    let number = snippet.line.to_string();
    let margin = " ".repeat(indent + number.len() + 1);
    let place = format!("{}:{}:{}", snippet.file, snippet.line, snippet.column);
    let mut out = format!("{margin}{}{place}{}\n", look.paint(Role::Dim, look.glyph("╭─[", ",-[")), look.paint(Role::Dim, "]"));
    let Some(line) = snippet.source.and_then(|source| source.lines().nth(snippet.line.saturating_sub(1))) else {
        if !snippet.label.is_empty() {
            push_line(
                &mut out,
                &format!("{margin}{} {}", look.paint(Role::Dim, look.glyph("·", ":")), look.paint(Role::Caret, snippet.label)),
            );
        }
        return out;
    };
    let room = look.width.min(100).saturating_sub(margin.len() + 2);
    let window = Window::of(line, snippet, room, look);
    let bar = look.paint(Role::Dim, look.glyph("│", "|"));
    push_line(&mut out, &format!("{:indent$}{} {bar} {}", "", look.paint(Role::Dim, &number), window.text));
    let gutter = format!("{margin}{} ", look.paint(Role::Dim, look.glyph("·", ":")));
    for line in under(&window, snippet.label, room, look) {
        push_line(&mut out, &format!("{gutter}{}", look.paint(Role::Caret, &line)));
    }
    out
}

/// The part of a line that is shown, with the columns of the caret in it.
struct Window {
    text: String,
    start: usize,
    span: usize,
}

impl Window {
    /// Cuts a line that is too long around the caret.
    fn of(line: &str, snippet: &Snippet<'_>, room: usize, look: &Look) -> Self {
        let chars: Vec<String> = line.chars().map(shown).collect();
        let from = (snippet.column.max(1) - 1).min(chars.len());
        let to = (from + snippet.length.max(1)).min(chars.len()).max(from);
        let columns = |chars: &[String]| chars.iter().map(|ch| width(ch)).sum::<usize>();
        let mut left = 0;
        while columns(&chars[left..to]) > room.saturating_sub(2) && left < from {
            left += 1;
        }
        let mut right = chars.len();
        while columns(&chars[left..right]) > room.saturating_sub(2) && right > from + 1 {
            right -= 1;
        }
        let (front, back) = (cut_mark(left > 0, look), cut_mark(right < chars.len(), look));
        let start = width(front) + columns(&chars[left..from]);
        let span = columns(&chars[from..to.min(right).max(from)]).max(1);
        Self { text: format!("{front}{}{back}", chars[left..right].concat()), start, span }
    }
}

fn cut_mark(cut: bool, look: &Look) -> &'static str {
    if cut { look.ellipsis() } else { "" }
}

fn shown(ch: char) -> String {
    match ch {
        '\t' => "    ".to_owned(),
        ch => clean(ch.encode_utf8(&mut [0; 4])).into_owned(),
    }
}

/// The underline, and the label hanging from its middle.
fn under(window: &Window, label: &str, room: usize, look: &Look) -> Vec<String> {
    let (dash, stem) = (look.glyph("─", "^"), look.glyph("┬", "^"));
    let pad = " ".repeat(window.start);
    if label.is_empty() {
        return vec![format!("{pad}{}", dash.repeat(window.span))];
    }
    let middle = (window.span - 1) / 2;
    let mut lines = vec![format!("{pad}{}{stem}{}", dash.repeat(middle), dash.repeat(window.span - 1 - middle))];
    let hook = look.glyph("╰── ", "`-- ");
    let label = clean(label);
    let tee = window.start + middle;
    let beside = tee + width(hook);
    if beside + width(&label) > room && width(&label) + 4 <= tee {
        let back = look.glyph(" ──╯", " --'");
        lines.push(format!("{}{label}{back}", " ".repeat(tee + 1 - width(&label) - width(back))));
        return lines;
    }
    // A label that fits neither side of its hook starts further left: words are worth more than the angle.
    let lead = if beside + width(&label) > room { beside.min(room / 3) } else { beside };
    for (index, part) in wrap(&label, room.saturating_sub(lead)).into_iter().enumerate() {
        let hook = if index == 0 { hook } else { "    " };
        lines.push(format!("{}{hook}{part}", " ".repeat(lead.saturating_sub(width(hook)))));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Snippet, render};
    use crate::term::{Look, text::width};

    fn snippet<'a>(source: &'a str, at: (usize, usize, usize), label: &'a str) -> Snippet<'a> {
        Snippet { file: "a.yaml", source: Some(source), line: at.0, column: at.1, length: at.2, label }
    }

    #[test]
    fn the_caret_stands_under_what_it_means() {
        let text = "trace:\n  - server: x\n    status: error\n";
        assert_eq!(
            render(&snippet(text, (3, 13, 5), "the span says unset"), 2, &Look::plain()),
            "    ╭─[a.yaml:3:13]\n  3 │     status: error\n    ·             ──┬──\n    ·               ╰── the span says unset\n"
        );
    }

    #[test]
    fn ascii_tabs_and_wide_characters_keep_the_caret_in_place() {
        let ascii = Look { unicode: false, ..Look::plain() };
        assert_eq!(
            render(&snippet("\t名: x", (1, 5, 1), "what"), 0, &ascii),
            "  ,-[a.yaml:1:5]\n1 |     名: x\n  :         ^\n  :         `-- what\n"
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_caret_and_fit() {
        let line = format!("{}HERE{}", "a".repeat(200), "b".repeat(200));
        let drawn = render(
            &snippet(&line, (1, 201, 4), "a label that is rather long for where it hangs, and goes on"),
            4,
            &Look::plain(),
        );
        assert!(drawn.lines().all(|line| width(line) <= 80), "{drawn}");
        let lines: Vec<_> = drawn.lines().collect();
        let shown = lines[1].find("HERE").map(|at| width(&lines[1][..at]));
        let caret = lines[2].find('─').map(|at| width(&lines[2][..at]));
        assert_eq!(shown, caret, "{drawn}");
        assert!(drawn.contains("goes on"));
    }

    #[test]
    fn a_label_that_does_not_fit_on_the_right_stands_on_the_left() {
        let line = format!("{}HERE", " ".repeat(60));
        let drawn = render(&snippet(&line, (1, 61, 4), "too long for the right side"), 0, &Look::plain());
        let last = drawn.lines().last().unwrap();
        assert!(last.ends_with("too long for the right side ──╯"), "{drawn}");
        let stem = drawn.lines().nth(2).unwrap();
        assert_eq!(stem.find('┬').map(|at| width(&stem[..at])), last.find('╯').map(|at| width(&last[..at])), "{drawn}");
    }

    #[test]
    fn a_place_outside_the_text_is_still_named() {
        assert_eq!(render(&snippet("x", (9, 1, 1), "gone"), 0, &Look::plain()), "  ╭─[a.yaml:9:1]\n  · gone\n");
        assert!(render(&snippet("x", (1, 40, 3), "gone"), 0, &Look::plain()).contains("gone"));
    }
}
