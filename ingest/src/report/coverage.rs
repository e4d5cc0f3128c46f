//! What the sensor saw and could not see, each number with its denominator.

use std::collections::BTreeSet;

use super::judged::Judged;
use super::model::{Coverage, MethodRow, SensorTrouble, ServiceRow, Share, WordCount};
use super::tables::name;
use rules::catalogue::Catalogue;
use sensor::ledger::RECORD_WORDS;

use crate::store::{Ledger, LookupRow, TallyRow};
use crate::time::{MINUTE, Window};

/// Naming methods as the ledger has them, in the order of their weight: word, words for people, name certain.
const METHODS: [(&str, &str, bool); 7] = [
    ("sni", "TLS server name", true),
    ("quic", "QUIC server name", true),
    ("http", "HTTP host", true),
    ("dns", "the client's own DNS answers", true),
    ("ambiguous", "several names possible", false),
    ("ech-real", "name encrypted (ECH)", false),
    ("none", "no name on the wire", false),
];
/// Flows that are name resolution themselves: they carry names and need none.
const RESOLVER: &str = "resolver";
/// DHCP, NTP, discovery: protocols that never carry a service's name.
const INFRASTRUCTURE: &str = "infrastructure";
/// Flows of which it is too early to say; they count once that is decided.
const PENDING: &str = "pending";

/// The facts that coverage is made of.
pub(super) struct Seen<'a> {
    pub(super) window: Window,
    pub(super) ledger: Ledger,
    pub(super) tallies: &'a [TallyRow],
    pub(super) lookups: &'a [LookupRow],
    pub(super) rows: &'a [Judged],
    pub(super) services: &'a [ServiceRow],
    pub(super) catalogue: &'a Catalogue,
    pub(super) health: Vec<SensorTrouble>,
}

impl Seen<'_> {
    pub(super) fn coverage(&self) -> Coverage {
        let methods = self.methods();
        let named = |field: fn(&MethodRow) -> u64| Share {
            part: methods.iter().filter(|row| row.named).map(field).sum(),
            of: methods.iter().map(field).sum(),
        };
        let nameless_by_nature = |row: &&TallyRow| [RESOLVER, INFRASTRUCTURE].contains(&row.word.as_str());
        let apart = self.of_kind("method").filter(nameless_by_nature).map(|row| row.flows).sum::<u64>();
        let decided = methods.iter().map(|row| row.flows).sum::<u64>() + apart;
        let frames = |kind| self.of_kind(kind).map(|row| row.frames).sum::<u64>();
        let is_record = |row: &WordCount| RECORD_WORDS.contains(&row.word.as_str());
        let lost_packets =
            self.words("drop").iter().filter(|row| !is_record(row)).map(|row| row.count).sum::<u64>();
        let of_tcp = |part| Share { part, of: self.ledger.tcp_bytes };
        Coverage {
            minutes: Share { part: self.ledger.minutes, of: minutes(self.window) },
            frames: self.ledger.frames,
            bytes: self.ledger.bytes,
            flows_named: named(|row| row.flows),
            bytes_named: named(|row| row.bytes),
            one_way_flows: Share { part: self.ledger.one_way_flows, of: decided },
            late_flows: Share { part: self.ledger.late_flows, of: decided },
            malformed_frames: Share { part: frames("malformed"), of: self.ledger.frames },
            lost_packets: Share { part: lost_packets, of: self.ledger.frames + lost_packets },
            tcp_missing: of_tcp(self.ledger.tcp_missing),
            udp_missing: None,
            tcp_reordered: of_tcp(self.ledger.tcp_reordered),
            tcp_resent: of_tcp(self.ledger.tcp_resent),
            duplicates: Share { part: self.ledger.duplicates, of: self.ledger.frames },
            broken: self.words("broken"),
            clock_steps: self.ledger.clock_steps,
            malformed: self.words("malformed"),
            lost: self.words("drop").into_iter().filter(|row| !is_record(row)).collect(),
            lost_records: self.words("drop").into_iter().filter(is_record).collect(),
            not_flow: self.words("not_flow"),
            dns_questions: self.ledger.dns_questions,
            ai_lookups: Share {
                part: self.lookups.iter().map(|row| row.questions).sum(),
                of: self.ledger.dns_questions,
            },
            health: self.health.clone(),
            looked_up_only: self.looked_up_only(),
            telemetry_only: self
                .services
                .iter()
                .filter(|row| row.usage == "nothing")
                .map(|r| r.name.clone())
                .collect(),
            methods,
        }
    }

    /// Every method of the ledger that was seen, and any that this program does not know at the end, as not named.
    fn methods(&self) -> Vec<MethodRow> {
        let row = |tally: &TallyRow, words: &str, named| MethodRow {
            method: tally.word.clone(),
            words: words.to_owned(),
            named,
            flows: tally.flows,
            bytes: tally.bytes,
        };
        let known = METHODS.iter().filter_map(|(word, words, named)| {
            self.of_kind("method").find(|tally| tally.word == *word).map(|tally| row(tally, words, *named))
        });
        let apart = [RESOLVER, INFRASTRUCTURE, PENDING];
        let unknown = self.of_kind("method").filter(|tally| {
            !apart.contains(&tally.word.as_str()) && METHODS.iter().all(|(word, _, _)| *word != tally.word)
        });
        known.chain(unknown.map(|tally| row(tally, &tally.word, false))).collect()
    }

    fn looked_up_only(&self) -> Vec<String> {
        let contacted: BTreeSet<&str> = self.rows.iter().map(|row| row.service.as_str()).collect();
        let absent = self.lookups.iter().filter(|row| !contacted.contains(row.service.as_str()));
        absent.map(|row| name(self.catalogue, &row.service)).collect()
    }

    fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &TallyRow> {
        self.tallies.iter().filter(move |row| row.kind == kind)
    }

    fn words(&self, kind: &'static str) -> Vec<WordCount> {
        self.of_kind(kind).map(|row| WordCount { word: row.word.clone(), count: row.frames }).collect()
    }
}

fn minutes(window: Window) -> u64 {
    u64::try_from((window.to - window.from) / MINUTE).unwrap_or(0)
}
