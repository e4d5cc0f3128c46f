//! How much may be sent: fixed limits per device, service and span of the site's clock.

use std::time::Duration;

use super::{Group, Policy, Status};
use crate::{
    catalogue::{Category, Service},
    fault::Fault,
    file::Word,
    words::words,
};

/// What fetching a model's weights takes at least, where the policy does not say it. Parts of a page and small
/// tokenizers stay below it; the smallest useful models do not.
pub(super) const DOWNLOAD_BYTES: u64 = 50_000_000;

words! {
    /// The span of the site's clock over which a limit adds up.
    pub enum Per, "span" {
        /// From one full hour to the next.
        Hour = "hour",
        /// From midnight to midnight.
        Day = "day",
        /// From Monday to Monday.
        Week = "week",
    }
}

/// One `[[limit]]`: how much content one device may send to one service in a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Line in the policy file.
    pub line: usize,
    /// Service ids; empty together with `categories`: any.
    pub services: Vec<String>,
    /// Categories; empty together with `services`: any.
    pub categories: Vec<Category>,
    /// Group ids; empty: everyone but personal groups.
    pub groups: Vec<String>,
    /// Content bytes that are still within the limit.
    pub bytes: u64,
    /// The span over which they add up.
    pub per: Per,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// How much it matters, from 0 to 10; absent: `[severity]`, or the rule's own.
    pub severity: Option<u8>,
    /// Time from detection to report; absent: the policy's `suspected_data_upload`.
    pub report_within: Option<Duration>,
}

impl Limit {
    /// True when the limit is for a group's use of a service. What is personal risk, by group or by rule, is only
    /// looked at where the limit names the group.
    pub fn fits(&self, group: Option<&Group>, service: &Service, status: Status) -> bool {
        let any = self.services.is_empty() && self.categories.is_empty();
        let what = any || self.services.contains(&service.id) || self.categories.contains(&service.category);
        let whom = match group {
            _ if self.groups.is_empty() => {
                status != Status::PersonalRisk && group.is_none_or(|group| !group.personal)
            }
            Some(group) => self.groups.contains(&group.id),
            None => false,
        };
        what && whom
    }
}

impl Policy {
    /// All limits, in the order of the file.
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// How many bytes of a model registry make a model's download, per device, service and day.
    pub fn download_bytes(&self) -> u64 {
        self.download_bytes
    }

    /// The name that reasons give this policy's file.
    pub fn file(&self) -> &str {
        &self.file
    }
}

/// A whole number and a unit: `50MB`. Powers of 1,000, as everywhere in reports.
pub(super) fn bytes(word: &Word) -> Result<u64, Fault> {
    read(&word.text).filter(|bytes| *bytes > 0).ok_or_else(|| {
        word.at.fault(format!("{:?} is no amount: write a number and B, kB, MB or GB, such as \"50MB\"", word.text))
    })
}

fn read(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(end)?;
    let scale: u64 = match unit.trim_start() {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_and_one_unit() {
        assert_eq!(read("50MB"), Some(50_000_000));
        assert_eq!(read("2 GB"), Some(2_000_000_000));
        for text in ["", "MB", "50", "-5MB", "1.5MB", "5MiB", "99999999999999999999GB", "9999999999999999GB"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
