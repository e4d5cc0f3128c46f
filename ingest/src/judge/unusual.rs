//! Uploads that are not usual, and habits that are new: the baselines find them, here they become findings.

use rules::behaviour::ClientKind;
use rules::catalogue::Access;
use rules::policy::{FindingRule, Status};
use rules::usage::Use;
use rules::volume::{Anomaly, AnomalyKind, LocalTime, Observation};
use sensor::record::Evidence;

use super::cases::Timer;
use super::core::Core;
use super::flow::Seen;
use super::life::Standing;
use super::opening::Opening;
use super::volume::department;
use super::{Contact, Detail};

/// A new habit is worth a look, no more.
const HABIT: u8 = 3;
/// While little is known of a site, what seems unusual weighs no more than this.
const LEARNING: u8 = 4;

impl Core<'_> {
    /// Counts a record in the baselines, and says what it makes unusual. Private use is not kept there.
    pub(super) fn observe(&mut self, seen: &Seen<'_>) -> Vec<Anomaly> {
        let flow = seen.flow;
        let counts = flow.upload_bytes > 0 || flow.turns > 0;
        if !counts
            || seen.usage < Use::Visited
            || flow.evidence == Evidence::Ambiguous
            || flow.access == Access::Local
            || seen.status == Status::PersonalRisk
        {
            return Vec::new();
        }
        let hour = self.local.datetime(flow.end).hour().unsigned_abs();
        let day = i32::try_from(self.local.number(flow.end)).unwrap_or_default();
        self.cases.volume.observe(&Observation {
            site: &flow.site,
            device: &flow.device,
            department: department(&self.judge.policy, &seen.subject),
            service: &flow.service,
            at: flow.end,
            local: LocalTime { day, hour },
            upload_bytes: flow.upload_bytes,
            programmatic: flow.client == ClientKind::Program,
            turns: flow.turns,
        })
    }

    /// Opens the finding of what is unusual, or raises it; true when it opened. Private use is nobody's business.
    pub(super) fn unusual(&mut self, seen: &Seen<'_>, mut anomalies: Vec<Anomaly>) -> bool {
        if anomalies.is_empty() || seen.status == Status::PersonalRisk {
            return false;
        }
        anomalies.sort_by_key(|anomaly| anomaly.kind);
        let about = seen.about(FindingRule::UploadAnomaly);
        self.count(&about, about.uid(), seen);
        // Each of them is looked at, also behind one that opened.
        anomalies.iter().filter(|anomaly| self.one_unusual(seen, anomaly)).count() > 0
    }

    fn one_unusual(&mut self, seen: &Seen<'_>, anomaly: &Anomaly) -> bool {
        let about = seen.about(FindingRule::UploadAnomaly);
        let uid = about.uid();
        let standing = self.standing(uid, seen.at);
        if standing == Standing::Resting {
            return false;
        }
        let opening = self.unusual_opening(seen, anomaly);
        if standing == Standing::Open {
            self.worse(uid, seen, opening);
            return false;
        }
        self.open(&about, opening);
        true
    }

    fn unusual_opening(&self, seen: &Seen<'_>, anomaly: &Anomaly) -> Opening {
        let group = self.judge.policy.group_for(&seen.subject).map(|group| group.name.as_str());
        let words = anomaly.words(&seen.service.name, group);
        let detail = Detail::Anomaly {
            what: anomaly.kind.as_str().to_owned(),
            bytes: anomaly.bytes,
            since: anomaly.since,
            until: anomaly.until,
            references: words.split("; ").skip(1).take(anomaly.references.len()).map(str::to_owned).collect(),
            score: anomaly.score.into(),
            learning: anomaly.learning,
        };
        let opening = self.opening(seen, FindingRule::UploadAnomaly, detail);
        let upload = matches!(anomaly.kind, AnomalyKind::Burst | AnomalyKind::Drip);
        let most = match (upload, anomaly.learning) {
            (false, _) => HABIT,
            (true, true) => LEARNING,
            (true, false) => 10,
        };
        Opening {
            severity: opening.severity.min(most),
            // A new habit has sent nothing that would have to be reported.
            report_due_at: opening.report_due_at.filter(|_| upload),
            ..opening
        }
    }

    /// Another anomaly while the finding is open: one that weighs more takes its place and is told at once.
    fn worse(&mut self, uid: u64, seen: &Seen<'_>, opening: Opening) {
        let Some(finding) = self.cases.change(uid) else { return };
        if opening.severity < finding.severity {
            return;
        }
        let worse = opening.severity > finding.severity;
        (finding.severity, finding.detail) = (opening.severity, opening.detail);
        finding.contact = Some(Contact::of(seen.flow));
        let due = opening.report_due_at.filter(|_| finding.report_due_at.is_none());
        finding.report_due_at = finding.report_due_at.or(due);
        self.cases.timers.extend(due.map(|due| (due, Timer::Due(uid))));
        if worse {
            self.louder(uid, seen.at);
        } else {
            self.changed(uid, seen.at);
        }
    }
}
