//! The classic pcap format (draft-ietf-opsawg-pcap), both byte orders, µs and ns, and the one of old Linux systems whose
//! records tell more of the interface.

use super::file::{MAX_FRAME, Step};
use super::{LinkType, possible};

/// Length of the file header.
pub(super) const HEADER_BYTES: usize = 24;
const RECORD_BYTES: usize = 16;
/// Of the modified format (magic a1b2cd34): interface, protocol, direction and a byte of padding besides.
const MODIFIED_BYTES: usize = 24;

/// What the file header says.
#[derive(Debug)]
pub(super) struct Header {
    swapped: bool,
    nanoseconds: bool,
    record: usize,
    link: LinkType,
}

/// Why a header is refused.
#[derive(Debug)]
pub(super) enum HeaderError {
    /// The magic number is none of the six.
    Magic,
    /// The link type cannot be decoded.
    LinkType(u32),
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(HeaderError::Magic)?;
        let (swapped, nanoseconds, record) = match word(header, 0, false) {
            0xa1b2_c3d4 => (false, false, RECORD_BYTES),
            0xa1b2_3c4d => (false, true, RECORD_BYTES),
            0xd4c3_b2a1 => (true, false, RECORD_BYTES),
            0x4d3c_b2a1 => (true, true, RECORD_BYTES),
            0xa1b2_cd34 => (false, false, MODIFIED_BYTES),
            0x34cd_b2a1 => (true, false, MODIFIED_BYTES),
            _ => return Err(HeaderError::Magic),
        };
        // The upper bits tell the length of a frame check sequence, which no current capture carries.
        let number = word(header, 20, swapped) & 0x0fff_ffff;
        let link = LinkType::from_number(number).ok_or(HeaderError::LinkType(number))?;
        Ok(Self { swapped, nanoseconds, record, link })
    }

    pub(super) fn step(&self, bytes: &[u8]) -> Step {
        let Some(record) = bytes.get(..self.record) else { return Step::More { need: self.record } };
        let field = |at| word(record, at, self.swapped);
        let (seconds, fraction, captured, wire_len) = (field(0), field(4), field(8), field(12));
        if captured > MAX_FRAME {
            return Step::Damaged;
        }
        let len = captured as usize;
        let used = self.record + len;
        if bytes.len() < used {
            return Step::More { need: used };
        }
        let micros = if self.nanoseconds { fraction / 1000 } else { fraction };
        let time = possible(i128::from(seconds) * 1_000_000 + i128::from(micros));
        Step::Frame { used, at: self.record, len, time, wire_len: wire_len.max(captured), link: self.link }
    }
}

/// The four bytes at `at`, big-endian unless `swapped`; 0 where there are none.
pub(super) fn word(bytes: &[u8], at: usize, swapped: bool) -> u32 {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
    if swapped { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each magic number: a file header, and a record of two bytes at 1.5 s.
    #[test]
    fn six_formats() {
        let formats = [(0xa1b2_c3d4_u32, 500_000_u32, 0), (0xa1b2_3c4d, 500_000_000, 0), (0xa1b2_cd34, 500_000, 8)];
        for (magic, fraction, more) in formats {
            for bytes in [u32::to_be_bytes, u32::to_le_bytes] {
                let header: Vec<u8> = [magic, 0x0002_0004, 0, 0, 65_535, 1].map(bytes).concat();
                let record = [[1, fraction, 2, 60].map(bytes).concat(), vec![0; more], vec![7, 7]].concat();
                let parsed = Header::parse(&header).unwrap_or_else(|_| panic!("{magic:x}"));
                let Step::Frame { used, at, len, time, wire_len, .. } = parsed.step(&record) else {
                    panic!("{magic:x}")
                };
                assert_eq!(
                    (used, at, len, time, wire_len),
                    (record.len(), 16 + more, 2, 1_500_000, 60),
                    "{magic:x}"
                );
                assert!(matches!(parsed.step(&record[..record.len() - 1]), Step::More { .. }));
            }
        }
    }
}
