//! What the judge remembers beside findings: small values under a key, each with the time until which it matters.

use std::collections::{HashMap, HashSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::dark::DeviceDays;
use super::health::SensorState;

/// Parts of a key are told apart by a character that no id holds.
const APART: char = '\u{1f}';

/// All of it, by kind.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Content bytes sent per site, device, service and span of the site's clock.
    pub(crate) uploads: Shelf<Span>,
    /// Bytes fetched from model registries per site, device, service and day.
    pub(crate) downloads: Shelf<Span>,
    /// Clients of a local model server, by its finding's uid.
    pub(crate) clients: Shelf<Vec<String>>,
    /// Each device's days: AI use, names, what hides them.
    pub(crate) devices: Shelf<DeviceDays>,
    /// Each sensor.
    pub(crate) sensors: Shelf<SensorState>,
    /// What the budget has spent per site and device, and per site and rule.
    pub(crate) spent: Shelf<Spent>,
    /// What the budget has held back per site.
    pub(crate) held: Shelf<Held>,
    /// Single values: the newest instant, the policy's version, the day of the last look at reviews.
    pub(crate) marks: Shelf<String>,
}

/// A sum over one span of the site's clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) since: i64,
    pub(crate) bytes: u64,
    /// The greatest limit that was passed in this span.
    pub(crate) passed: u64,
}

/// Alerts that were sent in one span.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Spent {
    pub(crate) since: i64,
    pub(crate) alerts: u32,
}

/// What is held back in the running hour.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) digest: super::Digest,
    pub(crate) names: Vec<String>,
}

/// Values of one kind and which of them have changed.
#[derive(Debug)]
pub(crate) struct Shelf<V> {
    map: HashMap<String, (i64, V)>,
    dirty: HashSet<String>,
}

/// One row of the table, as it is written; a value that is gone is written as nothing.
pub(crate) struct MemoryRow {
    pub(crate) kind: &'static str,
    pub(crate) key: String,
    pub(crate) value: Option<(i64, String)>,
}

impl<V> Default for Shelf<V> {
    fn default() -> Self {
        Self { map: HashMap::new(), dirty: HashSet::new() }
    }
}

impl<V> Shelf<V> {
    /// A value.
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.map.get(key).map(|(_, value)| value)
    }

    /// Puts a value; it may be forgotten from `until` on.
    pub(crate) fn put(&mut self, key: &str, until: i64, value: V) {
        self.map.insert(key.to_owned(), (until, value));
        self.dirty.insert(key.to_owned());
    }

    /// A value to be changed, made when it is not there; it may be forgotten from `until` on.
    pub(crate) fn change(&mut self, key: &str, until: i64) -> &mut V
    where
        V: Default,
    {
        if !self.dirty.contains(key) {
            self.dirty.insert(key.to_owned());
        }
        let (kept, value) = self.map.entry(key.to_owned()).or_insert_with(|| (until, V::default()));
        *kept = until.max(*kept);
        value
    }

    /// Takes a value away.
    pub(crate) fn take(&mut self, key: &str) -> Option<V> {
        let taken = self.map.remove(key);
        if taken.is_some() {
            self.dirty.insert(key.to_owned());
        }
        taken.map(|(_, value)| value)
    }

    /// Forgets what no longer matters.
    fn forget(&mut self, now: i64) {
        let old: Vec<String> =
            self.map.iter().filter(|(_, (until, _))| *until <= now).map(|(key, _)| key.clone()).collect();
        for key in old {
            self.take(&key);
        }
    }

    /// Takes over the other's values, but for those that are not `better` than what is here.
    fn take_better(&mut self, other: Self, better: impl Fn(&V, &V) -> bool) {
        for (key, (until, value)) in other.map {
            if self.get(&key).is_none_or(|known| better(&value, known)) {
                self.put(&key, until, value);
            }
        }
    }

    /// Every key with its value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.map.iter().map(|(key, (_, value))| (key.as_str(), value))
    }
}

impl<V: Serialize + DeserializeOwned> Shelf<V> {
    fn read(&mut self, key: String, until: i64, value: &str) -> serde_json::Result<()> {
        self.map.insert(key, (until, serde_json::from_str(value)?));
        Ok(())
    }

    fn rows(&mut self, kind: &'static str, rows: &mut Vec<MemoryRow>) {
        let mut keys: Vec<String> = self.dirty.drain().collect();
        keys.sort_unstable();
        for key in keys {
            let value =
                self.map.get(&key).and_then(|(until, value)| Some((*until, serde_json::to_string(value).ok()?)));
            rows.push(MemoryRow { kind, key, value });
        }
    }
}

impl Memory {
    /// Takes in one row of the table; a kind of a later version is left where it is.
    pub(crate) fn read(&mut self, kind: &str, key: String, until: i64, value: &str) -> serde_json::Result<()> {
        match kind {
            "upload" => self.uploads.read(key, until, value),
            "download" => self.downloads.read(key, until, value),
            "client" => self.clients.read(key, until, value),
            "device" => self.devices.read(key, until, value),
            "sensor" => self.sensors.read(key, until, value),
            "spent" => self.spent.read(key, until, value),
            "held" => self.held.read(key, until, value),
            "mark" => self.marks.read(key, until, value),
            _ => Ok(()),
        }
    }

    /// What changed since the last time, as rows.
    pub(crate) fn rows(&mut self) -> Vec<MemoryRow> {
        let mut rows = Vec::new();
        self.uploads.rows("upload", &mut rows);
        self.downloads.rows("download", &mut rows);
        self.clients.rows("client", &mut rows);
        self.devices.rows("device", &mut rows);
        self.sensors.rows("sensor", &mut rows);
        self.spent.rows("spent", &mut rows);
        self.held.rows("held", &mut rows);
        self.marks.rows("mark", &mut rows);
        rows
    }

    /// Takes over the sums of a fresh look at the facts from `since` on. A span that began before has lost its
    /// beginning: the greater sum stays.
    pub(crate) fn take_sums(&mut self, fresh: Self, since: i64) {
        let whole = |fresh: &Span, known: &Span| {
            fresh.since >= since || (fresh.since, fresh.bytes) >= (known.since, known.bytes)
        };
        self.uploads.take_better(fresh.uploads, whole);
        self.downloads.take_better(fresh.downloads, whole);
        self.clients.take_better(fresh.clients, |fresh, known| fresh.len() >= known.len());
    }

    /// True when the sums of a fresh look lack a part of what a device has sent in its running spans.
    pub(crate) fn lacks(&self, fresh: &Self, name: &str) -> bool {
        let part = |known: &Span, fresh: &Span| known.since == fresh.since && known.bytes > fresh.bytes;
        self.uploads.get(name).zip(fresh.uploads.get(name)).is_some_and(|(known, fresh)| part(known, fresh))
    }

    /// Forgets what no longer matters.
    pub(crate) fn forget(&mut self, now: i64) {
        self.uploads.forget(now);
        self.downloads.forget(now);
        self.devices.forget(now);
        self.spent.forget(now);
    }
}

/// Writes a key into a buffer that is used again and again.
pub(crate) fn key(buffer: &mut String, parts: &[&str]) {
    buffer.clear();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            buffer.push(APART);
        }
        buffer.push_str(part);
    }
}

/// The parts of a key.
pub(crate) fn parts(key: &str) -> impl Iterator<Item = &str> {
    key.split(APART)
}
