//! From a name, or from its absence, to a decided flow: how well it is known, which service it is.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use rules::catalogue::infra::Infra;
use rules::catalogue::local::LocalServers;
use rules::catalogue::{Catalogue, Hit, Strength};

use super::WorkerConfig;
use super::candidates::Candidates;
use super::holders::Holders;
use super::rebinding::Rebinding;
use super::visibility::Visibility;
use crate::decode::Packet;
use crate::device::Devices;
use crate::flow::client::{Build, Clients};
use crate::flow::key::Side;
use crate::flow::probe::Found;
use crate::flow::sight::Sight;
use crate::flow::tag::{self, Origin, Tag, Tagged};
use crate::flow::watch::Watch;
use crate::flow::{Flow, State, later};
use crate::ledger::{Ledger, Method};
use crate::local::LocalNets;
use crate::name::claims::Claims;
use crate::output::Output;
use crate::record::{Ech, Evidence, Protocol};

/// The port of DNS over TLS (RFC 7858) and over QUIC (RFC 9250).
const DNS_OVER_TLS: u16 = 853;

/// What handling a flow needs beside the flow itself.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) origin: Origin,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) infra: Infra,
    pub(super) servers: LocalServers,
    pub(super) local: LocalNets,
    pub(super) claims: Claims,
    clients: Clients,
    pub(super) scratch: Vec<u8>,
    pub(super) ledger: Ledger,
    pub(super) visibility: Visibility,
    pub(super) devices: Devices,
    pub(super) candidates: Candidates,
    pub(super) named: Named,
    pub(super) ai_flows: u64,
    /// Flows that hold bytes for reassembly.
    pub(super) holders: Holders,
    pub(super) rebinding: Rebinding,
}

/// Flows named per protocol, and DNS questions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Named {
    /// By a TLS server name.
    pub tls: u64,
    /// By a QUIC server name.
    pub quic: u64,
    /// DNS questions seen.
    pub dns: u64,
    /// By an HTTP Host field.
    pub http: u64,
}

/// What is known of a flow that shows no name.
#[derive(Debug)]
pub(super) struct Clues {
    protocol: Protocol,
    ech: Ech,
    alpn: Vec<String>,
    ja4: Option<String>,
    build: Build,
}

impl Clues {
    /// Not even a hello.
    pub(super) const NONE: Self =
        Self { protocol: Protocol::Other, ech: Ech::None, alpn: Vec::new(), ja4: None, build: Build::NONE };
}

impl Core {
    pub(super) fn new(config: WorkerConfig) -> Self {
        Self {
            ledger: Ledger::new(&config.sensor, &config.site, &config.source),
            origin: Origin {
                catalogue: config.catalogue.version().to_owned(),
                sensor: config.sensor,
                site: config.site,
            },
            catalogue: config.catalogue,
            infra: Infra::builtin(),
            servers: LocalServers::builtin(),
            local: config.local,
            claims: Claims::default(),
            clients: Clients::default(),
            scratch: Vec::with_capacity(2048),
            visibility: Visibility::new(),
            devices: Devices::default(),
            candidates: Candidates::new(),
            named: Named::default(),
            ai_flows: 0,
            holders: Holders::new(config.max_held),
            rebinding: Rebinding::default(),
        }
    }

    /// From now on flows are tagged by another catalogue; those that have a tag keep it.
    pub(super) fn set_catalogue(&mut self, catalogue: Arc<Catalogue>) {
        catalogue.version().clone_into(&mut self.origin.catalogue);
        self.catalogue = catalogue;
    }

    /// Decides a flow by the name that was found.
    pub(super) fn named(
        &mut self,
        flow: &mut Flow,
        found: Found,
        ech: Ech,
        time: i64,
        packet: Option<&Packet<'_>>,
        out: &mut impl Output,
    ) {
        flow.client = found.client;
        flow.told = later::told(&found);
        if found.name.is_none() || ech == Ech::Real {
            let clues =
                Clues { protocol: found.protocol, ech, alpn: found.alpn, ja4: found.ja4, build: found.build };
            self.nameless(flow, clues, time, out);
            return;
        }
        *(match found.protocol {
            Protocol::Quic => &mut self.named.quic,
            Protocol::Http => &mut self.named.http,
            Protocol::Tls | Protocol::Other => &mut self.named.tls,
        }) += 1;
        let catalogue = self.catalogue.clone();
        let Some(hit) = found.name.as_deref().and_then(|name| catalogue.find(name)) else {
            let sight = self.sight(flow, found.name.as_deref(), &found.alpn);
            self.decide(flow, method(found.protocol).0, sight);
            self.unlisted(flow, found, sight, packet, out);
            return;
        };
        self.listed(flow, found, &hit, ech, time, out);
    }

    /// A flow whose name is that of an AI service.
    pub(super) fn listed(
        &mut self,
        flow: &mut Flow,
        found: Found,
        hit: &Hit<'_>,
        ech: Ech,
        time: i64,
        out: &mut impl Output,
    ) {
        let (method, evidence) = method(found.protocol);
        // No AI service is infrastructure as well.
        self.decide(flow, method, Sight::Named);
        let tag = Tag::new(hit, found.protocol, evidence);
        let tenant = found.name.as_deref().and_then(|name| hit.tenant(name)).map(Cow::into_owned);
        let tag = Tag { host: found.name, tenant, ech, alpn: found.alpn, ja4: found.ja4, ..tag };
        self.tagged(flow, tag, found.build, time, out);
    }

    /// A flow whose name is in no catalogue.
    fn unlisted(
        &mut self,
        flow: &mut Flow,
        found: Found,
        sight: Sight,
        packet: Option<&Packet<'_>>,
        out: &mut impl Output,
    ) {
        let is_local = |side: Side| self.local.contains(flow.key.end(side).0);
        let inside = is_local(flow.client.other());
        let plain = inside && found.protocol == Protocol::Http && is_local(flow.client);
        if let Some(packet) = packet.filter(|_| plain) {
            self.listen(flow, found.name, packet, out);
            return;
        }
        let outside = found.name.filter(|_| !inside && sight == Sight::Named);
        flow.state =
            outside.map_or(State::Decided, |name| State::Watched(Box::new(Watch::new(name, found.build.manner))));
    }

    /// The naming of a flow is decided, for the ledger and for its device.
    pub(super) fn decide(&mut self, flow: &mut Flow, method: Method, sight: Sight) {
        self.ledger.decide(flow, method);
        if self.local.contains(flow.client_end().0) {
            flow.counted.sight.get_or_insert(sight);
        }
    }

    /// Whether a flow hides names, by its port, what it offers, and its name.
    fn sight(&self, flow: &Flow, name: Option<&str>, alpn: &[String]) -> Sight {
        if flow.server_end().1 == DNS_OVER_TLS || alpn.iter().any(|protocol| protocol == "dot" || protocol == "doq")
        {
            return Sight::Dot;
        }
        let Some(name) = name else { return Sight::Nameless };
        self.infra.find(name).map_or(Sight::Named, |hit| Sight::of_infra(hit.class))
    }

    /// A flow without a name of its own: what did DNS tell this client about the address?
    pub(super) fn nameless(&mut self, flow: &mut Flow, clues: Clues, time: i64, out: &mut impl Output) {
        let (client, server) = (flow.client_end().0, flow.server_end().0);
        // A connection that carried nothing was contact with an address, not with a name.
        let names = match flow.has_exchanged() || clues.protocol != Protocol::Other {
            true => self.claims.names(client, server, flow.start),
            false => Vec::new(),
        };
        let method = match (&names[..], clues.ech) {
            ([_], _) => Method::Dns,
            (_, Ech::Real) => Method::EchReal,
            _ => Method::None,
        };
        let one = if let [one] = &names[..] { Some(*one) } else { None };
        let sight = if method == Method::EchReal { Sight::EchReal } else { self.sight(flow, one, &clues.alpn) };
        let build = clues.build;
        let Some(tag) = claimed(&self.catalogue, &names, clues) else {
            self.decide(flow, method, sight);
            flow.state = State::Decided;
            return;
        };
        let ambiguous = tag.evidence == Evidence::Ambiguous;
        self.decide(flow, if ambiguous { Method::Ambiguous } else { Method::Dns }, Sight::Named);
        self.tagged(flow, tag, build, time, out);
    }

    pub(super) fn tagged(&mut self, flow: &mut Flow, tag: Tag, build: Build, time: i64, out: &mut impl Output) {
        self.ai_flows += 1;
        let address = flow.client_end().0;
        if tag.evidence != Evidence::Ambiguous && self.local.contains(address) {
            self.visibility.reached_ai(address);
        }
        let client = self.clients.client(address, build);
        let mac = self.devices.who(address, flow.start, time);
        let mut tagged = Box::new(Tagged::new(tag, client, time).of(mac));
        self.introduce(mac, time, out);
        out.records(tag::record(flow, &mut tagged, &self.origin, time, false));
        flow.state = State::Tagged(tagged);
    }

    /// Remembers what an answer told a client.
    pub(super) fn claim(&mut self, client: IpAddr, server: IpAddr, name: &str, ttl: u32, time: i64) {
        self.claims.add(client, server, name, ttl, time);
    }
}

/// How the ledger and records say where a name was.
fn method(protocol: Protocol) -> (Method, Evidence) {
    match protocol {
        Protocol::Quic => (Method::Quic, Evidence::QuicSni),
        Protocol::Http => (Method::Http, Evidence::HttpHost),
        Protocol::Tls | Protocol::Other => (Method::Sni, Evidence::Sni),
    }
}

/// The tag of a flow for whose address the client's DNS answers gave `names`: none of them an AI service = no tag, one
/// name alone = a graded verdict, several = ambiguous, which is never use.
fn claimed(catalogue: &Catalogue, names: &[&str], clues: Clues) -> Option<Tag> {
    let hit = names.iter().find_map(|name| catalogue.find(name))?;
    let Clues { protocol, ech, alpn, ja4, build: _ } = clues;
    let (evidence, strength, host, candidates) = match names {
        [name] => (Evidence::Dns, hit.pattern.strength.max(Strength::Likely), Some((*name).to_owned()), Vec::new()),
        _ => (Evidence::Ambiguous, Strength::Weak, None, names.iter().map(|&name| name.to_owned()).collect()),
    };
    Some(Tag { strength, host, candidates, ech, alpn, ja4, ..Tag::new(&hit, protocol, evidence) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_a_verdict_and_two_are_none() {
        let catalogue = Catalogue::builtin();
        let one = claimed(&catalogue, &["claude.ai"], Clues::NONE).unwrap();
        assert_eq!(
            (one.evidence, one.strength, one.host.as_deref()),
            (Evidence::Dns, Strength::Likely, Some("claude.ai"))
        );
        let two = claimed(&catalogue, &["chatgpt.com", "news.example"], Clues::NONE).unwrap();
        assert_eq!((two.evidence, two.strength, two.host), (Evidence::Ambiguous, Strength::Weak, None));
        assert_eq!(two.candidates, ["chatgpt.com", "news.example"]);
        assert!(claimed(&catalogue, &["news.example"], Clues::NONE).is_none());
    }
}
