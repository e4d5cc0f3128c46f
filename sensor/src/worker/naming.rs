//! From a name, or from its absence, to a decided flow: how well it is known, which service it is.

use std::borrow::Cow;
use std::sync::Arc;

use rules::catalogue::infra::Infra;
use rules::catalogue::local::LocalServers;
use rules::catalogue::{Catalogue, Hit};

use super::WorkerConfig;
use super::candidates::Candidates;
use super::foreign::Heard;
use super::holders::Holders;
use super::knowledge::Knowledge;
use super::rebinding::Rebinding;
use super::share::Share;
use super::visibility::Visibility;
use super::waiting::Queue;
use crate::decode::Packet;
use crate::device::Devices;
use crate::flow::client::{Build, Clients};
use crate::flow::key::Side;
use crate::flow::probe::Found;
use crate::flow::sight::Sight;
use crate::flow::tag::{self, Origin, Tag, Tagged};
use crate::flow::waiting::Clues;
use crate::flow::watch::Watch;
use crate::flow::{Flow, State, later};
use crate::ledger::{Ledger, Method};
use crate::local::LocalNets;
use crate::name::canary::Canaries;
use crate::output::Output;
use crate::record::{Ech, Evidence, Protocol};

/// The port of DNS over TLS (RFC 7858) and over QUIC (RFC 9250).
const DNS_OVER_TLS: u16 = 853;

/// What handling a flow needs beside the flow itself.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) origin: Origin,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) infra: Arc<Infra>,
    pub(super) servers: Arc<LocalServers>,
    pub(super) local: LocalNets,
    /// What DNS told clients, and who has which address.
    pub(super) known: Arc<Knowledge>,
    pub(super) canaries: Canaries,
    /// Flows that wait for what DNS told their clients.
    pub(super) waiting: Queue,
    pub(super) clients: Clients,
    pub(super) scratch: Vec<u8>,
    pub(super) ledger: Ledger,
    pub(super) visibility: Visibility,
    pub(super) candidates: Candidates,
    pub(super) named: Named,
    pub(super) ai_flows: u64,
    /// Flows that hold bytes for reassembly.
    pub(super) holders: Holders,
    pub(super) rebinding: Rebinding,
    /// Which clients are this worker's.
    pub(super) share: Share,
    /// Of other workers' clients.
    pub(super) heard: Heard,
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

impl Core {
    pub(super) fn new(config: WorkerConfig, known: Arc<Knowledge>) -> Self {
        let mut ledger = Ledger::new(&config.sensor, &config.site, &config.source);
        if !config.share.is_first() {
            ledger.leave_common();
        }
        Self {
            ledger,
            origin: Origin {
                catalogue: config.catalogue.version().to_owned(),
                sensor: config.sensor,
                site: config.site,
            },
            catalogue: config.catalogue,
            infra: Infra::builtin(),
            servers: LocalServers::builtin(),
            local: config.local,
            known,
            canaries: Canaries::default(),
            waiting: Queue::default(),
            clients: Clients::default(),
            scratch: Vec::with_capacity(2048),
            visibility: Visibility::new(),
            candidates: Candidates::new(),
            named: Named::default(),
            ai_flows: 0,
            holders: Holders::new(config.share.part(config.max_held)),
            rebinding: Rebinding::default(),
            share: config.share,
            heard: Heard::default(),
        }
    }

    /// From now on flows are tagged by another catalogue; those that have a tag keep it.
    pub(super) fn set_catalogue(&mut self, catalogue: Arc<Catalogue>) {
        catalogue.version().clone_into(&mut self.origin.catalogue);
        self.catalogue = catalogue;
    }

    /// Forgets what answers told: time begins anew.
    pub(super) fn forget(&mut self) {
        self.known.forget();
        self.heard = Heard::default();
    }

    /// Forgets who had which address.
    pub(super) fn forget_devices(&mut self) {
        *self.known.devices() = Devices::default();
        self.heard = Heard::default();
    }

    /// Decides a flow by the name that was found, and whose it is.
    pub(super) fn named(
        &mut self,
        flow: &mut Flow,
        found: Found,
        (ech, hit): (Ech, Option<Hit<'_>>),
        time: i64,
        packet: Option<&Packet<'_>>,
        out: &mut impl Output,
    ) {
        flow.client = found.client;
        flow.told = later::told(&found);
        flow.plain = found.protocol == Protocol::Http;
        if found.name.is_none() || ech == Ech::Real {
            let ja4 = found.ja4();
            let Found { protocol, name: outer, alpn, build, .. } = found;
            self.nameless(flow, Clues { protocol, ech, outer, alpn, ja4, build }, time, out);
            return;
        }
        *(match found.protocol {
            Protocol::Quic => &mut self.named.quic,
            Protocol::Http => &mut self.named.http,
            Protocol::Tls | Protocol::Other => &mut self.named.tls,
        }) += 1;
        let Some(hit) = hit else {
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
        let ja4 = found.ja4();
        let tag = Tag { host: found.name, tenant, ech, alpn: found.alpn, ja4, ..tag };
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
    pub(super) fn sight(&self, flow: &Flow, name: Option<&str>, alpn: &[String]) -> Sight {
        if flow.server_end().1 == DNS_OVER_TLS || alpn.iter().any(|protocol| protocol == "dot" || protocol == "doq")
        {
            return Sight::Dot;
        }
        let Some(name) = name else { return Sight::Nameless };
        self.infra.find(name).map_or(Sight::Named, |hit| Sight::of_infra(hit.class))
    }

    pub(super) fn tagged(&mut self, flow: &mut Flow, tag: Tag, build: Build, time: i64, out: &mut impl Output) {
        let client = self.clients.client(flow.client_end().0, build);
        self.begin_tag(flow, Tagged::new(tag, client, time), time, out);
    }

    /// The flow is an AI service's from here on.
    pub(super) fn begin_tag(&mut self, flow: &mut Flow, tagged: Tagged, time: i64, out: &mut impl Output) {
        self.ai_flows += 1;
        let address = flow.client_end().0;
        if tagged.tag.evidence != Evidence::Ambiguous && self.local.contains(address) {
            self.visibility.reached_ai(address);
        }
        let mac = self.known.devices().who(address, flow.start, time);
        let mut tagged = Box::new(tagged.of(mac));
        self.introduce(mac, time, out);
        out.records(tag::record(flow, &mut tagged, &self.origin, time, false));
        flow.state = State::Tagged(tagged);
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
