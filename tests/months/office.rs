//! The office: 8 departments, 12 services, 200 devices and their habits.

use crate::draw::Draw;

pub(crate) const DEVICES: usize = 200;
pub(crate) const DAYS: usize = 84;
/// Monday 2026-01-05 as days since 1970-01-01.
pub(crate) const FIRST_DAY: i32 = 20_458;
/// Public holidays: a Friday, and a Monday and Tuesday.
pub(crate) const HOLIDAYS: [usize; 3] = [25, 56, 57];

pub(crate) const SERVICES: [&str; 12] = [
    "chatgpt",
    "claude",
    "gemini",
    "microsoft-copilot",
    "perplexity",
    "deepl",
    "grammarly",
    "github-copilot",
    "cursor",
    "openai-api",
    "midjourney",
    "elevenlabs",
];

/// A department.
pub(crate) struct Department {
    pub(crate) name: &'static str,
    pub(crate) size: usize,
    /// Service, share of the devices that use it, share of working days on which they do.
    uses: &'static [(usize, f64, f64)],
    /// Share of devices that upload documents.
    uploaders: f64,
    /// Median size of a document, bytes, and its spread.
    document: (f64, f64),
    /// Share of devices that run agents or programs.
    programs: f64,
}

pub(crate) const DEPARTMENTS: [Department; 8] = [
    Department {
        name: "engineering",
        size: 45,
        uses: &[(0, 0.5, 0.6), (1, 0.6, 0.7), (7, 0.7, 0.9), (8, 0.4, 0.8), (9, 0.4, 0.6)],
        uploaders: 0.3,
        document: (200e3, 1.1),
        programs: 0.6,
    },
    Department {
        name: "sales",
        size: 35,
        uses: &[(0, 0.6, 0.5), (3, 0.6, 0.6), (4, 0.2, 0.3), (5, 0.2, 0.3)],
        uploaders: 0.35,
        document: (300e3, 1.1),
        programs: 0.0,
    },
    Department {
        name: "support",
        size: 30,
        uses: &[(0, 0.7, 0.8), (5, 0.5, 0.6), (3, 0.3, 0.5)],
        uploaders: 0.4,
        document: (200e3, 0.9),
        programs: 0.03,
    },
    Department {
        name: "finance",
        size: 20,
        uses: &[(3, 0.7, 0.6), (0, 0.5, 0.4)],
        uploaders: 0.4,
        document: (300e3, 1.1),
        programs: 0.0,
    },
    Department {
        name: "legal",
        size: 15,
        uses: &[(1, 0.7, 0.7), (5, 0.6, 0.5), (0, 0.4, 0.4)],
        uploaders: 0.8,
        document: (1.2e6, 1.0),
        programs: 0.0,
    },
    Department {
        name: "design",
        size: 15,
        uses: &[(10, 0.9, 0.8), (0, 0.6, 0.5), (2, 0.3, 0.4)],
        uploaders: 0.9,
        document: (2.5e6, 1.0),
        programs: 0.05,
    },
    Department {
        name: "marketing",
        size: 25,
        uses: &[(0, 0.8, 0.7), (2, 0.4, 0.5), (6, 0.5, 0.7), (10, 0.2, 0.3)],
        uploaders: 0.5,
        document: (600e3, 1.1),
        programs: 0.03,
    },
    Department {
        name: "people",
        size: 15,
        uses: &[(0, 0.5, 0.4), (6, 0.5, 0.6), (3, 0.4, 0.4)],
        uploaders: 0.3,
        document: (250e3, 1.0),
        programs: 0.0,
    },
];

/// A department that begins with a service at once.
pub(crate) struct Rollout {
    pub(crate) department: usize,
    pub(crate) service: usize,
    /// Each device starts within four working days from here.
    pub(crate) from: usize,
    document: (f64, f64),
}

/// One of a service that nobody used before, with large files; one of a service that others know.
pub(crate) const ROLLOUTS: [Rollout; 2] = [
    Rollout { department: 6, service: 11, from: 42, document: (3e6, 0.8) },
    Rollout { department: 2, service: 1, from: 58, document: (1e6, 0.9) },
];

/// How one device uses one service.
pub(crate) struct Habit {
    pub(crate) service: usize,
    /// First day of use.
    pub(crate) from: usize,
    /// Share of working days with use.
    pub(crate) rate: f64,
    /// Turns of a median day.
    pub(crate) turns: f64,
    /// Chance of documents on a day with use, their median size and spread. Zero for those who never upload.
    pub(crate) documents: f64,
    pub(crate) document: (f64, f64),
    /// Median number of agent loops a day; zero where people type.
    pub(crate) loops: f64,
}

/// One device and its person.
pub(crate) struct Device {
    pub(crate) department: usize,
    /// First day on which the device exists.
    pub(crate) from: usize,
    pub(crate) habits: Vec<Habit>,
    /// Hour at which the day begins.
    pub(crate) morning: f64,
    /// Chance of an evening (18-21 h) on a working day, and of work on a day of a weekend.
    pub(crate) evenings: f64,
    pub(crate) weekends: f64,
    /// Early and late shift by turns, 6-14 h and 14-22 h.
    pub(crate) shifts: bool,
    /// First and last day of each absence.
    absences: Vec<(usize, usize)>,
}

impl Device {
    /// At work, or at least free to be.
    pub(crate) fn works(&self, day: usize) -> bool {
        day >= self.from
            && day % 7 < 5
            && !HOLIDAYS.contains(&day)
            && !self.absences.iter().any(|(from, to)| (*from..=*to).contains(&day))
    }
}

/// All devices of a seed. The last ten of the list that [`newcomers`] gives are left to plants.
pub(crate) fn devices(seed: u64) -> Vec<Device> {
    let departments = DEPARTMENTS.iter().enumerate().flat_map(|(at, d)| std::iter::repeat_n(at, d.size));
    let newcomers = newcomers(seed);
    let mut devices: Vec<_> =
        departments.enumerate().map(|(at, department)| device(seed, at, department)).collect();
    for (at, device) in &newcomers {
        let device_of = &mut devices[*at];
        device_of.from = *device;
    }
    devices
}

/// Devices that do not exist from the beginning, with their first day: 22, of which the plants take ten.
pub(crate) fn newcomers(seed: u64) -> Vec<(usize, usize)> {
    let mut draw = Draw::of(seed, &[1]);
    let mut chosen: Vec<(usize, usize)> = Vec::new();
    while chosen.len() < 22 {
        let (at, week, day) = (draw.whole(0, 199) as usize, draw.whole(3, 10) as usize, draw.whole(0, 2) as usize);
        if !chosen.iter().any(|(known, _)| *known == at) {
            chosen.push((at, week * 7 + day));
        }
    }
    chosen
}

fn device(seed: u64, at: usize, department: usize) -> Device {
    let mut draw = Draw::of(seed, &[2, at as u64]);
    let of = &DEPARTMENTS[department];
    let heavy = draw.skewed(1.0, 0.5) * if draw.chance(0.08) { 4.0 } else { 1.0 };
    let uploads = if draw.chance(of.uploaders) { draw.even(0.1, 0.5) } else { 0.0 };
    let programs = draw.chance(of.programs);
    let mut habits: Vec<Habit> = Vec::new();
    for (nth, &(service, share, rate)) in of.uses.iter().enumerate() {
        // The first service of the list is anybody's; one in ten takes up a further one in the middle.
        let late = draw.chance(0.1);
        if draw.chance(share) || (nth == 0 && habits.is_empty()) || late {
            let from = if late { draw.whole(14, 70) as usize } else { 0 };
            let rate = (rate * draw.even(0.5, 1.3)).min(0.97);
            habits.push(habit(&mut draw, service, from, rate, heavy, uploads, of.document, programs));
        }
    }
    for rollout in ROLLOUTS.iter().filter(|r| r.department == department) {
        let from = rollout.from + draw.whole(0, 3) as usize;
        habits.retain(|h| h.service != rollout.service);
        let rate = draw.even(0.4, 0.9);
        habits.push(habit(&mut draw, rollout.service, from, rate, heavy, 0.6, rollout.document, false));
    }
    let first = draw.whole(5, 70) as usize;
    let length = draw.whole(4, 13) as usize;
    Device {
        department,
        from: 0,
        habits,
        morning: draw.even(7.5, 9.5),
        evenings: if draw.chance(0.08) { 0.15 } else { 0.0 },
        weekends: if draw.chance(0.1) { 0.2 } else { 0.0 },
        shifts: of.name == "support" && draw.chance(0.3),
        absences: if draw.chance(0.7) { vec![(first, first + length)] } else { Vec::new() },
    }
}

#[allow(clippy::too_many_arguments, reason = "the fields of one struct, drawn in one place")]
fn habit(
    draw: &mut Draw,
    service: usize,
    from: usize,
    rate: f64,
    heavy: f64,
    documents: f64,
    document: (f64, f64),
    programs: bool,
) -> Habit {
    // Code assistants and the bare API are programs by nature; a chat is one for those who write programs.
    let loops = match service {
        7 => 0.0,
        8 | 9 => draw.skewed(4.0, 0.6),
        1 if programs => draw.skewed(4.0, 0.6),
        _ => 0.0,
    };
    let turns = draw.skewed(8.0, 0.6) * heavy;
    Habit { service, from, rate, turns, documents, document, loops }
}
