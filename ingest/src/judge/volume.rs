//! What is usual: the baselines of uploads, and the table that keeps them.

use rules::policy::Policy;
use rules::volume::{Anomaly, Baselines, Cell, HISTORY_DAYS, LocalTime, Observation, Settings};
use rusqlite::{Row, Transaction, named_params};

use crate::db::{count, int};

/// The baselines of all sites.
#[derive(Debug)]
pub(crate) struct Volume {
    baselines: Baselines,
    /// The newest day that the baselines took in: theirs, and no wrong clock's.
    today: i32,
    /// Rows older than the history are removed once a day.
    swept: i32,
    /// What was not measured, as far as it was told.
    told: u64,
}

impl Default for Volume {
    fn default() -> Self {
        Self { baselines: Baselines::new(Settings::default()), today: 0, swept: 0, told: 0 }
    }
}

impl Volume {
    pub(super) fn observe(&mut self, seen: &Observation<'_>) -> Vec<Anomaly> {
        self.baselines.observe(seen)
    }

    /// How many sums went uncounted since the last call.
    pub(super) fn unmeasured(&mut self) -> u64 {
        let all = self.baselines.refused().saturating_add(self.baselines.unsaved());
        let fresh = all.saturating_sub(self.told);
        self.told = all;
        fresh
    }

    pub(super) fn load(&mut self, step: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut query =
            step.prepare("SELECT * FROM volume ORDER BY day, hour, site, device, service, programmatic")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            self.baselines.restore(&cell(row)?);
        }
        Ok(())
    }

    /// Adds what grew to the table, and drops what nothing is compared with any more.
    pub(super) fn save(&mut self, step: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut add = step.prepare_cached(ADD)?;
        for cell in self.baselines.changed() {
            self.today = self.today.max(cell.local.day);
            add.execute(named_params! {
                ":day": cell.local.day,
                ":hour": cell.local.hour,
                ":site": cell.site,
                ":device": cell.device,
                ":service": cell.service,
                ":programmatic": cell.programmatic,
                ":department": cell.department,
                ":first": cell.first,
                ":last": cell.last,
                ":bytes": int(cell.upload_bytes),
                ":turns": int(cell.turns),
                ":marks": cell.marks,
                ":since": cell.stretch_since,
                ":until": cell.stretch_last,
                ":stretch": int(cell.stretch_bytes),
            })?;
        }
        if self.today > self.swept {
            self.swept = self.today;
            let kept = self.today.saturating_sub(HISTORY_DAYS + 1);
            step.prepare_cached("DELETE FROM volume WHERE day < ?1")?.execute([kept])?;
        }
        Ok(())
    }
}

/// The id of a client's group, as the baselines compare devices with each other.
pub(super) fn department<'p>(policy: &'p Policy, subject: &rules::policy::Subject<'_>) -> Option<&'p str> {
    policy.group_for(subject).map(|group| group.id.as_str())
}

fn cell(row: &Row<'_>) -> rusqlite::Result<Cell> {
    Ok(Cell {
        site: row.get("site")?,
        device: row.get("device")?,
        department: row.get("department")?,
        service: row.get("service")?,
        programmatic: row.get("programmatic")?,
        local: LocalTime { day: row.get("day")?, hour: row.get("hour")? },
        first: row.get("first")?,
        last: row.get("last")?,
        upload_bytes: count(row, "upload_bytes")?,
        turns: count(row, "turns")?,
        marks: row.get("marks")?,
        stretch_since: row.get("stretch_since")?,
        stretch_last: row.get("stretch_last")?,
        stretch_bytes: count(row, "stretch_bytes")?,
    })
}

/// As [`Cell::add`] says.
const ADD: &str = "
INSERT INTO volume (day, hour, site, device, service, programmatic, department, first, last, upload_bytes, turns,
    marks, stretch_since, stretch_last, stretch_bytes)
VALUES (:day, :hour, :site, :device, :service, :programmatic, :department, :first, :last, :bytes, :turns, :marks,
    :since, :until, :stretch)
ON CONFLICT DO UPDATE SET department = excluded.department, first = min(first, excluded.first),
    last = max(last, excluded.last), upload_bytes = upload_bytes + excluded.upload_bytes,
    turns = turns + excluded.turns, marks = marks | excluded.marks, stretch_since = excluded.stretch_since,
    stretch_last = excluded.stretch_last, stretch_bytes = excluded.stretch_bytes";
