//! Checks of a mirror by its frames alone.

use std::path::Path;

use ingest::text::{counted, number};

use super::Heard;
use super::verdict::Place;
use crate::command::doctor::check::{Check, Id};
use crate::command::doctor::system::run_with;

pub(super) const UNICAST: Id = Id("mirror-unicast");
pub(super) const VLAN: Id = Id("mirror-vlan");
pub(super) const CUT: Id = Id("mirror-cut");
pub(super) const LONG: Id = Id("mirror-long-frames");
pub(super) const DROPS: Id = Id("mirror-drops");

/// VLANs that are named.
const SHOWN: usize = 8;

/// All of them; some frame came.
pub(super) fn checks(heard: &Heard, place: Place<'_>, config: Option<&Path>) -> [Check; 5] {
    [unicast(heard, place), vlan(heard), cut(heard, place, config), long(heard, place), drops(heard, place, config)]
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

fn vlan(heard: &Heard) -> Check {
    if heard.vlans.is_empty() {
        return VLAN.ok("no tags");
    }
    let shown = heard.vlans.keys().take(SHOWN).map(u16::to_string).collect::<Vec<_>>().join(", ");
    let more = if heard.vlans.len() > SHOWN { " and more" } else { "" };
    VLAN.ok(format!("{}: {shown}{more}", counted(heard.vlans.len() as u64, "VLAN")))
}

fn cut(heard: &Heard, place: Place<'_>, config: Option<&Path>) -> Check {
    let seen = format!("{} of {} cut off", number(heard.cut), counted(heard.counts.frames, "frame"));
    match (heard.cut, place) {
        (0, _) => CUT.ok(seen),
        (_, Place::Port(port, _)) => CUT.warn(seen, run_with(port, "--snaplen 262144", config)),
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

fn drops(heard: &Heard, place: Place<'_>, config: Option<&Path>) -> Check {
    let (card, ring) = (heard.lost("kernel"), heard.lost("ring"));
    let seen = format!("{} dropped by the interface, {} at the ring", number(card), number(ring));
    match (card + ring, place) {
        (0, Place::File(_)) => DROPS.unknown("a capture file does not say"),
        (0, _) => DROPS.ok(seen),
        (_, Place::Port(port, _)) => DROPS.warn(seen, run_with(port, "--ring 512", config)),
        (_, Place::File(_)) => DROPS.warn(seen, place.show("")),
    }
}
