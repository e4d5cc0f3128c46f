//! Numbers in a capture file, and where they stand.

use std::ops::Range;

/// A number: some bits of up to four bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// What it counts.
    pub(super) kind: &'static str,
    at: usize,
    width: usize,
    /// The bits that are the number's.
    mask: u32,
    little_endian: bool,
}

impl Field {
    /// A number of whole bytes in network order.
    pub(super) fn new(kind: &'static str, at: usize, width: usize) -> Self {
        Self { kind, at, width, mask: u32::MAX >> (32 - 8 * width), little_endian: false }
    }

    /// The same, of these bits alone.
    pub(super) fn masked(self, mask: u32) -> Self {
        Self { mask, ..self }
    }

    /// The same, so many bytes further on.
    pub(super) fn behind(self, start: usize) -> Self {
        Self { at: self.at + start, ..self }
    }

    fn little_endian(self) -> Self {
        Self { little_endian: true, ..self }
    }

    /// Writes what `lie` makes of the number and of the largest one in its place.
    pub(super) fn change(&self, bytes: &mut [u8], lie: fn(u32, u32) -> u32) {
        let place = &mut bytes[self.at..self.at + self.width];
        let mut all = [0; 4];
        all[4 - self.width..].copy_from_slice(place);
        if self.little_endian {
            all.reverse();
        }
        let (old, shift) = (u32::from_be_bytes(all), self.mask.trailing_zeros());
        let number = lie((old & self.mask) >> shift, self.mask >> shift);
        let mut new = (old & !self.mask | (number << shift) & self.mask).to_be_bytes();
        if self.little_endian {
            new.reverse();
        }
        place.copy_from_slice(&new[4 - self.width..]);
    }
}

/// A record of a capture file.
pub(super) struct FileRecord {
    /// Where the frame stands.
    pub(super) data: Range<usize>,
    /// Behind the record.
    pub(super) end: usize,
    /// Numbers of the record itself.
    pub(super) fields: Vec<Field>,
}

/// The records of a little-endian capture of Ethernet; `None` for another file.
pub(super) fn records(bytes: &[u8]) -> Option<Vec<FileRecord>> {
    match word(bytes, 0) {
        0xa1b2_c3d4 | 0xa1b2_3c4d if word(bytes, 20) == 1 => Some(classic(bytes)),
        0x0a0d_0d0a if word(bytes, 8) == 0x1a2b_3c4d => blocks(bytes),
        _ => None,
    }
}

fn classic(bytes: &[u8]) -> Vec<FileRecord> {
    let (mut records, mut at) = (Vec::new(), 24);
    while at + 16 <= bytes.len() {
        let end = at + 16 + word(bytes, at + 8) as usize;
        let number = |kind, at| Field::new(kind, at, 4).little_endian();
        let fields = vec![number("captured length", at + 8), number("original length", at + 12)];
        records.push(FileRecord { data: at + 16..end, end, fields });
        at = end;
    }
    records
}

/// pcapng: packets are enhanced packet blocks. Every interface has to be Ethernet.
fn blocks(bytes: &[u8]) -> Option<Vec<FileRecord>> {
    let (mut records, mut at) = (Vec::new(), 0);
    while at + 12 <= bytes.len() {
        let end = at + word(bytes, at + 4) as usize;
        let number = |kind, at| Field::new(kind, at, 4).little_endian();
        match word(bytes, at) {
            1 if word(bytes, at + 8) & 0xffff != 1 => return None,
            6 => {
                let data = at + 28..at + 28 + word(bytes, at + 20) as usize;
                let fields = vec![
                    number("block length", at + 4),
                    number("captured length", at + 20),
                    number("original length", at + 24),
                    number("second block length", end - 4),
                ];
                records.push(FileRecord { data, end, fields });
            }
            _ => {}
        }
        at = end;
    }
    Some(records)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |four| u32::from_le_bytes(four.try_into().unwrap()))
}
