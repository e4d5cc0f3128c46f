//! Notes become events in the outbox.

use super::activity;
use super::finding::{uid, uid_text};
use super::ledger::{ACTIVITY, Ledger, Outgoing};
use super::note::{Digest, Note};
use super::{Cases, Finding, Judge};
use crate::db::count;
use crate::siem;
use crate::time;

/// Puts every note of the round into the outbox of each sink; none of them is lost or told twice, because findings
/// and events stand in one transaction.
pub(super) fn outgoing(judge: &Judge, cases: &mut Cases, ledger: &Ledger<'_>) -> rusqlite::Result<()> {
    let mut listening = activity::listening(judge, cases, ledger)?;
    for note in std::mem::take(&mut cases.notes) {
        match note {
            Note::Finding { at, action, finding } => {
                let event = siem::ecs_event(&finding, action, at);
                let route = judge.policy.route(Some(&finding.site));
                let event = siem::routed(event, route).to_string();
                let row = Outgoing {
                    uid: &finding.uid,
                    revision: finding.revision,
                    action: action.as_str(),
                    event: &event,
                    not_before: quiet(judge, at, finding.severity),
                };
                judge.sinks.iter().try_for_each(|sink| ledger.enqueue(&row, &sink.name))?;
            }
            Note::Digest(digest) => held_back(judge, &digest, ledger)?,
            Note::Activity { uid, revision, event } => {
                let event = event.to_string();
                let row = Outgoing { uid: &uid, revision, action: ACTIVITY, event: &event, not_before: 0 };
                activity::tell(&row, &mut listening, ledger)?;
            }
        }
    }
    activity::remember(&listening, cases);
    Ok(())
}

fn held_back(judge: &Judge, digest: &Digest, ledger: &Ledger<'_>) -> rusqlite::Result<()> {
    let uid = uid_text(digest_uid(digest));
    let event = siem::digest_event(digest, &uid);
    let mut event = siem::routed(event, judge.policy.route(Some(&digest.site)));
    let revision = next_revision(ledger, &uid)?;
    event["event"]["sequence"] = revision.into();
    let event = event.to_string();
    let row = Outgoing {
        uid: &uid,
        revision,
        action: "digest",
        event: &event,
        not_before: quiet(judge, digest.to, digest.severity),
    };
    judge.sinks.iter().try_for_each(|sink| ledger.enqueue(&row, &sink.name))
}

/// Facts that come late may fill an hour again whose digest is out: that is its next revision.
fn next_revision(ledger: &Ledger<'_>, uid: &str) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(max(revision), 0) + 1 AS next FROM siem_outbox WHERE uid = ?1";
    ledger.step.prepare_cached(sql)?.query_row([uid], |row| count(row, "next"))
}

fn digest_uid(digest: &Digest) -> u64 {
    uid(&digest.site, "digest", &digest.from.to_string(), "")
}

/// The end of the quiet hours around an instant; 0 where none holds the event back.
fn quiet(judge: &Judge, at: i64, severity: u8) -> i64 {
    let until = judge.policy.quiet_until(time::datetime(at, &judge.time_zone), severity);
    let until = until.and_then(|until| judge.time_zone.to_ambiguous_timestamp(until).compatible().ok());
    until.map_or(0, |until| until.as_microsecond())
}

/// The finding as it is told: names of strangers are made safe by whoever writes them.
pub(super) fn snapshot(finding: &Finding) -> Box<Finding> {
    Box::new(finding.clone())
}
