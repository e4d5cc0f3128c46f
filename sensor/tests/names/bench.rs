//! A worker, and what it gave.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use rules::catalogue::Catalogue;
use sensor::capture::{Frame, LinkType};
use sensor::output::{Name, Output};
use sensor::record::{Ech, FlowRecord, LookupRecord, Record, VisibilityRecord};
use sensor::worker::{Worker, WorkerConfig};

use crate::wire::{ACK, End, RESOLVER, SYN, answer, hello, https, query, tcp, udp};

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const A: u16 = 1;
pub(crate) const HTTPS: u16 = 65;

pub(crate) struct Bench {
    pub(crate) worker: Worker,
    pub(crate) seen: Seen,
}

#[derive(Default)]
pub(crate) struct Seen {
    /// Client, server, name and type of each question.
    pub(crate) questions: Vec<(String, String, String, u16)>,
    /// Names of hellos, and whether they are encrypted.
    pub(crate) hellos: Vec<(String, Ech)>,
    pub(crate) flows: Vec<FlowRecord>,
    pub(crate) lookups: Vec<LookupRecord>,
    pub(crate) visibility: Vec<VisibilityRecord>,
    /// Flows by naming method.
    pub(crate) methods: BTreeMap<String, u64>,
    /// What could not be read or kept.
    pub(crate) malformed: BTreeMap<String, u64>,
}

impl Output for Seen {
    fn record(&mut self, record: Record) {
        match record {
            Record::Flow(flow) => self.flows.push(*flow),
            Record::Lookup(lookup) => self.lookups.push(*lookup),
            Record::Visibility(visibility) => self.visibility.push(*visibility),
            Record::Minute(minute) => {
                for (method, tally) in minute.methods {
                    *self.methods.entry(method).or_default() += tally.flows;
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, name: &Name<'_>) {
        let text = name.name.unwrap_or_default().to_owned();
        let end = |(ip, port): (std::net::IpAddr, u16)| format!("{ip}:{port}");
        match name.qtype {
            Some(qtype) => {
                let (client, server) = (end(name.flow.client_end()), end(name.flow.server_end()));
                self.questions.push((client, server, text, qtype));
            }
            None => self.hellos.push((text, name.ech)),
        }
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut WorkerConfig)) -> Self {
        static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::builtin()));
        let mut config = WorkerConfig::new(CATALOGUE.clone());
        change(&mut config);
        Self { worker: Worker::new(config), seen: Seen::default() }
    }

    pub(crate) fn frame(&mut self, time: i64, data: &[u8]) {
        let wire_len = data.len() as u32;
        self.worker.frame(&Frame { time, data, wire_len, link: LinkType::RawIp }, &mut self.seen);
    }

    pub(crate) fn done(mut self) -> Seen {
        self.worker.finish(&mut self.seen);
        let (totals, lines) = (self.worker.totals(), self.worker.totals().accounted());
        assert_eq!((totals.frames, totals.bytes), (lines.frames, lines.bytes));
        self.seen.malformed = totals.malformed();
        self.seen
    }

    /// The client asks for the address of a name, and is told.
    pub(crate) fn told(&mut self, time: i64, client: End, name: &str, address: [u8; 4], ttl: u32) {
        self.frame(time, &udp(client, RESOLVER, &query(7, name, A)));
        self.frame(time + 1, &udp(RESOLVER, client, &answer(7, name, A, &[(A, ttl, address.to_vec())])));
    }

    /// The client asks for the HTTPS record of a name, and is told.
    pub(crate) fn told_https(&mut self, time: i64, client: End, name: &str, public: Option<&str>) {
        let data = https(&[], public);
        self.frame(time, &udp(client, RESOLVER, &query(8, name, HTTPS)));
        self.frame(time + 1, &udp(RESOLVER, client, &answer(8, name, HTTPS, &[(HTTPS, 300, data)])));
    }

    /// A connection whose hello shows `sni`, up to an answer of the server.
    pub(crate) fn connect(&mut self, time: i64, client: End, server: End, sni: Option<&str>, ech: bool) {
        let hello = hello(sni, ech);
        self.frame(time, &tcp(client, server, 99, SYN, b""));
        self.frame(time + 1, &tcp(server, client, 499, SYN | ACK, b""));
        self.frame(time + 2, &tcp(client, server, 100, ACK, &hello));
        self.frame(time + 3, &tcp(server, client, 500, ACK, &[23, 3, 3, 0, 1, 0]));
    }
}

impl Seen {
    /// Evidence, host and candidates of the one flow that is an AI service's; empty without one.
    pub(crate) fn verdict(&self) -> (String, String, Vec<String>) {
        let Some(flow) = self.flows.last() else { return Default::default() };
        assert!(self.flows.iter().all(|other| other.flow_id == flow.flow_id && other.host == flow.host));
        (flow.evidence.as_str().to_owned(), flow.host.clone().unwrap_or_default(), flow.candidates.clone())
    }

    /// Names of the questions, in their order.
    pub(crate) fn asked(&self) -> Vec<&str> {
        self.questions.iter().map(|(_, _, name, _)| name.as_str()).collect()
    }
}
