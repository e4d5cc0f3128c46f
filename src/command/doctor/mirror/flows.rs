//! Checks of a mirror by the flows between two hosts.

use std::path::Path;

use ingest::text::{bytes, counted, number, percent};

use super::Heard;
use super::verdict::Place;
use crate::command::doctor::check::{Check, Id};
use crate::command::doctor::system::quoted;

pub(super) const ONE_WAY: Id = Id("mirror-one-way");
pub(super) const DUPLICATES: Id = Id("mirror-duplicates");
pub(super) const LOSS: Id = Id("mirror-loss");
pub(super) const LOCAL_NETS: Id = Id("mirror-local-nets");
pub(super) const ENCAPSULATED: Id = Id("mirror-encapsulated");
pub(super) const NAMES: Id = Id("mirror-names");

/// Fewer flows between hosts say nothing about shares.
const FEW: u64 = 5;
/// One-way flows in a hundred: some are scans and answers that never came; more than half are a missing direction.
const ONE_WAY_WARN: u64 = 5;
const ONE_WAY_FAIL: u64 = 50;
/// Frames that came twice for a hundred flows: copies are looked for on a flow while it has no name, so that a doubled
/// mirror shows several on each, and a network's own repetitions hardly any.
const DOUBLED: u64 = 10;
/// Payload of TCP in a hundred that was not captured: from 2 on it is a finding as well; of a fifth little can be read.
const LOSS_WARN: u64 = 2;
const LOSS_FAIL: u64 = 20;
/// Flows in a hundred without a local end: some are the resolver's, or go through.
const FOREIGN_WARN: u64 = 10;
const FOREIGN_FAIL: u64 = 90;

/// All of them; some flow came.
pub(super) fn checks(heard: &Heard, place: Place<'_>, config: Option<&Path>) -> [Check; 6] {
    [
        one_way(heard, place),
        duplicates(heard, place),
        loss(heard, place),
        local_nets(heard, config),
        encapsulated(heard, place),
        names(heard, place),
    ]
}

fn one_way(heard: &Heard, place: Place<'_>) -> Check {
    let seen = format!(
        "{} of {} one-way ({})",
        number(heard.one_way),
        counted(heard.unicast, "flow"),
        percent(heard.one_way, heard.unicast)
    );
    let mend = || place.show("tcp[tcpflags] & tcp-syn != 0");
    match share(heard.one_way, heard.unicast) {
        _ if heard.unicast < FEW => ONE_WAY.unknown(too_few(&seen)),
        ONE_WAY_FAIL.. => {
            ONE_WAY.fail(format!("{seen}: the mirror has one direction alone, mirror rx and tx"), mend())
        }
        ONE_WAY_WARN.. => ONE_WAY.warn(seen, mend()),
        _ => ONE_WAY.ok(seen),
    }
}

fn duplicates(heard: &Heard, place: Place<'_>) -> Check {
    let twice = heard.counts.duplicates;
    let seen = format!(
        "{} came twice on {}, of {}",
        counted(twice, "frame"),
        counted(heard.unicast, "flow"),
        counted(heard.counts.frames, "frame")
    );
    match share(twice, heard.unicast) {
        _ if heard.unicast < FEW => DUPLICATES.unknown(too_few(&seen)),
        DOUBLED.. => DUPLICATES.warn(
            format!("{seen}: the mirror takes them at two places, leave one out"),
            place.show("tcp[tcpflags] & tcp-syn != 0"),
        ),
        _ => DUPLICATES.ok(seen),
    }
}

fn loss(heard: &Heard, place: Place<'_>) -> Check {
    let tcp = heard.counts.tcp;
    if tcp.bytes == 0 {
        return LOSS.unknown("no payload of TCP came, and of UDP nobody can tell");
    }
    let seen = format!("{} of {} of TCP were not captured", percent(tcp.missing, tcp.bytes), bytes(tcp.bytes));
    let mend = || match place {
        Place::Port(port, _) => format!("sudo ethtool -S {port} | grep -iE 'drop|miss|discard'"),
        Place::File(_) => place.show("tcp"),
    };
    match share(tcp.missing, tcp.bytes) {
        LOSS_FAIL.. => LOSS.fail(seen, mend()),
        LOSS_WARN.. => LOSS.warn(seen, mend()),
        _ => LOSS.ok(seen),
    }
}

fn local_nets(heard: &Heard, config: Option<&Path>) -> Check {
    let seen = format!(
        "{} of {} have no end in the local networks",
        number(heard.foreign),
        counted(heard.unicast, "flow")
    );
    let nets: Vec<_> = heard.proposed().iter().map(|net| format!("\"{net}\"")).collect();
    let mend = || match config {
        Some(path) => {
            format!("sudoedit {}  # [sensor] local_nets = [{}]", quoted(path.display()), nets.join(", "))
        }
        None => format!("shadowtap init --local-nets {}", nets.join(",").replace('"', "")),
    };
    match share(heard.foreign, heard.unicast) {
        _ if heard.unicast < FEW => LOCAL_NETS.unknown(too_few(&seen)),
        FOREIGN_FAIL.. => {
            LOCAL_NETS.fail(format!("{seen}: not the office's side of the NAT, or other networks"), mend())
        }
        FOREIGN_WARN.. => LOCAL_NETS.warn(seen, mend()),
        _ => LOCAL_NETS.ok(seen),
    }
}

fn encapsulated(heard: &Heard, place: Place<'_>) -> Check {
    if heard.tunnelled == 0 {
        return ENCAPSULATED.ok("no tunnel around the packets");
    }
    let seen = format!(
        "{} inside of a tunnel, {} around each packet",
        counted(heard.tunnelled, "flow"),
        bytes(heard.around)
    );
    // Headers of the link are in no MTU.
    let needed = 1500 + heard.around.saturating_sub(14);
    match place {
        Place::Port(port, Some(mtu)) if u64::from(mtu) < needed => ENCAPSULATED.warn(
            format!("{seen}; MTU {mtu}, full frames need {needed}"),
            format!("sudo ip link set dev {port} mtu {}", needed.next_multiple_of(100)),
        ),
        _ => ENCAPSULATED.ok(seen),
    }
}

fn names(heard: &Heard, place: Place<'_>) -> Check {
    let named = heard.named;
    let seen = format!(
        "{} named by TLS, {} by QUIC, {} by HTTP; {} DNS questions",
        number(named.tls),
        number(named.quic),
        number(named.http),
        number(named.dns)
    );
    let fresh = heard.unicast.saturating_sub(heard.late);
    match named.tls + named.quic + named.http + named.dns {
        0 if fresh < FEW => NAMES.unknown(format!("{seen}: {} began meanwhile", counted(fresh, "flow"))),
        0 => NAMES.warn(
            format!("{seen}, on {} that began meanwhile", counted(fresh, "flow")),
            place.show("tcp port 443 or udp port 443 or udp port 53"),
        ),
        _ => NAMES.ok(seen),
    }
}

fn too_few(seen: &str) -> String {
    format!("{seen}: too few to tell")
}

/// Whole parts in a hundred.
fn share(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(0)
}
