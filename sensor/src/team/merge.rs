//! Joins what several workers say of the same frames into what one alone would have said.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::member::{Reply, Said};
use crate::device::Telling;
use crate::output::{Output, Part};
use crate::record::{DeviceRecord, Record};

/// Devices whose records are remembered; beyond it each is told once more.
const MAX_DEVICES: usize = 1 << 16;

/// Merges the replies to one order after the other.
#[derive(Debug, Default)]
pub(super) struct Merge {
    /// When each device was told of, by hardware address: those whose addresses are different workers' clients are told by each.
    devices: HashMap<String, Telling, RandomState>,
}

impl Merge {
    /// The replies of all workers to the same order, in the order of its frames.
    pub(super) fn replies(&mut self, replies: Vec<Reply>, out: &mut impl Output) {
        let mut said: Vec<_> = replies.into_iter().flat_map(|reply| reply.said).collect();
        said.sort_by_key(|(frame, _)| *frame);
        let mut parts = Vec::new();
        let mut now = 0;
        for (frame, said) in said {
            if frame != now {
                now = frame;
                say(&mut parts, out);
            }
            match said {
                Said::Part(part) => gather(&mut parts, part),
                Said::Record(Record::Device(device)) => {
                    if self.is_due(&device) {
                        out.record(Record::Device(device));
                    }
                }
                Said::Record(record) => out.record(record),
            }
        }
        say(&mut parts, out);
    }

    fn is_due(&mut self, device: &DeviceRecord) -> bool {
        if self.devices.len() >= MAX_DEVICES && !self.devices.contains_key(&device.mac) {
            self.devices.clear();
        }
        let DeviceRecord { addresses, host_name, vendor_class, source, last_seen, .. } = device;
        let print = self.devices.hasher().hash_one((addresses, host_name, vendor_class, source));
        self.devices.entry_ref(device.mac.as_str()).or_default().is_due(print, *last_seen)
    }
}

/// Parts of one span become one.
pub(super) fn gather(parts: &mut Vec<Part>, part: Part) {
    let mut rest = Some(part);
    for mine in parts.iter_mut() {
        let Some(part) = rest else { return };
        rest = mine.join(part);
    }
    parts.extend(rest);
}

fn say(parts: &mut Vec<Part>, out: &mut impl Output) {
    parts.drain(..).for_each(|part| out.part(part));
}
