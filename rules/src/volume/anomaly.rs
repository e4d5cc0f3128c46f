//! What goes out: an anomaly and the numbers that explain it.

use std::fmt::Write;

use crate::words::words;

words! {
    /// What is unusual.
    pub enum AnomalyKind, "kind of anomaly" {
        /// The bytes of one day on one service.
        Burst = "burst",
        /// The bytes of seven days on one service, without days that were bursts.
        Drip = "drip",
        /// Turns at hours at which the device is never used. Low severity.
        NewHours = "new-hours",
        /// A program where only a browser was used. Low severity.
        NewAccess = "new-access",
    }
}

impl AnomalyKind {
    /// An excess so many days after the last one begins a new episode only if it is later still. Three days
    /// reach over a weekend; a pattern that is told once needs no second word within four weeks.
    pub const fn quiet_days(self) -> i32 {
        match self {
            Self::Burst => 3,
            Self::Drip => 7,
            Self::NewHours | Self::NewAccess => 28,
        }
    }
}

words! {
    /// Whose habit a value is compared with.
    pub enum Scope, "scope" {
        /// The device's own.
        Own = "own",
        /// That of the other devices of its department.
        Department = "department",
        /// That of all other devices that use the service.
        Service = "service",
    }
}

/// What is usual in one scope, and whether the value is above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// Whose habit.
    pub scope: Scope,
    /// True where too little is known of the service in this scope, so that all services together had to serve.
    pub all_services: bool,
    /// Bursts: 99 % of days stay at or under it, bytes. Drips: of seven days. Patterns: how many days or devices in
    /// a thousand show the same. `None` while too little is known; then the scope has no vote.
    pub p99: Option<u64>,
    /// What has to be exceeded for the scope to agree, in the unit of `p99`; for patterns the share to stay under.
    pub limit: Option<u64>,
    /// Days of use (device-days, for drips 7-day sums) behind it.
    pub days: u32,
    /// Devices behind it.
    pub devices: u32,
    /// True when the scope calls the value unusual.
    pub agrees: bool,
}

/// Something unusual, at the moment it became so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// What.
    pub kind: AnomalyKind,
    /// Content bytes between `since` and `until`.
    pub bytes: u64,
    /// Turns in the same time; for bursts and drips 0, because bytes alone decide.
    pub turns: u64,
    /// First record that belongs to it, µs UTC. Its bytes may have begun a minute earlier.
    pub since: i64,
    /// The record that made it unusual, µs UTC.
    pub until: i64,
    /// Own, department, service.
    pub references: [Reference; 3],
    /// How many tenths of what is usual, by the second of the scopes that agree: 10 is just as much. Patterns: tenths
    /// of the least that counts.
    pub score: u32,
    /// True in the first days of a site: the norms are young.
    pub learning: bool,
}

impl Anomaly {
    /// One sentence with all numbers, such as `412 MB to ChatGPT in 6 min; own 4-week p99 9 MB; Finance p99 22 MB;
    /// ChatGPT p99 30 MB`. Names are those that people know.
    pub fn words(&self, service: &str, department: Option<&str>) -> String {
        let mut text = match self.kind {
            AnomalyKind::Burst => format!("{} to {service} in {}", size(self.bytes), span(self.until - self.since)),
            AnomalyKind::Drip => format!("{} to {service} in 7 days, little by little", size(self.bytes)),
            AnomalyKind::NewHours => format!("{} turns and {} at new hours", self.turns, size(self.bytes)),
            AnomalyKind::NewAccess => {
                format!("{} turns and {} to {service} by a program", self.turns, size(self.bytes))
            }
        };
        for reference in &self.references {
            let who = match reference.scope {
                Scope::Own => "own",
                Scope::Department => department.unwrap_or("no department"),
                Scope::Service => service,
            };
            text.push_str("; ");
            self.compare(&mut text, who, reference);
        }
        if self.learning {
            text.push_str("; still learning");
        }
        text
    }

    fn compare(&self, text: &mut String, who: &str, reference: &Reference) {
        let over = if reference.all_services { " over all services" } else { "" };
        let of = match (self.kind, reference.scope) {
            (AnomalyKind::Burst, Scope::Own) => " 4-week p99",
            (AnomalyKind::Drip, Scope::Own) => " 8-week p99 of 7 days",
            (AnomalyKind::Burst, _) => " p99",
            (AnomalyKind::Drip, _) => " p99 of 7 days",
            (AnomalyKind::NewHours | AnomalyKind::NewAccess, _) => "",
        };
        // Writing to a string cannot fail.
        let _ = match (self.kind, reference.p99) {
            (_, None) => write!(text, "{who}: too little known{over}"),
            (AnomalyKind::Burst | AnomalyKind::Drip, Some(p99)) => write!(text, "{who}{of}{over} {}", size(p99)),
            (AnomalyKind::NewHours, Some(share)) => write!(text, "{who}: {} of days", per_mille(share)),
            (AnomalyKind::NewAccess, Some(share)) => write!(text, "{who}: {} by programs", per_mille(share)),
        };
    }
}

/// `9 MB`, `1.2 GB`: three digits at most, decimal units.
fn size(bytes: u64) -> String {
    for (unit, name) in [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")] {
        if bytes >= unit * 10 || (bytes >= unit && bytes % unit < unit / 10) {
            return format!("{} {name}", bytes / unit);
        }
        if bytes >= unit {
            return format!("{}.{} {name}", bytes / unit, bytes % unit / (unit / 10));
        }
    }
    format!("{bytes} bytes")
}

/// A record covers up to a minute before its end, so a single one lasts a minute.
fn span(us: i64) -> String {
    match us / 60_000_000 + 1 {
        minutes @ ..120 => format!("{minutes} min"),
        minutes => format!("{} h", minutes / 60),
    }
}

fn per_mille(share: u64) -> String {
    format!("{}.{} %", share / 10, share % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_each_number() {
        let reference = |scope, p99: u64| Reference {
            scope,
            all_services: false,
            p99: Some(p99),
            limit: Some(p99 * 2),
            days: 20,
            devices: 1,
            agrees: true,
        };
        let mut anomaly = Anomaly {
            kind: AnomalyKind::Burst,
            bytes: 412_300_000,
            turns: 0,
            since: 0,
            until: 5 * 60_000_000,
            references: [
                reference(Scope::Own, 9_000_000),
                reference(Scope::Department, 22_900_000),
                reference(Scope::Service, 1_250_000),
            ],
            score: 187,
            learning: false,
        };
        assert_eq!(
            anomaly.words("ChatGPT", Some("Finance")),
            "412 MB to ChatGPT in 6 min; own 4-week p99 9 MB; Finance p99 22 MB; ChatGPT p99 1.2 MB"
        );
        anomaly.references[0].p99 = None;
        anomaly.references[1].all_services = true;
        anomaly.learning = true;
        assert_eq!(
            anomaly.words("ChatGPT", None),
            "412 MB to ChatGPT in 6 min; own: too little known; no department p99 over all services 22 MB; ChatGPT p99 1.2 MB; still learning"
        );
    }
}
