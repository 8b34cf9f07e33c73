//! A list of checks: a mark, a sentence, and under what is not as it should be the fix.
//!
//! Fed by `cli` (`devstack doctor`).

use super::{
    look::{Look, Role},
    text::{clean, count, push_line, wrap},
};

/// Columns before a sentence, and before a fix.
const SENTENCE: usize = 4;
const FIX: usize = 6;

/// How an item is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Good,
    /// Worth a look.
    Attention,
    /// Does not work.
    Bad,
    /// Cannot be said.
    Unknown,
}

/// One line of the list.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    /// How it is to be taken.
    pub mark: Mark,
    /// What was found.
    pub text: &'a str,
    /// What to do about it.
    pub fix: Option<&'a str>,
}

/// The list, and how many items are not good: `2 of 9 checks need attention`.
pub fn render(items: &[Item<'_>], look: &Look) -> String {
    let mut out = lines(items, look);
    push_line(&mut out, &summary(items));
    out
}

/// A list under a heading, without the sum.
pub fn section(title: &str, items: &[Item<'_>], look: &Look) -> String {
    let mut out = String::new();
    push_line(&mut out, &clean(title));
    out + &lines(items, look)
}

fn lines(items: &[Item<'_>], look: &Look) -> String {
    let mut out = String::new();
    for item in items {
        let lines = wrap(&clean(item.text), look.width.min(100).saturating_sub(SENTENCE));
        for (at, line) in lines.iter().enumerate() {
            let front = if at == 0 { format!("  {} ", mark(item.mark, look)) } else { " ".repeat(SENTENCE) };
            push_line(&mut out, &format!("{front}{line}"));
        }
        if let Some(fix) = item.fix {
            // Never wrapped: it is there to be pasted.
            push_line(&mut out, &format!("{}{}: {}", " ".repeat(FIX), look.paint(Role::Hint, "fix"), clean(fix)));
        }
    }
    out
}

fn summary(items: &[Item<'_>]) -> String {
    let all = count(items.len(), "check");
    match items.iter().filter(|item| item.mark != Mark::Good).count() {
        0 => format!("{all}, nothing to do"),
        1 => format!("1 of {all} needs attention"),
        open => format!("{open} of {all} need attention"),
    }
}

fn mark(mark: Mark, look: &Look) -> String {
    match mark {
        Mark::Good => look.paint(Role::Good, look.glyph("✓", "o")),
        Mark::Attention => look.paint(Role::Warning, "!"),
        Mark::Bad => look.paint(Role::Bad, look.glyph("✗", "x")),
        Mark::Unknown => look.paint(Role::Dim, look.glyph("–", "-")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, Look, Mark, render, section};

    const ITEMS: [Item<'_>; 3] = [
        Item { mark: Mark::Good, text: "docker engine 28.2 at unix:///var/run/docker.sock", fix: None },
        Item {
            mark: Mark::Bad,
            text: "port 9090 (prometheus) is held by prometheus (pid 812), started 2 h ago",
            fix: Some("stop it (`kill 812`), or `devstack up --ports auto`"),
        },
        Item { mark: Mark::Attention, text: "a name with \u{1b}[2J in it", fix: None },
    ];

    #[test]
    fn marks_sentences_fixes_and_the_sum() {
        let drawn = render(&ITEMS, &Look::plain());
        assert_eq!(
            drawn,
            "  ✓ docker engine 28.2 at unix:///var/run/docker.sock
  ✗ port 9090 (prometheus) is held by prometheus (pid 812), started 2 h ago
      fix: stop it (`kill 812`), or `devstack up --ports auto`
  ! a name with \\u{1b}[2J in it
2 of 3 checks need attention
"
        );
    }

    #[test]
    fn narrow_terminals_and_ascii() {
        let drawn = render(&ITEMS[1..2], &Look { unicode: false, ..Look::plain().wide(50) });
        assert_eq!(
            drawn,
            "  x port 9090 (prometheus) is held by prometheus
    (pid 812), started 2 h ago
      fix: stop it (`kill 812`), or `devstack up --ports auto`
1 of 1 check needs attention
"
        );
    }

    #[test]
    fn a_section_has_a_heading_and_no_sum() {
        let items = [Item { mark: Mark::Unknown, text: "not measured", fix: None }];
        assert_eq!(section("Traces", &items, &Look::plain()), "Traces\n  – not measured\n");
    }

    #[test]
    fn nothing_to_do() {
        assert!(render(&ITEMS[..1], &Look::plain()).ends_with("1 check, nothing to do\n"));
    }
}
