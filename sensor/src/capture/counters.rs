//! What an interface itself lost, and whether it is up: files of `/sys/class/net`.
//!
//! They are opened once, before the rights to open files are given up, and read again through their descriptors.
//! libpcap opens them anew for each question and takes what it may not open for 0: after earlier losses its 32-bit sum
//! then runs backwards, which looks like four billion lost packets.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The counters of one interface.
#[derive(Debug)]
pub(super) struct Counters {
    dropped: Vec<Counter>,
    received: File,
    flags: File,
    up: bool,
}

#[derive(Debug)]
struct Counter {
    file: File,
    seen: u64,
}

/// Frames that the interface or its driver had no room for. Those that only the stack above it drops
/// (`rx_dropped`) have passed the capture already.
const DROPPED: [&str; 2] = ["rx_missed_errors", "rx_fifo_errors"];
/// `IFF_UP` of the interface's flags.
const UP: u64 = 1;
/// A number of 64 bits with its line end; a longer one is none.
const LONGEST: usize = 24;

impl Counters {
    /// Opens them; what was lost before is not counted.
    pub(super) fn open(interface: &str) -> io::Result<Self> {
        let open = |name: &str| File::open(format!("/sys/class/net/{interface}/{name}"));
        let counter = |name: &&str| {
            let file = open(&format!("statistics/{name}"))?;
            let seen = number(&file)?;
            Ok(Counter { file, seen })
        };
        let received = open("statistics/rx_packets")?;
        let flags = open("flags")?;
        let up = number(&flags)? & UP != 0;
        Ok(Self { dropped: DROPPED.iter().map(counter).collect::<io::Result<_>>()?, received, flags, up })
    }

    /// Lost since this was last asked. Of an interface that is gone nothing is known.
    pub(super) fn lost(&mut self) -> u64 {
        let lost = |counter: &mut Counter| {
            let now = number(&counter.file).unwrap_or(counter.seen);
            since(std::mem::replace(&mut counter.seen, now), now)
        };
        self.dropped.iter_mut().map(lost).fold(0, u64::saturating_add)
    }

    /// Packets that the interface has given to the kernel since it was made.
    pub(super) fn received(&self) -> Option<u64> {
        number(&self.received).ok()
    }

    /// Whether it went up or down since this was last asked.
    pub(super) fn turned(&mut self) -> Option<bool> {
        let up = number(&self.flags).ok()? & UP != 0;
        (std::mem::replace(&mut self.up, up) != up).then_some(up)
    }
}

/// What a counter grew by. A driver that starts again counts from 0 on: what it has now is new.
fn since(before: u64, now: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

/// What a 32-bit total of libpcap grew by; it wraps.
pub(super) fn grown(before: u32, now: u32) -> u64 {
    u64::from(now.wrapping_sub(before))
}

/// A decimal number, or a hexadecimal one behind 0x.
fn number(file: &File) -> io::Result<u64> {
    let mut bytes = [0; LONGEST];
    let length = file.read_at(&mut bytes, 0)?;
    let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default());
    let text = text.trim();
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn counter(text: &str) -> Counter {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let seen = number(&file).unwrap();
        Counter { file, seen }
    }

    #[test]
    fn numbers_are_read_again_from_the_start() {
        let mut counters = Counters {
            dropped: vec![counter("7\n"), counter("0\n")],
            received: counter("0\n").file,
            flags: counter("0x1003\n").file,
            up: true,
        };
        assert_eq!((counters.lost(), counters.turned()), (0, None));
        counters.dropped[0].file.write_at(b"9\n", 0).unwrap();
        counters.dropped[1].file.write_at(b"5\n", 0).unwrap();
        counters.flags.write_at(b"0x1002\n", 0).unwrap();
        assert_eq!((counters.lost(), counters.turned()), (7, Some(false)));
        assert_eq!((counters.lost(), counters.turned()), (0, None));
    }

    /// Neither a driver that begins anew nor a counter that cannot be read is four billion packets.
    #[test]
    fn nothing_runs_backwards() {
        assert_eq!(since(1_000_000, 3), 3);
        assert_eq!(since(u64::MAX - 1, u64::MAX), 1);
        let mut gone = Counters {
            dropped: vec![counter("1000000\n")],
            received: counter("9\n").file,
            flags: counter("0x1003\n").file,
            up: true,
        };
        gone.dropped[0].file.set_len(0).unwrap();
        gone.flags.set_len(0).unwrap();
        gone.received.set_len(0).unwrap();
        assert_eq!((gone.lost(), gone.turned(), gone.received()), (0, None, None));
    }

    #[test]
    fn totals_of_libpcap_wrap() {
        assert_eq!(grown(5, 9), 4);
        assert_eq!(grown(u32::MAX - 1, 3), 5);
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        for text in ["", "many\n", "-1\n", "0xg\n", "184467440737095516160000\n"] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            assert!(number(&file).is_err(), "{text:?}");
        }
    }
}
