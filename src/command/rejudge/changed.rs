//! Findings before and after they were judged again.

use std::collections::BTreeMap;

use ingest::judge::{Changes, Finding};
use ingest::text::{number, safe_text};
use serde::Serialize;

use crate::command::findings::row;
use crate::command::findings::table::Column;

/// What re-judging does to the findings.
#[derive(Debug, Serialize)]
pub(super) struct Outlook {
    pub(super) opened: Vec<Changed>,
    pub(super) closed: Vec<Changed>,
    pub(super) changed: Vec<Changed>,
    pub(super) kept: u64,
    pub(super) services: Vec<Service>,
}

/// One finding before and after. A side is null where there was, or is, no open finding.
#[derive(Debug, Serialize)]
pub(super) struct Changed {
    uid: String,
    rule: &'static str,
    who: String,
    service: String,
    before: Option<Verdict>,
    after: Option<Verdict>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Verdict {
    state: &'static str,
    status: Option<&'static str>,
    severity: u8,
    why: String,
}

/// Open findings about one service.
#[derive(Debug, Serialize)]
pub(super) struct Service {
    service: String,
    name: String,
    before: Sum,
    after: Sum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
struct Sum {
    open: u64,
    severity: u8,
    upload_bytes: u64,
}

impl Outlook {
    pub(super) fn of(changes: &Changes, before: &[Finding], after: &[Finding]) -> Self {
        let (old, new) = (by_uid(before), by_uid(after));
        let list = |uids: &[String]| -> Vec<Changed> {
            let changed =
                |uid: &String| Changed::of(old.get(uid.as_str()).copied(), new.get(uid.as_str()).copied());
            uids.iter().filter_map(changed).collect()
        };
        // A reason that names another line of the file is no news: the judgement is the same.
        let all = list(&changes.changed);
        let (changed, same): (Vec<Changed>, Vec<Changed>) = all.into_iter().partition(Changed::differs);
        Self {
            opened: list(&changes.opened),
            closed: list(&changes.closed),
            kept: changes.kept + same.len() as u64,
            changed,
            services: services(before, after),
        }
    }

    /// True when anything changes.
    pub(super) fn any(&self) -> bool {
        !(self.opened.is_empty() && self.closed.is_empty() && self.changed.is_empty())
    }
}

fn by_uid(findings: &[Finding]) -> BTreeMap<&str, &Finding> {
    findings.iter().map(|finding| (finding.uid.as_str(), finding)).collect()
}

impl Changed {
    fn of(before: Option<&Finding>, after: Option<&Finding>) -> Option<Self> {
        let one = after.or(before)?;
        Some(Self {
            uid: one.uid.clone(),
            rule: one.rule.as_str(),
            who: row::who(one),
            service: row::service(one),
            before: before.map(Verdict::of),
            after: after.map(Verdict::of),
        })
    }

    fn differs(&self) -> bool {
        let judgement = |side: &Option<Verdict>| side.as_ref().map(|one| (one.state, one.status, one.severity));
        judgement(&self.before) != judgement(&self.after)
    }

    pub(super) fn cells(&self) -> Vec<String> {
        let side = |side: &Option<Verdict>| match side {
            None => "-".to_owned(),
            Some(one) if one.state == "closed" => "closed".to_owned(),
            Some(one) => format!("{} {}", one.status.unwrap_or(one.state), one.severity),
        };
        vec![
            self.uid.clone(),
            self.rule.to_owned(),
            self.who.clone(),
            self.service.clone(),
            side(&self.before),
            side(&self.after),
        ]
    }
}

impl Verdict {
    fn of(finding: &Finding) -> Self {
        Self {
            state: finding.state.as_str(),
            status: finding.status.map(|status| status.as_str()),
            severity: finding.severity,
            why: safe_text(&finding.why),
        }
    }
}

/// Sums per service where they differ.
fn services(before: &[Finding], after: &[Finding]) -> Vec<Service> {
    let mut sums: BTreeMap<&str, (String, [Sum; 2])> = BTreeMap::new();
    for (side, findings) in [before, after].into_iter().enumerate() {
        for finding in findings.iter().filter(|finding| finding.is_open() && finding.category.is_some()) {
            let (_, sums) =
                sums.entry(&finding.service).or_insert_with(|| (row::service(finding), Default::default()));
            if let Some(sum) = sums.get_mut(side) {
                sum.open += 1;
                sum.severity = sum.severity.max(finding.severity);
                sum.upload_bytes = sum.upload_bytes.saturating_add(finding.upload_bytes);
            }
        }
    }
    let differing = sums.into_iter().filter(|(_, (_, [before, after]))| before != after);
    differing
        .map(|(service, (name, [before, after]))| Service { service: service.to_owned(), name, before, after })
        .collect()
}

impl Service {
    pub(super) fn cells(&self) -> Vec<String> {
        let side = |sum: &Sum| match sum.open {
            0 => "-".to_owned(),
            open => format!("{} (severity {})", number(open), sum.severity),
        };
        vec![self.name.clone(), side(&self.before), side(&self.after)]
    }
}

pub(super) const COLUMNS: [Column; 6] = [
    Column { title: "ID", shrinks: true, spare: 0 },
    Column { title: "RULE", shrinks: true, spare: 0 },
    Column { title: "WHO", shrinks: true, spare: 0 },
    Column { title: "SERVICE", shrinks: true, spare: 0 },
    Column { title: "BEFORE", shrinks: false, spare: 0 },
    Column { title: "AFTER", shrinks: false, spare: 0 },
];

pub(super) const SERVICES: [Column; 3] = [
    Column { title: "SERVICE", shrinks: true, spare: 0 },
    Column { title: "BEFORE", shrinks: false, spare: 0 },
    Column { title: "AFTER", shrinks: false, spare: 0 },
];
