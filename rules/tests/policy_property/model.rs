//! A policy as plain data, and as the text of a file.

use std::{fmt::Write, net::IpAddr};

use ipnet::IpNet;
use jiff::civil::{Date, DateTime};
use rules::{
    catalogue::{Category, Plan},
    policy::{DataTier, Status},
};

/// Services of three categories, so that rules for a service and rules for its category meet.
pub(crate) const SERVICES: [&str; 6] = ["chatgpt", "claude", "poe", "cursor", "github-copilot", "openrouter"];
pub(crate) const CATEGORIES: [Category; 4] =
    [Category::Chat, Category::CodeAssistant, Category::Api, Category::Image];

/// True when a day, counted from Monday, and a minute of it lie inside.
type Inside = fn(u16, u16) -> bool;

/// Hours as they are written, and in words of Rust.
pub(crate) const HOURS: [(&str, Inside); 5] = [
    ("Mon-Fri 08:00-18:00", |day, minute| day < 5 && (480..1080).contains(&minute)),
    ("Mon-Fri 18:00-24:00", |day, minute| day < 5 && minute >= 1080),
    ("Sat-Sun 00:00-24:00", |day, _| day >= 5),
    ("22:00-06:00", |_, minute| !(360..1320).contains(&minute)),
    ("Sun 20:00-04:00, Wed 12:00-12:30", |day, minute| {
        (day == 6 && minute >= 1200) || (day == 0 && minute < 240) || (day == 2 && (720..750).contains(&minute))
    }),
];

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) nested: bool,
    pub(crate) groups: Vec<Group>,
    pub(crate) rules: Vec<Rule>,
}

#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) subnets: Vec<IpNet>,
    pub(crate) vlans: Vec<u16>,
    pub(crate) sites: Vec<String>,
    /// Beginnings of addresses; an empty one stands for the made-up class.
    pub(crate) macs: Vec<Vec<u8>>,
    pub(crate) devices: Vec<String>,
    pub(crate) personal: bool,
    pub(crate) tier: Option<DataTier>,
    pub(crate) may_use: Vec<&'static str>,
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) services: Vec<&'static str>,
    pub(crate) categories: Vec<Category>,
    pub(crate) plans: Vec<Plan>,
    pub(crate) groups: Vec<usize>,
    pub(crate) tiers: Vec<DataTier>,
    pub(crate) hours: Option<usize>,
    pub(crate) status: Status,
    pub(crate) expires: Option<Date>,
    pub(crate) severity: Option<u8>,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) ip: IpAddr,
    pub(crate) vlan: Option<u16>,
    pub(crate) site: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) mac: Option<[u8; 6]>,
    pub(crate) at: Option<DateTime>,
}

impl Model {
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        if self.nested {
            out += "[policy]\noverlap = \"longest\"\n";
        }
        for (index, group) in self.groups.iter().enumerate() {
            let _ = writeln!(out, "[groups.g{index}]");
            group.write(&mut out);
        }
        for rule in &self.rules {
            out += "[[rule]]\n";
            rule.write(&mut out);
        }
        out
    }
}

impl Group {
    fn write(&self, out: &mut String) {
        list(out, "subnets", self.subnets.iter().map(ToString::to_string));
        if !self.vlans.is_empty() {
            let _ = writeln!(out, "vlans = {:?}", self.vlans);
        }
        list(out, "sites", self.sites.iter().cloned());
        let octets = |mac: &Vec<u8>| mac.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(":");
        let mac = |mac: &Vec<u8>| if mac.is_empty() { "locally-administered".to_owned() } else { octets(mac) };
        list(out, "macs", self.macs.iter().map(mac));
        list(out, "devices", self.devices.iter().cloned());
        list(out, "may_use", self.may_use.iter().map(ToString::to_string));
        if self.personal {
            *out += "personal = true\n";
        }
        if let Some(tier) = self.tier {
            let _ = writeln!(out, "data_tier = \"{tier}\"");
        }
    }
}

impl Rule {
    fn write(&self, out: &mut String) {
        list(out, "services", self.services.iter().map(ToString::to_string));
        list(out, "categories", self.categories.iter().map(ToString::to_string));
        list(out, "plans", self.plans.iter().map(ToString::to_string));
        list(out, "groups", self.groups.iter().map(|index| format!("g{index}")));
        list(out, "data_tiers", self.tiers.iter().map(ToString::to_string));
        if let Some(hours) = self.hours {
            let _ = writeln!(out, "hours = \"{}\"", HOURS[hours].0);
        }
        let _ = writeln!(out, "status = \"{}\"", self.status);
        if let Some(expires) = self.expires {
            let _ = writeln!(out, "expires = {expires}");
        }
        if let Some(severity) = self.severity {
            let _ = writeln!(out, "severity = {severity}");
        }
    }
}

fn list(out: &mut String, key: &str, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    if !items.is_empty() {
        let _ = writeln!(out, "{key} = {items:?}");
    }
}
