//! Roll-up rows with an opinion on each: what the policy says, and to which department the device belongs.

use std::collections::{BTreeMap, BTreeSet};

use rules::catalogue::Access;
use rules::policy::{self, Status, Subject};
use rules::usage::{Use, combine};

use super::build::ReportContext;
use crate::store::{Store, StoreError, UsageRow};
use crate::time::{Window, date, datetime};

/// The department of devices that no group of the policy holds.
pub(super) const NO_DEPARTMENT: &str = "no department";

/// One device's use of one service, over all its addresses and ways of access.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) device: String,
    pub(super) department: String,
    pub(super) service: String,
    pub(super) status: Status,
    pub(super) usage: Use,
    pub(super) flows: u64,
    pub(super) turns: u64,
    pub(super) bytes_up: u64,
    pub(super) bytes_down: u64,
    pub(super) upload_bytes: u64,
    pub(super) largest_burst: u64,
    /// Kinds of client and behaviours, as bit sets.
    pub(super) clients: u64,
    pub(super) behaviours: u64,
    pub(super) first_seen: i64,
    pub(super) last_seen: i64,
    /// The same, apart by access.
    pub(super) access: Vec<(Access, Use, u64, u64)>,
}

impl Judged {
    /// Used for certain, and the policy has not said yes.
    pub(super) fn unapproved(&self) -> bool {
        self.usage == Use::Used && unapproved(self.status)
    }
}

/// Statuses that ask for a decision. Private use outside the policy's scope is none of them.
pub(super) fn unapproved(status: Status) -> bool {
    !matches!(status, Status::Approved | Status::PersonalRisk)
}

/// All use in a window, judged by the policy as of the last day on which it was seen.
pub(super) fn judged(
    store: &dyn Store,
    context: &ReportContext<'_>,
    window: Window,
) -> Result<Vec<Judged>, StoreError> {
    let mut merged: BTreeMap<(String, String), Judged> = BTreeMap::new();
    for row in store.usage(&context.site, window)? {
        let key = (row.device.clone(), row.service.clone());
        let one = judge(row, context);
        match merged.get_mut(&key) {
            None => {
                merged.insert(key, one);
            }
            Some(sum) => merge(sum, one),
        }
    }
    Ok(merged.into_values().collect())
}

fn judge(row: UsageRow, context: &ReportContext<'_>) -> Judged {
    let on = date(row.last_seen, &context.time_zone);
    // A week's use is judged as of the moment at which it was last seen; findings judge record by record.
    let subject = Subject {
        ip: row.client_ip,
        vlan: row.vlan,
        site: Some(&row.site),
        device: Some(&row.device),
        mac: row.mac.as_deref().and_then(policy::mac),
        at: Some(datetime(row.last_seen, &context.time_zone)),
    };
    let service = context.catalogue.service(&row.service);
    let decision = service.map(|s| context.policy.decide_for(&subject, s, row.plan, on));
    let group = context.policy.group_for(&subject);
    Judged {
        department: group.map_or(NO_DEPARTMENT, |group| group.name.as_str()).to_owned(),
        status: decision.map_or(Status::Unreviewed, |decision| decision.status),
        access: vec![(row.access, row.usage, row.turns, row.upload_bytes)],
        device: row.device,
        service: row.service,
        usage: row.usage,
        flows: row.flows,
        turns: row.turns,
        bytes_up: row.bytes_up,
        bytes_down: row.bytes_down,
        upload_bytes: row.upload_bytes,
        largest_burst: row.largest_burst,
        clients: row.clients,
        behaviours: row.behaviours,
        first_seen: row.first_seen,
        last_seen: row.last_seen,
    }
}

/// Adds another address or access of the same device. Its newest address tells the department.
fn merge(sum: &mut Judged, one: Judged) {
    if (one.last_seen, &one.department) > (sum.last_seen, &sum.department) {
        sum.department = one.department;
    }
    sum.status = weightier(sum.status, one.status);
    sum.usage = combine(sum.usage, one.usage);
    sum.flows = sum.flows.saturating_add(one.flows);
    sum.turns = sum.turns.saturating_add(one.turns);
    sum.bytes_up = sum.bytes_up.saturating_add(one.bytes_up);
    sum.bytes_down = sum.bytes_down.saturating_add(one.bytes_down);
    sum.upload_bytes = sum.upload_bytes.saturating_add(one.upload_bytes);
    sum.largest_burst = sum.largest_burst.max(one.largest_burst);
    sum.clients |= one.clients;
    sum.behaviours |= one.behaviours;
    sum.first_seen = sum.first_seen.min(one.first_seen);
    sum.last_seen = sum.last_seen.max(one.last_seen);
    sum.access.extend(one.access);
}

/// The words that a bit set holds, in the order of their list.
pub(super) fn members<T: Copy>(all: &[T], bits: u64) -> Vec<T> {
    (0..)
        .zip(all)
        .filter(|(at, _)| 1u64.checked_shl(*at).is_some_and(|bit| bits & bit != 0))
        .map(|(_, one)| *one)
        .collect()
}

/// The status that matters more.
pub(super) fn weightier(a: Status, b: Status) -> Status {
    if b.severity() > a.severity() { b } else { a }
}

/// Devices, each once.
pub(super) fn devices<'a>(rows: impl Iterator<Item = &'a Judged>) -> u64 {
    rows.map(|row| row.device.as_str()).collect::<BTreeSet<_>>().len() as u64
}

/// Services, each once.
pub(super) fn services<'a>(rows: impl Iterator<Item = &'a Judged>) -> u64 {
    rows.map(|row| row.service.as_str()).collect::<BTreeSet<_>>().len() as u64
}

/// Content bytes.
pub(super) fn upload_bytes<'a>(rows: impl Iterator<Item = &'a Judged>) -> u64 {
    rows.fold(0, |sum, row| sum.saturating_add(row.upload_bytes))
}

/// Rows that show use for certain.
pub(super) fn used(rows: &[Judged]) -> impl Iterator<Item = &Judged> {
    rows.iter().filter(|row| row.usage == Use::Used)
}
