//! The engine at work on the months.

use rules::volume::{AnomalyKind, Baselines, LocalTime, Observation, Settings};

use crate::day::Fact;
use crate::months::Months;
use crate::office::{DEPARTMENTS, SERVICES};
use crate::score::Finding;

/// A fact with names.
pub(crate) struct Named<'a> {
    pub(crate) months: &'a Months,
    device: Vec<String>,
}

impl<'a> Named<'a> {
    pub(crate) fn of(months: &'a Months) -> Self {
        Self { months, device: (0..months.devices.len()).map(|at| format!("10.0.0.{at}")).collect() }
    }

    pub(crate) fn observation(&self, fact: &Fact) -> Observation<'_> {
        Observation {
            site: "office",
            device: &self.device[fact.device],
            department: Some(self.department(fact)),
            service: SERVICES[fact.service],
            at: fact.at,
            local: LocalTime { day: fact.day(), hour: fact.hour() },
            upload_bytes: fact.upload_bytes,
            programmatic: fact.programmatic,
            turns: fact.turns,
        }
    }

    fn department(&self, fact: &Fact) -> &'static str {
        DEPARTMENTS[self.months.devices[fact.device].department].name
    }

    /// Observes a fact.
    pub(crate) fn observe(&self, baselines: &mut Baselines, fact: &Fact) -> Vec<Finding> {
        let found = baselines.observe(&self.observation(fact));
        let finding = |anomaly: rules::volume::Anomaly| Finding {
            kind: match anomaly.kind {
                AnomalyKind::Burst => "burst",
                AnomalyKind::Drip => "drip",
                AnomalyKind::NewHours => "new-hours",
                AnomalyKind::NewAccess => "new-access",
            },
            device: fact.device,
            service: fact.service,
            at: anomaly.until,
            words: anomaly.words(SERVICES[fact.service], Some(self.department(fact))),
        };
        found.into_iter().map(finding).collect()
    }
}

/// All findings of a seed.
pub(crate) fn findings(months: &Months) -> Vec<Finding> {
    let named = Named::of(months);
    let mut baselines = Baselines::new(Settings::default());
    months.facts().flat_map(|fact| named.observe(&mut baselines, &fact)).collect()
}
