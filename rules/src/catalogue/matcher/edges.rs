//! The literal edges of all nodes in one open-addressing hash table.

use std::mem::size_of;

/// From (node, label) to node. At most half of the slots are taken, so a probe ends soon; names on the wire
/// cannot fill it, since it never changes after it was made.
#[derive(Debug, Clone, Default)]
pub(super) struct Edges {
    slots: Vec<Slot>,
    labels: String,
    taken: usize,
}

/// 16 bytes, so that four of them share a cache line. `tag` holds 32 bits of the hash that the place in the
/// table does not tell, and a free slot has the root as its child, which no edge leads to.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    tag: u32,
    child: u32,
    parent: u32,
    label: Label,
}

/// Where a label stands in `labels`: 24 bits of offset, 8 bits of length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Label(u32);

const FEWEST: usize = 16;

impl Edges {
    pub(super) fn find(&self, parent: u32, label: &str) -> Option<u32> {
        let hash = hash(parent, label.as_bytes());
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots.get(at)?;
            if slot.child == 0 {
                return None;
            }
            if slot.tag == tag(hash) && slot.parent == parent && self.text(slot.label) == label {
                return Some(slot.child);
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds an edge that is not there yet.
    pub(super) fn insert(&mut self, parent: u32, label: &str, child: u32) {
        if self.slots.len() < 2 * (self.taken + 1) {
            self.grow();
        }
        let place = Label::new(self.labels.len(), label.len());
        self.labels.push_str(label);
        let hash = hash(parent, label.as_bytes());
        self.taken += 1;
        put(&mut self.slots, hash, Slot { tag: tag(hash), child, parent, label: place });
    }

    fn grow(&mut self) {
        let larger = vec![Slot::default(); (2 * self.slots.len()).max(FEWEST)];
        for slot in std::mem::replace(&mut self.slots, larger).into_iter().filter(|slot| slot.child != 0) {
            let hash = hash(slot.parent, self.text(slot.label).as_bytes());
            put(&mut self.slots, hash, slot);
        }
    }

    fn text(&self, label: Label) -> &str {
        let (at, len) = label.range();
        self.labels.get(at..at + len).unwrap_or_default()
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * size_of::<Slot>() + self.labels.len()
    }
}

impl Label {
    /// A label of a host has 253 bytes at most, and sixteen million bytes of labels are half a million
    /// services. What stood beyond would never be found: the text compare sees to it.
    fn new(at: usize, len: usize) -> Label {
        match (u32::try_from(at), u8::try_from(len)) {
            (Ok(at), Ok(len)) if at < 1 << 24 => Label(at << 8 | u32::from(len)),
            _ => Label(0),
        }
    }

    fn range(self) -> (usize, usize) {
        ((self.0 >> 8) as usize, (self.0 & 0xff) as usize)
    }
}

fn put(slots: &mut [Slot], hash: u64, slot: Slot) {
    let mask = slots.len().wrapping_sub(1);
    let mut at = hash as usize & mask;
    while slots.get(at).is_some_and(|taken| taken.child != 0) {
        at = (at + 1) & mask;
    }
    if let Some(free) = slots.get_mut(at) {
        *free = slot;
    }
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Eight bytes at a time, each step a multiplication whose halves are folded. Not secret: the table is
/// fixed, so colliding names cost a visitor two or three probes and nothing else.
fn hash(parent: u32, label: &[u8]) -> u64 {
    let mut hash = mix(u64::from(parent) << 8 ^ label.len() as u64);
    let mut rest = label;
    while let Some((head, tail)) = rest.split_first_chunk::<8>() {
        hash = mix(hash ^ u64::from_le_bytes(*head));
        rest = tail;
    }
    if rest.is_empty() { hash } else { mix(hash ^ tail_word(label, rest)) }
}

/// The last bytes of a label as one word, read in overlapping pieces so that no length needs a loop.
fn tail_word(label: &[u8], rest: &[u8]) -> u64 {
    if let Some(last) = label.last_chunk::<8>() {
        return u64::from_le_bytes(*last);
    }
    if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last));
    }
    rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

fn mix(word: u64) -> u64 {
    let product = u128::from(word ^ 0x9e37_79b9_7f4a_7c15) * u128::from(0xd6e8_feb8_6659_fd93_u64);
    (product as u64) ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_is_found_and_no_other() {
        let mut edges = Edges::default();
        assert_eq!(edges.find(0, "com"), None);
        let label = |index: u32| "x".repeat(index as usize % 70) + &index.to_string();
        for index in 1..5000 {
            edges.insert(index % 7, &label(index), index);
        }
        for index in 1..5000 {
            assert_eq!(edges.find(index % 7, &label(index)), Some(index));
            assert_eq!(edges.find(index % 7 + 7, &label(index)), None);
            assert_eq!(edges.find(index % 7, &(label(index) + "y")), None);
        }
    }

    #[test]
    fn labels_of_each_length_have_hashes_of_their_own() {
        let text = "abcdefghijklmnopqrstuvwxyz0123456789";
        let mut seen = std::collections::HashSet::new();
        for parent in 0..50 {
            for start in 0..text.len() {
                for end in start + 1..=text.len() {
                    assert!(seen.insert(hash(parent, &text.as_bytes()[start..end])));
                }
            }
        }
    }
}
