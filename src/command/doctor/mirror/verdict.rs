//! The checks of a mirror, each from the counts of what was heard.

use std::path::Path;

use ingest::text::{bytes, counted};

use super::{Heard, flows, frames};
use crate::command::doctor::check::{Check, Id};
use crate::command::doctor::system::quoted;

const TRAFFIC: Id = Id("mirror-traffic");

/// Where frames came from.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Place<'a> {
    /// A live interface: its name as a shell takes it, and its MTU.
    #[cfg_attr(not(feature = "live"), allow(dead_code, reason = "nothing is listened to without live capture"))]
    Port(&'a str, Option<u32>),
    /// A capture file.
    File(&'a Path),
}

impl Place<'_> {
    /// The command that shows such packets one by one.
    pub(super) fn show(self, filter: &str) -> String {
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
        return std::iter::once(silent).chain(unheard("no frame came").into_iter().skip(1)).collect();
    }
    let seen = format!("{}, {}", counted(heard.counts.frames, "frame"), bytes(heard.counts.bytes));
    let mut checks = vec![TRAFFIC.ok(seen)];
    checks.extend(frames::checks(heard, place, config));
    match heard.unicast {
        0 => checks.extend(OF_FLOWS.map(|id| id.unknown("no flow between two hosts came"))),
        _ => checks.extend(flows::checks(heard, place, config)),
    }
    checks
}

const OF_FRAMES: [Id; 5] = [frames::UNICAST, frames::VLAN, frames::CUT, frames::LONG, frames::DROPS];
const OF_FLOWS: [Id; 6] =
    [flows::ONE_WAY, flows::DUPLICATES, flows::LOSS, flows::LOCAL_NETS, flows::ENCAPSULATED, flows::NAMES];

/// The checks where nothing was listened to.
pub(in super::super) fn unheard(why: &str) -> Vec<Check> {
    let ids = std::iter::once(TRAFFIC).chain(OF_FRAMES).chain(OF_FLOWS);
    ids.map(|id| id.unknown(why)).collect()
}
