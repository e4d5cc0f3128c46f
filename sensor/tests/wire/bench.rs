//! Many cases through one worker: each has a client of its own, and is to give its names and no other.

use std::collections::HashMap;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, LazyLock};

use rules::catalogue::Catalogue;
use sensor::capture::{Frame, LinkType};
use sensor::output::{Name, Output};
use sensor::record::Record;
use sensor::worker::{Worker, WorkerConfig};

use super::cut::Piece;
use super::hello::NAME;
use super::packet::{ACK, Ends, SERVER_BASE, SYN};

/// µs between two frames.
const STEP: i64 = 1000;
/// Failures that are printed; the number of all of them is as well.
const SHOWN: usize = 12;

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::builtin()));

/// Protocol and name.
type Named = (&'static str, Option<String>);

/// A worker, what it was shown and what it gave.
pub(crate) struct Bench {
    worker: Worker,
    seen: Seen,
    cases: Vec<Case>,
    seed: u64,
    time: i64,
}

struct Case {
    ends: Ends,
    what: String,
    wanted: Vec<Named>,
    /// No name at all is right as well.
    or_none: bool,
}

#[derive(Default)]
struct Seen(HashMap<[SocketAddr; 2], Vec<Named>>);

impl Output for Seen {
    fn record(&mut self, _: Record) {}

    fn name(&mut self, name: &Name<'_>) {
        let ends = [name.flow.client_end(), name.flow.server_end()].map(SocketAddr::from);
        self.0.entry(ends).or_default().push((name.protocol, name.name.map(str::to_owned)));
    }
}

impl Bench {
    /// `seed` is what chance in the cases comes from; it is printed with a failure.
    pub(crate) fn new(seed: u64) -> Self {
        let worker = Worker::new(WorkerConfig::new(CATALOGUE.clone()));
        let time = 1_795_225_912_000_000;
        Self { worker, seen: Seen::default(), cases: Vec::new(), seed, time }
    }

    /// A new case: a ClientHello over TLS is to be found.
    pub(crate) fn tls(&mut self, what: impl Display) -> Ends {
        self.case(443, &[("tls", NAME)], what)
    }

    /// A new case: a ClientHello over QUIC is to be found.
    pub(crate) fn quic(&mut self, what: impl Display) -> Ends {
        self.case(443, &[("quic", NAME)], what)
    }

    /// A new case: broken enough that no name need come out, but no other one may.
    pub(crate) fn broken(&mut self, what: impl Display) -> Ends {
        let ends = self.tls(what);
        self.cases.last_mut().expect("it was added").or_none = true;
        ends
    }

    /// The same over QUIC.
    pub(crate) fn broken_quic(&mut self, what: impl Display) -> Ends {
        let ends = self.quic(what);
        self.cases.last_mut().expect("it was added").or_none = true;
        ends
    }

    /// A new case: a client that nobody was before, and the names that are to be found. Two of five are IPv6.
    pub(crate) fn case(&mut self, port: u16, wanted: &[(&'static str, &str)], what: impl Display) -> Ends {
        let n = self.cases.len() as u32;
        let (client, server): (IpAddr, IpAddr) = if n % 5 < 2 {
            let client = Ipv6Addr::from((0xfd00_u128 << 112) + 1 + u128::from(n));
            (client.into(), Ipv6Addr::from((0x2001_0db8_u128 << 96) + 0x30).into())
        } else {
            (Ipv4Addr::from((10 << 24) + 1 + n).into(), [198, 51, 100, 30].into())
        };
        let client = SocketAddr::new(client, 20_000 + (n % 40_000) as u16);
        let ends = Ends { client, server: SocketAddr::new(server, port), ack: SERVER_BASE };
        let wanted = wanted.iter().map(|&(protocol, name)| (protocol, Some(name.to_owned()))).collect();
        self.cases.push(Case { ends, what: what.to_string(), wanted, or_none: false });
        ends
    }

    /// The connection id of the newest case: no two have the same.
    pub(crate) fn connection_id(&self) -> [u8; 8] {
        (self.cases.len() as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()
    }

    /// Shows the worker a whole frame.
    pub(crate) fn frame(&mut self, data: &[u8]) {
        self.cut_frame(data, data.len());
    }

    /// Shows the worker the first bytes of a frame.
    pub(crate) fn cut_frame(&mut self, data: &[u8], kept: usize) {
        self.time += STEP;
        let (wire_len, link) = (data.len() as u32, LinkType::RawIp);
        self.worker.frame(&Frame { time: self.time, data: &data[..kept], wire_len, link }, &mut self.seen);
    }

    /// SYN and SYN-ACK; the client's stream begins at `seq`.
    pub(crate) fn handshake(&mut self, ends: Ends, seq: u32) {
        self.frame(&ends.tcp(seq.wrapping_sub(1), SYN, b""));
        self.frame(&ends.back(seq).tcp(SERVER_BASE - 1, SYN | ACK, b""));
    }

    /// Pieces of a stream that begins at `seq`, in this order.
    pub(crate) fn segments(&mut self, ends: Ends, seq: u32, pieces: &[Piece<'_>], order: &[usize]) {
        for &i in order {
            let (at, piece) = pieces[i];
            self.frame(&ends.tcp(seq.wrapping_add(at as u32), ACK, piece));
        }
    }

    /// Ends the capture: each case has its names, nobody else has one, and every byte is accounted for.
    pub(crate) fn done(mut self) {
        self.worker.finish(&mut self.seen);
        let (totals, lines) = (self.worker.totals(), self.worker.totals().accounted());
        assert_eq!((totals.frames, totals.bytes), (lines.frames, lines.bytes), "the ledger leaks");
        assert!(!self.cases.is_empty());
        let mut failures = Vec::new();
        for Case { ends, what, wanted, or_none } in &self.cases {
            let got = self.seen.0.remove(&[ends.client, ends.server]).unwrap_or_default();
            if got != *wanted && !(*or_none && got.iter().all(|(_, name)| name.is_none())) {
                failures.push(format!("{what} ({}): {got:?}, not {wanted:?}", ends.client));
            }
        }
        failures.extend(self.seen.0.iter().map(|(ends, names)| format!("not a client: {ends:?} {names:?}")));
        let (failed, all, seed) = (failures.len(), self.cases.len(), self.seed);
        failures.truncate(SHOWN);
        assert!(failed == 0, "{failed} of {all} cases, seed {seed:#x}:\n{}", failures.join("\n"));
    }
}
