//! Names that follow the first one on a flow: the next request to a proxy that keeps the connection, another host on the
//! same connection, a second ClientHello where the start of a connection was not seen.
//!
//! The first name decides what the flow is. Later ones are told, and one of an AI service still tags a flow that has no
//! tag. After the first packets only connections of plain HTTP are looked at, and those that were seen from the middle of
//! an answer on.

use super::Flow;
use super::key::Side;
use super::probe::{Found, Look, Probe, Rest};
use crate::bytes::fnv1a;
use crate::decode::{L4, Packet};
use crate::dissect::{http, tls};
use crate::ledger::Method;

/// Packets of the client among which a second ClientHello is looked for: behind them a packet costs two additions.
const HELLO_PACKETS: u64 = 32;
/// Names of one flow that are told once each. A proxy's client asks for a few on one connection.
const MAX_TOLD: usize = 32;

/// The names after the first, and what is being read.
#[derive(Debug, Default)]
pub struct Later {
    probe: Option<Probe>,
    told: Vec<u32>,
}

/// What tells a name from another one on the same flow.
pub fn told(found: &Found) -> u32 {
    let name = found.name.as_deref().unwrap_or_default();
    fnv1a(&[found.protocol.as_str().as_bytes(), name.as_bytes()]) as u32
}

/// True when a packet of a named flow is to be looked at. What the server sends never is: its files hold what they like.
pub fn is_due(flow: &Flow, packet: &Packet<'_>, sender: Side) -> bool {
    let of_client = sender == flow.client && matches!(packet.l4, L4::Tcp { .. });
    if !of_client || flow.method == Method::Pending {
        return false;
    }
    if flow.later.as_ref().is_some_and(|later| later.probe.is_some()) {
        return true;
    }
    if flow.plain {
        return http::begins_request(packet.payload);
    }
    let side = flow.sides.of(sender);
    // Where the start was not seen, an answer may have been read for long before the client asks again.
    let first = flow.late && side.payload == u64::from(packet.payload_len);
    (first || side.packets <= HELLO_PACKETS) && tls::may_begin_hello(packet.payload)
        || first && http::begins_request(packet.payload)
}

impl Later {
    /// Looks at a packet of a flow whose first name is `first`; gives a name that was not told before.
    pub fn look(
        &mut self,
        packet: &Packet<'_>,
        sender: Side,
        first: u32,
        scratch: &mut Vec<u8>,
    ) -> Option<Box<Found>> {
        let probe = self.probe.get_or_insert_default();
        match probe.look(packet, sender, scratch) {
            Look::More if matches!(probe.rest(), Rest::Unfinished(_)) => None,
            Look::Found(found) | Look::Tunnel(found) => {
                self.probe = None;
                let told = told(&found);
                let known = told == first || self.told.len() >= MAX_TOLD || self.told.contains(&told);
                if known {
                    return None;
                }
                self.told.push(told);
                Some(found)
            }
            Look::More | Look::GiveUp | Look::Malformed(_) | Look::Full => {
                self.probe = None;
                None
            }
        }
    }

    /// Bytes held for reassembly.
    pub fn held(&self) -> usize {
        self.probe.as_ref().map_or(0, Probe::held)
    }

    /// Nothing is being read, and nothing was told.
    pub fn is_empty(&self) -> bool {
        self.probe.is_none() && self.told.is_empty()
    }

    /// Lets go of what is held.
    pub fn give_up(&mut self) {
        self.probe = None;
    }
}
