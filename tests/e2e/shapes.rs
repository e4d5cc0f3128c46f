//! What flows are for and who makes them, against the account of those who made them: every capture of this repository
//! whose truth has `shape` and `client`.

use std::collections::BTreeMap;

use rules::catalogue::{Role, Strength};
use rules::usage::{Use, combine, judge};
use serde_json::Value;

use crate::support::{Store, json, own};

/// All records of one flow together.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) role: Role,
    pub(crate) used: Use,
    pub(crate) turns: u64,
    pub(crate) upload: u64,
    pub(crate) client: String,
    pub(crate) behaviour: String,
}

impl Flow {
    /// The flows of a client's port. Client and behaviour are those of the last record.
    pub(crate) fn of(store: &Store, client: &str, port: u64) -> Vec<Self> {
        let rows = store.rows(&format!(
            "SELECT flow_id, role, strength, turns, upload_bytes, client, behaviour FROM flow
             WHERE client_ip = '{client}' AND client_port = {port} ORDER BY flow_id, seq"
        ));
        let mut flows: BTreeMap<String, Self> = BTreeMap::new();
        for row in rows {
            let [id, role, strength, turns, upload, client, behaviour] = <[String; 7]>::try_from(row).unwrap();
            let (role, strength): (Role, Strength) = (role.parse().unwrap(), strength.parse().unwrap());
            let (turns, upload) = (turns.parse().unwrap(), upload.parse().unwrap());
            let used = judge(role, strength, turns, upload);
            let new = Self { role, used, turns: 0, upload: 0, client: String::new(), behaviour: String::new() };
            let flow = flows.entry(id).or_insert(new);
            flow.used = combine(flow.used, used);
            flow.turns += turns;
            flow.upload += upload;
            (flow.client, flow.behaviour) = (client, behaviour);
        }
        flows.into_values().collect()
    }

    /// Contact with such a host is never use, whatever was sent.
    pub(crate) fn is_never_use(&self) -> bool {
        !matches!(self.role, Role::App | Role::Api | Role::Upload)
    }
}

/// What the words may be for a shape of the truth, which knows what the client wanted and not only what it did.
fn allowed(shape: &str, requests: u64) -> &'static [&'static str] {
    match shape {
        // A page that is left open was viewed, and so was one that reports.
        "idle" if requests > 0 => &["idle", "page-view"],
        "idle" => &["idle"],
        "page-view" => &["page-view", "idle"],
        "telemetry" => &["telemetry", "page-view"],
        // A few streamed calls of a program look as a person at a terminal does.
        "chat" => &["chat", "api-batch"],
        // An imitator of a browser is no known program.
        "api-batch" => &["api-batch", "chat"],
        "agent-loop" => &["agent-loop"],
        "file-upload" => &["file-upload", "bulk"],
        "voice" => &["voice"],
        other => panic!("the truth has a new shape: {other}"),
    }
}

#[test]
fn flows_are_what_those_who_made_them_say() {
    let mut checked = 0;
    for (capture, truth) in captures() {
        let store = Store::read(&own(&capture), &[]);
        let rows = [&truth["connections"], &truth["media"]].into_iter().filter_map(Value::as_array).flatten();
        for row in rows.filter(|row| row["shape"].is_string()) {
            let (ip, port) = (row["client_ip"].as_str().unwrap(), row["client_port"].as_u64().unwrap());
            for flow in Flow::of(&store, ip, port) {
                check(&capture, row, &flow);
                checked += 1;
            }
        }
    }
    eprintln!("{checked} flows with a known shape");
}

fn check(capture: &str, row: &Value, flow: &Flow) {
    let shape = row["shape"].as_str().unwrap();
    let words = allowed(shape, row["requests"].as_u64().unwrap_or(0));
    assert!(words.contains(&&*flow.behaviour), "{capture}: {} for {row}", flow.behaviour);
    let client = row["client"].as_str().unwrap();
    assert!(["unknown", client].contains(&&*flow.client), "{capture}: {} for {row}", flow.client);
    let prompts = row["prompts"].as_u64().unwrap_or(0);
    match shape {
        // A conversation by voice is one turn.
        "voice" => assert_eq!(flow.turns, 1, "{capture}: {row}"),
        _ => assert!(flow.turns.abs_diff(prompts) <= 1, "{capture}: {} turns for {row}", flow.turns),
    }
    let asked = prompts > 0 || matches!(shape, "voice" | "file-upload");
    let wanted = if asked { Use::Used } else { Use::Visited };
    assert!(flow.used == wanted || flow.is_never_use(), "{capture}: {} for {row}", flow.used);
}

/// Captures with the truth's account of shapes.
fn captures() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(own("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".truth.json") else { continue };
        let truth = json(&own(&name));
        let has_shapes = truth["connections"].as_array().into_iter().flatten().any(|row| row["shape"].is_string());
        let capture = ["pcap", "pcapng"].map(|kind| format!("{stem}.{kind}")).into_iter().find(|f| own(f).exists());
        found.extend(capture.filter(|_| has_shapes).map(|capture| (capture, truth)));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}
