//! What packets tell of devices, and which device a record names.
//!
//! A device is written about beside a `flow` or `lookup` record of its own and nowhere else: of all others memory alone
//! knows.

use std::net::IpAddr;

use super::Worker;
use super::naming::Core;
use crate::capture::Frame;
use crate::decode::{L4, Mac, Ndp, Neighbour, Packet};
use crate::device::{Claim, Description, Source, is_private, mac_text};
use crate::dissect::dhcp::{self, Dhcp};
use crate::dissect::dhcp6::{self, Dhcp6};
use crate::dissect::{Parse, arp, mdns, ndp};
use crate::output::Output;
use crate::record::DeviceRecord;

/// Server and client of DHCP, for IPv4 and IPv6; mDNS; LLMNR.
const DHCP: [u16; 2] = [67, 68];
const DHCP6: [u16; 2] = [546, 547];
const MDNS: u16 = 5353;
const LLMNR: u16 = 5355;
/// Time to live of a packet that no router has forwarded: what hosts begin with. A router takes one off.
const FIRST_HOP: [u8; 3] = [64, 128, 255];

impl Worker {
    /// A frame that says who has which address.
    pub(super) fn neighbour(&mut self, frame: &Frame<'_>, neighbour: &Neighbour<'_>) {
        self.core.ledger.not_flow(neighbour.counts_as(), frame.wire_len);
        match neighbour {
            Neighbour::Arp(message) => {
                if let Parse::Done(sender) = arp::sender(message) {
                    self.core.claim_address(sender.mac, sender.ip.into(), Source::Arp, None, frame.time);
                }
            }
            Neighbour::Ndp(message) => self.core.discovered(message, frame.time),
        }
        self.core.lost_devices();
    }
}

impl Core {
    fn discovered(&mut self, ndp: &Ndp<'_>, time: i64) {
        match ndp::message(ndp.message) {
            Parse::Done(ndp::Said::Sender(mac)) => self.claim_address(mac, ndp.src, Source::Ndp, None, time),
            Parse::Done(ndp::Said::Target(ip, mac)) => self.claim_address(mac, ip.into(), Source::Ndp, None, time),
            Parse::Done(ndp::Said::Router(mac)) => self.known.devices().router(mac, time),
            Parse::More | Parse::NotMine | Parse::Malformed => {}
        }
    }

    /// Reads a packet that may tell of a device: DHCP, mDNS and LLMNR.
    #[inline(always)]
    pub(super) fn identify(&mut self, packet: &Packet<'_>) {
        if packet.l4 == L4::Udp && is_asked([packet.src.1, packet.dst.1]) {
            self.introduced(packet);
        }
    }

    #[inline(never)]
    fn introduced(&mut self, packet: &Packet<'_>) {
        let ports = [packet.src.1, packet.dst.1];
        if ports.iter().all(|port| DHCP.contains(port)) {
            if let Parse::Done(message) = dhcp::message(packet.payload) {
                self.leased(message, packet.time);
            }
        } else if ports.iter().all(|port| DHCP6.contains(port)) {
            if let Parse::Done(message) = dhcp6::message(packet.payload) {
                self.leased6(message, packet);
            }
        } else if let Parse::Done(name) = mdns::own_name(packet.payload, packet.src.0) {
            self.announced(name, packet);
        }
        self.lost_devices();
    }

    /// A host names itself. The frame is its own where it was not forwarded, and where it has the address.
    fn announced(&mut self, name: String, packet: &Packet<'_>) {
        self.first_of_sender(packet);
        let own = packet.link.src.filter(|_| FIRST_HOP.contains(&packet.ttl));
        if let Some(mac) =
            own.filter(|mac| self.known.devices().who(packet.src.0, packet.time, packet.time) == Some(*mac))
        {
            let description = Description { host_name: Some(name), ..Description::default() };
            self.known.devices().describe(mac, description, packet.time);
        }
    }

    fn leased(&mut self, message: Dhcp, time: i64) {
        let Dhcp { kind, mac, uses, given, lease, host_name, vendor_class } = message;
        match kind {
            dhcp::Kind::Ack => {
                // The answer to an inform gives no address: the client has the one that it said.
                if let Some(ip) = given.or(uses) {
                    self.claim_address(mac, ip.into(), Source::Dhcp, lease.filter(|_| given.is_some()), time);
                }
            }
            dhcp::Kind::Asks => {
                if let Some(ip) = uses {
                    self.claim_address(mac, ip.into(), Source::Dhcp, None, time);
                }
                self.known.devices().describe(mac, Description { host_name, leased: true, vendor_class }, time);
            }
            dhcp::Kind::Gone => {
                for ip in uses.into_iter().chain(given) {
                    self.known.devices().release(mac, ip.into(), time);
                }
            }
            dhcp::Kind::Other => {}
        }
    }

    fn leased6(&mut self, message: Dhcp6, packet: &Packet<'_>) {
        let time = packet.time;
        let Some(mac) = client_of(&message, packet) else { return };
        match message.kind {
            dhcp6::Kind::Reply => {
                for (ip, valid) in message.addresses {
                    match valid {
                        0 => self.known.devices().release(mac, ip.into(), time),
                        _ => self.claim_address(mac, ip.into(), Source::Dhcp6, Some(valid), time),
                    }
                }
            }
            dhcp6::Kind::Gone => {
                for (ip, _) in message.addresses {
                    self.known.devices().release(mac, ip.into(), time);
                }
            }
            dhcp6::Kind::Asks | dhcp6::Kind::Other => {}
        }
        if message.host_name.is_some() {
            let description = Description { host_name: message.host_name, leased: true, vendor_class: None };
            self.known.devices().describe(mac, description, time);
        }
    }

    fn claim_address(&mut self, mac: Mac, ip: IpAddr, source: Source, lease: Option<u32>, time: i64) {
        self.known.devices().claim(&Claim { mac, ip, source, lease }, time);
    }

    /// The first packet of a direction of a flow.
    pub(super) fn first_of_sender(&mut self, packet: &Packet<'_>) {
        if let Some(mac) = packet.link.src {
            self.known.devices().frame(mac, packet.src.0, FIRST_HOP.contains(&packet.ttl), packet.time);
            self.lost_devices();
        }
    }

    fn lost_devices(&mut self) {
        let lost = self.known.devices().take_lost();
        if !self.share.is_first() {
            return;
        }
        self.ledger.broken_many("devices-full", lost.forgotten);
        self.ledger.broken_many("device-contested", lost.contested);
    }

    /// Writes the `device` record of a device that reached an AI service, if one is due.
    pub(super) fn introduce(&mut self, mac: Option<Mac>, time: i64, out: &mut impl Output) {
        let Some(identity) = mac.and_then(|mac| self.known.devices().introduce(mac, time)) else { return };
        let mac = mac_text(identity.mac);
        let record = DeviceRecord {
            sensor: self.origin.sensor.clone(),
            site: self.origin.site.clone(),
            device: mac.clone(),
            mac,
            private_mac: is_private(identity.mac),
            addresses: identity.addresses,
            host_name: identity.host_name,
            vendor_class: identity.vendor_class,
            source: identity.source.as_str().to_owned(),
            first_seen: identity.first_seen.min(time),
            last_seen: time,
        };
        out.record(record.into());
    }
}

/// Ports whose packets tell of devices.
fn is_asked(ports: [u16; 2]) -> bool {
    ports.iter().any(|port| matches!(port, 67 | 68 | 546 | 547 | &MDNS | &LLMNR))
}

/// The client of a DHCPv6 message: as its relay saw it, else as the frame shows it, else out of its DUID, which may have
/// been made by another interface.
fn client_of(message: &Dhcp6, packet: &Packet<'_>) -> Option<Mac> {
    let on_link = |ip: IpAddr| matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    let shown = match message.kind {
        _ if message.relayed => None,
        dhcp6::Kind::Reply => packet.link.dst.filter(|_| on_link(packet.dst.0)),
        _ => packet.link.src.filter(|_| on_link(packet.src.0)),
    };
    message.link_layer.or(shown).or(message.duid)
}
