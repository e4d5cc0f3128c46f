//! Live interfaces through libpcap's memory-mapped ring.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use pcap::{Active, Capture, Error};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::counters::{Counters, grown};
use super::{Frame, LinkType};

/// How a live capture is opened.
#[derive(Debug, Clone)]
pub struct LiveConfig {
    /// Name of the interface.
    pub interface: String,
    /// Bytes of each frame that are captured. Super-frames of the local host exceed any MTU.
    pub snaplen: u32,
    /// Takes frames for other hosts, too. A mirror port shows no others.
    pub promiscuous: bool,
    /// Bytes of the ring between kernel and sensor.
    pub ring_bytes: u32,
    /// BPF filter expression; everything when absent.
    pub filter: Option<String>,
}

impl LiveConfig {
    /// The defaults for an interface.
    pub fn new(interface: &str) -> Self {
        Self {
            interface: interface.to_owned(),
            snaplen: 262_144,
            promiscuous: true,
            ring_bytes: 64 << 20,
            filter: None,
        }
    }
}

/// Why a live capture cannot be opened or goes on no longer.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// `any` was asked for.
    #[error(
        "interface `any` is refused: it shows each frame of a bridge or VLAN several times and hides the link header; \
         name the interface of the mirror port, for example -i eth1 (`ip -br link` lists them)"
    )]
    Any,
    /// libpcap refused.
    #[error("cannot {action} interface {interface}: {source}{hint}")]
    Pcap {
        /// What was tried.
        action: &'static str,
        /// The interface.
        interface: String,
        /// libpcap's word.
        source: Error,
        /// How to mend it, where that is known.
        hint: &'static str,
    },
    /// The interface has a link type that cannot be decoded.
    #[error("interface {interface} has link type {number}, which cannot be decoded")]
    LinkType {
        /// The interface.
        interface: String,
        /// libpcap's number.
        number: i32,
    },
}

/// What a look at the ring brought.
#[derive(Debug)]
pub enum Next<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// The ring is empty.
    Quiet,
}

/// Packets lost since the previous question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// By the interface or its driver, before the kernel had them.
    pub interface: u64,
    /// Between kernel and sensor: the capture ring was full.
    pub ring: u64,
}

/// An open live capture.
pub struct LiveCapture {
    inner: Capture<Active>,
    interface: String,
    link: LinkType,
    /// Packets that the ring had no room for, as libpcap counts them.
    ring: u32,
    counters: Option<Counters>,
}

/// How long, in ms, the ring gathers frames before it wakes the reader.
pub(super) const TIMEOUT_MS: i32 = 100;

impl LiveCapture {
    /// Opens an interface in promiscuous mode.
    pub fn open(config: &LiveConfig) -> Result<Self, LiveError> {
        if config.interface == "any" {
            return Err(LiveError::Any);
        }
        let failed = |action| move |source| refused(action, &config.interface, source);
        let mut inner = Capture::from_device(config.interface.as_str())
            .map_err(failed("open"))?
            .promisc(config.promiscuous)
            .snaplen(i32::try_from(config.snaplen).unwrap_or(i32::MAX))
            .buffer_size(i32::try_from(config.ring_bytes).unwrap_or(i32::MAX))
            .timeout(TIMEOUT_MS)
            .open()
            .map_err(failed("open"))?
            .setnonblock()
            .map_err(failed("set up"))?;
        if let Some(filter) = &config.filter {
            inner.filter(filter, true).map_err(failed("set the filter of"))?;
        }
        let number = inner.get_datalink().0;
        let link = u32::try_from(number).ok().and_then(LinkType::from_number);
        let link = link.ok_or_else(|| LiveError::LinkType { interface: config.interface.clone(), number })?;
        let counters = Counters::open(&config.interface).ok();
        Ok(Self { inner, interface: config.interface.clone(), link, ring: 0, counters })
    }

    /// Name of the interface.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// False where the system does not tell what the interface itself loses.
    pub fn knows_losses(&self) -> bool {
        self.counters.is_some()
    }

    /// Whether the interface went up (true) or down since this was last asked. While it is down the ring is empty; no
    /// new capture is needed when it is up again.
    pub fn turned(&mut self) -> Option<bool> {
        self.counters.as_mut()?.turned()
    }

    /// Packets that the interface has received since it was made, whoever listened.
    pub fn received(&self) -> Option<u64> {
        self.counters.as_ref()?.received()
    }

    /// The next frame. Does not wait: see [`Self::wait`].
    pub fn next_frame(&mut self) -> Result<Next<'_>, LiveError> {
        match self.inner.next_packet() {
            Ok(packet) => Ok(Next::Frame(Frame {
                time: packet.header.ts.tv_sec * 1_000_000 + packet.header.ts.tv_usec,
                data: packet.data,
                wire_len: packet.header.len,
                link: self.link,
            })),
            Err(Error::TimeoutExpired | Error::NoMorePackets) => Ok(Next::Quiet),
            Err(source) => Err(refused("read from", &self.interface, source)),
        }
    }

    /// Replaces the filter; an empty one takes everything.
    pub(super) fn set_filter(&mut self, filter: &str) -> Result<(), LiveError> {
        let set = self.inner.filter(filter, true);
        set.map_err(|source| self.failed("set the filter of", source))
    }

    /// libpcap's handle.
    pub(super) fn raw(&self) -> &Capture<Active> {
        &self.inner
    }

    /// An error about this interface.
    pub(super) fn failed(&self, action: &'static str, source: Error) -> LiveError {
        refused(action, &self.interface, source)
    }

    /// Sleeps until the ring has frames, a signal comes, or the time is over.
    pub fn wait(&self, at_most: Duration) {
        #[allow(unsafe_code, reason = "libpcap lends its descriptor as a bare number")]
        // SAFETY: the descriptor belongs to `self.inner`, which is borrowed and so stays open until `poll` returns.
        let fd = unsafe { BorrowedFd::borrow_raw(self.inner.as_raw_fd()) };
        let timeout = Timespec::try_from(at_most).ok();
        // An error here is a signal or a vanished interface: the next read tells.
        let _ = poll(&mut [PollFd::new(&fd, PollFlags::IN)], timeout.as_ref());
    }

    /// Packets lost since this was last asked. Needs no rights that the capture has not got already.
    pub fn lost(&mut self) -> Lost {
        let now = self.inner.stats().map_or(self.ring, |stat| stat.dropped);
        let ring = grown(std::mem::replace(&mut self.ring, now), now);
        Lost { interface: self.counters.as_mut().map_or(0, Counters::lost), ring }
    }
}

fn refused(action: &'static str, interface: &str, source: Error) -> LiveError {
    let hint = hint(&source.to_string());
    LiveError::Pcap { action, interface: interface.to_owned(), source, hint }
}

/// How to mend what libpcap says in its own words.
fn hint(text: &str) -> &'static str {
    if text.contains("ermission") || text.contains("not permitted") {
        "\nrun as root, or once: sudo setcap cap_net_raw=eip $(command -v shadowtap)"
    } else if text.contains("No such device") {
        "\n`ip -br link` lists the interfaces"
    } else {
        ""
    }
}
