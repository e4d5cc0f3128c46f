//! Everything that is written to the terminal: output that survives a closed pipe, notes and errors, progress, and the
//! line that is renewed while `run` is at work.

use std::fmt::Display;
use std::fs;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ingest::text::{counted, safe_text};
#[cfg(feature = "live")]
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::exit::Failure;

/// Buffered standard output.
pub(crate) struct Output {
    inner: BufWriter<StdoutLock<'static>>,
}

impl Output {
    /// Locks standard output.
    pub(crate) fn new() -> Self {
        Self { inner: BufWriter::with_capacity(1 << 16, io::stdout().lock()) }
    }

    /// Writes text as it is.
    pub(crate) fn write(&mut self, text: &[u8]) -> Result<(), Failure> {
        self.inner.write_all(text).map_err(output_failure)
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        writeln!(self.inner, "{line}").map_err(output_failure)
    }

    /// Hands everything to the system. A failed write shows only here.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.inner.flush().map_err(output_failure)
    }
}

fn output_failure(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
        _ => Failure::Failed(format!("cannot write to standard output: {error}")),
    }
}

/// True when standard output is a terminal.
pub(crate) fn is_interactive() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the terminal; 100 where there is none.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
}

/// Prints an error to standard error.
pub(crate) fn error(text: &str) {
    say(Level::Error, text);
}

/// Prints a warning to standard error: something was lost or left out, and the work goes on.
pub(crate) fn warning(text: &str) {
    say(Level::Warning, text);
}

/// Prints a note to standard error.
#[cfg(feature = "live")]
pub(crate) fn note(text: &str) {
    say(Level::Note, text);
}

/// Prints a line to standard output at once, past [`Output`], which keeps its lines until they are many.
#[cfg(feature = "live")]
pub(crate) fn line(text: &str) {
    aside(&io::stdout(), |clear| {
        let mut out = io::stdout().lock();
        let line = format!("{clear}{}\n", visible(text));
        // Who reads no more has closed the pipe: what is told here is told in the store as well.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    });
}

/// How bad it is. The numbers are those of sd-daemon(3).
#[derive(Debug, Clone, Copy)]
enum Level {
    Error = 3,
    Warning = 4,
    #[cfg(feature = "live")]
    Note = 6,
}

fn say(level: Level, text: &str) {
    aside(&io::stderr(), |clear| {
        let whole = format!("{clear}{}{}", untold(), worded(level, text));
        // Nothing can be done when standard error is gone as well.
        drop(io::stderr().write_all(whole.as_bytes()));
    });
}

/// That earlier messages were lost, if any were.
fn untold() -> String {
    match UNTOLD.swap(0, Ordering::Relaxed) {
        0 => String::new(),
        lost => worded(Level::Warning, &format!("nobody read {}: they are lost", counted(lost, "message"))),
    }
}

fn worded(level: Level, text: &str) -> String {
    if *JOURNAL { for_journal(level, text) } else { for_people(level, text) }
}

/// Names in a message may be a stranger's, and messages of systems may hold anything: no line of it steers a terminal.
fn visible(text: &str) -> String {
    text.lines().map(safe_text).collect::<Vec<_>>().join("\n")
}

fn for_people(level: Level, text: &str) -> String {
    let text = visible(text);
    match level {
        Level::Error => format!("shadowtap: error: {text}\n"),
        Level::Warning => format!("shadowtap: warning: {text}\n"),
        #[cfg(feature = "live")]
        Level::Note => format!("{text}\n"),
    }
}

/// The journal knows time and program, and each of its lines is an event.
fn for_journal(level: Level, text: &str) -> String {
    let text = visible(text);
    let words: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    format!("<{}>{}\n", level as u8, words.join(" "))
}

/// True when standard error goes to the journal: systemd names the stream's device and inode, since a stream that was
/// sent elsewhere inherits the variable all the same.
static JOURNAL: LazyLock<bool> = LazyLock::new(|| {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    let about = fs::metadata("/proc/self/fd/2");
    about.is_ok_and(|about| stream == format!("{}:{}", about.dev(), about.ino()))
});

/// The line that is renewed, while there is one.
static STATUS: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// True when standard error is a terminal, so that a line on it can be renewed.
#[cfg(feature = "live")]
pub(crate) fn has_status() -> bool {
    io::stderr().is_terminal()
}

/// Renews the last line of the terminal. Nothing where there is none.
#[cfg(feature = "live")]
pub(crate) fn status(text: String) {
    if !has_status() || !is_taken(&io::stderr()) {
        return;
    }
    let mut status = STATUS.lock().unwrap_or_else(PoisonError::into_inner);
    let bar = status.get_or_insert_with(|| {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            bar.set_style(style);
        }
        bar
    });
    bar.set_message(text);
    bar.tick();
}

/// Takes the renewed line away for good.
#[cfg(feature = "live")]
pub(crate) fn end_status() {
    if !is_taken(&io::stderr()) {
        return;
    }
    if let Some(bar) = STATUS.lock().unwrap_or_else(PoisonError::into_inner).take() {
        bar.finish_and_clear();
    }
}

/// True when another process renews the last line of this terminal.
static SHARED: AtomicBool = AtomicBool::new(false);

/// From now on another process renews the last line of the terminal: what is said here takes its place, and it comes
/// back below.
#[cfg(feature = "live")]
pub(crate) fn share_line() {
    SHARED.store(has_status(), Ordering::Relaxed);
}

/// True when what is written must not wait for whoever reads it.
#[cfg(feature = "live")]
static BUSY: AtomicBool = AtomicBool::new(false);
/// Messages that nobody took.
static UNTOLD: AtomicU64 = AtomicU64::new(0);
/// How long a reader may take all the same: what is full for a moment is no reason to lose a message.
#[cfg(feature = "live")]
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// From now on a terminal that is held (Ctrl-S) or a pipe that nobody reads costs messages, and holds up no work: packets
/// would be lost meanwhile, and findings come late.
#[cfg(feature = "live")]
pub(crate) fn never_wait() {
    BUSY.store(true, Ordering::Relaxed);
}

/// Whether what is written there is taken soon.
#[cfg(feature = "live")]
fn is_taken(stream: &impl AsFd) -> bool {
    if !BUSY.load(Ordering::Relaxed) {
        return true;
    }
    let mut asked = [PollFd::new(stream, PollFlags::OUT)];
    // A pipe whose reader is gone answers as well: it takes nothing, and makes nobody wait.
    matches!(poll(&mut asked, Some(&PATIENCE)), Ok(ready) if ready > 0)
}

#[cfg(not(feature = "live"))]
fn is_taken(_: &impl AsFd) -> bool {
    true
}

/// Writes while the renewed line is out of the way. Where that is another process's, `write` gets what clears it, and
/// writes both in one piece, so that it does not come back in between.
fn aside(stream: &(impl AsFd + IsTerminal), write: impl FnOnce(&str)) {
    if !is_taken(stream) {
        UNTOLD.fetch_add(1, Ordering::Relaxed);
        return;
    }
    // To the beginning of the renewed line, and clear it.
    let clear = if SHARED.load(Ordering::Relaxed) && stream.is_terminal() { "\r\x1b[2K" } else { "" };
    match &*STATUS.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(bar) => bar.suspend(|| write(clear)),
        None => write(clear),
    }
}

/// A progress bar over a count on standard error: only on a terminal, and only for work that takes a while.
pub(crate) fn counting(total: u64, name: &str) -> ProgressBar {
    const LONG: u64 = 200_000;
    if total < LONG || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    drawn(total, name, "{msg} [{bar:30}] {human_pos}/{human_len} eta {eta}")
}

/// A progress bar over bytes on standard error: only on a terminal, and only for files that take a while.
pub(crate) fn progress(size: Option<u64>, name: &str) -> ProgressBar {
    const LONG: u64 = 32 << 20;
    let Some(size) = size.filter(|&size| size >= LONG && io::stderr().is_terminal()) else {
        return ProgressBar::hidden();
    };
    drawn(size, name, "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} eta {eta}")
}

fn drawn(total: u64, name: &str, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(4));
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(name.to_owned());
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_of_the_journal() {
        let text = "pcaps/a.pcap: cut off\n  at byte 4\n\nread again";
        assert_eq!(for_journal(Level::Warning, text), "<4>pcaps/a.pcap: cut off at byte 4 read again\n");
        assert_eq!(for_people(Level::Error, "gone"), "shadowtap: error: gone\n");
    }

    #[test]
    fn no_message_steers_a_terminal() {
        let hostile = "no \u{1b}]0;x\u{7}\rfile\u{202e}\n  next";
        let shown = "no \\u{1b}]0;x\\u{7}\\u{d}file\\u{202e}\n  next";
        assert_eq!(for_people(Level::Error, hostile), format!("shadowtap: error: {shown}\n"));
        assert_eq!(for_journal(Level::Error, hostile), format!("<3>{}\n", shown.replace("\n  ", " ")));
    }
}
