//! Departments of at least five devices; smaller ones are folded, so that no row tells about a person.

use std::collections::{BTreeMap, BTreeSet};

use super::judged::{Judged, NO_DEPARTMENT, devices, services, upload_bytes, used};
use super::model::DepartmentRow;

/// The fewest devices that a department may be shown with.
pub(super) const FEWEST: usize = 5;
/// Said when no device that used AI belongs to a group.
const NO_GROUPS: &str =
    "No device that used AI belongs to a group of the policy, so there are no departments to show.";
/// The row of those folded together.
const OTHER: &str = "other";

/// Which label each department gets.
#[derive(Debug)]
pub(super) struct Folding {
    labels: BTreeMap<String, String>,
    /// What was folded or left out, in words; empty when nothing was.
    pub(super) note: String,
}

impl Folding {
    /// Decides from the devices that used AI. Were only the small ones folded, their sum could be told by
    /// subtracting the rest from the total; so the next larger one is folded in until `other` holds five as well.
    pub(super) fn of(rows: &[Judged]) -> Self {
        let mut members: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in used(rows) {
            members.entry(&row.department).or_default().insert(&row.device);
        }
        if members.keys().all(|name| *name == NO_DEPARTMENT) {
            let note = if members.is_empty() { "" } else { NO_GROUPS };
            return Self { labels: BTreeMap::new(), note: note.to_owned() };
        }
        let mut sizes: Vec<(usize, &str)> = members.iter().map(|(name, devices)| (devices.len(), *name)).collect();
        sizes.sort_unstable();
        let mut folded = 0;
        let mut other = 0;
        for (size, _) in &sizes {
            if *size >= FEWEST && (folded == 0 || other >= FEWEST) {
                break;
            }
            other += size;
            folded += 1;
        }
        let all_in_one = folded == sizes.len();
        if all_in_one {
            return Self { labels: BTreeMap::new(), note: nothing_shown() };
        }
        let label = |at: usize, name: &str| if at < folded { OTHER.to_owned() } else { name.to_owned() };
        let labels =
            sizes.iter().enumerate().map(|(at, (_, name))| ((*name).to_owned(), label(at, name))).collect();
        Self { labels, note: folded_note(folded) }
    }

    /// The label of a department; none when it may not be shown.
    pub(super) fn label(&self, department: &str) -> Option<&str> {
        self.labels.get(department).map(String::as_str)
    }

    /// The labels that are shown, `other` last.
    pub(super) fn columns(&self) -> Vec<String> {
        let shown: BTreeSet<&String> = self.labels.values().collect();
        let (other, named): (Vec<&String>, Vec<&String>) = shown.into_iter().partition(|label| *label == OTHER);
        named.into_iter().chain(other).cloned().collect()
    }

    /// One row per label, most devices first.
    pub(super) fn rows(&self, rows: &[Judged]) -> Vec<DepartmentRow> {
        let mut table: Vec<DepartmentRow> = self.columns().into_iter().map(|label| self.row(label, rows)).collect();
        table.sort_by(|a, b| b.devices.cmp(&a.devices).then_with(|| a.department.cmp(&b.department)));
        table
    }

    fn row(&self, label: String, rows: &[Judged]) -> DepartmentRow {
        let own = || used(rows).filter(|row| self.label(&row.department) == Some(label.as_str()));
        DepartmentRow {
            devices: devices(own()),
            services_used: services(own()),
            unapproved_services_used: services(own().filter(|row| row.unapproved())),
            turns: own().fold(0, |sum, row| sum.saturating_add(row.turns)),
            upload_bytes: upload_bytes(own()),
            department: label,
        }
    }
}

fn nothing_shown() -> String {
    format!(
        "Departments are not shown: each row would stand for fewer than {FEWEST} devices, or could be told from the \
         total. The totals hold everybody."
    )
}

fn folded_note(folded: usize) -> String {
    match folded {
        0 => String::new(),
        1 => {
            format!("One department is shown as \"{OTHER}\" so that no row stands for fewer than {FEWEST} devices.")
        }
        n => format!(
            "{n} departments are shown as \"{OTHER}\" so that no row stands for fewer than {FEWEST} devices."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rules::policy::Status;
    use rules::usage::Use;

    fn rows(departments: &[(&str, usize)]) -> Vec<Judged> {
        let one = |department: &str, number: usize| Judged {
            device: format!("{department}-{number}"),
            department: department.to_owned(),
            service: "chatgpt".to_owned(),
            status: Status::Unreviewed,
            usage: Use::Used,
            flows: 1,
            turns: 1,
            bytes_up: 1,
            bytes_down: 1,
            upload_bytes: 1,
            largest_burst: 1,
            clients: 1,
            behaviours: 1,
            first_seen: 0,
            last_seen: 0,
            access: Vec::new(),
        };
        departments.iter().flat_map(|(name, size)| (0..*size).map(move |number| one(name, number))).collect()
    }

    fn shown(departments: &[(&str, usize)]) -> Vec<(String, u64)> {
        let rows = rows(departments);
        Folding::of(&rows).rows(&rows).into_iter().map(|row| (row.department, row.devices)).collect()
    }

    #[test]
    fn small_departments_are_folded_together() {
        let table = shown(&[("Sales", 9), ("Legal", 3), ("Board", 2)]);
        assert_eq!(table, [("Sales".to_owned(), 9), ("other".to_owned(), 5)]);
    }

    #[test]
    fn other_takes_the_next_department_in_when_it_is_too_small_itself() {
        let table = shown(&[("Sales", 9), ("IT", 6), ("Board", 2)]);
        assert_eq!(table, [("Sales".to_owned(), 9), ("other".to_owned(), 8)]);
    }

    #[test]
    fn only_totals_are_left_when_folding_cannot_help() {
        for departments in [&[("Sales", 9), ("Board", 2)][..], &[("Board", 4)], &[("A", 2), ("B", 2)]] {
            assert!(shown(departments).is_empty());
            assert!(Folding::of(&rows(departments)).note.contains("not shown"));
        }
        assert!(Folding::of(&[]).note.is_empty());
    }

    #[test]
    fn a_policy_without_groups_has_no_departments() {
        assert!(shown(&[(NO_DEPARTMENT, 9)]).is_empty());
        assert_eq!(Folding::of(&rows(&[(NO_DEPARTMENT, 9)])).note, NO_GROUPS);
    }

    #[test]
    fn departments_of_five_stand_alone() {
        assert_eq!(shown(&[("A", 5), ("B", 5)]).len(), 2);
        assert!(Folding::of(&rows(&[("A", 5)])).note.is_empty());
    }
}
