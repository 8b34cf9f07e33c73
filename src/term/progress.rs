//! A bar that says how many cases are done and which are under way, on a terminal; without one, nothing.
//!
//! Driven by the reporter. It lives on stderr below what is written, is taken off the screen when dropped, and the lines of
//! [`Ui`] are written around it.

use std::{collections::VecDeque, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Ui, text::clean};

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// Progress of cases; shows nothing where there is no terminal.
pub struct Progress<'ui> {
    ui: &'ui Ui,
    bar: ProgressBar,
    /// Labels of what is under way, oldest first.
    running: VecDeque<String>,
}

impl<'ui> Progress<'ui> {
    pub(super) fn new(ui: &'ui Ui, total: usize) -> Self {
        if !ui.is_live() {
            return Self { ui, bar: ProgressBar::hidden(), running: VecDeque::new() };
        }
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
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
            self.bar.set_message(self.running.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.ui.clear_progress();
    }
}

fn style(unicode: bool) -> ProgressStyle {
    let style =
        ProgressStyle::with_template("  {spinner} {pos}/{len} {bar:16} {wide_msg} {elapsed}").expect("the template is valid");
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
