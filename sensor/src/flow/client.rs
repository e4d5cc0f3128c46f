//! What kind of software a client is: what its hello looks like, and whether it then does what browsers do.
//!
//! A hello is easily imitated, so that of a browser is not enough: the client must also have asked for several parts of
//! a page at once, as only software that renders pages does. One such flow speaks for all flows of the same client
//! whose hello is of the same build.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rules::behaviour::ClientKind;

use crate::bytes::fnv1a;
use crate::dissect::client_hello::ClientHello;
use crate::dissect::client_hello::extension as ext;
use crate::dissect::ja4::is_grease;

/// Clients and builds that are remembered; then all are forgotten, and prove themselves again.
const MAX_BUILDS: usize = 8192;
/// Extensions that depend on the connection and not on the build: names, resumption, padding, and those that go with
/// the protocols offered.
const OF_CONNECTION: [u16; 9] = [
    ext::SERVER_NAME,
    ext::ALPN,
    ext::PADDING,
    ext::SESSION_TICKET,
    ext::PRE_SHARED_KEY,
    ext::EARLY_DATA,
    ext::COOKIE,
    ext::ALPS,
    ext::ALPS_OLD,
];
/// The smallest request for a part of a page (with compressed header fields), bytes.
const SMALLEST_PART: u64 = 49;
/// The largest: browsers send the cookie with the first and refer to it afterwards.
const LARGEST_PART: u64 = 600;
/// Parts that are asked for at once. A program that has two calls under way is common, three small ones at once are not.
const PARTS: u8 = 3;
/// µs between two of them: a page's parts are asked for as its text is parsed.
const AT_ONCE: i64 = 100_000;

/// What a hello looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// As Chromium's or Firefox's.
    Browser,
    /// As that of a library, with nothing that any browser sends.
    Program,
    /// Neither, or there was none.
    #[default]
    Unclear,
}

/// What a hello tells about the software that sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Build {
    /// What it looks like.
    pub manner: Manner,
    /// The same in all hellos of one build over one transport.
    number: u64,
}

/// The client of one flow.
#[derive(Debug, Clone, Default)]
pub struct Client {
    manner: Manner,
    renders: Arc<AtomicBool>,
    parts: u8,
    last: i64,
}

/// Which clients were seen to render pages, by address and build.
#[derive(Debug, Default)]
pub struct Clients {
    builds: HashMap<(IpAddr, u64), Arc<AtomicBool>, foldhash::fast::RandomState>,
}

impl Build {
    /// No hello was seen.
    pub const NONE: Self = Self { manner: Manner::Unclear, number: 0 };

    /// Reads a hello.
    pub fn of(hello: &ClientHello<'_>) -> Self {
        let mut kinds: Vec<u16> =
            hello.extensions.iter().copied().filter(|e| !is_grease(*e) && !OF_CONNECTION.contains(e)).collect();
        // Chromium shuffles them on each connection.
        kinds.sort_unstable();
        let ciphers = hello.ciphers.iter().copied().filter(|c| !is_grease(*c));
        let bytes: Vec<u8> = kinds.into_iter().chain([0]).chain(ciphers).flat_map(u16::to_be_bytes).collect();
        Self { manner: Manner::of(hello), number: fnv1a(&[&bytes]) }
    }
}

impl Manner {
    fn of(hello: &ClientHello<'_>) -> Self {
        let has = |kind: u16| hello.extensions.contains(&kind);
        let grease = hello.ciphers.iter().chain(&hello.extensions).any(|v| is_grease(*v));
        let alps = has(ext::ALPS) || has(ext::ALPS_OLD);
        // Over QUIC Chromium sends no GREASE; over TCP it leaves ALPS out when it offers no HTTP/2.
        let chromium = has(ext::COMPRESS_CERTIFICATE) && hello.has_ech() && (alps || grease);
        let firefox = has(ext::DELEGATED_CREDENTIAL) && has(ext::RECORD_SIZE_LIMIT) && hello.has_ech();
        if chromium || firefox {
            return Self::Browser;
        }
        let of_browsers = [ext::COMPRESS_CERTIFICATE, ext::DELEGATED_CREDENTIAL, ext::ECH, ext::CHANNEL_ID];
        let multiplexed = hello.alpn.iter().any(|protocol| [&b"h2"[..], b"h3"].contains(protocol));
        // GnuTLS sends it for git and wget, and for browsers built on WebKitGTK, which speak HTTP/2.
        let gnutls = has(ext::RECORD_SIZE_LIMIT) && multiplexed;
        let modern = hello.versions.contains(&TLS13);
        match grease || alps || gnutls || !modern || of_browsers.into_iter().any(has) {
            true => Self::Unclear,
            false => Self::Program,
        }
    }
}

/// Browsers of the years before it are too many and too different to tell from programs.
const TLS13: u16 = 0x0304;

impl Client {
    /// What it is, as far as is known by now.
    pub fn kind(&self) -> ClientKind {
        match self.manner {
            Manner::Program => ClientKind::Program,
            Manner::Browser if self.renders.load(Ordering::Relaxed) => ClientKind::Browser,
            Manner::Browser | Manner::Unclear => ClientKind::Unknown,
        }
    }

    /// What its hello looks like.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// It sent a packet of `bytes` of content at `time`.
    pub(super) fn up(&mut self, time: i64, bytes: u64) {
        if self.manner != Manner::Browser || bytes < SMALLEST_PART {
            return;
        }
        let next = time - self.last < AT_ONCE && self.parts > 0;
        self.last = time;
        self.parts = match bytes <= LARGEST_PART {
            true if next => self.parts.saturating_add(1),
            fits => u8::from(fits),
        };
        if self.parts == PARTS {
            self.renders.store(true, Ordering::Relaxed);
        }
    }

    /// The service sent content: what is asked next is no longer asked at once with what was.
    pub(super) fn down(&mut self) {
        self.parts = 0;
    }
}

impl Clients {
    /// The client at `address` with a hello of `build`.
    pub fn client(&mut self, address: IpAddr, build: Build) -> Client {
        if build.manner != Manner::Browser {
            return Client { manner: build.manner, ..Client::default() };
        }
        if self.builds.len() >= MAX_BUILDS {
            self.builds.clear();
        }
        let renders = self.builds.entry((address, build.number)).or_default().clone();
        Client { manner: build.manner, renders, ..Client::default() }
    }
}
