//! A file of lines: for whatever collects files, and for looking at events without a SIEM.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::channel::{Channel, Message, Outcome, SendError, lines};
use super::format::Format;

/// Appends lines; each chunk is on the disk before it counts as sent.
#[derive(Debug)]
pub(super) struct FileChannel {
    name: String,
    format: Format,
    path: PathBuf,
}

impl FileChannel {
    pub(super) fn new(name: String, format: Format, path: PathBuf) -> Self {
        Self { name, format, path }
    }

    /// The file is opened for each chunk: whoever rotates it by renaming needs to tell nobody. What a full disk or a
    /// crash left of a line is ended first, so that no two events share one. A pipe or a terminal (`/dev/stdout`) has no
    /// length and no disk behind it.
    fn append(&self, events: &[Message]) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).read(true).create(true).mode(0o640).open(&self.path)?;
        let mut text = String::new();
        if ends_in_a_line(&file)? {
            text.push('\n');
        }
        for line in lines(self.format, events) {
            text.push_str(&line);
            text.push('\n');
        }
        let about = file.metadata()?;
        if !about.is_file() {
            return file.write_all(text.as_bytes());
        }
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).inspect_err(|_| {
            let _ = file.set_len(about.len());
        })
    }
}

/// True when the last byte is no line end.
fn ends_in_a_line(file: &fs::File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt;
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if let Some(at) = length.checked_sub(1) {
        file.read_exact_at(&mut last, at)?;
    }
    Ok(last != [b'\n'])
}

impl Channel for FileChannel {
    fn send(&mut self, events: &[Message]) -> Outcome {
        match self.append(events) {
            Ok(()) => Outcome { done: events.len(), ..Outcome::default() },
            Err(error) => Outcome::failed(SendError::Send {
                sink: self.name.clone(),
                why: format!("{}: {error}", self.path.display()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(revision: u64) -> Message {
        Message { uid: "a".to_owned(), revision, event: json!({"event": {"sequence": revision}}) }
    }

    #[test]
    fn lines_are_appended_and_a_torn_one_is_ended_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.ndjson");
        let mut channel = FileChannel::new("file".to_owned(), Format::Ecs, path.clone());
        assert_eq!(channel.send(&[message(1), message(2)]).done, 2);
        fs::write(&path, fs::read_to_string(&path).unwrap() + "{\"half").unwrap();
        assert_eq!(channel.send(&[message(3)]).done, 1);
        let text = fs::read_to_string(&path).unwrap();
        let sequences: Vec<u64> = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter_map(|event| event["event"]["sequence"].as_u64())
            .collect();
        assert_eq!((text.lines().count(), sequences), (4, vec![1, 2, 3]));
    }

    #[test]
    fn a_folder_that_is_missing_is_worth_another_try() {
        let mut channel = FileChannel::new("f".to_owned(), Format::Ecs, "/nonexistent/events".into());
        let outcome = channel.send(&[message(1)]);
        assert_eq!(outcome.done, 0);
        assert!(outcome.error.unwrap().to_string().contains("/nonexistent/events"));
    }

    #[test]
    fn a_pipe_takes_lines_as_well() {
        let (reader, writer) = io::pipe().unwrap();
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
        let outcome = FileChannel::new("out".to_owned(), Format::Ecs, path.into()).send(&[message(1)]);
        assert_eq!((outcome.done, outcome.error.map(|error| error.to_string())), (1, None));
        drop(writer);
        assert_eq!(io::read_to_string(reader).unwrap(), "{\"event\":{\"sequence\":1}}\n");
    }
}
