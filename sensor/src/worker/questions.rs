//! DNS flows: every question is a name, questions for AI names are records, answers are claims.

use std::net::IpAddr;

use super::naming::Core;
use crate::decode::{Mac, Packet};
use crate::device::mac_text;
use crate::dissect::Dissector;
use crate::dissect::dns::{Message, rr};
use crate::flow::key::Side;
use crate::flow::resolver::{Asked, Event};
use crate::flow::waiting::Clues;
use crate::flow::{Flow, State};
use crate::ledger::{Answer, Method};
use crate::output::{Name, Output};
use crate::record::{Ech, LookupRecord};

/// Seconds that an answer is believed at most: clients keep nothing longer, whatever it says (RFC 8767 section 4).
const MAX_TTL: u32 = 86_400;
/// The response code of a name that there is not.
const NXDOMAIN: u16 = 3;

impl Core {
    /// Reads a packet of a DNS flow. The first message decides that it is one.
    pub(super) fn resolve(&mut self, flow: &mut Flow, packet: &Packet<'_>, sender: Side, out: &mut impl Output) {
        let State::Resolver(mut resolver) = std::mem::replace(&mut flow.state, State::Decided) else { return };
        resolver.read(packet, sender, |event| match event {
            Event::Read => {
                self.ledger.answered(Dissector::Dns, Answer::Done);
                if flow.method == Method::Pending {
                    self.ledger.decide(flow, Method::Resolver);
                }
            }
            Event::Malformed => self.ledger.answered(Dissector::Dns, Answer::Malformed),
            Event::Question(asked) => {
                flow.client = asked.asker;
                self.question(flow, &asked, out);
            }
            Event::Answered(asked, answer) => {
                flow.client = asked.asker;
                if let Some(answer) = &answer {
                    self.learn(flow.client_end().0, &asked, answer, packet.time);
                }
                let answer = answer.map(|a| (a.rcode, a.addresses.iter().map(|a| a.ip).collect()));
                self.looked_up(flow, &asked, answer, out);
            }
        });
        if flow.method == Method::Pending && resolver.is_foreign() {
            self.ledger.answered(Dissector::Dns, Answer::NotMine);
            self.nameless(flow, Clues::NONE, packet.time, out);
            return;
        }
        flow.state = State::Resolver(resolver);
    }

    /// Lets go of what a DNS flow holds, for want of room. It is read on.
    pub(super) fn unanswered(&mut self, flow: &mut Flow, out: &mut impl Output) {
        let State::Resolver(mut resolver) = std::mem::replace(&mut flow.state, State::Decided) else { return };
        resolver.give_up(|event| {
            if let Event::Answered(asked, None) = event {
                self.looked_up(flow, &asked, None, out);
            }
        });
        flow.state = State::Resolver(resolver);
    }

    /// What an answer tells its client, and the network. All of it is about the name in the question: aliases on the way
    /// to an address are nobody's service.
    fn learn(&mut self, client: IpAddr, asked: &Asked, answer: &Message, time: i64) {
        self.canaries.hear(&asked.name, asked.qtype, answer, time);
        let Some(host) = host(&asked.name) else { return };
        self.learn_public(host, answer, time);
        // A resolver that fails says nothing about the name.
        let says_none = !answer.partial && matches!(answer.rcode, 0 | NXDOMAIN);
        if asked.qtype == rr::HTTPS && (says_none || !answer.public_names.is_empty()) {
            let ttl = answer.public_names.iter().map(|public| public.ttl).max().unwrap_or_default().min(MAX_TTL);
            let names = answer.public_names.iter().map(|public| public.name.as_str());
            self.known.configs().told(client, host, names, ttl, time);
        }
        let mut claims = self.known.claims();
        for address in answer.addresses.iter().filter(|_| answer.rcode == 0) {
            claims.add(client, address.ip, host, address.ttl.min(MAX_TTL), time);
        }
        let broken = answer.services.iter().filter(|service| service.broken).count();
        self.ledger.broken_many("https-record", broken as u64);
    }

    /// What an answer about `host` tells of the names that stand outside of encrypted hellos.
    pub(super) fn learn_public(&mut self, host: &str, answer: &Message, time: i64) {
        if answer.public_names.is_empty() {
            return;
        }
        let mut names = self.known.public_names();
        for public in &answer.public_names {
            names.learn(&public.name, host, public.ttl.min(MAX_TTL), time);
        }
        let evicted = std::mem::take(&mut names.evicted);
        self.ledger.broken_many("ech-names-full", if self.share.is_first() { evicted } else { 0 });
    }

    fn question(&mut self, flow: &Flow, asked: &Asked, out: &mut impl Output) {
        self.named.dns += 1;
        self.ledger.question();
        if let Some(host) = host(&asked.name).filter(|_| asked.qtype == rr::HTTPS) {
            self.known.configs().asked(flow.client_end().0, host, asked.time);
        }
        out.name(&Name {
            time: asked.time,
            flow,
            protocol: "dns",
            name: Some(&asked.name),
            qtype: Some(asked.qtype),
            alpn: &[],
            ech: Ech::None,
            esni: false,
            ja4: None,
            hit: self.catalogue.find(&asked.name),
        });
    }

    /// Writes the record of a question, when it was for an AI name and the budget allows it. `answer` is absent when none was seen.
    pub(super) fn looked_up(
        &mut self,
        flow: &Flow,
        asked: &Asked,
        answer: Option<(u16, Vec<IpAddr>)>,
        out: &mut impl Output,
    ) {
        let mac = self.known.devices().who(flow.key.end(asked.asker).0, asked.time, asked.time);
        let Some(record) = self.lookup(flow, asked, answer, mac) else { return };
        self.introduce(mac, asked.time, out);
        out.record(record.into());
    }

    fn lookup(
        &mut self,
        flow: &Flow,
        asked: &Asked,
        answer: Option<(u16, Vec<IpAddr>)>,
        mac: Option<Mac>,
    ) -> Option<LookupRecord> {
        let hit = self.catalogue.find(&asked.name)?;
        let (client_ip, resolver_ip) = (flow.key.end(asked.asker).0, flow.key.end(asked.asker.other()).0);
        if !self.known.budget().allows(client_ip, flow.last) {
            self.ledger.broken("lookups-full");
            return None;
        }
        let (rcode, answers) = answer.map_or((None, Vec::new()), |(rcode, answers)| (Some(rcode), answers));
        let scope = format!("{}/{}/{}/{}", self.origin.sensor, asked.id, asked.qtype, asked.name);
        Some(LookupRecord {
            lookup_id: flow.key.id(&scope, asked.time),
            sensor: self.origin.sensor.clone(),
            site: self.origin.site.clone(),
            ts: asked.time,
            client_ip,
            device: mac.map_or_else(|| client_ip.to_string(), mac_text),
            resolver_ip,
            transport: flow.key.transport,
            name: asked.name.clone(),
            qtype: asked.qtype,
            rcode,
            answers,
            service: hit.service.id.clone(),
            role: hit.pattern.role,
            catalogue: self.origin.catalogue.clone(),
        })
    }
}

/// The host that a question is about: of an HTTPS record for another port (RFC 9460 section 9.1) without port and
/// scheme, and none for what other protocols ask for.
pub(super) fn host(name: &str) -> Option<&str> {
    let Some(prefixed) = name.strip_prefix('_') else { return Some(name) };
    let (port, host) = prefixed.split_once("._https.")?;
    port.bytes().all(|b| b.is_ascii_digit()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_question_is_about() {
        assert_eq!(host("claude.ai"), Some("claude.ai"));
        assert_eq!(host("_8443._https.claude.ai"), Some("claude.ai"));
        assert_eq!(host("_dns.resolver.arpa"), None);
        assert_eq!(host("_sip._tcp.claude.ai"), None);
    }
}
