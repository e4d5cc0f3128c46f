//! Captures read, and written as pcap of Ethernet.

use std::fs;
use std::path::{Path, PathBuf};

use sensor::capture::LinkType;
use sensor::capture::file::CaptureFile;

use crate::mirrors::{Frame, ROUTERS};

/// A frame and its time in µs.
pub(crate) type Timed = (i64, Frame);

/// The frames of a capture, each as Ethernet. `None` where its link has no IP packet at a known place.
pub(crate) fn read(path: &Path) -> Option<Vec<Timed>> {
    let mut file = CaptureFile::open(path).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = file.next_frame().unwrap() {
        let len = frame.wire_len as usize;
        let ethernet = match frame.link {
            LinkType::Ethernet => (frame.data.to_vec(), len),
            LinkType::RawIp => over_ethernet(frame.data, len),
            LinkType::Loopback => over_ethernet(&frame.data[4..], len - 4),
            _ => return None,
        };
        frames.push((frame.time, ethernet));
    }
    Some(frames)
}

fn over_ethernet(packet: &[u8], len: usize) -> Frame {
    let kind = if packet[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
    ([&ROUTERS, &kind[..], packet].concat(), len + 14)
}

/// Writes a little-endian pcap; answers its path.
pub(crate) fn write(path: &Path, frames: &[Timed]) -> PathBuf {
    let words = |words: [u32; 4]| words.map(u32::to_le_bytes).concat();
    let mut out = [words([0xa1b2_c3d4, 0x0004_0002, 0, 0]), words([1 << 18, 1, 0, 0])[..8].to_vec()].concat();
    for (time, (data, len)) in frames {
        let (second, rest) = (time.div_euclid(1_000_000) as u32, time.rem_euclid(1_000_000) as u32);
        out.extend(words([second, rest, data.len() as u32, *len as u32]));
        out.extend(data);
    }
    fs::write(path, out).unwrap();
    path.to_path_buf()
}

/// Where the parts of a whole frame begin. Tunnels are not followed: their outer UDP is the transport then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layers {
    pub(crate) ip: usize,
    pub(crate) transport: usize,
    pub(crate) payload: usize,
    /// Behind the IP packet: padding may follow.
    pub(crate) end: usize,
    pub(crate) v4: bool,
    pub(crate) tcp: bool,
}

/// The layers of a frame that holds a whole TCP or UDP packet. `None` for all others: they stay as they are.
pub(crate) fn layers(data: &[u8]) -> Option<Layers> {
    let word = |at: usize| data.get(at..at + 2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    let mut kind_at = 12;
    while matches!(word(kind_at)?, 0x8100 | 0x88a8 | 0x9100) {
        kind_at += 4;
    }
    let ip = kind_at + 2;
    let (v4, transport, protocol, end) = match word(kind_at)? {
        0x0800 if word(ip + 6)? & 0x3fff == 0 => {
            (true, ip + usize::from(data.get(ip)? & 15) * 4, *data.get(ip + 9)?, ip + usize::from(word(ip + 2)?))
        }
        0x86dd => (false, ip + 40, *data.get(ip + 6)?, ip + 40 + usize::from(word(ip + 4)?)),
        _ => return None,
    };
    let (tcp, header) = match protocol {
        6 => (true, usize::from(data.get(transport + 12)? >> 4) * 4),
        17 => (false, 8),
        _ => return None,
    };
    let payload = transport + header;
    (payload <= end && end <= data.len()).then_some(Layers { ip, transport, payload, end, v4, tcp })
}

impl Layers {
    /// Writes the length of an IP packet into its header.
    pub(crate) fn set_length(self, data: &mut [u8], end: usize) {
        let (at, len) = if self.v4 { (self.ip + 2, end - self.ip) } else { (self.ip + 4, end - self.ip - 40) };
        data[at..at + 2].copy_from_slice(&(len as u16).to_be_bytes());
    }
}
