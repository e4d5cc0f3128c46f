//! The tables about services, out of judged rows.

use std::collections::{BTreeMap, BTreeSet};

use rules::behaviour::{Behaviour, ClientKind};
use rules::catalogue::Catalogue;
use rules::policy::Status;
use rules::usage::Use;

use super::departments::{FEWEST, Folding};
use super::judged::{Judged, devices, members, services, upload_bytes, used, weightier};
use super::model::{Matrix, MatrixRow, NewService, ServiceRow, StatusBytes, UploadRow};
use crate::time::{Window, utc};

/// Judged rows by service.
pub(super) type ByService<'a> = BTreeMap<&'a str, Vec<&'a Judged>>;

/// Groups rows by service.
pub(super) fn by_service<'a>(rows: impl Iterator<Item = &'a Judged>) -> ByService<'a> {
    let mut groups = ByService::new();
    for row in rows {
        groups.entry(row.service.as_str()).or_default().push(row);
    }
    groups
}

/// The name of a service; its id when the catalogue no longer knows it.
pub(super) fn name(catalogue: &Catalogue, service: &str) -> String {
    catalogue.service(service).map_or(service, |known| known.name.as_str()).to_owned()
}

fn category(catalogue: &Catalogue, service: &str) -> String {
    catalogue.service(service).map_or("unknown", |known| known.category.as_str()).to_owned()
}

fn best(rows: &[&Judged]) -> Use {
    rows.iter().map(|row| row.usage).max().unwrap_or(Use::Nothing)
}

fn status(rows: &[&Judged]) -> Status {
    rows.iter().map(|row| row.status).fold(Status::Approved, weightier)
}

fn sum(rows: &[&Judged], field: impl Fn(&Judged) -> u64) -> u64 {
    rows.iter().fold(0, |sum, row| sum.saturating_add(field(row)))
}

/// Every service that was in contact, strongest use first, then by devices.
pub(super) fn service_table(rows: &[Judged], catalogue: &Catalogue) -> Vec<ServiceRow> {
    let mut table: Vec<(Use, ServiceRow)> = by_service(rows.iter())
        .into_iter()
        .map(|(id, rows)| (best(&rows), service_row(id, &rows, catalogue)))
        .collect();
    table.sort_by(|(a_use, a), (b_use, b)| {
        b_use.cmp(a_use).then(b.devices.cmp(&a.devices)).then_with(|| a.service.cmp(&b.service))
    });
    table.into_iter().map(|(_, row)| row).collect()
}

fn service_row(id: &str, rows: &[&Judged], catalogue: &Catalogue) -> ServiceRow {
    let usage = best(rows);
    // The status that counts is that of the devices that used it; a mere visit elsewhere does not colour it.
    let counting: Vec<&Judged> = rows.iter().copied().filter(|row| row.usage == usage).collect();
    let in_contact = rows.iter().copied().filter(|row| usage == Use::Nothing || row.usage != Use::Nothing);
    let bits = |field: fn(&Judged) -> u64| rows.iter().fold(0, |bits, row| bits | field(row));
    let behaviours = members(Behaviour::ALL, bits(|row| row.behaviours));
    let clients = members(ClientKind::ALL, bits(|row| row.clients));
    let statuses: BTreeSet<Status> = counting.iter().map(|row| row.status).collect();
    ServiceRow {
        service: id.to_owned(),
        name: name(catalogue, id),
        category: category(catalogue, id),
        status: status(&counting).as_str().to_owned(),
        status_varies: statuses.len() > 1,
        usage: usage.as_str().to_owned(),
        devices: devices(in_contact),
        devices_used: devices(rows.iter().copied().filter(|row| row.usage == Use::Used)),
        flows: sum(rows, |row| row.flows),
        turns: sum(rows, |row| row.turns),
        behaviour: weightiest(&behaviours, sum(rows, |row| row.turns)).to_owned(),
        behaviours: behaviours.iter().map(|one| one.as_str().to_owned()).collect(),
        clients: clients.iter().map(|one| one.as_str().to_owned()).collect(),
        bytes_up: sum(rows, |row| row.bytes_up),
        bytes_down: sum(rows, |row| row.bytes_down),
        upload_bytes: sum(rows, |row| row.upload_bytes),
        first_seen: utc(rows.iter().map(|row| row.first_seen).min().unwrap_or_default()),
        last_seen: utc(rows.iter().map(|row| row.last_seen).max().unwrap_or_default()),
    }
}

/// What a service was used for. Exchanges that no behaviour accounts for were made, but not told apart.
fn weightiest(behaviours: &[Behaviour], turns: u64) -> &'static str {
    match behaviours.iter().max() {
        Some(Behaviour::Idle) if turns > 0 => "",
        behaviour => behaviour.map(|one| one.as_str()).unwrap_or_default(),
    }
}

/// Services whose first use or visit ever lies in the window.
pub(super) fn new_services(
    services: &[ServiceRow],
    first_seen: &BTreeMap<String, i64>,
    window: Window,
    catalogue: &Catalogue,
) -> Vec<NewService> {
    let new = |row: &&ServiceRow| first_seen.get(&row.service).is_some_and(|first| window.contains(*first));
    services
        .iter()
        .filter(new)
        .map(|row| NewService {
            service: row.service.clone(),
            name: row.name.clone(),
            vendor: catalogue.service(&row.service).map(|known| known.vendor.clone()).unwrap_or_default(),
            category: row.category.clone(),
            status: row.status.clone(),
            usage: row.usage.clone(),
            devices: row.devices,
            first_seen: row.first_seen.clone(),
        })
        .collect()
}

/// Services in use without approval, by department.
pub(super) fn matrix(rows: &[Judged], folding: &Folding, catalogue: &Catalogue) -> Matrix {
    let departments = folding.columns();
    let mut table: Vec<(u8, MatrixRow)> = by_service(rows.iter().filter(|row| row.unapproved()))
        .into_iter()
        .map(|(id, rows)| {
            let status = status(&rows);
            let row = MatrixRow {
                service: id.to_owned(),
                name: name(catalogue, id),
                status: status.as_str().to_owned(),
                cells: departments.iter().map(|label| cell(&rows, folding, label)).collect(),
                devices: devices(rows.iter().copied()),
                upload_bytes: upload_bytes(rows.iter().copied()),
                decision: decision(status).to_owned(),
            };
            (status.severity(), row)
        })
        .collect();
    table.sort_by(|(a_severity, a), (b_severity, b)| {
        b_severity.cmp(a_severity).then(b.devices.cmp(&a.devices)).then_with(|| a.service.cmp(&b.service))
    });
    Matrix { departments, rows: table.into_iter().map(|(_, row)| row).collect() }
}

fn cell(rows: &[&Judged], folding: &Folding, label: &str) -> String {
    let here = rows.iter().copied().filter(|row| folding.label(&row.department) == Some(label));
    few(devices(here))
}

/// A number of devices that may stand beside a department.
pub(super) fn few(devices: u64) -> String {
    match devices {
        0 => String::new(),
        few if few < FEWEST as u64 => format!("< {FEWEST}"),
        many => many.to_string(),
    }
}

fn decision(status: Status) -> &'static str {
    match status {
        Status::Prohibited => "department lead: move to an approved tool",
        Status::RequiresApproval => "requester: ask for approval; IT decides",
        Status::InReview => "IT: finish the review",
        _ => "IT: assess the tool and enter a status",
    }
}

/// Content bytes sent to services in use, by status, approved first, prohibited last.
pub(super) fn uploads_by_status(rows: &[Judged]) -> Vec<StatusBytes> {
    let of = |status: Status| used(rows).filter(move |row| row.status == status);
    let mut statuses = Status::ALL.to_vec();
    statuses.sort_by_key(|status| status.severity());
    statuses
        .into_iter()
        .map(|status| StatusBytes {
            status: status.as_str().to_owned(),
            upload_bytes: upload_bytes(of(status)),
            services: services(of(status)),
        })
        .filter(|row| row.services > 0)
        .collect()
}

/// Services by content bytes sent, those that are not sure to be AI apart by their use.
pub(super) fn uploads(rows: &[Judged], catalogue: &Catalogue) -> Vec<UploadRow> {
    let mut table = Vec::new();
    for wanted in [Use::Used, Use::Shared] {
        let of_use = rows.iter().filter(|row| row.usage == wanted && row.upload_bytes > 0);
        table.extend(by_service(of_use).into_iter().map(|(id, rows)| UploadRow {
            service: id.to_owned(),
            name: name(catalogue, id),
            status: status(&rows).as_str().to_owned(),
            usage: wanted.as_str().to_owned(),
            devices: devices(rows.iter().copied()),
            upload_bytes: upload_bytes(rows.iter().copied()),
            largest_burst: rows.iter().map(|row| row.largest_burst).max().unwrap_or_default(),
        }));
    }
    table.sort_by(|a, b| {
        b.upload_bytes.cmp(&a.upload_bytes).then_with(|| a.service.cmp(&b.service)).then(a.usage.cmp(&b.usage))
    });
    table
}
