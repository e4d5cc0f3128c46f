//! DNS flows: every question is a name, questions for AI names are records, answers are claims.

use std::net::IpAddr;

use super::naming::Core;
use crate::decode::{Mac, Packet};
use crate::device::mac_text;
use crate::dissect::Dissector;
use crate::flow::key::Side;
use crate::flow::resolver::{Asked, Event};
use crate::flow::{Flow, State};
use crate::ledger::Answer;
use crate::output::{Name, Output};
use crate::record::{Ech, LookupRecord};

impl Core {
    /// Reads a packet of a DNS flow.
    pub(super) fn resolve(&mut self, flow: &mut Flow, packet: &Packet<'_>, sender: Side, out: &mut impl Output) {
        let State::Resolver(mut resolver) = std::mem::replace(&mut flow.state, State::Decided) else { return };
        resolver.read(packet, sender, |event| match event {
            Event::Read => self.ledger.answered(Dissector::Dns, Answer::Done),
            Event::Malformed => self.ledger.answered(Dissector::Dns, Answer::Malformed),
            Event::Question(asked) => self.question(flow, &asked, out),
            Event::Answered(asked, answer) => {
                for address in answer.iter().flat_map(|a| &a.addresses) {
                    self.claim(flow.client_end().0, address.ip, &asked.name, address.ttl, packet.time);
                }
                let answer = answer.map(|a| (a.rcode, a.addresses.iter().map(|a| a.ip).collect()));
                self.looked_up(flow, &asked, answer, out);
            }
        });
        flow.state = State::Resolver(resolver);
    }

    fn question(&mut self, flow: &Flow, asked: &Asked, out: &mut impl Output) {
        self.named.dns += 1;
        self.ledger.question();
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

    /// Writes the record of a question, when it was for an AI name. `answer` is absent when none was seen.
    pub(super) fn looked_up(
        &mut self,
        flow: &Flow,
        asked: &Asked,
        answer: Option<(u16, Vec<IpAddr>)>,
        out: &mut impl Output,
    ) {
        let mac = self.devices.who(flow.client_end().0, asked.time, asked.time);
        let Some(record) = self.lookup(flow, asked, answer, mac) else { return };
        self.introduce(mac, asked.time, out);
        out.record(record.into());
    }

    fn lookup(
        &self,
        flow: &Flow,
        asked: &Asked,
        answer: Option<(u16, Vec<IpAddr>)>,
        mac: Option<Mac>,
    ) -> Option<LookupRecord> {
        let hit = self.catalogue.find(&asked.name)?;
        let (client_ip, resolver_ip) = (flow.client_end().0, flow.server_end().0);
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
