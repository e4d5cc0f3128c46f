//! Domains that are in no catalogue and look like AI services: how a queue of them is ordered, for people to decide.
//!
//! A score is never a finding. It orders a list that somebody reads, and the shape of traffic alone cannot tell an AI
//! service from a chat among people.
//!
//! | part | at most | what earns it |
//! |---|---|---|
//! | `streaming` | 40 | answers that trickle in as they are written: 20 for any, 20 by the share of such flows |
//! | `upload` | 15 | what is sent per exchange has the size of a question or a document |
//! | `program` | 15 | programs ask and get more than a receipt, by their share of the flows |
//! | `hint` | 25 | a word of the field in the name |
//! | `devices` | 5 | one point for each device that reached it |
//!
//! Without an exchange there is no score. Where an exchange brings megabytes (video, updates), the first three parts
//! count a quarter.

use serde::Serialize;

use crate::catalogue::registrable_host;

/// What was seen of a domain in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features<'a> {
    /// The host below the domain that was seen most.
    pub host: &'a str,
    /// Devices that reached it.
    pub devices: u64,
    /// Flows.
    pub flows: u64,
    /// Of these, flows with an answer that trickled in.
    pub streaming_flows: u64,
    /// Of these, flows of programs.
    pub program_flows: u64,
    /// Exchanges.
    pub turns: u64,
    /// Content bytes sent.
    pub upload_bytes: u64,
    /// Payload bytes received.
    pub bytes_down: u64,
}

/// How much a domain looks like an AI service, by part; see the module's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Score {
    /// All parts together, 0 to 100.
    pub total: u8,
    /// Answers that trickle in.
    pub streaming: u8,
    /// What is sent per exchange.
    pub upload: u8,
    /// Calls of programs.
    pub program: u8,
    /// The name.
    pub hint: u8,
    /// How many devices.
    pub devices: u8,
}

/// How a hint is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// As a label, or as a part of one between hyphens and digits.
    Word,
    /// Also at the beginning or the end of such a part: the word is rare elsewhere.
    Edge,
}

/// Words, how many points they are worth, and why. No vendor's own name is among them.
const HINTS: [(&str, Place, u8, &str); 15] = [
    ("agents", Place::Word, 12, "platforms of programs that act on their own"),
    ("ai", Place::Word, 25, "the field's own name"),
    ("aichat", Place::Edge, 25, "what it says"),
    ("assistant", Place::Edge, 18, "what products call themselves"),
    ("bot", Place::Word, 8, "also crawlers and support widgets"),
    ("chat", Place::Word, 12, "also chats among people"),
    ("copilot", Place::Edge, 25, "what products call themselves"),
    ("diffusion", Place::Edge, 20, "the way pictures are made"),
    ("embeddings", Place::Word, 20, "an interface of models"),
    ("genai", Place::Edge, 25, "the field's own name"),
    ("gpt", Place::Edge, 25, "the kind of model"),
    ("inference", Place::Word, 20, "running models"),
    ("llm", Place::Edge, 25, "the kind of model"),
    ("prompt", Place::Edge, 15, "what is asked"),
    ("transcribe", Place::Edge, 15, "speech to text"),
];
/// The top-level domain of many AI firms, and of an island.
const AI_TLD: u8 = 10;

/// Content bytes per exchange that a question has at least: below are pings and polls.
const QUESTION: u64 = 300;
/// Content bytes per exchange above which it is rather a backup or a synchronisation.
const DOCUMENT: u64 = 4 << 20;
/// Payload bytes per exchange that an answer has at least: below is a receipt.
const RECEIPT: u64 = 400;
/// Payload bytes per exchange above which it is rather video or a program's update.
const MEDIA: u64 = 2 << 20;

/// The score of a domain.
pub fn score(seen: &Features<'_>) -> Score {
    if seen.turns == 0 || seen.flows == 0 {
        return Score::default();
    }
    let (sent, received) = (seen.upload_bytes / seen.turns, seen.bytes_down / seen.turns);
    let damp = |points: u8| if received > MEDIA { points / 4 } else { points };
    let streaming = if seen.streaming_flows > 0 { 20 + share(seen.streaming_flows, seen.flows, 20) } else { 0 };
    let upload = if (QUESTION..=DOCUMENT).contains(&sent) { 15 } else { 0 };
    let program = if received >= RECEIPT { share(seen.program_flows, seen.flows, 15) } else { 0 };
    let parts = Score {
        total: 0,
        streaming: damp(streaming),
        upload: damp(upload),
        program: damp(program),
        hint: hint(seen.host),
        devices: seen.devices.min(5) as u8,
    };
    Score { total: parts.streaming + parts.upload + parts.program + parts.hint + parts.devices, ..parts }
}

/// `most` × `part` / `whole`, `most` where the part is not smaller.
fn share(part: u64, whole: u64, most: u8) -> u8 {
    let part = part.min(whole);
    u8::try_from(u64::from(most).saturating_mul(part) / whole.max(1)).unwrap_or(most)
}

/// How many points a name is worth: those of its best word, 0 to 25.
pub fn hint(host: &str) -> u8 {
    let tld = if host.ends_with(".ai") { AI_TLD } else { 0 };
    let labels = host.rsplit_once('.').map_or("", |(labels, _)| labels);
    let parts = labels.split(|c: char| !c.is_ascii_alphabetic()).filter(|part| !part.is_empty());
    parts.map(word).max().unwrap_or(0).max(tld)
}

fn word(part: &str) -> u8 {
    let fits = |(word, place, ..): &&(&str, Place, u8, &str)| match place {
        Place::Word => part == *word,
        Place::Edge => part.starts_with(word) || part.ends_with(word),
    };
    HINTS.iter().filter(fits).map(|(_, _, points, _)| *points).max().unwrap_or(0)
}

/// The registrable domain of a host name in lower case: the label that somebody registered with its public suffix, of
/// the private section too; a name of that section is one itself. `None` for an address, a bare suffix, a name of one label.
pub fn domain(host: &str) -> Option<&str> {
    registrable_host(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: Features<'_> = Features {
        host: "www.example.com",
        devices: 3,
        flows: 4,
        streaming_flows: 2,
        program_flows: 0,
        turns: 10,
        upload_bytes: 20_000,
        bytes_down: 90_000,
    };

    #[test]
    fn the_parts_add_up_and_never_pass_a_hundred() {
        let most = Features { host: "ai.example", streaming_flows: 9, program_flows: 9, devices: 900, ..CHAT };
        assert_eq!(score(&most).total, 100);
        let chat = score(&CHAT);
        assert_eq!(
            (chat.streaming, chat.upload, chat.program, chat.hint, chat.devices, chat.total),
            (30, 15, 0, 0, 3, 48)
        );
    }

    #[test]
    fn nothing_without_an_exchange_and_little_for_video_and_receipts() {
        assert_eq!(score(&Features { turns: 0, ..CHAT }).total, 0);
        let video = score(&Features { bytes_down: 900 << 20, streaming_flows: 0, ..CHAT });
        assert_eq!(video.total, 6);
        let telemetry = score(&Features {
            streaming_flows: 0,
            program_flows: 4,
            upload_bytes: 2_000,
            bytes_down: 1_000,
            ..CHAT
        });
        assert_eq!(telemetry.total, 3);
    }

    #[test]
    fn hints_are_words_and_not_letters() {
        for (host, points) in [
            ("ai.example.com", 25),
            ("my-ai-2.example.com", 25),
            ("api.somegpt.com", 25),
            ("chat.example.com", 12),
            ("example.ai", 10),
            ("mail.example.com", 0),
            ("snapchat.com", 0),
            ("air.example.com", 0),
            ("robots.example.com", 0),
            ("ai", 0),
        ] {
            assert_eq!(hint(host), points, "{host}");
        }
        assert!(HINTS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn a_domain_is_what_somebody_registered() {
        assert_eq!(domain("a.b.example.co.uk"), Some("example.co.uk"));
        assert_eq!(domain("me.github.io"), Some("me.github.io"));
        assert_eq!(domain("github.io"), Some("github.io"));
        for none in ["com", "10.0.0.1", "2001:db8::1", "co.uk", "localhost", "a b.example", ""] {
            assert_eq!(domain(none), None, "{none}");
        }
    }
}
