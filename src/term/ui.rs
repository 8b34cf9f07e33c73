//! The one place that writes: data to stdout, conversation to stderr, each by its intent.
//!
//! Made once by `cli` from the global options; every command gets it by reference. A reader who leaves (`| head`) is no error: what
//! comes after is dropped, and [`Ui::closed`] tells loops that nobody listens. Any other failure to write is kept for
//! [`Ui::finish`], so that a full disk does not pass for success.

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use anstream::{AutoStream, ColorChoice};
use indicatif::ProgressBar;

use super::{
    look::{ColorOption, Look, Role, is_dumb},
    progress::Progress,
};
use crate::support::env::Env;

/// The global options that decide how a program speaks.
#[derive(Debug, Clone, Copy, Default)]
pub struct UiOptions {
    /// `--color`.
    pub color: ColorOption,
    /// `--quiet`: no status lines, no progress.
    pub quiet: bool,
}

/// Writes to stdout and stderr.
pub struct Ui {
    out: Stream,
    err: Stream,
    quiet: bool,
    /// Whether a progress bar makes sense: stderr is a terminal that can do more than lines.
    live: bool,
    /// The bar on display; lines are written around it.
    bar: Arc<Mutex<Option<ProgressBar>>>,
}

/// Takes a progress bar off the screen from anywhere: for whoever ends the process without unwinding.
#[derive(Clone)]
pub struct Eraser(Arc<Mutex<Option<ProgressBar>>>);

struct Stream {
    look: Look,
    sink: Mutex<Box<dyn Write + Send>>,
    /// The reader has left.
    closed: AtomicBool,
    failure: Mutex<Option<io::Error>>,
}

/// What a [`Ui::captured`] has written.
#[derive(Debug, Clone, Default)]
pub struct Captured {
    out: Memory,
    err: Memory,
}

#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Ui {
    /// The streams of this process.
    pub fn new(options: UiOptions, env: &dyn Env) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let columns = terminal_size::terminal_size_of(&err)
            .or_else(|| terminal_size::terminal_size_of(&out))
            .map(|(terminal_size::Width(columns), _)| usize::from(columns));
        let look = |terminal| Look::decide(options.color, env, terminal, columns.filter(|_| terminal));
        let (out_look, err_look) = (look(out.is_terminal()), look(err.is_terminal()));
        let live = err.is_terminal() && !is_dumb(env) && !options.quiet;
        let out_sink = AutoStream::new(out, choice(&out_look));
        let err_sink = AutoStream::new(err, choice(&err_look));
        Self::over(Stream::new(out_look, out_sink), Stream::new(err_look, err_sink), options.quiet, live)
    }

    /// A user interface that writes to memory, for tests; both streams have the same look.
    pub fn captured(look: &Look, quiet: bool) -> (Self, Captured) {
        let captured = Captured::default();
        let out = Stream::new(look.clone(), captured.out.clone());
        let err = Stream::new(look.clone(), captured.err.clone());
        (Self::over(out, err, quiet, false), captured)
    }

    fn over(out: Stream, err: Stream, quiet: bool, live: bool) -> Self {
        Self { out, err, quiet, live, bar: Arc::default() }
    }

    /// What stdout can show; text for [`Ui::data`] is drawn with it.
    pub fn look(&self) -> &Look {
        &self.out.look
    }

    /// What stderr can show.
    pub fn err_look(&self) -> &Look {
        &self.err.look
    }

    /// What the user asked for: to stdout, as it is, a line end added where it is missing.
    pub fn data(&self, text: &str) {
        self.write(&self.out, text);
    }

    /// How things go, in sentences; silenced by `--quiet`.
    pub fn status(&self, text: &str) {
        if !self.quiet {
            self.write(&self.err, text);
        }
    }

    /// Something is not as it should be, and the work goes on.
    pub fn warn(&self, text: &str) {
        self.labelled(Role::Warning, "warning", text);
    }

    /// What could be done about the error or warning above.
    pub fn hint(&self, text: &str) {
        self.labelled(Role::Hint, "hint", text);
    }

    /// The command cannot do what it was asked for.
    pub fn error(&self, text: &str) {
        self.labelled(Role::Error, "error", text);
    }

    /// Text that belongs to the message above and is drawn already: carets, causes. To stderr, as it is.
    pub fn explain(&self, text: &str) {
        self.write(&self.err, text);
    }

    /// Shows how far something of `total` cases is, while it runs.
    pub fn progress(&self, total: usize) -> Progress<'_> {
        Progress::new(self, total)
    }

    /// A handle that takes a progress bar off the screen.
    pub fn eraser(&self) -> Eraser {
        Eraser(Arc::clone(&self.bar))
    }

    /// Whether the reader of stdout has left: there is no point in going on writing data.
    pub fn closed(&self) -> bool {
        self.out.closed.load(Ordering::Relaxed)
    }

    /// Flushes both streams and tells if something could not be written to stdout, a reader that left apart.
    pub fn finish(&self) -> io::Result<()> {
        self.eraser().clear();
        self.err.keep(lock(&self.err.sink).flush());
        self.out.keep(lock(&self.out.sink).flush());
        lock(&self.out.failure).take().map_or(Ok(()), Err)
    }

    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    pub(super) fn show_bar(&self, bar: ProgressBar) {
        *lock(&self.bar) = Some(bar);
    }

    fn labelled(&self, role: Role, label: &str, text: &str) {
        self.write(&self.err, &format!("{}: {text}", self.err.look.paint(role, label)));
    }

    fn write(&self, stream: &Stream, text: &str) {
        match lock(&self.bar).as_ref() {
            Some(bar) => bar.suspend(|| stream.write(text)),
            None => stream.write(text),
        }
    }
}

impl Eraser {
    /// Takes the bar off the screen, if there is one.
    pub fn clear(&self) {
        let bar = lock(&self.0).take();
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }
}

impl Stream {
    fn new(look: Look, sink: impl Write + Send + 'static) -> Self {
        Self { look, sink: Mutex::new(Box::new(sink)), closed: AtomicBool::new(false), failure: Mutex::new(None) }
    }

    fn write(&self, text: &str) {
        if text.is_empty() || self.closed.load(Ordering::Relaxed) {
            return;
        }
        let mut sink = lock(&self.sink);
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let outcome = sink.write_all(text.as_bytes()).and_then(|()| sink.write_all(end.as_bytes())).and_then(|()| sink.flush());
        drop(sink);
        self.keep(outcome);
    }

    fn keep(&self, outcome: io::Result<()>) {
        let Err(error) = outcome else { return };
        self.closed.store(true, Ordering::Relaxed);
        if error.kind() != io::ErrorKind::BrokenPipe {
            lock(&self.failure).get_or_insert(error);
        }
    }
}

impl Captured {
    /// What went to stdout.
    pub fn out(&self) -> String {
        self.out.text()
    }

    /// What went to stderr.
    pub fn err(&self) -> String {
        self.err.text()
    }
}

impl Memory {
    fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.0)).into_owned()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Streams without colour are stripped as well, for text that others have drawn.
fn choice(look: &Look) -> ColorChoice {
    if look.color || look.links { ColorChoice::AlwaysAnsi } else { ColorChoice::Never }
}

/// A writer that panicked left at worst half a line; going on is better than a second panic.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::{Look, Stream, Ui};

    /// Fails with `kind` once `left` writes went well.
    struct Failing {
        left: usize,
        kind: io::ErrorKind,
    }

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.left = self.left.checked_sub(1).ok_or(self.kind)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn over(left: usize, kind: io::ErrorKind) -> Ui {
        let err = Stream::new(Look::plain(), io::sink());
        Ui::over(Stream::new(Look::plain(), Failing { left, kind }), err, false, false)
    }

    #[test]
    fn each_intent_has_its_stream_and_its_word() {
        let (ui, captured) = Ui::captured(&Look::plain(), false);
        ui.data("a\n");
        ui.status("Ready.");
        ui.warn("late");
        ui.hint("wait");
        ui.error("no");
        ui.data("b");
        assert_eq!(captured.out(), "a\nb\n");
        assert_eq!(captured.err(), "Ready.\nwarning: late\nhint: wait\nerror: no\n");
    }

    #[test]
    fn quiet_silences_status_only() {
        let (ui, captured) = Ui::captured(&Look::plain(), true);
        ui.status("Ready.");
        ui.warn("late");
        ui.data("a");
        assert_eq!((captured.out().as_str(), captured.err().as_str()), ("a\n", "warning: late\n"));
    }

    #[test]
    fn a_reader_that_left_is_no_error_and_ends_the_writing() {
        let ui = over(2, io::ErrorKind::BrokenPipe);
        ui.data("one");
        assert!(!ui.closed());
        ui.data("two");
        assert!(ui.closed());
        assert!(ui.finish().is_ok());
    }

    #[test]
    fn a_full_disk_is_told_at_the_end() {
        let ui = over(2, io::ErrorKind::StorageFull);
        ui.data("one");
        ui.data("two");
        ui.data("three");
        assert_eq!(ui.finish().map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
    }
}
