//! Several rings on one interface, among which the kernel deals out the flows (packet(7), `PACKET_FANOUT_HASH`).
//!
//! The kernel hashes addresses and ports, both directions alike, also behind a VLAN tag: a flow's packets are all one
//! ring's. What a tunnel carries it does not see: a mirror in a tunnel is one flow to it.

use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use libc::{c_int, c_uint, c_void, socklen_t};
use pcap::Error;

use super::live::{LiveCapture, LiveConfig, LiveError, Next, TIMEOUT_MS};

/// Lets the kernel choose a number that no other group has (linux/if_packet.h).
const UNIQUE_ID: c_uint = 0x2000;
/// Accepts no frame: none is empty.
const NOTHING: &str = "less 0";
/// The smallest ring of several, bytes. libpcap makes it of blocks of 256 KiB, and of fewer than four the kernel has none left
/// to write into while one is read and another waits.
const LEAST: u32 = 1 << 20;

impl LiveCapture {
    /// Opens so many rings on one interface; each flow is one ring's. They share [`LiveConfig::ring_bytes`], but each
    /// has a MiB at least.
    ///
    /// Frames that come between opening and joining would reach every ring. So each ring takes nothing until all have
    /// joined.
    ///
    /// # Errors
    /// As for one ring, and a kernel that knows no such groups.
    pub fn open_group(config: &LiveConfig, rings: usize) -> Result<Vec<Self>, LiveError> {
        if rings <= 1 {
            return Ok(vec![Self::open(config)?]);
        }
        let config = LiveConfig { ring_bytes: share(config.ring_bytes, rings), ..config.clone() };
        let nothing = LiveConfig { filter: Some(NOTHING.to_owned()), ..config.clone() };
        let mut group = None;
        let mut opened = Vec::with_capacity(rings);
        for _ in 0..rings {
            let ring = Self::open(&nothing)?;
            let joined =
                ring.join(group).map_err(|e| ring.failed("share the packets of", Error::IoError(e.kind())))?;
            group = Some(joined);
            opened.push(ring);
        }
        // A block that was begun before the filter was there is read once its time is over, and no longer.
        thread::sleep(Duration::from_millis(2 * TIMEOUT_MS.unsigned_abs() as u64));
        for ring in &mut opened {
            while let Next::Frame(_) = ring.next_frame()? {}
            ring.set_filter(config.filter.as_deref().unwrap_or_default())?;
        }
        Ok(opened)
    }

    /// Joins a group, or makes one; gives its number.
    #[allow(unsafe_code, reason = "no crate wraps this option of packet sockets")]
    fn join(&self, group: Option<c_uint>) -> std::io::Result<c_uint> {
        let fd = self.raw().as_raw_fd();
        let option: c_uint = group.unwrap_or(UNIQUE_ID << 16) | libc::PACKET_FANOUT_HASH << 16;
        let length = size_of::<c_uint>() as socklen_t;
        let pointer: *const c_uint = &raw const option;
        // SAFETY: the descriptor is open as long as `self`; the kernel reads `length` bytes of `option`, which outlives
        // the call.
        let set = unsafe {
            libc::setsockopt(fd, libc::SOL_PACKET, libc::PACKET_FANOUT, pointer.cast::<c_void>(), length)
        };
        if set != 0 {
            return Err(std::io::Error::last_os_error());
        }
        let (mut number, mut length) = (0 as c_uint, length);
        let pointer: *mut c_uint = &raw mut number;
        // SAFETY: the same descriptor; the kernel writes at most `length` bytes into `number`, and how many into `length`.
        let got: c_int = unsafe {
            libc::getsockopt(fd, libc::SOL_PACKET, libc::PACKET_FANOUT, pointer.cast::<c_void>(), &raw mut length)
        };
        // The answer has the flags above the number, and a member asks for the number alone.
        if got == 0 { Ok(number & 0xffff) } else { Err(std::io::Error::last_os_error()) }
    }
}

/// What each of so many rings has.
fn share(bytes: u32, rings: usize) -> u32 {
    let rings = u32::try_from(rings).unwrap_or(u32::MAX).max(1);
    (bytes / rings).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rings_of_little_still_hold_something() {
        assert_eq!((share(64 << 20, 4), share(64 << 20, 64)), (16 << 20, 1 << 20));
        assert_eq!((share(1 << 20, 64), share(0, 0)), (LEAST, LEAST));
    }
}
