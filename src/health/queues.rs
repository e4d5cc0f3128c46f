//! What waits in the spool's queues, and since when.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use ingest::judge::FindingsDb;

/// Between two looks, where a look is quick.
const PAUSE: Duration = Duration::from_secs(2);
/// After days of a dead store a queue has some hundred thousand files: a look takes no more than such a part of the time.
const SHARE: u32 = 20;

/// A queue as it was at the last look.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    /// Its name.
    pub(super) name: &'static str,
    /// Bytes that wait.
    pub(super) bytes: u64,
    /// How long the oldest part has waited; zero when nothing waits.
    pub(super) oldest: Duration,
}

/// What the disk tells.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    pub(super) queues: Vec<Queue>,
    /// Open findings, by severity from 0 on.
    pub(super) findings: [u64; SEVERITIES],
    /// Why the last look failed; absent when it did not.
    pub(super) trouble: Option<String>,
}

/// Severities of findings are 0 to 10.
pub(super) const SEVERITIES: usize = 11;

/// Who looks.
pub(super) struct Look {
    folders: Vec<(&'static str, PathBuf)>,
    findings: Option<FindingsDb>,
    next: Instant,
    seen: Waiting,
}

impl Look {
    /// Looks at these folders, and counts the open ones of these findings.
    pub(super) fn new(folders: Vec<(&'static str, PathBuf)>, findings: Option<FindingsDb>) -> Self {
        Self { folders, findings, next: Instant::now(), seen: Waiting::default() }
    }

    /// What waits, as of now or of the last look.
    pub(super) fn waiting(&mut self) -> &Waiting {
        let began = Instant::now();
        if began >= self.next {
            let trouble = self.look().err();
            self.seen.trouble = trouble;
            let ended = Instant::now();
            self.next = ended + PAUSE.max((ended - began) * SHARE);
        }
        &self.seen
    }

    fn look(&mut self) -> Result<(), String> {
        let now = SystemTime::now();
        let measured = self.folders.iter().map(|(name, folder)| {
            let (bytes, oldest) =
                measure(folder).map_err(|e| format!("cannot look at {}: {e}", folder.display()))?;
            // A clock that was set back makes what waits young for a while.
            let oldest = oldest.and_then(|at| now.duration_since(at).ok()).unwrap_or_default();
            Ok(Queue { name, bytes, oldest })
        });
        self.seen.queues = measured.collect::<Result<_, String>>()?;
        if let Some(findings) = &self.findings {
            self.seen.findings = [0; SEVERITIES];
            for (severity, open) in findings.open_by_severity().map_err(|e| e.to_string())? {
                if let Some(count) = self.seen.findings.get_mut(usize::from(severity)) {
                    *count = open;
                }
            }
        }
        Ok(())
    }
}

/// Bytes of a folder's files, and when the oldest of them was written.
fn measure(folder: &PathBuf) -> io::Result<(u64, Option<SystemTime>)> {
    let (mut bytes, mut oldest) = (0, None);
    for entry in fs::read_dir(folder)? {
        // Its consumer may have taken it meanwhile.
        let Ok(about) = entry?.metadata() else { continue };
        bytes += about.len();
        let written = about.modified()?;
        oldest = Some(oldest.map_or(written, |known: SystemTime| known.min(written)));
    }
    Ok((bytes, oldest))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn the_oldest_file_tells_the_age() {
        let dir = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - Duration::from_secs(7_200);
        for (name, written) in [("a.batch", old), ("b.ndjson", SystemTime::now())] {
            fs::write(dir.path().join(name), "1234").unwrap();
            File::options().append(true).open(dir.path().join(name)).unwrap().set_modified(written).unwrap();
        }
        let mut look = Look::new(vec![("store", dir.path().to_path_buf())], None);
        let seen = look.waiting();
        assert_eq!((seen.queues[0].bytes, seen.trouble.as_deref()), (8, None));
        assert!(seen.queues[0].oldest >= Duration::from_secs(7_200));
    }

    #[test]
    fn a_folder_that_is_gone_is_told() {
        let mut look = Look::new(vec![("store", PathBuf::from("/nowhere/spool/store"))], None);
        assert!(look.waiting().trouble.as_deref().is_some_and(|why| why.contains("/nowhere/spool/store")));
    }
}
