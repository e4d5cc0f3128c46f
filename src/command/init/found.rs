//! The interfaces of this machine, the likeliest mirror port first.

use std::cmp::Reverse;
use std::fs;
use std::path::Path;

use ingest::text::{counted, safe_name};

/// An interface as `/sys` shows it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    carrier: bool,
    /// The default route leads here: this machine's own way out.
    gateway: bool,
    packets: u64,
}

/// All but the loopback. First those that are not the way out, with a link, and with the most packets.
pub(super) fn interfaces() -> Vec<Found> {
    let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
    let is_gateway = |name: &str| routes.lines().any(|line| line.split_whitespace().take(2).eq([name, "00000000"]));
    let entries = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<Found> = names
        .filter(|name| name != "lo" && Path::new("/sys/class/net").join(name).is_dir())
        .map(|name| Found {
            carrier: number(&name, "carrier") == 1,
            gateway: is_gateway(&name),
            packets: number(&name, "statistics/rx_packets"),
            name,
        })
        .collect();
    found.sort_by_cached_key(|f| (f.gateway, !f.carrier, Reverse(f.packets), f.name.clone()));
    found
}

fn number(interface: &str, file: &str) -> u64 {
    let path = Path::new("/sys/class/net").join(interface).join(file);
    fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

impl Found {
    /// `eth1: link, 12,345 packets`.
    pub(super) fn line(&self) -> String {
        let link = if self.carrier { "link" } else { "no link" };
        let gateway = if self.gateway { ", this machine's own way out" } else { "" };
        format!("{}: {link}, {} received{gateway}", safe_name(&self.name), counted(self.packets, "packet"))
    }

    /// True where a mirror may arrive without anybody saying so.
    pub(super) fn is_likely(&self) -> bool {
        self.carrier && !self.gateway
    }
}
