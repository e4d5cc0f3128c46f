//! Where frames come from: capture files, and live interfaces with the feature `live`.

#[cfg(feature = "live")]
mod fanout;
pub mod file;
#[cfg(feature = "live")]
pub mod live;
mod pcap;
mod pcapng;

/// Stands for a time that no capture can have.
pub const NO_TIME: i64 = i64::MIN;

/// From the epoch, which simulators and clocks that nobody has set count from, to 2200-01-01, µs. It leaves room enough
/// below and above that times can be added.
const POSSIBLE: std::ops::Range<i64> = 0..7_258_118_400_000_000;

/// A time of a capture file, or [`NO_TIME`].
fn possible(micros: i128) -> i64 {
    i64::try_from(micros).ok().filter(|micros| POSSIBLE.contains(micros)).unwrap_or(NO_TIME)
}

/// One captured frame, borrowed from the reader's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Time of capture, µs since the Unix epoch, UTC; [`NO_TIME`] where a capture file gives an impossible one.
    pub time: i64,
    /// The captured bytes: the whole frame or, cut by a snaplen, its beginning.
    pub data: &'a [u8],
    /// Length of the frame on the wire, without frame check sequence.
    pub wire_len: u32,
    /// How the first header is to be read.
    pub link: LinkType,
}

/// Link-layer header types that can be decoded (values: tcpdump.org/linktypes.html).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkType {
    /// Ethernet (1).
    Ethernet,
    /// IPv4 or IPv6 without link header (12, 14, 101, 228, 229).
    RawIp,
    /// BSD loopback: four bytes of address family (0, 108).
    Loopback,
    /// PPP, with or without HDLC framing, and the framing of Cisco HDLC (9, 50, 104).
    Ppp,
    /// Linux cooked capture v1 (113).
    LinuxSll,
    /// Linux cooked capture v2 (276).
    LinuxSll2,
    /// IEEE 802.11 (105).
    Ieee80211,
    /// IEEE 802.11 behind a radiotap header (127).
    Radiotap,
    /// Linux netfilter log (239).
    Nflog,
}

impl LinkType {
    /// The link type of a number in a capture file; `None` when it cannot be decoded.
    pub fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Ethernet,
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            0 | 108 => Self::Loopback,
            9 | 50 | 104 => Self::Ppp,
            113 => Self::LinuxSll,
            276 => Self::LinuxSll2,
            105 => Self::Ieee80211,
            127 => Self::Radiotap,
            239 => Self::Nflog,
            _ => return None,
        })
    }
}
