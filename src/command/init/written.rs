//! The configuration as a text with comments, and what to run next.

use std::path::Path;

use toml::Value;

use super::answers::Answers;
use super::words::Receiver;
use crate::command::doctor::quoted;

/// The file. Every answer is written by the TOML library, so that none can end its string.
pub(super) fn text(answers: &Answers) -> String {
    let Answers { site, zone, .. } = answers;
    format!(
        "\
# The configuration of shadowtap. Every key: docs/configuration.md. After a change: shadowtap doctor --config FILE

# Spool, store and findings. For root /var/lib/shadowtap, else below ~/.local/share.
# data_dir = \"/var/lib/shadowtap\"

# Who may use what. Without a policy every service is unreviewed; `shadowtap policy draft` writes a first one.
# policy = \"policy.toml\"

[site]
# Goes into each record, and the report is about it. Choose it once.
name = {site}
# Weeks, hours and the days of the policy are on this clock. Choose it once.
time_zone = {zone}

[sensor]
# Where the mirrored frames arrive: a name, or a list of names.
{interface}
# The office's networks. They tell which end of a flow is the client; public ranges of your own belong here.
{nets}

# Who gets alerts: one block for each receiver. Splunk, Elasticsearch, Sentinel, webhooks and files: docs/siem.md
{receiver}",
        site = string(site),
        zone = string(zone),
        interface = interface(&answers.interfaces),
        nets = nets(answers),
        receiver = receiver(&answers.receiver),
    )
}

fn string(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

fn list(texts: impl Iterator<Item = String>) -> String {
    Value::Array(texts.map(Value::String).collect()).to_string()
}

fn interface(names: &[String]) -> String {
    match names {
        [] => "# interface = \"eth1\"".to_owned(),
        [one] => format!("interface = {}", string(one)),
        several => format!("interface = {}", list(several.iter().cloned())),
    }
}

fn nets(answers: &Answers) -> String {
    match answers.nets.is_empty() {
        true => "# local_nets = [\"10.0.0.0/8\"]    # without this key: all private ranges".to_owned(),
        false => format!("local_nets = {}", list(answers.nets.iter().map(ToString::to_string))),
    }
}

fn receiver(receiver: &Receiver) -> String {
    match receiver {
        Receiver::None => "\
# [[siem]]
# type = \"syslog\"
# address = \"siem.example:6514\"
# transport = \"tls\"
"
        .to_owned(),
        Receiver::Syslog(transport, address) => format!(
            "[[siem]]\ntype = \"syslog\"\naddress = {}\ntransport = {}\n",
            string(address),
            string(transport)
        ),
    }
}

/// The next three commands, as a shell takes them.
pub(super) fn next(answers: &Answers, path: &Path) -> [String; 3] {
    let config = quoted(path.display());
    let names = answers.interfaces.iter().map(|name| format!("-i {} ", quoted(name)));
    let ports = match answers.interfaces.is_empty() {
        true => "-i eth1 ".to_owned(),
        false => names.collect(),
    };
    [
        format!("sudo shadowtap doctor {ports}--config {config}"),
        format!("sudo shadowtap run --discover {ports}--config {config}"),
        format!("sudo shadowtap policy draft --config {config} > policy.toml"),
    ]
}
