//! Feeds capture files to workers, with progress.

use std::path::Path;

use ingest::text::counted;
use sensor::capture::file::{CaptureError, CaptureFile, Ending};
use sensor::output::Output;
use sensor::team::Workers;

use crate::exit::{Done, Failure, Outcome};
use crate::terminal;

/// Frames between two looks at the clock, the progress bar and the output.
const STRETCH: u32 = 4096;

/// Opens a capture.
pub(crate) fn open(path: &Path) -> Result<CaptureFile, Failure> {
    CaptureFile::open(path).map_err(unreadable)
}

#[allow(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn unreadable(error: CaptureError) -> Failure {
    Failure::Unreadable(error.to_string())
}

/// Reads a file to its end into `workers`. After each stretch of frames `check` may stop it.
pub(crate) fn feed<O: Output>(
    file: &mut CaptureFile,
    workers: &mut Workers,
    out: &mut O,
    mut check: impl FnMut(&mut O) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let name = file.path().display().to_string();
    let bar = terminal::progress(file.progress().1, &name);
    let mut frames = 0_u32;
    while let Some(frame) = file.next_frame().map_err(unreadable)? {
        workers.frame(&frame, out);
        frames = frames.wrapping_add(1);
        if frames.is_multiple_of(STRETCH) {
            check(out)?;
            bar.set_position(file.progress().0);
        }
    }
    bar.finish_and_clear();
    check(out)?;
    account(file, workers, &name, out);
    Ok(())
}

/// Notes in the ledger, and says, what of the file could not be read.
fn account(file: &CaptureFile, workers: &mut Workers, name: &str, out: &mut impl Output) {
    let (frames, bytes) = file.unknown_link();
    workers.unknown_link(frames, bytes, out);
    if frames > 0 {
        let frames = counted(frames, "frame");
        terminal::warning(&format!("{name}: {frames} of a link type that cannot be decoded"));
    }
    let how = match file.ending() {
        Ending::Clean => return,
        Ending::Truncated => "ends in the middle of a packet",
        Ending::Damaged => "is damaged",
    };
    workers.lost("file", 1, out);
    let at = file.progress().0;
    terminal::warning(&format!("{name} {how} at byte {at}: everything before it was read"));
}

/// Files that could not be read. The others are read all the same; the command fails in the end.
#[derive(Debug, Default)]
pub(crate) struct Unreadable {
    last: Option<String>,
}

impl Unreadable {
    /// Keeps a file's failure for later; anything that concerns all files comes back at once.
    pub(crate) fn hold(&mut self, result: Result<(), Failure>) -> Result<(), Failure> {
        if let Err(Failure::Unreadable(text)) = result {
            if let Some(earlier) = self.last.replace(text) {
                terminal::error(&earlier);
            }
            return Ok(());
        }
        result
    }

    /// The outcome of the command.
    pub(crate) fn outcome(self, done: Done) -> Outcome {
        self.last.map_or(Ok(done), |text| Err(Failure::Unreadable(text)))
    }
}
