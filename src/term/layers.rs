//! How far images are, a bar a layer, on a terminal; without one, a line an image.
//!
//! Driven by `report` while a stack's images are fetched, and by `devstack images`. Lives on stderr below what is written, and is off the
//! screen when dropped.

use std::collections::{BTreeMap, BTreeSet};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    Ui,
    progress::{BarLine, DRAWS, TICK},
    text::{clean, clip, pad_end},
};

/// So many bars are shown at once; further layers get theirs when others are done.
const BARS: usize = 12;

/// Columns of what a bar says of itself.
const WORDS: usize = 34;

/// Columns of a bar and its bytes.
const TAKEN: usize = 46;

/// Words of engines after which nothing more comes of a layer.
const DONE: [&str; 4] = ["Pull complete", "Already exists", "Layer already exists", "Loaded"];

/// The layers that are under way.
pub struct Layers<'ui> {
    ui: &'ui Ui,
    /// What moves; `None` where there is no terminal.
    live: Option<Live>,
    /// Images that a line was written about.
    told: BTreeSet<String>,
}

struct Live {
    all: MultiProgress,
    /// Says how many are done; the lines of [`Ui`] are written around it, and so around all.
    head: ProgressBar,
    bars: BTreeMap<(String, String), ProgressBar>,
    done: BTreeSet<(String, String)>,
    unicode: bool,
}

impl<'ui> Layers<'ui> {
    /// A display of nothing yet.
    pub fn new(ui: &'ui Ui) -> Self {
        let live = ui.is_live().then(|| Live::new(ui.err_look().unicode));
        if let Some(live) = &live {
            ui.show_bar(live.head.clone());
        }
        Self { ui, live, told: BTreeSet::new() }
    }

    /// A layer of an image (the image itself, or the file that images are in, where `layer` is empty) is so far: `status` in the engine's
    /// words, `current` of `total` bytes, 0 where nobody knows how many.
    pub fn layer(&mut self, image: &str, layer: &str, status: &str, current: u64, total: u64) {
        let (image, layer, status) = (clean(image), clean(layer), clean(status));
        let Some(live) = &mut self.live else {
            if self.told.insert(image.to_string()) {
                self.ui.status(&format!("{image}: {}", status.to_lowercase()));
            }
            return;
        };
        let key = (image.to_string(), layer.to_string());
        if DONE.contains(&status.as_ref()) {
            live.finish(key);
            return;
        }
        // An image as a whole has no bytes of its own, except where it is one stream.
        if layer.is_empty() && total == 0 {
            return;
        }
        let look = self.ui.err_look();
        if let Some(bar) = live.bar(&key) {
            let name = if layer.is_empty() { &image } else { &layer };
            let words = clip(&format!("{} {name}", pad_end(&status, 12)), WORDS.min(look.width.saturating_sub(TAKEN)), look);
            bar.set_length(total.max(current));
            bar.set_position(current);
            bar.set_message(pad_end(&words, WORDS.min(look.width.saturating_sub(TAKEN))));
        }
        live.head.set_message(clip(&image, look.width.saturating_sub(TAKEN), look));
    }
}

impl Live {
    fn new(unicode: bool) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::term_like_with_hz(Box::new(BarLine), DRAWS));
        let head = all.add(ProgressBar::new_spinner());
        head.set_style(head_style(unicode));
        head.enable_steady_tick(TICK);
        Self { all, head, bars: BTreeMap::new(), done: BTreeSet::new(), unicode }
    }

    /// The bar of a layer; `None` where there are enough already.
    fn bar(&mut self, key: &(String, String)) -> Option<&ProgressBar> {
        if !self.bars.contains_key(key) {
            if self.bars.len() >= BARS {
                return None;
            }
            let bar = self.all.add(ProgressBar::new(0));
            bar.set_style(bar_style(self.unicode));
            self.bars.insert(key.clone(), bar);
        }
        self.bars.get(key)
    }

    fn finish(&mut self, key: (String, String)) {
        if let Some(bar) = self.bars.remove(&key) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
        self.done.insert(key);
        self.head.set_position(self.done.len() as u64);
    }
}

impl Drop for Layers<'_> {
    fn drop(&mut self) {
        if let Some(live) = &self.live {
            live.bars.values().for_each(ProgressBar::finish_and_clear);
            self.ui.eraser().clear();
        }
    }
}

fn head_style(unicode: bool) -> ProgressStyle {
    let style = ProgressStyle::with_template("  {spinner} {pos} layers done {elapsed:>3} {msg}").expect("the template is valid");
    if unicode { style } else { style.tick_chars("-\\|/ ") }
}

fn bar_style(unicode: bool) -> ProgressStyle {
    let style = ProgressStyle::with_template("    {msg} {bar:16} {bytes:>10} of {total_bytes}").expect("the template is valid");
    style.progress_chars(if unicode { "━╸─" } else { "=>-" })
}

#[cfg(test)]
mod tests {
    use super::{Layers, Live, bar_style, head_style};
    use crate::term::{Look, Ui};

    #[test]
    fn all_styles_are_valid() {
        for unicode in [true, false] {
            head_style(unicode);
            bar_style(unicode);
        }
    }

    #[test]
    fn without_a_terminal_each_image_has_one_line() {
        let (ui, captured) = Ui::captured(&Look::plain(), false);
        let mut layers = Layers::new(&ui);
        layers.layer("a/b:1", "", "Pulling from a/b", 0, 0);
        layers.layer("a/b:1", "0a1b", "Downloading", 1, 2);
        layers.layer("c:\u{1b}2", "", "Pulling from c", 0, 0);
        drop(layers);
        assert_eq!(captured.err(), "a/b:1: pulling from a/b\nc:\\u{1b}2: pulling from c\n");
    }

    #[test]
    fn no_more_bars_than_fit_and_one_that_is_done_makes_room() {
        let mut live = Live::new(true);
        let key = |number: usize| ("image".to_owned(), number.to_string());
        let shown = (0..20).filter(|number| live.bar(&key(*number)).is_some()).count();
        assert_eq!(shown, super::BARS);
        live.finish(key(0));
        assert!(live.bar(&key(19)).is_some());
        live.finish(key(0));
        assert_eq!(live.done.len(), 1);
    }
}
