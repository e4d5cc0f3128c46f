//! The rules, each on a small office.

use super::*;

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1_440 * MINUTE;
/// A Monday.
const FIRST: i32 = 20_458;

struct Office {
    baselines: Baselines,
}

impl Office {
    fn new() -> Self {
        Self { baselines: Baselines::new(Settings::default()) }
    }

    /// One record of a device of `finance` at a minute of a day.
    fn send(&mut self, device: &str, service: &str, day: i32, minute: i64, kilobytes: u64) -> Vec<Anomaly> {
        self.baselines.observe(&Observation {
            site: "hq",
            device,
            department: Some("finance"),
            service,
            at: i64::from(FIRST + day) * DAY + minute * MINUTE,
            local: LocalTime { day: FIRST + day, hour: (minute / 60) as u8 },
            upload_bytes: kilobytes * 1_000,
            programmatic: false,
            turns: 1,
        })
    }

    /// Eight devices that send 100 to 900 kB each working day before `day`; none of it is unusual.
    fn weeks(day: i32) -> Self {
        let mut office = Self::new();
        for day in (0..day).filter(|day| day % 7 < 5) {
            for device in 0..8u8 {
                let kilobytes = 100 + u64::from(device) * 50 + (day as u64 * 37) % 400;
                let found = office.send(&format!("d{device}"), "chatgpt", day, 600, kilobytes);
                assert_eq!(found, []);
            }
        }
        office
    }

    /// A large file, a record a minute; what is found, with the minute.
    fn file(&mut self, device: &str, day: i32, megabytes: u64) -> Vec<(i64, Anomaly)> {
        (0..6)
            .flat_map(|minute| {
                let found = self.send(device, "chatgpt", day, 660 + minute, megabytes * 1_000 / 6);
                found.into_iter().map(move |anomaly| (minute, anomaly))
            })
            .collect()
    }
}

#[test]
fn a_burst_is_told_once_and_while_it_runs() {
    let mut office = Office::weeks(28);
    let found = office.file("d3", 28, 412);
    let [(minute, burst)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((*minute, burst.kind, burst.learning), (0, AnomalyKind::Burst, false));
    assert!(burst.references.iter().all(|reference| reference.agrees && !reference.all_services));
    assert_eq!(
        burst.words("ChatGPT", Some("Finance")),
        "68 MB to ChatGPT in 1 min; own 4-week p99 627 kB; Finance p99 820 kB; ChatGPT p99 820 kB"
    );
    assert_eq!(burst.score, 837);
    // The same episode on the next days, a new one when days without excess have passed.
    assert_eq!(office.file("d3", 29, 412), []);
    assert_eq!(office.file("d3", 32, 412), []);
    assert_eq!(office.baselines.refused(), 0);
}

#[test]
fn a_burst_is_no_measure_for_the_next_one() {
    let mut office = Office::weeks(28);
    assert_eq!(office.file("d3", 28, 100).len(), 1);
    for day in (29..40).filter(|day| day % 7 < 5) {
        office.send("d3", "chatgpt", day, 600, 300);
    }
    let again = office.file("d3", 42, 80);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].1.references[0].p99, Some(627_000));
}

#[test]
fn under_the_floor_nothing_is_unusual() {
    let mut office = Office::weeks(28);
    assert_eq!(office.file("d3", 28, 8), []);
}

#[test]
fn a_drip_is_told_once_though_no_day_is_a_burst() {
    let mut office = Office::weeks(35);
    let found: Vec<_> = (35..45).flat_map(|day| office.send("d3", "chatgpt", day, 610, 4_000)).collect();
    let [drip] = &found[..] else { panic!("{found:?}") };
    assert_eq!((drip.kind, drip.bytes), (AnomalyKind::Drip, 13_231_000));
    let words = drip.words("ChatGPT", Some("Finance"));
    assert!(words.starts_with("13 MB to ChatGPT in 7 days, little by little; own 8-week p99 of 7 days"), "{words}");
}

#[test]
fn a_newcomer_is_measured_by_both_others() {
    let mut office = Office::weeks(28);
    let found = office.file("new", 28, 60);
    let [own, department, service] = &found[0].1.references;
    assert_eq!((own.p99, own.agrees, department.agrees, service.agrees), (None, false, true, true));
    assert!(found[0].1.words("ChatGPT", None).contains("; own: too little known; "));
}

#[test]
fn a_rollout_is_no_crowd_of_findings() {
    let mut office = Office::weeks(28);
    let found: Vec<_> = (28..35)
        .flat_map(|day| (0..8u8).map(move |device| (day, device)))
        .flat_map(|(day, device)| office.send(&format!("d{device}"), "midjourney", day, 700, 12_000))
        .collect();
    // Three may come before it is a rollout.
    assert!(found.len() <= 3, "{}", found.len());
}

#[test]
fn a_service_that_nobody_knows_is_measured_by_all_services() {
    let mut office = Office::weeks(28);
    let found: Vec<_> = (0..6).flat_map(|minute| office.send("d3", "new-ai", 28, 660 + minute, 20_000)).collect();
    assert_eq!(found.len(), 1);
    assert!(found[0].references.iter().all(|reference| reference.all_services && reference.agrees));
}

#[test]
fn nothing_is_unusual_where_nothing_is_known() {
    assert_eq!(Office::new().file("d3", 0, 3_000), []);
}

#[test]
fn young_norms_are_marked() {
    let mut office = Office::weeks(4);
    let found = office.file("d3", 4, 100);
    assert!(found.iter().all(|(_, anomaly)| anomaly.learning));
    assert_eq!(found.len(), 1);
}

#[test]
fn a_night_is_told_and_a_long_day_is_not() {
    let mut office = Office::weeks(28);
    let mut turns = |hour: i64| -> Vec<Anomaly> {
        (0..10).flat_map(|turn| office.send("d3", "chatgpt", 28, hour * 60 + turn, 5)).collect()
    };
    assert_eq!(turns(13), []);
    let night = turns(23);
    assert_eq!(night.len(), 1);
    assert_eq!((night[0].kind, night[0].turns), (AnomalyKind::NewHours, 6));
}

#[test]
fn a_program_where_there_was_a_browser() {
    let mut office = Office::weeks(28);
    let mut seen = Observation {
        site: "hq",
        device: "d3",
        department: Some("finance"),
        service: "chatgpt",
        at: i64::from(FIRST + 28) * DAY,
        local: LocalTime { day: FIRST + 28, hour: 10 },
        upload_bytes: 30_000,
        programmatic: true,
        turns: 4,
    };
    assert_eq!(office.baselines.observe(&seen), []);
    seen.at += MINUTE;
    let found = office.baselines.observe(&seen);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].words("ChatGPT", Some("Finance")),
        "8 turns and 60 kB to ChatGPT by a program; own: 0.0 % by programs; Finance: 0.0 % by programs; ChatGPT: 0.0 % by programs"
    );
    assert_eq!(office.baselines.observe(&seen), []);
}

#[test]
fn a_wrong_clock_drops_no_history() {
    let mut office = Office::weeks(28);
    assert_eq!(office.send("d3", "chatgpt", 5_000, 600, 1), []);
    assert_eq!(office.baselines.refused(), 1);
    // Late records count and are not judged.
    assert_eq!(office.send("d3", "chatgpt", 28, 600, 1), []);
    assert_eq!(office.send("d3", "chatgpt", 27, 600, 100_000), []);
    assert_eq!(office.file("d3", 28, 412).len(), 1);
}

#[test]
fn history_ends() {
    let mut office = Office::weeks(28);
    office.baselines.changed();
    office.send("later", "chatgpt", 28 + HISTORY_DAYS + 1, 600, 1);
    let kept: Vec<_> = office.baselines.changed().into_iter().map(|cell| cell.device).collect();
    assert_eq!(kept, ["later"]);
    assert_eq!(office.file("d3", 28 + HISTORY_DAYS + 1, 412), []);
}

#[test]
fn pairs_of_device_and_service_are_bounded() {
    let mut office = Office::new();
    for device in 0..MAX_DEVICES + 1 {
        for service in ["a", "b", "c", "d", "e", "f"].into_iter().take(if device == 0 { 6 } else { 5 }) {
            office.send(&device.to_string(), service, 0, 600, 1);
        }
    }
    assert_eq!(office.baselines.refused(), 5 + 1);
    assert_eq!(office.baselines.unsaved(), 0);
    assert!(size_of::<series::Day>() == 16 && size_of::<series::Series>() <= 240);
}
