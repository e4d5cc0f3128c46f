//! What others do, on the same data: a fixed threshold, and three standard deviations.

use std::collections::BTreeMap;

use crate::months::Months;
use crate::score::Finding;

/// Thresholds tried, MB per device, service and day.
pub(crate) const THRESHOLDS: [u64; 9] = [5, 10, 15, 20, 30, 50, 100, 200, 500];

/// As for the engine, excesses up to three days apart are one finding.
const QUIET_DAYS: i32 = 3;

type Series = (usize, usize);

/// More than so many bytes of one device to one service on one day.
pub(crate) fn threshold(months: &Months, megabytes: u64) -> Vec<Finding> {
    by_day(months, |_, today| today > megabytes * 1_000_000)
}

/// More than the mean and three standard deviations of the device's own days with use of the service, of which there
/// are at least seven; all days before count.
pub(crate) fn three_sigma(months: &Months) -> Vec<Finding> {
    by_day(months, |days, today| {
        let count = days.len() as f64;
        let mean = days.iter().sum::<u64>() as f64 / count.max(1.0);
        let variance = days.iter().map(|day| (*day as f64 - mean) * (*day as f64 - mean)).sum::<f64>() / count;
        days.len() >= 7 && today as f64 > mean + 3.0 * variance.sqrt()
    })
}

fn by_day(months: &Months, unusual: impl Fn(&[u64], u64) -> bool) -> Vec<Finding> {
    let mut history: BTreeMap<Series, Vec<u64>> = BTreeMap::new();
    let mut last: BTreeMap<Series, i32> = BTreeMap::new();
    let mut findings = Vec::new();
    for day in 0..crate::office::DAYS {
        let mut sums: BTreeMap<Series, u64> = BTreeMap::new();
        let mut told = BTreeMap::new();
        for fact in months.day(day) {
            let series = (fact.device, fact.service);
            let sum = sums.entry(series).or_default();
            *sum += fact.upload_bytes;
            let (bytes, before) = (*sum, history.get(&series).map(Vec::as_slice).unwrap_or_default());
            if !told.contains_key(&series) && unusual(before, bytes) {
                told.insert(series, fact.day());
                if last.get(&series).is_none_or(|known| fact.day() - known > QUIET_DAYS) {
                    let (device, service) = series;
                    findings.push(Finding { kind: "burst", device, service, at: fact.at, words: String::new() });
                }
            }
        }
        last.extend(told);
        for (series, sum) in sums {
            history.entry(series).or_default().push(sum);
        }
    }
    findings
}
