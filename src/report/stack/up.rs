//! How a stack comes up: a line per component as it gets ready, a bar below, the canaries, and where everything is.
//!
//! ```text
//! docker 28.2 · stack default
//!
//!   ✓ tempo          http://127.0.0.1:3200                  0.9 s
//!
//!   ✓ canary trace   devstack → collector → tempo           41 ms
//! ```

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    runtime::{Note, Ready, RuntimeKind, Step, UpEvent, UpFailure},
    term::{
        Look, Progress, Role, Ui,
        layers::Layers,
        text::{clean, pad_end, pad_start, paragraph, time, width, wrap},
    },
};

/// Columns of a name: `canary metric`.
const NAME: usize = 13;
/// Columns of where it is: an address, the way of a canary.
const PLACE: usize = 34;
/// Columns of a time.
const TIME: usize = 8;

/// Where the collector is, to whoever sends.
pub(super) const BEHIND: &str = "behind devstack";

/// Draws events as they come.
pub struct Drawer<'ui> {
    ui: &'ui Ui,
    /// Columns of the names.
    names: usize,
    /// Whether a canary has come back: they stand apart from the components.
    canaries: bool,
    /// Whether any container was begun.
    begun: bool,
    /// Whether anything was drawn, which what follows stands apart from.
    drawn: bool,
    progress: Option<Progress<'ui>>,
    layers: Option<Layers<'ui>>,
    /// What the bar says of each component on its way.
    labels: BTreeMap<String, String>,
    /// When each container was ready after its creation, in milliseconds: for `--timings`.
    timings: Vec<(String, u64)>,
}

impl<'ui> Drawer<'ui> {
    /// One that has drawn nothing yet.
    pub fn new(ui: &'ui Ui) -> Self {
        Self {
            ui,
            names: NAME,
            canaries: false,
            begun: false,
            drawn: false,
            progress: None,
            layers: None,
            labels: BTreeMap::new(),
            timings: Vec::new(),
        }
    }

    /// Draws one.
    pub fn on(&mut self, event: &UpEvent) {
        match event {
            UpEvent::Begun { runtime, engine, stack, components } => {
                let look = self.ui.err_look();
                let what = engine.clone().unwrap_or_else(|| format!("{runtime} runtime"));
                let named = if components.is_empty() && stack == "embedded" {
                    String::new()
                } else {
                    format!("{}stack {stack}", &format!(" {} ", look.dot()))
                };
                self.ui.status(&format!("{}\n\n", look.paint(Role::Heading, &format!("{what}{named}"))));
                self.names = components.iter().map(|name| width(name)).max().unwrap_or(0).max(NAME);
                if !components.is_empty() {
                    self.progress = Some(self.ui.progress(components.len()));
                }
            }
            UpEvent::Pulling { image, layer, status, current, total } => {
                let ui = self.ui;
                self.progress = None;
                self.layers.get_or_insert_with(|| Layers::new(ui)).layer(image, layer, status, *current, *total);
            }
            UpEvent::Component { name, step } => self.component(name, step),
            UpEvent::Canary { signal, hops, after } => {
                self.done();
                if self.drawn && !self.canaries {
                    self.ui.status("\n");
                }
                self.canaries = true;
                let way = hops.join(self.ui.err_look().glyph(" → ", " -> "));
                self.line(&format!("canary {signal}"), &way, &time(*after));
            }
            UpEvent::RollingBack => {
                self.done();
                // An image that could not be had, a port that was taken: nothing was begun.
                if self.begun {
                    self.ui.status("Taking back what was begun…");
                }
            }
            UpEvent::Warning { words } => self.ui.warn(words),
            UpEvent::Ready(_) => self.end(),
            UpEvent::Failed(_) | UpEvent::Gone => self.done(),
        }
    }

    /// When each container was ready after its creation, in milliseconds.
    pub fn timings(&self) -> &[(String, u64)] {
        &self.timings
    }

    /// Takes what moves off the screen and sets what follows apart.
    pub fn end(&mut self) {
        self.done();
        if std::mem::take(&mut self.drawn) {
            self.ui.status("\n");
        }
    }

    /// Takes what moves off the screen.
    pub fn done(&mut self) {
        self.progress = None;
        self.layers = None;
    }

    fn component(&mut self, name: &str, step: &Step) {
        self.layers = None;
        self.begun |= matches!(step, Step::Creating | Step::Starting { .. } | Step::Ready { .. });
        let label = match step {
            Step::Waiting { on } => format!("{name} waits for {}", on.join(" and ")),
            Step::Creating => format!("creating {name}"),
            Step::Starting { last } => format!("starting {name}, {last}"),
            Step::Ready { .. } | Step::Kept { .. } | Step::Removed | Step::Stopped => String::new(),
        };
        // Services come after the canaries, one by one, when there is no bar any more.
        if matches!(step, Step::Creating | Step::Waiting { .. }) && std::mem::take(&mut self.canaries) {
            self.ui.status("\n");
        }
        if let Some(progress) = &mut self.progress {
            if let Some(old) = self.labels.remove(name) {
                if label.is_empty() { progress.finished(&old) } else { progress.relabelled(&old, &label) }
            } else if !label.is_empty() {
                progress.started(&label);
            }
        }
        if !label.is_empty() {
            self.labels.insert(name.to_owned(), label);
        }
        match step {
            Step::Ready { address, after } => {
                self.timings.push((name.to_owned(), after.as_millis() as u64));
                self.component_line(name, address.as_deref(), &time(*after));
            }
            Step::Kept { address } => self.component_line(name, address.as_deref(), "kept"),
            Step::Removed => self.gone(name, "removed"),
            Step::Stopped => self.gone(name, "stopped"),
            Step::Waiting { .. } | Step::Creating | Step::Starting { .. } => {}
        }
    }

    fn gone(&self, name: &str, how: &str) {
        let look = self.ui.err_look();
        let mark = look.paint(Role::Dim, look.glyph("–", "-"));
        self.ui.status(&format!("  {mark} {} {how}", pad_end(name, self.names)));
    }

    fn component_line(&mut self, name: &str, address: Option<&str>, time: &str) {
        // devstack's own receiver stands in front of the collector: its own address is nobody's business.
        let address = if name == "collector" { BEHIND } else { address.unwrap_or_default() };
        self.line(name, address, time);
    }

    fn line(&mut self, name: &str, place: &str, time: &str) {
        self.drawn = true;
        let look = self.ui.err_look();
        let mark = look.paint(Role::Good, look.glyph("✓", "ok"));
        self.ui.status(&format!("  {mark} {}  {}{}", pad_end(name, self.names), pad_end(place, PLACE), pad_start(time, TIME)));
    }
}

/// `Ready in 4.1 s.` and where everything is; goes to stdout, because it is what one asked for.
pub fn ready(ready: &Ready, since: std::time::Duration, look: &Look) -> String {
    let note = &ready.note;
    let head = if ready.unchanged { "Up already, nothing to do.".to_owned() } else { format!("Ready in {}.", time(since)) };
    let mut text = look.paint(Role::Good, &head) + "\n";
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "  {} {value}", pad_end(label, 9));
    };
    if let Some(grafana) = &note.grafana {
        line("Grafana", &format!("{grafana}/d/distributed-tracing"));
    }
    line("OTLP", &format!("{}   grpc {}", note.otlp_http, bare(&note.otlp_grpc)));
    if let Some(store) = &note.store {
        // The embedded runtime is no Tempo; it speaks its API.
        let api = if note.runtime == RuntimeKind::Embedded { "'s API" } else { "" };
        line("Traces", &format!("{} ({}{api})", store.at.url, store.kind));
    }
    if let Some(prometheus) = &note.prometheus {
        line("Metrics", &format!("{} (Prometheus)", prometheus.url));
    }
    for (name, url) in &note.services {
        line("Service", &format!("{} {url}", pad_end(name, 18)));
    }
    for external in &note.externals {
        line("Stand-in", &format!("{} {}", pad_end(&external.name, 18), external.url));
    }
    for (name, url) in services(note) {
        line("Demo", &format!("{} {url}", pad_end(name, 18)));
    }
    line("Next", "devstack replay fixtures");
    line("", "devstack status");
    text
}

/// What went wrong: the message, the last things seen, the end of the log. Hints are the caller's.
pub fn failure(failure: &UpFailure, look: &Look) -> String {
    let mut text = String::new();
    for detail in &failure.details {
        text += &paragraph(&clean(detail), 2, look);
    }
    if !failure.log_tail.is_empty() {
        let of = failure.component.as_deref().unwrap_or("the component");
        let _ = writeln!(text, "  {}", look.paint(Role::Dim, &format!("the last lines of {of}:")));
        let bar = look.paint(Role::Dim, look.glyph("│", "|"));
        for line in failure.log_tail.iter().flat_map(|line| wrap(&clean(line), look.width.saturating_sub(4))) {
            let _ = writeln!(text, "  {bar} {line}");
        }
    }
    text
}

fn services(note: &Note) -> impl Iterator<Item = (&str, &str)> {
    note.demo.iter().flat_map(|demo| demo.services.iter().map(|(name, url)| (name.as_str(), url.as_str())))
}

/// gRPC libraries want host and port without a scheme.
fn bare(url: &str) -> &str {
    url.strip_prefix("http://").unwrap_or(url)
}
