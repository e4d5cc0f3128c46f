//! How many alerts a day may bring, so that the ones that matter are read.

use std::time::Duration;

use super::Policy;

/// `[budget]`. What it holds back stays a finding: it is listed, has its clock, and a digest counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Unapproved use of a service alerts once per site; later devices update that finding.
    pub first_per_site: bool,
    /// Alerts about one device in one day of the site's clock.
    pub per_device_per_day: u32,
    /// Alerts of one rule at one site in one hour.
    pub per_rule_per_hour: u32,
    /// The least time between two updates of one finding.
    pub update_after: Duration,
    /// The severity from which on nothing is held back by the caps.
    pub never_hold_from: u8,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            first_per_site: true,
            per_device_per_day: 5,
            per_rule_per_hour: 20,
            update_after: Duration::from_secs(86_400),
            never_hold_from: 8,
        }
    }
}

impl Policy {
    /// How many alerts may be sent.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }
}
