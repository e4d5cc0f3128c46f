//! What the mirror loses before the sensor: too much of it for too long is trouble.
//!
//! The ledger estimates it from TCP alone ([`sensor::flow::holes`]); of UDP nothing can be known.

use std::collections::VecDeque;

use sensor::record::MinuteRecord;
use serde::{Deserialize, Serialize};

use super::health::SPAN;
use crate::text::{bytes, percent};

/// One byte in so many may be missing: a few packets that take another way are no state of the mirror, and sums are that
/// much too low and no more.
pub(crate) const MISSING_ONE_IN: u64 = 50;
/// Of less TCP payload than this in ten minutes, bytes, one broken transfer would be a share.
const ENOUGH: u64 = 10_000_000;
/// Minutes out of the ten that have to be above: one burst is no state of the mirror.
const MINUTES: usize = 3;

/// The last ten minutes: start, bytes of TCP payload, missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Mirrored(VecDeque<(i64, u64, u64)>);

impl Mirrored {
    /// Takes in a minute. Answers what is missing, and says it, when that is too much.
    pub(super) fn take(&mut self, record: &MinuteRecord) -> Option<(u64, String)> {
        self.0.push_back((record.minute, record.tcp_bytes, record.tcp_missing));
        self.0.retain(|(minute, _, _)| *minute > record.minute.saturating_sub(SPAN));
        let add = |(all, gone): (u64, u64), (_, a, g): &(i64, u64, u64)| {
            (all.saturating_add(*a), gone.saturating_add(*g))
        };
        let (all, gone) = self.0.iter().fold((0, 0), add);
        let above = |all: u64, gone: u64| gone.saturating_mul(MISSING_ONE_IN) > all;
        let minutes = self.0.iter().filter(|(_, all, gone)| above(*all, *gone)).count();
        (all >= ENOUGH && minutes >= MINUTES && above(all, gone)).then(|| {
            let share = percent(gone, all);
            (gone, format!("about {share} of {} of TCP data never reached the sensor in ten minutes", bytes(all)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn last(minutes: &[(u64, u64)]) -> Option<(u64, String)> {
        let mut mirrored = Mirrored::default();
        let minute = |(n, &(tcp_bytes, tcp_missing)): (usize, &(u64, u64))| {
            let minute = n as i64 * MINUTE;
            mirrored.take(&MinuteRecord { minute, tcp_bytes, tcp_missing, ..MinuteRecord::default() })
        };
        minutes.iter().enumerate().map(minute).last().flatten()
    }

    #[test]
    fn a_share_over_some_minutes_is_too_much() {
        assert_eq!(last(&[(4_000_000, 80_000); 10]), None, "2 % are well");
        let (gone, why) = last(&[(4_000_000, 120_000); 10]).unwrap();
        assert_eq!((gone, why.contains("3.0 % of 40 MB")), (1_200_000, true), "{why}");
        assert_eq!(last(&[(900_000, 90_000); 10]), None, "too little to tell");
        let burst = [[(4_000_000, 0); 8], [(4_000_000, 3_000_000); 8]].concat();
        assert_eq!(last(&burst[..10]), None, "two minutes are a burst");
        assert!(last(&burst[..11]).is_some());
    }

    #[test]
    fn sums_of_forged_records_do_not_overflow() {
        assert_eq!(last(&[(u64::MAX, u64::MAX - 1); 12]), None, "no panic, and no claim");
    }
}
