//! The classic pcap format (draft-ietf-opsawg-pcap), both byte orders, µs and ns.

use super::file::{MAX_FRAME, Step};
use super::{LinkType, possible};

/// Length of the file header.
pub(super) const HEADER_BYTES: usize = 24;
const RECORD_BYTES: usize = 16;

/// What the file header says.
#[derive(Debug)]
pub(super) struct Header {
    swapped: bool,
    nanoseconds: bool,
    link: LinkType,
}

/// Why a header is refused.
#[derive(Debug)]
pub(super) enum HeaderError {
    /// The magic number is none of the four.
    Magic,
    /// The link type cannot be decoded.
    LinkType(u32),
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(HeaderError::Magic)?;
        let (swapped, nanoseconds) = match word(header, 0, false) {
            0xa1b2_c3d4 => (false, false),
            0xa1b2_3c4d => (false, true),
            0xd4c3_b2a1 => (true, false),
            0x4d3c_b2a1 => (true, true),
            _ => return Err(HeaderError::Magic),
        };
        // The upper bits tell the length of a frame check sequence, which no current capture carries.
        let number = word(header, 20, swapped) & 0x0fff_ffff;
        let link = LinkType::from_number(number).ok_or(HeaderError::LinkType(number))?;
        Ok(Self { swapped, nanoseconds, link })
    }

    pub(super) fn step(&self, bytes: &[u8]) -> Step {
        let Some(record) = bytes.first_chunk::<RECORD_BYTES>() else { return Step::More { need: RECORD_BYTES } };
        let field = |at| word(record, at, self.swapped);
        let (seconds, fraction, captured, wire_len) = (field(0), field(4), field(8), field(12));
        if captured > MAX_FRAME {
            return Step::Damaged;
        }
        let len = captured as usize;
        let used = RECORD_BYTES + len;
        if bytes.len() < used {
            return Step::More { need: used };
        }
        let micros = if self.nanoseconds { fraction / 1000 } else { fraction };
        let time = possible(i128::from(seconds) * 1_000_000 + i128::from(micros));
        Step::Frame { used, at: RECORD_BYTES, len, time, wire_len: wire_len.max(captured), link: self.link }
    }
}

/// The four bytes at `at`, big-endian unless `swapped`; 0 where there are none.
pub(super) fn word(bytes: &[u8], at: usize, swapped: bool) -> u32 {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
    if swapped { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }
}
