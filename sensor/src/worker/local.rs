//! Model servers on the local network: from what a connection says to a tagged flow.

use rules::catalogue::local::EndpointClass;
use rules::catalogue::{Access, Modality, Role};

use super::naming::Core;
use crate::decode::Packet;
use crate::flow::client::Build;
use crate::flow::key::Side;
use crate::flow::local::{Listening, Look, ModelServer};
use crate::flow::tag::Tag;
use crate::flow::{Flow, State};
use crate::output::Output;
use crate::record::{Ech, Evidence, Protocol};

impl Core {
    /// Begins to listen on a connection between two local addresses, with its first request.
    pub(super) fn listen(
        &mut self,
        flow: &mut Flow,
        host: Option<String>,
        packet: &Packet<'_>,
        out: &mut impl Output,
    ) {
        let sent = flow.sides.of(flow.client).payload;
        let mut listening = Box::new(Listening::new(flow.server_end().1, host, packet, sent));
        let State::Probing(mut probe) = std::mem::replace(&mut flow.state, State::Decided) else { return };
        let look = listening.request(probe.stream(flow.client), &self.servers);
        self.heard(flow, listening, look, packet.time, out);
    }

    /// Reads a packet of such a connection; `advance` is how many new bytes it brought.
    pub(super) fn overhear(
        &mut self,
        flow: &mut Flow,
        packet: &Packet<'_>,
        sender: Side,
        advance: u64,
        out: &mut impl Output,
    ) {
        let State::Local(mut listening) = std::mem::replace(&mut flow.state, State::Decided) else { return };
        let from_client = sender == flow.client;
        let look = match from_client {
            true => listening.up(packet, advance, &self.servers),
            false => listening.down(packet.payload, &self.servers),
        };
        self.heard(flow, listening, look, packet.time, out);
        if let (State::Tagged(tagged), false) = (&mut flow.state, from_client) {
            tagged.packet(packet, sender, false, advance);
        }
    }

    fn heard(&mut self, flow: &mut Flow, listening: Box<Listening>, look: Look, time: i64, out: &mut impl Output) {
        match look {
            Look::Server(server) => self.serves(flow, *listening, server, time, out),
            Look::More => flow.state = State::Local(listening),
            Look::GiveUp => flow.state = State::Decided,
        }
    }

    /// The connection is over, and no answer of the server was seen because its packets do not pass the mirror port.
    pub(super) fn unheard(&mut self, flow: &mut Flow, out: &mut impl Output) {
        let one_way = flow.one_way();
        let State::Local(listening) = &mut flow.state else { return };
        let server = listening.unanswered().filter(|_| one_way);
        if let (Some(server), State::Local(listening)) =
            (server, std::mem::replace(&mut flow.state, State::Decided))
        {
            let time = flow.last;
            self.serves(flow, *listening, server, time, out);
        }
    }

    /// The connection leads to a model server: its last request counts as the first of the tagged flow.
    fn serves(&mut self, flow: &mut Flow, heard: Listening, server: ModelServer, time: i64, out: &mut impl Output) {
        let known = self.catalogue.service(&server.service);
        let modality = known.and_then(|service| service.modality.first().copied()).unwrap_or(Modality::Text);
        self.tagged(flow, tag(server, heard.host, modality), Build::NONE, time, out);
        let client = flow.client;
        if let State::Tagged(tagged) = &mut flow.state {
            tagged.packet(&heard.asked.packet, client, true, heard.asked.bytes);
        }
    }
}

fn tag(server: ModelServer, host: Option<String>, modality: Modality) -> Tag {
    Tag {
        protocol: Protocol::Http,
        host,
        evidence: Evidence::Endpoint,
        candidates: Vec::new(),
        service: server.service,
        role: if server.class == EndpointClass::Webui { Role::App } else { Role::Api },
        strength: server.strength,
        plan: None,
        tenant: None,
        access: Access::Local,
        modality: match server.class {
            EndpointClass::ImageApi => Modality::Image,
            EndpointClass::Whisper => Modality::Audio,
            _ => modality,
        },
        ech: Ech::None,
        alpn: Vec::new(),
        ja4: None,
        endpoint: Some(server.class),
    }
}
