//! The pcapng format (draft-ietf-opsawg-pcapng): sections of either byte order, several interfaces with their own link
//! types, resolutions and snaplens. Blocks that hold no packets are passed over.

use super::file::{MAX_FRAME, Step};
use super::pcap::word;
use super::{LinkType, NO_TIME, possible};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// A block's type and both lengths.
const FRAME_OF_BLOCK: usize = 12;
/// A block larger than its largest packet with options is damage.
const MAX_BLOCK: u32 = MAX_FRAME + (1 << 20);
/// More interfaces in one section than any machine has: damage, or an attempt to fill memory.
const MAX_INTERFACES: usize = 4096;

/// True when the bytes begin with a section header block.
pub(super) fn is_section(bytes: &[u8]) -> bool {
    word(bytes, 0, false) == SECTION_HEADER && matches!(word(bytes, 8, false), 0x1a2b_3c4d | 0x4d3c_2b1a)
}

/// What the current section has said so far.
#[derive(Debug, Default)]
pub(super) struct Section {
    swapped: bool,
    interfaces: Vec<Interface>,
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    link: Option<LinkType>,
    snaplen: u32,
    /// Ticks per second; `None` when the file gives a number that cannot be.
    resolution: Option<u64>,
    /// Seconds to add to each time.
    offset: i64,
}

impl Section {
    pub(super) fn step(&mut self, bytes: &[u8]) -> Step {
        if bytes.len() < FRAME_OF_BLOCK {
            return Step::More { need: FRAME_OF_BLOCK };
        }
        if word(bytes, 0, false) == SECTION_HEADER {
            match word(bytes, 8, false) {
                0x1a2b_3c4d => self.swapped = false,
                0x4d3c_2b1a => self.swapped = true,
                _ => return Step::Damaged,
            }
        }
        let (kind, total) = (self.word(bytes, 0), self.word(bytes, 4));
        if total < FRAME_OF_BLOCK as u32 || total % 4 != 0 || total > MAX_BLOCK {
            return Step::Damaged;
        }
        let used = total as usize;
        let Some(block) = bytes.get(8..used - 4).filter(|_| bytes.len() >= used) else {
            return Step::More { need: used };
        };
        match kind {
            SECTION_HEADER => self.interfaces.clear(),
            INTERFACE if self.interfaces.len() >= MAX_INTERFACES => return Step::Damaged,
            INTERFACE => self.interfaces.push(self.interface(block)),
            ENHANCED_PACKET => return self.packet(block, used, self.word(block, 0)),
            OLD_PACKET => return self.packet(block, used, self.half(block, 0)),
            SIMPLE_PACKET => return self.simple_packet(block, used),
            _ => {}
        }
        Step::Skip { used }
    }

    fn word(&self, bytes: &[u8], at: usize) -> u32 {
        word(bytes, at, self.swapped)
    }

    fn half(&self, bytes: &[u8], at: usize) -> u32 {
        let two = bytes.get(at..).and_then(<[u8]>::first_chunk::<2>).copied().unwrap_or_default();
        u32::from(if self.swapped { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
    }

    fn interface(&self, block: &[u8]) -> Interface {
        let link = LinkType::from_number(self.half(block, 0));
        let mut interface =
            Interface { link, snaplen: self.word(block, 4), resolution: Some(1_000_000), offset: 0 };
        let mut options = block.get(8..).unwrap_or_default();
        while options.len() >= 4 {
            let (code, len) = (self.half(options, 0), self.half(options, 2) as usize);
            let value = options.get(4..4 + len).unwrap_or_default();
            match (code, value) {
                (0, _) => break,
                (9, [exponent]) => interface.resolution = resolution(*exponent),
                (14, [_, _, _, _, _, _, _, _]) => interface.offset = self.long(value),
                _ => {}
            }
            options = options.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
        }
        interface
    }

    fn long(&self, value: &[u8]) -> i64 {
        let eight = value.first_chunk::<8>().copied().unwrap_or_default();
        if self.swapped { i64::from_le_bytes(eight) } else { i64::from_be_bytes(eight) }
    }

    /// An enhanced packet block or the packet block that it replaced: both have the same fields after the interface.
    fn packet(&self, block: &[u8], used: usize, interface: u32) -> Step {
        let Some(interface) = self.interfaces.get(interface as usize) else { return Step::Damaged };
        let ticks = u64::from(self.word(block, 4)) << 32 | u64::from(self.word(block, 8));
        let (captured, wire_len) = (self.word(block, 12), self.word(block, 16));
        let len = captured as usize;
        if captured > MAX_FRAME || block.len() < 20 + len {
            return Step::Damaged;
        }
        let Some(link) = interface.link else { return Step::UnknownLink { used, wire_len } };
        let time = micros(ticks, interface);
        Step::Frame { used, at: 8 + 20, len, time, wire_len: wire_len.max(captured), link }
    }

    /// A packet without a time: the format gives none, so it is the epoch.
    fn simple_packet(&self, block: &[u8], used: usize) -> Step {
        let Some(interface) = self.interfaces.first() else { return Step::Damaged };
        let wire_len = self.word(block, 0);
        let limit = if interface.snaplen == 0 { wire_len } else { wire_len.min(interface.snaplen) };
        let len = (limit as usize).min(block.len().saturating_sub(4));
        let Some(link) = interface.link else { return Step::UnknownLink { used, wire_len } };
        Step::Frame { used, at: 8 + 4, len, time: 0, wire_len: wire_len.max(len as u32), link }
    }
}

/// Ticks per second of an `if_tsresol` option: a power of ten, or of two when the top bit is set. `None` when there is
/// no such number: then no time can be told.
fn resolution(exponent: u8) -> Option<u64> {
    let power = u32::from(exponent & 0x7f);
    let base: u64 = if exponent & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(power)
}

fn micros(ticks: u64, interface: &Interface) -> i64 {
    let Some(per_second) = interface.resolution else { return NO_TIME };
    // 2^64 ticks of a second each are less than 2^84 µs, so nothing overflows.
    let micros = i128::from(ticks) * 1_000_000 / i128::from(per_second.max(1));
    possible(micros + i128::from(interface.offset) * 1_000_000)
}
