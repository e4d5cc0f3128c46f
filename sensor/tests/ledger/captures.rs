//! Captures in memory: whole, broken at random, and one after another.

use std::fs;
use std::path::{Path, PathBuf};

use sensor::capture::file::CaptureFile;
use sensor::capture::{Frame, LinkType, NO_TIME};

use crate::random::Random;

/// A frame of its own.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) time: i64,
    pub(crate) data: Vec<u8>,
    pub(crate) wire_len: u32,
    pub(crate) link: LinkType,
}

impl Taken {
    pub(crate) fn frame(&self) -> Frame<'_> {
        Frame { time: self.time, data: &self.data, wire_len: self.wire_len, link: self.link }
    }
}

pub(crate) fn read(path: &Path) -> Vec<Taken> {
    // What cannot be read to the end is as good as what can.
    let Ok(mut file) = CaptureFile::open(path) else { return Vec::new() };
    let mut frames = Vec::new();
    while let Ok(Some(frame)) = file.next_frame() {
        let Frame { time, data, wire_len, link } = frame;
        frames.push(Taken { time, data: data.to_vec(), wire_len, link });
    }
    frames
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../pcaps")
}

/// The captures of a folder, and of the folders in it.
pub(crate) fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|end| end.to_str()) {
            Some("pcap" | "pcapng" | "cap") => found.push(path),
            _ if path.is_dir() => found.extend(below(&path)),
            _ => {}
        }
    }
    found.sort();
    found
}

/// The same frames with others' faults: dropped, cut, doubled and swapped at random.
pub(crate) fn broken(frames: &[Taken], random: &mut Random) -> Vec<Taken> {
    let mut broken = Vec::new();
    for taken in frames {
        let mut taken = taken.clone();
        match random.below(10) {
            0 => continue,
            1 => taken.data.truncate(random.below(taken.data.len() + 1)),
            2 => {
                let mut copy = taken.clone();
                if copy.time != NO_TIME {
                    copy.time += random.below(30_000) as i64;
                }
                broken.push(copy);
            }
            3 if !broken.is_empty() => {
                let at = broken.len() - 1 - random.below(broken.len().min(4));
                broken.insert(at, taken);
                continue;
            }
            _ => {}
        }
        broken.push(taken);
    }
    broken
}

/// Captures of Ethernet one after another until there are so many frames, each time with other addresses.
pub(crate) fn office(count: usize) -> Vec<Taken> {
    let parts = ["office-week.pcap", "shapes-tcp.pcap"].map(|name| read(&repository().join(name)));
    let (mut frames, mut end) = (Vec::with_capacity(count * 2), 1_800_000_000_000_000);
    for (round, part) in parts.iter().cycle().enumerate() {
        if frames.len() >= count {
            break;
        }
        let shift = end - part.iter().map(|taken| taken.time).min().unwrap();
        for taken in part {
            let mut taken = taken.clone();
            taken.time += shift;
            readdress(&mut taken.data, (round / 2) as u8);
            end = end.max(taken.time + 1_000_000);
            frames.push(taken);
        }
    }
    frames
}

/// Other addresses for both ends of an IPv4 or IPv6 packet.
fn readdress(data: &mut [u8], round: u8) {
    let bytes = match (data.get(12..14), data.len()) {
        (Some([0x08, 0x00]), 34..) => [28, 32],
        (Some([0x86, 0xdd]), 54..) => [34, 50],
        _ => return,
    };
    bytes.into_iter().for_each(|at| data[at] ^= round << 2);
}
