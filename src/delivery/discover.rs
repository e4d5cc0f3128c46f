//! What `run --discover` tells: each service at its first sight, and all of them at the end.

use std::sync::{Arc, Mutex, PoisonError};

use ingest::deliver::{Failure as PartFailure, Judging};
use ingest::discover::{Discovered, Inventory, Seen};
use ingest::text::{bytes, counted, number};
use ingest::time::{self, local};
use jiff::tz::TimeZone;

use crate::rules_files::Rules;
use crate::terminal;

/// The inventory as it grows. A copy is the same one.
#[derive(Debug, Clone)]
pub(crate) struct Discovery {
    rules: Rules,
    zone: TimeZone,
    inventory: Arc<Mutex<Inventory>>,
}

impl Discovery {
    /// An empty one: names are those of the catalogue in force, times those of the zone.
    pub(crate) fn new(rules: &Rules, zone: &TimeZone) -> Self {
        Self { rules: rules.clone(), zone: zone.clone(), inventory: Arc::default() }
    }

    /// Looks at what waits and tells what is new in it; gives the segments looked at, also when the rest fails.
    pub(crate) fn round(&self, part: &mut Judging) -> (u64, Result<(), PartFailure>) {
        let mut inventory = self.inventory.lock().unwrap_or_else(PoisonError::into_inner);
        let mut discovered = Discovered::default();
        let ended = part.discover(&mut inventory, &mut discovered);
        for (id, seen) in discovered.services.iter().filter_map(|id| Some((id, inventory.get(id)?))) {
            terminal::line(&self.sighting(id, seen));
        }
        (discovered.segments, ended)
    }

    /// `14:03:07  ChatGPT: chat, host app, client browser, 1 device so far`
    fn sighting(&self, id: &str, seen: &Seen) -> String {
        let (name, category) = self.words(id);
        let time = time::datetime(seen.first, &self.zone).strftime("%H:%M:%S");
        let devices = counted(seen.devices() as u64, "device");
        let (role, client) = (seen.role.as_str(), seen.client);
        format!("{time}  {name}: {category}, host {role}, client {client}, {devices} so far")
    }

    /// The inventory as a table, with what is to be done next behind it.
    pub(crate) fn table(&self, next: &str) -> String {
        let inventory = self.inventory.lock().unwrap_or_else(PoisonError::into_inner);
        let services = inventory.services();
        if services.is_empty() {
            return "no AI service was seen\n".to_owned();
        }
        let head = ["SERVICE", "CATEGORY", "DEVICES", "FLOWS", "UP", "DOWN", "FIRST SEEN"].map(str::to_owned);
        let row = |(id, seen): &(&str, &Seen)| {
            let (name, category) = self.words(id);
            [
                name,
                category,
                number(seen.devices() as u64),
                number(seen.flows),
                bytes(seen.bytes_up),
                bytes(seen.bytes_down),
                local(seen.first, &self.zone),
            ]
        };
        let rows: Vec<_> = std::iter::once(head).chain(services.iter().map(row)).collect();
        let count = counted(services.len() as u64, "AI service");
        format!(
            "{}\n{count}; nothing was judged. A first policy, in which everything is in review:\n  {next}\n",
            aligned(&rows)
        )
    }

    /// Name and category of a service.
    fn words(&self, id: &str) -> (String, String) {
        let catalogue = self.rules.current();
        let found = catalogue.service(id);
        found.map_or_else(
            || (id.to_owned(), "-".to_owned()),
            |service| (service.name.clone(), service.category.to_string()),
        )
    }
}

/// Words to the left, numbers to the right.
fn aligned(rows: &[[String; 7]]) -> String {
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..7).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if (2..6).contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}
