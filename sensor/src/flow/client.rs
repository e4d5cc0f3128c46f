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
/// Extensions that depend on the connection and not on the build: names, resumption, padding, what goes with the
/// protocols offered, and what TLS 1.2 needs, which a browser leaves out over QUIC.
const OF_CONNECTION: [u16; 16] = [
    ext::SERVER_NAME,
    ext::ALPN,
    ext::PADDING,
    ext::SESSION_TICKET,
    ext::PRE_SHARED_KEY,
    ext::EARLY_DATA,
    ext::COOKIE,
    ext::ALPS,
    ext::ALPS_OLD,
    ext::QUIC_PARAMETERS,
    ext::STATUS_REQUEST,
    ext::EC_POINT_FORMATS,
    ext::CERTIFICATE_TIMESTAMP,
    ext::EXTENDED_MASTER_SECRET,
    ext::RENEGOTIATION,
    ext::ESNI,
];
/// Cipher suites of TLS 1.3 have this first byte; the others are not offered over QUIC.
const TLS13_SUITE: u8 = 0x13;
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
    /// The same in all hellos of one build, over TCP and QUIC.
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
        let ciphers = hello.ciphers.iter().copied().filter(|cipher| cipher.to_be_bytes()[0] == TLS13_SUITE);
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
        let next = time.saturating_sub(self.last) < AT_ONCE && self.parts > 0;
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

#[cfg(test)]
mod tests {
    use super::*;

    const CHROMIUM: [u16; 19] =
        [0x9a9a, 18, 35, 27, 0, 65281, 45, 51, 17613, 16, 65037, 51764, 23, 5, 43, 13, 11, 10, 0xcaca];
    const CHROMIUM_QUIC: [u16; 12] = [57, 13, 45, 51, 10, 65037, 27, 43, 17613, 16, 0, 51764];
    const CURL_CFFI: [u16; 18] =
        [0xaaaa, 16, 43, 27, 35, 10, 45, 18, 17613, 13, 5, 0, 65281, 65037, 11, 51, 23, 0xeaea];
    const FIREFOX: [u16; 17] = [0, 23, 65281, 10, 11, 35, 16, 5, 34, 18, 51, 43, 13, 45, 28, 27, 65037];
    const OPENSSL: [u16; 12] = [0, 11, 10, 35, 16, 22, 23, 13, 43, 45, 51, 21];
    const GNUTLS: [u16; 12] = [5, 10, 11, 13, 16, 22, 23, 51, 43, 65281, 0, 28];
    const SAFARI: [u16; 14] = [0x1a1a, 0, 23, 65281, 10, 11, 16, 5, 13, 18, 51, 45, 43, 27];

    fn build(ciphers: &[u16], extensions: &[u16], alpn: &[&'static [u8]]) -> Build {
        let mut hello = ClientHello::default();
        hello.ciphers = ciphers.to_vec();
        hello.extensions = extensions.to_vec();
        hello.versions = vec![TLS13];
        hello.alpn = alpn.to_vec();
        Build::of(&hello)
    }

    fn manner(extensions: &[u16], alpn: &[&'static [u8]]) -> Manner {
        build(&[0x1301, 0x1302], extensions, alpn).manner
    }

    #[test]
    fn hellos_of_browsers_and_of_programs() {
        for browser in [&CHROMIUM[..], &CHROMIUM_QUIC, &CURL_CFFI, &FIREFOX] {
            assert_eq!(manner(browser, &[b"h2"]), Manner::Browser, "{browser:?}");
        }
        assert_eq!(manner(&OPENSSL, &[b"http/1.1"]), Manner::Program);
        assert_eq!(manner(&GNUTLS, &[]), Manner::Program);
        assert_eq!(manner(&GNUTLS, &[b"h2"]), Manner::Unclear);
        assert_eq!(manner(&SAFARI, &[b"h2"]), Manner::Unclear);
        let mut old = ClientHello::default();
        old.extensions = OPENSSL.to_vec();
        assert_eq!(Build::of(&old).manner, Manner::Unclear, "before TLS 1.3");
    }

    #[test]
    fn a_build_is_the_same_over_both_transports_and_in_any_order() {
        let tcp = build(&[0x4a4a, 0x1301, 0x1302, 0xc02b], &CHROMIUM, &[b"h2"]);
        let mut shuffled = CHROMIUM;
        shuffled.reverse();
        assert_eq!(tcp, build(&[0x8a8a, 0x1301, 0x1302, 0xc02b], &shuffled, &[b"http/1.1"]));
        assert_eq!(tcp, build(&[0x1301, 0x1302], &CHROMIUM_QUIC, &[b"h3"]));
        assert_ne!(tcp, build(&[0x4a4a, 0x1301, 0x1302, 0xc02b], &CURL_CFFI, &[b"h2"]));
    }

    #[test]
    fn only_what_renders_pages_is_a_browser_and_one_flow_speaks_for_all() {
        let address = IpAddr::from([10, 0, 0, 7]);
        let mut clients = Clients::default();
        let chromium = build(&[0x1301], &CHROMIUM, &[b"h2"]);
        let imitator = build(&[0x1301], &CURL_CFFI, &[b"h2"]);
        let [mut page, upload, mut fake] = [chromium, chromium, imitator].map(|b| clients.client(address, b));
        for (time, bytes) in [(0, 465), (40_000, 109), (40_100, 62), (41_000, 62)] {
            page.up(time, bytes);
            if time == 0 {
                page.down();
            }
        }
        // One call after the other, and two at once.
        for time in 0..50 {
            fake.up(time * 20_000, 400);
            fake.up(time * 20_000 + 5, 400);
            fake.down();
        }
        let kinds = [&page, &upload, &fake].map(Client::kind);
        assert_eq!(kinds, [ClientKind::Browser, ClientKind::Browser, ClientKind::Unknown]);
    }
}
