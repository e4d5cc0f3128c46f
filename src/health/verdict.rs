//! Well or not: reasons that a person or a monitor can act on, and none of them names a client.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::block::HealthChoice;
use super::parts::Counts;
use super::queues::Waiting;
use super::status::Status;

/// What `/healthz` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    /// `ok` or `ill`.
    pub(super) status: &'static str,
    /// Why it is ill, a line each; empty when it is not.
    pub(super) reasons: Vec<String>,
}

/// Everything that is known of both sides at one instant.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// What the sensing side told last, or why that cannot be read.
    pub(super) status: Result<Option<Box<Status>>, String>,
    /// How long ago it told that.
    pub(super) age: Duration,
    pub(super) waiting: Waiting,
    pub(super) parts: BTreeMap<String, Counts>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { status: Ok(None), age: Duration::ZERO, waiting: Waiting::default(), parts: BTreeMap::new() }
    }
}

impl Verdict {
    /// Judges what is seen. `gathers` is how long facts wait for the store on purpose.
    pub(super) fn of(seen: &Seen, choice: &HealthChoice, gathers: Duration) -> Self {
        let mut reasons = Vec::new();
        match &seen.status {
            Err(why) => reasons.push(format!("what the sensing side tells cannot be read: {why}")),
            Ok(None) => reasons.push("the sensing side has told nothing yet".to_owned()),
            Ok(Some(_)) if seen.age > choice.stale => {
                reasons.push(format!("the sensing side has told nothing for {}", span(seen.age)));
            }
            Ok(Some(_)) => {}
        }
        for (name, part) in seen.parts.iter().filter(|(_, part)| !part.running) {
            reasons.push(format!("{name} has ended{}", why(part)));
        }
        for queue in &seen.waiting.queues {
            let limit =
                choice.queue + if queue.name == ingest::deliver::STORE_QUEUE { gathers } else { Duration::ZERO };
            if queue.oldest > limit {
                let part = seen.parts.get(&format!("the {}", queue.name));
                let (name, age) = (queue.name, span(queue.oldest));
                reasons
                    .push(format!("the queue {name} has waited for {age}{}", part.map_or_else(String::new, why)));
            }
        }
        for (name, part) in &seen.parts {
            if let Some(sent) = part.sent.as_ref().filter(|sent| sent.stuck() > choice.queue) {
                let age = span(sent.stuck());
                reasons.push(format!("{name} has taken none of {} events for {age}{}", sent.waiting, why(part)));
            }
        }
        reasons.extend(seen.waiting.trouble.clone());
        Self { status: if reasons.is_empty() { "ok" } else { "ill" }, reasons }
    }

    /// True when nothing is wrong.
    pub(super) fn is_well(&self) -> bool {
        self.reasons.is_empty()
    }
}

fn why(part: &Counts) -> String {
    part.trouble.as_ref().map_or_else(String::new, |trouble| format!(": {trouble}"))
}

fn span(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::super::queues::Queue;
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn reasons(seen: &Seen, gathers: u64) -> Vec<String> {
        let choice = HealthChoice { listen: None, asked: false, queue: seconds(300), stale: seconds(10) };
        Verdict::of(seen, &choice, seconds(gathers)).reasons
    }

    fn well() -> Seen {
        Seen { status: Ok(Some(Box::default())), ..Seen::default() }
    }

    #[test]
    fn each_fault_is_a_reason() {
        assert_eq!(reasons(&well(), 0), Vec::<String>::new());
        assert_eq!(reasons(&Seen::default(), 0), ["the sensing side has told nothing yet"]);
        assert_eq!(
            reasons(&Seen { age: seconds(11), ..well() }, 0),
            ["the sensing side has told nothing for 11 s"]
        );
        let ended = Counts { trouble: Some("disk full".to_owned()), ..Counts::default() };
        let parts = BTreeMap::from([("the judge".to_owned(), ended)]);
        assert_eq!(reasons(&Seen { parts, ..well() }, 0), ["the judge has ended: disk full"]);
        let unreadable = Seen { status: Err("EOF".to_owned()), ..Seen::default() };
        assert_eq!(reasons(&unreadable, 0), ["what the sensing side tells cannot be read: EOF"]);
    }

    #[test]
    fn what_gathers_for_the_store_on_purpose_is_not_ill() {
        let old = Queue { name: "store", bytes: 1, oldest: seconds(600) };
        let waiting = Waiting { queues: vec![old], ..Waiting::default() };
        let seen = Seen { waiting, ..well() };
        assert_eq!(reasons(&seen, 0), ["the queue store has waited for 10 min"]);
        assert_eq!(reasons(&seen, 400), Vec::<String>::new());
    }
}
