//! Model answers in the dialects that the SDKs insist on, streamed at reading speed.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::site::{Received, Reply};

/// Pause between two pieces of a streamed answer: about a second and a half in all.
const TICK: Duration = Duration::from_millis(80);
/// Time until the first piece, as a model needs it to read the prompt.
const THINK: Duration = Duration::from_millis(250);
const WORDS: &[&str] = &[
    "the", "quarter", "shows", "a", "steady", "rise", "in", "orders", "while", "costs", "stay", "flat", "so", "we",
    "suggest", "to", "check", "each", "region", "again", "before", "plans", "are", "made", "for", "spring",
];

/// Filler text of about `size` bytes.
pub fn prose(size: usize, seed: u32) -> String {
    let mut text = String::with_capacity(size + 12);
    let mut state = seed | 1;
    while text.len() < size {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(WORDS[(state >> 16) as usize % WORDS.len()]);
        text.push(' ');
    }
    text
}

/// What a prompt may say about the time its answer takes, in milliseconds: until the first piece, from there to the
/// last, and a silence in the middle.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Pace {
    think: u64,
    read: u64,
    stall: u64,
}

impl Pace {
    fn of(asked: &Value) -> Option<Self> {
        Self::deserialize(asked.get("pace")?).ok()
    }

    /// The pieces of an answer, each with the pause before it: a word or ten, as fast as a model writes.
    fn pieces(&self, seed: u32) -> Vec<(Duration, String)> {
        let mut state = seed | 1;
        let mut random = |low: u64, high: u64| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            low + u64::from(state >> 12) % (high - low)
        };
        let (mut pieces, mut at, mut stall) = (Vec::new(), 0, self.stall);
        let mut pause = self.think;
        while pieces.is_empty() || at < self.read {
            pieces.push((Duration::from_millis(pause), prose(random(8, 90) as usize, seed + pieces.len() as u32)));
            pause = random(60, 260);
            at += pause;
            if at * 2 > self.read {
                pause += std::mem::take(&mut stall);
            }
        }
        pieces
    }
}

/// The pieces of the usual answer; its length follows from the prompt's, so that runs are alike.
fn usual(seed: u32) -> Vec<(Duration, String)> {
    let pause = |i: u32| if i == 0 { THINK } else { TICK };
    (0..12 + seed % 7).map(|i| (pause(i), prose(60 + (seed as usize + 13) % 90, seed + i))).collect()
}

/// The answer to a prompt that came as a message of a socket.
pub fn messages(received: &Received) -> Vec<(Duration, Bytes)> {
    let seed = received.bytes as u32;
    let asked: Value = serde_json::from_slice(&received.start).unwrap_or_default();
    let pieces = Pace::of(&asked).map_or_else(|| usual(seed), |pace| pace.pieces(seed));
    let count = pieces.len();
    let message = |(i, (pause, text)): (usize, (Duration, String))| {
        let kind = if i + 1 == count { "done" } else { "appendText" };
        (pause, Bytes::from(json!({"event": kind, "text": text}).to_string()))
    };
    pieces.into_iter().enumerate().map(message).collect()
}

/// The answer to a prompt.
pub fn answer(path: &str, received: &Received) -> Reply {
    let seed = received.bytes as u32;
    let asked: Value = serde_json::from_slice(&received.start).unwrap_or_default();
    let pace = Pace::of(&asked);
    let (pauses, pieces): (Vec<Duration>, Vec<String>) =
        pace.as_ref().map_or_else(|| usual(seed), |pace| pace.pieces(seed)).into_iter().unzip();
    let late = |document: &Value| late(document, pace.as_ref());
    let paced = |events: Vec<String>| paced(events, &pauses);
    let streamed = asked["stream"].as_bool();
    match (path, streamed) {
        ("/v1/embeddings", _) => late(&embedding()),
        ("/v1/messages", Some(true)) => paced(anthropic_events(&pieces)),
        ("/v1/messages", _) => late(&anthropic_message(&pieces.concat())),
        (p, Some(true)) if p.ends_with("/chat/completions") => paced(openai_events(&pieces)),
        (p, _) if p.ends_with("/chat/completions") => late(&openai_message(&pieces.concat())),
        _ => paced(pieces.iter().map(|p| event(None, &json!({"type": "delta", "text": p}))).collect()),
    }
}

/// One JSON document, after the time that the model takes to write it.
fn late(document: &Value, pace: Option<&Pace>) -> Reply {
    let pause = pace.map_or(THINK + TICK * 10, |pace| Duration::from_millis(pace.think));
    Reply::stream("application/json", vec![(pause, Bytes::from(document.to_string()))])
}

/// Events in front of and after the pieces take the usual tick.
fn paced(events: Vec<String>, pauses: &[Duration]) -> Reply {
    let pause = |i: usize| pauses.get(i).copied().unwrap_or(TICK);
    let parts = events.into_iter().enumerate().map(|(i, e)| (pause(i), Bytes::from(e))).collect();
    Reply::stream("text/event-stream", parts)
}

fn event(name: Option<&str>, data: &Value) -> String {
    let name = name.map(|n| format!("event: {n}\n")).unwrap_or_default();
    format!("{name}data: {data}\n\n")
}

fn openai_events(pieces: &[String]) -> Vec<String> {
    let chunk = |delta: Value, finish: Value| {
        let choice = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        event(
            None,
            &json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choice}),
        )
    };
    let mut events: Vec<String> = pieces.iter().map(|p| chunk(json!({"content": p}), Value::Null)).collect();
    events.push(chunk(json!({}), json!("stop")) + "data: [DONE]\n\n");
    events
}

fn openai_message(text: &str) -> Value {
    json!({"id": "c1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
}

fn embedding() -> Value {
    let vector: Vec<f32> = (0..256_u16).map(|i| f32::from(i) / 256.0).collect();
    json!({"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1}})
}

fn anthropic_message(text: &str) -> Value {
    json!({"id": "m1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "stop_sequence": null, "content": [{"type": "text", "text": text}],
        "usage": {"input_tokens": 1, "output_tokens": 1}})
}

fn anthropic_events(pieces: &[String]) -> Vec<String> {
    let mut message = anthropic_message("");
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    let typed = |data: Value| event(data["type"].as_str(), &data);
    let opening = typed(json!({"type": "message_start", "message": message}))
        + &typed(json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}));
    let delta = |text: &String| {
        typed(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}))
    };
    let closing = typed(json!({"type": "content_block_stop", "index": 0}))
        + &typed(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 1}}))
        + &typed(json!({"type": "message_stop"}));
    std::iter::once(opening).chain(pieces.iter().map(delta)).chain([closing]).collect()
}
