//! A bar that says how many cases are done and which are under way, on a terminal; without one, nothing.
//!
//! Driven by the reporter. It lives on stderr below what is written, is taken off the screen when dropped, and the lines of
//! [`Ui`] are written around it.

use std::{
    collections::VecDeque,
    io::{self, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::{
    Ui,
    text::{clean, clip},
};

/// How often the spinner turns.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// How often the bar is drawn at most, a second.
pub(super) const DRAWS: u8 = 20;

/// Columns of the line that are not labels: spinner, counts, bar, time, and what is kept free.
const TAKEN: usize = 40 + FREE;

/// Columns kept free at the end of the line, for the `^C` that a terminal echoes: it has to stay on the line of the bar to be cleared
/// with it.
const FREE: usize = 4;

/// Progress of cases; shows nothing where there is no terminal.
pub struct Progress<'ui> {
    ui: &'ui Ui,
    bar: ProgressBar,
    /// Labels of what is under way, oldest first.
    running: VecDeque<String>,
}

/// stderr as indicatif draws on it, a little narrower than it is.
#[derive(Debug)]
pub(super) struct BarLine;

impl<'ui> Progress<'ui> {
    pub(super) fn new(ui: &'ui Ui, total: usize) -> Self {
        if !ui.is_live() {
            return Self { ui, bar: ProgressBar::hidden(), running: VecDeque::new() };
        }
        let bar =
            ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::term_like_with_hz(Box::new(BarLine), DRAWS));
        bar.set_style(style(ui.err_look().unicode));
        bar.enable_steady_tick(TICK);
        ui.show_bar(bar.clone());
        Self { ui, bar, running: VecDeque::new() }
    }

    /// A case has begun.
    pub fn started(&mut self, label: &str) {
        self.running.push_back(clean(label).into_owned());
        self.relabel();
    }

    /// A case is under way under another label now.
    pub fn relabelled(&mut self, old: &str, new: &str) {
        let old = clean(old);
        if let Some(at) = self.running.iter().position(|running| *running == old) {
            self.running[at] = clean(new).into_owned();
            self.relabel();
        }
    }

    /// A case has ended.
    pub fn finished(&mut self, label: &str) {
        let label = clean(label);
        if let Some(at) = self.running.iter().position(|running| *running == label) {
            self.running.remove(at);
        }
        self.bar.inc(1);
        self.relabel();
    }

    fn relabel(&self) {
        if !self.bar.is_hidden() {
            let look = self.ui.err_look();
            let labels = self.running.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            self.bar.set_message(clip(&labels, look.width.saturating_sub(TAKEN), look));
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.ui.eraser().clear();
    }
}

/// Escape sequences of ECMA-48, which every terminal has that is not dumb; on those there is no bar.
impl TermLike for BarLine {
    fn width(&self) -> u16 {
        let columns = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(terminal_size::Width(columns), _)| columns);
        columns.saturating_sub(FREE as u16).max(1)
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.escape(lines, 'A')
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.escape(lines, 'B')
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.escape(columns, 'C')
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.escape(columns, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        writeln!(io::stderr(), "{text}")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        io::stderr().write_all(text.as_bytes())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write_str("\r\u{1b}[2K")
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl BarLine {
    fn escape(&self, times: usize, end: char) -> io::Result<()> {
        if times == 0 { Ok(()) } else { self.write_str(&format!("\u{1b}[{times}{end}")) }
    }
}

fn style(unicode: bool) -> ProgressStyle {
    let style =
        ProgressStyle::with_template("  {spinner} {pos}/{len} {bar:16} {elapsed:>3} {msg}").expect("the template is valid");
    if unicode { style.progress_chars("━╸─") } else { style.progress_chars("=>-").tick_chars("-\\|/ ") }
}

#[cfg(test)]
mod tests {
    use super::{Progress, style};
    use crate::term::{Look, Ui};

    #[test]
    fn both_styles_are_valid() {
        style(true);
        style(false);
    }

    #[test]
    fn without_a_terminal_nothing_is_written_and_the_same_label_may_run_twice() {
        let (ui, captured) = Ui::captured(&Look::plain(), false);
        let mut progress = Progress::new(&ui, 2);
        progress.started("a");
        progress.started("a");
        progress.finished("a");
        assert_eq!(progress.running, ["a"]);
        drop(progress);
        assert_eq!(captured.err(), "");
    }
}
