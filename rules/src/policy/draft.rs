//! A first policy out of what was seen. It approves nothing: what is in use goes into review.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use jiff::{ToSpan, civil::Date};

use super::{Group, group::overlap};
use crate::usage::Use;

/// Days until somebody should have decided about what the draft puts into review.
const DECIDE_WITHIN_DAYS: i64 = 30;

/// One service that a group was seen with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Service id.
    pub service: String,
    /// Group id; absent: clients in no group.
    pub group: Option<String>,
    /// Devices.
    pub devices: u64,
    /// What it amounted to.
    pub usage: Use,
}

/// A commented policy, in TOML. Services in use get a rule each, the most used first; what was visited or
/// shared is listed in comments. It parses with a catalogue that knows the services.
pub fn draft(seen: &[Seen], groups: &[Group], on: Date) -> String {
    let mut tools: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    for one in seen.iter().filter(|one| one.usage > Use::Nothing) {
        tools.entry(&one.service).or_default().push(one);
    }
    let is_used = |rows: &[&Seen]| rows.iter().any(|one| one.usage == Use::Used);
    let (mut used, rest): (Vec<_>, Vec<_>) = tools.into_iter().partition(|(_, rows)| is_used(rows));
    used.sort_by_key(|(_, rows)| std::cmp::Reverse(devices(rows)));
    let mut out = head(used.len(), rest.len(), on);
    if nested(groups) {
        out += "overlap = \"longest\"\n";
    }
    groups.iter().for_each(|group| out += &table(group));
    for (service, rows) in used {
        out += &rule(service, &rows, groups, on);
    }
    if !rest.is_empty() {
        out += "\n# Opened, loaded, or on hosts that serve other things too: nothing shows use, so there is no rule yet.\n";
    }
    for (service, rows) in rest {
        out += &format!("# {}: {}\n", comment(service), whom(&rows, groups));
    }
    out + CLOSING
}

const CLOSING: &str = r#"
# Rules that many organisations add. Take away the marks of those that you mean.

# [[rule]]
# categories = ["local-model"]
# status = "prohibited"
# owner = "Security"
# reason = "unmanaged models are not installed on work devices"

# [[rule]]
# categories = ["notetaker"]
# status = "requires_approval"
# owner = "Legal"
# reason = "everybody in the meeting has to agree"

# How soon a finding has to be reported.

[deadlines]
suspected_data_upload = "15m"
prohibited_tool = "1h"
unapproved_tool = "4h"
"#;

fn head(used: usize, rest: usize, on: Date) -> String {
    format!(
        "# Drafted on {on} from what was seen: {used} services in use, {rest} more opened or loaded.\n\
         # It approves nothing. Go through the rules, write an owner and a reason for each, and decide:\n\
         # approved, requires_approval, prohibited, personal_risk, in_review.\n\n\
         [policy]\nname = \"AI tools at work (draft)\"\n# owner = \"IT and Security\"\n# reviewed = {on}\n"
    )
}

/// True when a subnet lies inside another group's.
fn nested(groups: &[Group]) -> bool {
    let inside = |a: &Group, b: &Group| a.subnets.iter().any(|x| b.subnets.iter().any(|y| overlap(x, y)));
    groups.iter().enumerate().any(|(index, b)| groups.iter().take(index).any(|a| inside(a, b)))
}

fn table(group: &Group) -> String {
    let mut out = format!("\n[groups.{}]\nname = {}\n", key(&group.id), quoted(&group.name));
    let vlans = group.vlans.iter().map(|vlans| format!("{}-{}", vlans.start(), vlans.end()));
    list(&mut out, "subnets", &group.subnets);
    list(&mut out, "vlans", &vlans.collect::<Vec<_>>());
    list(&mut out, "sites", &group.sites);
    list(&mut out, "macs", &group.macs);
    list(&mut out, "devices", &group.devices);
    if group.personal {
        out += "personal = true\n";
    }
    if let Some(tier) = group.data_tier {
        let _ = writeln!(out, "data_tier = \"{tier}\"");
    }
    list(&mut out, "may_use", &group.may_use);
    out
}

fn list<T: Display>(out: &mut String, name: &str, items: &[T]) {
    if !items.is_empty() {
        let items: Vec<String> = items.iter().map(|item| quoted(&item.to_string())).collect();
        let _ = writeln!(out, "{name} = [{}]", items.join(", "));
    }
}

fn rule(service: &str, rows: &[&Seen], groups: &[Group], on: Date) -> String {
    let (id, decide_by) = (quoted(service), on.saturating_add(DECIDE_WITHIN_DAYS.days()));
    let count = counted(devices(rows));
    format!(
        "\n# {}: {}\n[[rule]]\nservices = [{id}]\nstatus = \"in_review\"\n# owner = \"IT\"\n\
         reason = \"found in use by {count}, not assessed yet\"\nreview_by = {decide_by}\n\n\
         [[approval]]\nservice = {id}\n\
         steps = [{{ step = \"seen\", on = {on}, who = \"shadowtap\", why = \"in use by {count}\" }}]\n",
        comment(service),
        whom(rows, groups)
    )
}

/// `Finance 3 devices (used), others 1 device (visited)`
fn whom(rows: &[&Seen], groups: &[Group]) -> String {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|one| (std::cmp::Reverse(one.devices), one.group.clone()));
    let name = |one: &Seen| {
        let id = one.group.as_deref().unwrap_or("others");
        groups.iter().find(|group| group.id == id).map_or(id, |group| &group.name).to_owned()
    };
    let parts = rows.iter().map(|one| format!("{} {} ({})", name(one), counted(one.devices), one.usage));
    comment(&parts.collect::<Vec<_>>().join(", "))
}

/// Devices that use it; a visit is not use.
fn devices(rows: &[&Seen]) -> u64 {
    rows.iter().filter(|one| one.usage == Use::Used).fold(0, |sum, one| sum.saturating_add(one.devices))
}

fn counted(devices: u64) -> String {
    format!("{devices} device{}", if devices == 1 { "" } else { "s" })
}

/// A comment ends at a line feed, and holds no other control character either.
fn comment(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn key(id: &str) -> String {
    let bare = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if bare { id.to_owned() } else { quoted(id) }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            char if char.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out + "\""
}
