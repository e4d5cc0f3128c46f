//! The checks of a mirror, each from the counts of what was heard.

use std::path::Path;

use ingest::text::{bytes, counted, number, percent};

use super::Heard;
use crate::command::doctor::check::{Check, Id};
use crate::command::doctor::system::quoted;

const TRAFFIC: Id = Id("mirror-traffic");
const UNICAST: Id = Id("mirror-unicast");
const ONE_WAY: Id = Id("mirror-one-way");
const DUPLICATES: Id = Id("mirror-duplicates");
const LOSS: Id = Id("mirror-loss");
const LOCAL_NETS: Id = Id("mirror-local-nets");
const VLAN: Id = Id("mirror-vlan");
const ENCAPSULATED: Id = Id("mirror-encapsulated");
const CUT: Id = Id("mirror-cut");
const LONG: Id = Id("mirror-long-frames");
const DROPS: Id = Id("mirror-drops");
const NAMES: Id = Id("mirror-names");

/// Fewer flows between hosts say nothing about shares.
const FEW: u64 = 5;
/// One-way flows in a hundred: some are scans and answers that never came; more than half are a missing direction.
const ONE_WAY_WARN: u64 = 5;
const ONE_WAY_FAIL: u64 = 50;
/// Flows in a hundred of which a frame came twice: a doubled mirror shows on each flow while it has no name.
const DOUBLED: u64 = 10;
/// Payload of TCP in a hundred that was not captured: from 2 on it is a finding as well; of a fifth little can be read.
const LOSS_WARN: u64 = 2;
const LOSS_FAIL: u64 = 20;
/// Flows in a hundred without a local end: some are the resolver's, or go through.
const FOREIGN_WARN: u64 = 10;
const FOREIGN_FAIL: u64 = 90;
/// VLANs that are named.
const SHOWN: usize = 8;

/// Where frames came from.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Place<'a> {
    /// A live interface: its name as a shell takes it, and its MTU.
    Port(&'a str, Option<u32>),
    /// A capture file.
    File(&'a Path),
}

impl Place<'_> {
    /// The command that shows such packets one by one.
    fn show(self, filter: &str) -> String {
        match self {
            Self::Port(port, _) => format!("sudo tcpdump -eni {port} -c 20 '{filter}'"),
            Self::File(path) => format!("tcpdump -enr {} -c 20 '{filter}'", quoted(path.display())),
        }
    }
}

/// Every check of a mirror.
pub(in super::super) fn verdict(heard: &Heard, place: Place<'_>, config: Option<&Path>) -> Vec<Check> {
    if heard.counts.frames == 0 {
        let silent = TRAFFIC.fail("silence: no frame came", place.show(""));
        return std::iter::once(silent).chain(unknown("no frame came").skip(1)).collect();
    }
    let traffic = TRAFFIC.ok(format!("{}, {}", counted(heard.counts.frames, "frame"), bytes(heard.counts.bytes)));
    let of_flows = match heard.unicast {
        0 => OF_FLOWS.map(|id| id.unknown("no flow between two hosts came")).to_vec(),
        _ => vec![
            one_way(heard, place),
            duplicates(heard, place),
            loss(heard, place),
            local_nets(heard, config),
            encapsulated(heard, place),
            names(heard, place),
        ],
    };
    let of_frames =
        [unicast(heard, place), vlan(heard), cut(heard, place), long(heard, place), drops(heard, place)];
    std::iter::once(traffic).chain(of_frames).chain(of_flows).collect()
}

const OF_FLOWS: [Id; 6] = [ONE_WAY, DUPLICATES, LOSS, LOCAL_NETS, ENCAPSULATED, NAMES];

/// The checks where nothing was listened to.
pub(in super::super) fn unheard(why: &str) -> Vec<Check> {
    unknown(why).collect()
}

fn unknown(why: &str) -> impl Iterator<Item = Check> {
    let ids = [TRAFFIC, UNICAST, VLAN, CUT, LONG, DROPS].into_iter().chain(OF_FLOWS);
    ids.map(move |id| id.unknown(why))
}

fn unicast(heard: &Heard, place: Place<'_>) -> Check {
    if heard.unicast > 0 {
        return UNICAST.ok(format!("{} between two hosts", counted(heard.unicast, "flow")));
    }
    let others = heard.others();
    let others = if others.is_empty() { String::new() } else { format!(" ({others})") };
    UNICAST.fail(
        format!("nothing but broadcast and multicast{others}: the switch mirrors nothing to this port"),
        place.show("not broadcast and not multicast"),
    )
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
        _ if heard.unicast < FEW => ONE_WAY.unknown(format!("{seen}: too few to tell")),
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
        FOREIGN_FAIL.. => {
            LOCAL_NETS.fail(format!("{seen}: not the office's side of the NAT, or other networks"), mend())
        }
        FOREIGN_WARN.. => LOCAL_NETS.warn(seen, mend()),
        _ => LOCAL_NETS.ok(seen),
    }
}

fn vlan(heard: &Heard) -> Check {
    if heard.vlans.is_empty() {
        return VLAN.ok("no tags");
    }
    let shown = heard.vlans.keys().take(SHOWN).map(u16::to_string).collect::<Vec<_>>().join(", ");
    let more = if heard.vlans.len() > SHOWN { " and more" } else { "" };
    VLAN.ok(format!("{}: {shown}{more}", counted(heard.vlans.len() as u64, "VLAN")))
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

fn cut(heard: &Heard, place: Place<'_>) -> Check {
    let seen = format!("{} of {} cut off", number(heard.cut), counted(heard.counts.frames, "frame"));
    match (heard.cut, place) {
        (0, _) => CUT.ok(seen),
        (_, Place::Port(port, _)) => CUT.warn(seen, format!("sudo shadowtap run -i {port} --snaplen 262144")),
        (_, Place::File(_)) => CUT.warn(
            format!("{seen}: hellos may be missing; capture whole frames"),
            "sudo tcpdump -i eth1 -s 0 -w whole.pcap",
        ),
    }
}

fn long(heard: &Heard, place: Place<'_>) -> Check {
    let seen =
        format!("longest frame {} bytes, {} longer than the link carries", heard.longest, number(heard.long));
    match (heard.long, place) {
        (0, _) => LONG.ok(seen),
        (_, Place::Port(port, _)) => LONG.warn(
            format!("{seen}: the driver joins them"),
            format!("sudo ethtool -K {port} gro off lro off tso off gso off"),
        ),
        (_, Place::File(_)) => LONG.warn(
            format!("{seen}: the capturing machine joined them"),
            "sudo ethtool -K eth1 gro off lro off tso off gso off",
        ),
    }
}

fn drops(heard: &Heard, place: Place<'_>) -> Check {
    let (card, ring) = (heard.lost("kernel"), heard.lost("ring"));
    let seen = format!("{} dropped by the interface, {} at the ring", number(card), number(ring));
    match (card + ring, place) {
        (0, Place::File(_)) => DROPS.unknown("a capture file does not say"),
        (0, _) => DROPS.ok(seen),
        (_, Place::Port(port, _)) => DROPS.warn(seen, format!("sudo shadowtap run -i {port} --ring 512")),
        (_, Place::File(_)) => DROPS.warn(seen, place.show("")),
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

/// Whole parts in a hundred.
fn share(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(0)
}
