//! Everything that is written to the terminal: output that survives a closed pipe, notes and errors, progress.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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
    say("error", text);
}

/// Prints a warning to standard error: something was lost or left out, and the work goes on.
pub(crate) fn warning(text: &str) {
    say("warning", text);
}

/// Prints a note to standard error.
#[cfg(feature = "live")]
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn say(kind: &str, text: &str) {
    // Nothing can be done when standard error is gone as well.
    let _ = writeln!(io::stderr(), "shadowtap: {kind}: {text}");
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
