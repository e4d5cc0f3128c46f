//! Capture files: pcap and pcapng through one buffered reader, in 1 MiB reads.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Frame, pcap, pcapng};
use crate::bytes::fnv1a;

/// Size of one read: large enough that the system call is not what a packet costs.
const READ_BYTES: usize = 1 << 20;

/// So much of a capture tells it from every other one, a pipe included.
const FINGERPRINT_BYTES: usize = 64 << 10;

/// No frame is larger: libpcap's own limit is 256 KiB, BIG TCP super-frames reach 512 KiB. A larger length is damage.
pub(super) const MAX_FRAME: u32 = 1 << 20;

/// What makes a capture file unreadable, in words for the user.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file could not be opened or read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A directory was given.
    #[error("{0} is a directory: name the capture files in it, for example {0}/*.pcap")]
    Directory(PathBuf),
    /// The file holds nothing.
    #[error("{0} is empty: not a capture")]
    Empty(PathBuf),
    /// The first bytes are neither pcap nor pcapng.
    #[error("{path} is not a pcap or pcapng capture ({looks})")]
    NotCapture {
        /// The file.
        path: PathBuf,
        /// What it looks like instead.
        looks: &'static str,
    },
    /// The link type of the capture cannot be decoded.
    #[error(
        "{path} has link type {number}, which cannot be decoded; known are Ethernet, 802.11, radiotap, raw IP, loopback, PPP, SLL, SLL2 and NFLOG"
    )]
    LinkType {
        /// The file.
        path: PathBuf,
        /// Number in the file.
        number: u32,
    },
}

/// How a capture ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At the end of a record, as it should.
    Clean,
    /// In the middle of a record: the file was cut off or its writer died.
    Truncated,
    /// At bytes that make no sense; what follows them cannot be read.
    Damaged,
}

/// What a format's parser says about the bytes at hand. `Frame` lengths count from the start of the buffered bytes.
pub(super) enum Step {
    /// A frame: its record covers `used` bytes, its data begin at `at`.
    Frame { used: usize, at: usize, len: usize, time: i64, wire_len: u32, link: super::LinkType },
    /// A record without a frame.
    Skip { used: usize },
    /// A frame of an interface whose link type cannot be decoded.
    UnknownLink { used: usize, wire_len: u32 },
    /// The record is longer than what is buffered: this many bytes are needed.
    More { need: usize },
    /// The bytes are no record.
    Damaged,
}

enum Format {
    Pcap(pcap::Header),
    PcapNg(Box<pcapng::Section>),
}

/// A capture file being read.
pub struct CaptureFile {
    path: PathBuf,
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    eof: bool,
    format: Format,
    consumed: u64,
    size: Option<u64>,
    ending: Ending,
    unknown_link: (u64, u64),
    fingerprint: u64,
}

impl CaptureFile {
    /// Opens a capture and reads its header. A pipe works as well as a file.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let io = |source| CaptureError::Io { path: path.to_path_buf(), source };
        let meta = fs::metadata(path).map_err(io)?;
        if meta.is_dir() {
            return Err(CaptureError::Directory(path.to_path_buf()));
        }
        let file = File::open(path).map_err(io)?;
        Self::from_reader(path, Box::new(file), meta.is_file().then_some(meta.len()))
    }

    /// Reads a capture from any stream; `path` names it in messages.
    pub fn from_reader(path: &Path, input: Box<dyn Read + Send>, size: Option<u64>) -> Result<Self, CaptureError> {
        let mut file = Self {
            path: path.to_path_buf(),
            input,
            buffer: Vec::with_capacity(READ_BYTES),
            start: 0,
            eof: false,
            format: Format::PcapNg(Box::default()),
            consumed: 0,
            size,
            ending: Ending::Clean,
            unknown_link: (0, 0),
            fingerprint: 0,
        };
        file.fill(FINGERPRINT_BYTES)?;
        file.fingerprint = fingerprint(&file.buffer, size);
        file.format = file.recognise()?;
        Ok(file)
    }

    /// The next frame, or `None` at the end: then [`Self::ending`] says how it ended.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        loop {
            let bytes = self.buffer.get(self.start..).unwrap_or_default();
            if bytes.is_empty() && self.eof {
                return Ok(None);
            }
            let step = match &mut self.format {
                Format::Pcap(header) => header.step(bytes),
                Format::PcapNg(section) => section.step(bytes),
            };
            match step {
                Step::Frame { used, at, len, time, wire_len, link } => {
                    let from = self.start + at;
                    self.advance(used);
                    let data = self.buffer.get(from..from + len).unwrap_or_default();
                    return Ok(Some(Frame { time, data, wire_len, link }));
                }
                Step::Skip { used } => self.advance(used),
                Step::UnknownLink { used, wire_len } => {
                    self.unknown_link.0 += 1;
                    self.unknown_link.1 += u64::from(wire_len);
                    self.advance(used);
                }
                Step::More { need } => {
                    if self.eof {
                        if !bytes.is_empty() {
                            self.ending = Ending::Truncated;
                        }
                        self.start = self.buffer.len();
                        return Ok(None);
                    }
                    self.fill(need)?;
                }
                Step::Damaged => {
                    self.ending = Ending::Damaged;
                    self.eof = true;
                    self.start = self.buffer.len();
                    return Ok(None);
                }
            }
        }
    }

    /// How the capture ended, once `next_frame` has answered `None`.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// Frames and wire bytes on interfaces whose link type cannot be decoded.
    pub fn unknown_link(&self) -> (u64, u64) {
        self.unknown_link
    }

    /// Bytes read so far, and the size where the input is a file.
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.consumed, self.size)
    }

    /// Sixteen hex digits that stay the same when the same capture is read again.
    pub fn fingerprint(&self) -> String {
        format!("{:016x}", self.fingerprint)
    }

    /// The path that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn advance(&mut self, used: usize) {
        self.start += used;
        self.consumed += used as u64;
    }

    /// Makes at least `need` bytes available unless the input ends.
    fn fill(&mut self, need: usize) -> Result<(), CaptureError> {
        self.buffer.drain(..self.start);
        self.start = 0;
        while self.buffer.len() < need && !self.eof {
            let old = self.buffer.len();
            self.buffer.resize(old + READ_BYTES.max(need - old), 0);
            let space = self.buffer.get_mut(old..).unwrap_or_default();
            let n = match self.input.read(space) {
                Ok(n) => {
                    self.eof = n == 0;
                    n
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => 0,
                Err(source) => return Err(CaptureError::Io { path: self.path.clone(), source }),
            };
            self.buffer.truncate(old + n);
        }
        Ok(())
    }

    fn recognise(&mut self) -> Result<Format, CaptureError> {
        if self.buffer.is_empty() {
            return Err(CaptureError::Empty(self.path.clone()));
        }
        if pcapng::is_section(&self.buffer) {
            return Ok(Format::PcapNg(Box::default()));
        }
        match pcap::Header::parse(&self.buffer) {
            Ok(header) => {
                self.advance(pcap::HEADER_BYTES);
                Ok(Format::Pcap(header))
            }
            Err(pcap::HeaderError::LinkType(number)) => {
                Err(CaptureError::LinkType { path: self.path.clone(), number })
            }
            Err(pcap::HeaderError::Magic) => {
                Err(CaptureError::NotCapture { path: self.path.clone(), looks: looks_like(&self.buffer) })
            }
        }
    }
}

/// Says what a file that is no capture seems to be.
fn looks_like(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x1f, 0x8b, ..] => "it is gzip: decompress it first",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is zstd: decompress it first",
        [b'P', b'K', ..] => "it is a zip archive: unpack it first",
        [b'{' | b'[', ..] => "it looks like JSON",
        [first, ..] if bytes.len() < 24 || !first.is_ascii() => "its first bytes are those of no known format",
        _ if bytes.iter().take(512).all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => {
            "it looks like text"
        }
        _ => "its first bytes are those of no known format",
    }
}

/// A hash over the first bytes and the size (0 for a pipe).
fn fingerprint(first: &[u8], size: Option<u64>) -> u64 {
    let head = first.get(..FINGERPRINT_BYTES).unwrap_or(first);
    fnv1a(&[head, &size.unwrap_or_default().to_le_bytes()])
}
