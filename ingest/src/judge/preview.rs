//! What re-judging would change, without changing it.

use super::core::Core;
use super::{Cases, Changes, Finding, FindingsDb, Judge, Rejudged, State};
use crate::db::DbError;

impl FindingsDb {
    /// What [`apply`](FindingsDb::apply) would do, and the findings as they would stand then, oldest first. Nothing
    /// is written.
    pub fn preview(
        &mut self,
        rejudged: Rejudged,
        judge: &Judge,
        at: i64,
    ) -> Result<(Changes, Vec<Finding>), DbError> {
        let failed = DbError::of(&self.path);
        // Never committed.
        let step = self.db.transaction().map_err(&failed)?;
        let mut cases = Cases::load(&step).map_err(&failed)?;
        let changes = Core::new(judge, &mut cases).apply(rejudged, at);
        let past = cases.findings.into_values().map(|finding| *finding);
        let mut findings: Vec<Finding> = past.filter(|finding| finding.state != State::Watch).collect();
        findings.sort_by(|a, b| (a.detected_at, &a.uid).cmp(&(b.detected_at, &b.uid)));
        Ok((changes, findings))
    }
}
