//! The roll-up: hour × site × device × service, built from the records that were really inserted.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use rules::catalogue::{Plan, Strength};
use rules::usage::{self, Use};
use rusqlite::Transaction;
use sensor::record::{Evidence, FlowRecord};

use crate::db::int;
use crate::time::hour_start;

/// The sums of one batch, added to the table once at its end.
#[derive(Default)]
pub(super) struct Rollup(BTreeMap<Key, Sum>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    hour: i64,
    site: String,
    device: String,
    client_ip: String,
    service: String,
    access: &'static str,
    plan: &'static str,
    vlan: i64,
    mac: String,
}

#[derive(Default)]
struct Sum {
    flows: u64,
    turns: u64,
    bytes_up: u64,
    bytes_down: u64,
    upload_bytes: u64,
    largest_burst: u64,
    best_use: i64,
    roles: i64,
    evidence: i64,
    clients: i64,
    behaviours: i64,
    seen: Option<(i64, i64)>,
}

impl Rollup {
    pub(super) fn add(&mut self, record: &FlowRecord, zone: &TimeZone) {
        let share = Share::of(record, zone);
        let key = Key {
            hour: share.hour,
            site: record.site.clone(),
            device: record.device.clone(),
            client_ip: record.client_ip.to_string(),
            service: record.service.clone(),
            access: record.access.as_str(),
            plan: record.plan.map_or("", Plan::as_str),
            vlan: record.vlan.map_or(-1, i64::from),
            mac: record.client_mac.clone().unwrap_or_default(),
        };
        let sum = self.0.entry(key).or_default();
        sum.flows += u64::from(record.seq == 0);
        sum.turns = sum.turns.saturating_add(record.turns);
        sum.bytes_up = sum.bytes_up.saturating_add(record.bytes_up);
        sum.bytes_down = sum.bytes_down.saturating_add(record.bytes_down);
        sum.upload_bytes = sum.upload_bytes.saturating_add(record.upload_bytes);
        sum.largest_burst = sum.largest_burst.max(record.largest_burst);
        sum.best_use = sum.best_use.max(share.best_use);
        sum.roles |= share.role;
        sum.evidence |= share.evidence;
        sum.clients |= share.client;
        sum.behaviours |= share.behaviour;
        let (from, to) = sum.seen.unwrap_or((share.first_seen, record.end));
        sum.seen = Some((from.min(share.first_seen), to.max(record.end)));
    }

    pub(super) fn write(&self, step: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut upsert = step.prepare_cached(UPSERT)?;
        for (key, sum) in &self.0 {
            let (first_seen, last_seen) = sum.seen.unwrap_or_default();
            upsert.execute(rusqlite::params![
                key.hour,
                key.site,
                key.device,
                key.client_ip,
                key.service,
                key.access,
                key.plan,
                key.vlan,
                key.mac,
                int(sum.flows),
                int(sum.turns),
                int(sum.bytes_up),
                int(sum.bytes_down),
                int(sum.upload_bytes),
                int(sum.largest_burst),
                sum.best_use,
                sum.roles,
                sum.evidence,
                first_seen,
                last_seen,
                sum.clients,
                sum.behaviours,
            ])?;
        }
        Ok(())
    }
}

/// What one record adds to the roll-up of its hour, whatever store keeps it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    /// Start of the hour on the site's clock, µs UTC.
    pub(super) hour: i64,
    /// From when on the record tells of the flow within this hour, µs UTC.
    pub(super) first_seen: i64,
    /// Rank of its use.
    pub(super) best_use: i64,
    /// Its role, evidence, client kind and behaviour, each as one bit.
    pub(super) role: i64,
    pub(super) evidence: i64,
    pub(super) client: i64,
    pub(super) behaviour: i64,
}

impl Share {
    pub(super) fn of(record: &FlowRecord, zone: &TimeZone) -> Self {
        let hour = hour_start(record.end, zone);
        // The first record reaches back to the flow's start; what lies before the hour is that hour's business.
        let first_seen =
            if record.seq == 0 { record.start.clamp(hour.min(record.end), record.end) } else { record.end };
        Self {
            hour,
            first_seen,
            best_use: rank(judge(record)),
            role: 1 << (record.role as u32),
            evidence: evidence_bit(record.evidence),
            client: 1 << (record.client as u32),
            behaviour: 1 << (record.behaviour as u32),
        }
    }
}

const UPSERT: &str = "
INSERT INTO usage (hour, site, device, client_ip, service, access, plan, vlan, mac, flows, turns, bytes_up,
                   bytes_down, upload_bytes, largest_burst, best_use, roles, evidence, first_seen, last_seen, clients,
                   behaviours)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)
ON CONFLICT DO UPDATE SET
    flows = flows + excluded.flows,
    turns = turns + excluded.turns,
    bytes_up = bytes_up + excluded.bytes_up,
    bytes_down = bytes_down + excluded.bytes_down,
    upload_bytes = upload_bytes + excluded.upload_bytes,
    largest_burst = max(largest_burst, excluded.largest_burst),
    best_use = max(best_use, excluded.best_use),
    roles = roles | excluded.roles,
    evidence = evidence | excluded.evidence,
    clients = clients | excluded.clients,
    behaviours = behaviours | excluded.behaviours,
    first_seen = min(first_seen, excluded.first_seen),
    last_seen = max(last_seen, excluded.last_seen)";

/// What one record shows. An ambiguous name is no evidence of this service, however sure the catalogue is of it.
pub(crate) fn judge(record: &FlowRecord) -> Use {
    let strength = if record.evidence == Evidence::Ambiguous { Strength::Weak } else { record.strength };
    usage::judge(record.role, strength, record.turns, record.upload_bytes)
}

/// Uses as the roll-up orders them: the greater one wins.
const RANKS: [Use; 4] = [Use::Nothing, Use::Visited, Use::Shared, Use::Used];

fn rank(usage: Use) -> i64 {
    RANKS.iter().position(|u| *u == usage).map_or(0, |at| at as i64)
}

/// The use that a rank stands for.
pub(super) fn from_rank(rank: i64) -> Use {
    usize::try_from(rank).ok().and_then(|at| RANKS.get(at)).copied().unwrap_or(Use::Nothing)
}

fn evidence_bit(evidence: Evidence) -> i64 {
    match evidence {
        Evidence::Sni => 1,
        Evidence::QuicSni => 2,
        Evidence::HttpHost => 4,
        Evidence::Dns => 8,
        Evidence::Ambiguous => 16,
        Evidence::Endpoint => 32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table keeps the maximum of ranks; the rule book must say the same.
    #[test]
    fn ranks_agree_with_the_rule_book() {
        for a in RANKS {
            for b in RANKS {
                assert_eq!(from_rank(rank(a).max(rank(b))), usage::combine(a, b), "{a:?} with {b:?}");
            }
        }
    }
}
