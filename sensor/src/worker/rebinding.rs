//! QUIC connections of AI services whose client comes from another address or port in the middle: a NAT forgot it.
//!
//! The client goes on with the connection id that the server chose, so the new five-tuple is the same connection
//! (RFC 9000 section 9). A client that migrates on purpose takes another id, which was sent encrypted: such a flow has no
//! name of its own.

use std::collections::VecDeque;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::naming::Core;
use crate::decode::{L4, Packet};
use crate::dissect::quic::{self, ConnectionId};
use crate::flow::key::{Endpoint, FlowKey, Side};
use crate::flow::sight::Sight;
use crate::flow::tag::{self, Tagged};
use crate::flow::{Flow, State};
use crate::ledger::Method;
use crate::output::Output;

/// Connection ids that are remembered; then the oldest go. An office of 5,000 has a few hundred open.
const MAX_IDS: usize = 1 << 14;

/// Bytes of the shortest id that is remembered: of those of one server, chance gives shorter ones to others as well.
const MIN_ID: u8 = 4;

/// Connection ids that servers chose, and the flow that used each last.
#[derive(Debug, Default)]
pub(super) struct Rebinding {
    flows: HashMap<(Endpoint, ConnectionId), FlowKey, RandomState>,
    order: VecDeque<(Endpoint, ConnectionId)>,
    /// Bit n: an id of n bytes was seen.
    lengths: u32,
}

impl Rebinding {
    /// Reads the id in a handshake packet of an AI service's server.
    pub(super) fn learn(&mut self, flow: &Flow, packet: &Packet<'_>, sender: Side) {
        if sender == flow.client || packet.l4 != L4::Udp || !quic::is_long_header(packet.payload) {
            return;
        }
        let Some(id) = quic::source_id(packet.payload).filter(|id| id.length() >= MIN_ID) else { return };
        self.lengths |= 1 << id.length();
        let key = (packet.src, id);
        if self.flows.insert(key, flow.key).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MAX_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.flows.remove(&oldest);
        }
    }

    /// The flow that a first packet on other ports goes on with.
    pub(super) fn before(&mut self, packet: &Packet<'_>, now: FlowKey) -> Option<FlowKey> {
        if self.flows.is_empty() || packet.l4 != L4::Udp || !quic::is_short_header(packet.payload) {
            return None;
        }
        let lengths = (MIN_ID..=20).filter(|length| self.lengths & 1 << length != 0);
        let ids = lengths.filter_map(|length| ConnectionId::in_short_header(packet.payload, length));
        let key = ids.map(|id| (packet.dst, id)).find(|key| self.flows.contains_key(key))?;
        self.flows.insert(key, now)
    }
}

impl Core {
    /// A new flow goes on with the connection of a tagged one.
    pub(super) fn inherit(
        &mut self,
        flow: &mut Flow,
        heir: Tagged,
        client: Side,
        time: i64,
        out: &mut impl Output,
    ) {
        flow.client = client;
        self.decide(flow, Method::Quic, Sight::Named);
        self.ai_flows += 1;
        let mut heir = Box::new(heir);
        out.records(tag::record(flow, &mut heir, &self.origin, time, false));
        flow.state = State::Tagged(heir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: Endpoint = (std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 443);

    /// The port of the connection that a packet to `id` from another one goes on with.
    fn goes_on(id: &[u8]) -> Option<u16> {
        let client = |port: u16| ([10, 0, 0, 1].into(), port);
        let mut rebinding = Rebinding::default();
        let handshake = [&[0xe0, 0, 0, 0, 1, 0, id.len() as u8], id].concat();
        let answer = Packet::udp(SERVER, client(1_000), &handshake);
        let (key, sender) = FlowKey::of(&answer);
        rebinding.learn(&Flow::new(key, sender, &answer, sender.other()), &answer, sender);
        let data = [&[0x40], id, &[7; 30]].concat();
        let packet = Packet::udp(client(2_000), SERVER, &data);
        let before = rebinding.before(&packet, FlowKey::of(&packet).0)?;
        [Side::Low, Side::High].map(|side| before.end(side).1).into_iter().find(|port| *port != 443)
    }

    #[test]
    fn a_short_id_is_anybodys() {
        assert_eq!(
            [&b"12345678"[..], b"1234", b"123", b"1", b""].map(goes_on),
            [Some(1_000), Some(1_000), None, None, None]
        );
    }
}
