//! How services were reached: by browser, by programs, in the own network, inside other products.

use rules::catalogue::Access;
use rules::usage::Use;

use super::judged::{Judged, devices, services};
use super::model::AccessRow;

/// How services were reached.
pub(super) fn access(rows: &[Judged]) -> Vec<AccessRow> {
    let mut table = Vec::new();
    for wanted in [Use::Used, Use::Shared, Use::Visited] {
        for access in Access::ALL {
            table.extend(access_row(rows, *access, wanted));
        }
    }
    table
}

fn access_row(rows: &[Judged], access: Access, wanted: Use) -> Option<AccessRow> {
    let of = |row: &&Judged| row.access.iter().any(|(a, usage, _, _)| (*a, *usage) == (access, wanted));
    let parts =
        || rows.iter().flat_map(|row| &row.access).filter(|(a, usage, _, _)| (*a, *usage) == (access, wanted));
    parts().next()?;
    Some(AccessRow {
        access: access.as_str().to_owned(),
        usage: wanted.as_str().to_owned(),
        services: services(rows.iter().filter(of)),
        devices: devices(rows.iter().filter(of)),
        turns: parts().fold(0, |sum, (_, _, turns, _)| sum.saturating_add(*turns)),
        upload_bytes: parts().fold(0, |sum, (_, _, _, bytes)| sum.saturating_add(*bytes)),
    })
}
