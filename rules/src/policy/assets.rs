//! What people know of devices: a list with a name, a department and an owner for hardware addresses, addresses and
//! networks.

use std::{collections::HashMap, net::IpAddr};

use ipnet::IpNet;

use super::{mac, read_line};
use crate::{digest, fault::Fault};

const HEADER: [&str; 4] = ["match", "name", "department", "owner"];
/// Rows of a list: twenty for each device of an office of 5,000. More is another file.
const MAX_ROWS: usize = 100_000;
/// Characters of a field: what a record's name may have.
const MAX_FIELD: usize = 253;

/// What people wrote of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its name; empty where none was written.
    pub name: String,
    /// The department that it belongs to; empty where none was written.
    pub department: String,
    /// Who answers for it; empty where nobody was written.
    pub owner: String,
}

/// The list.
#[derive(Debug, Clone, Default)]
pub struct Assets {
    rows: Vec<Asset>,
    macs: HashMap<[u8; 6], usize>,
    addresses: HashMap<IpAddr, usize>,
    nets: HashMap<IpNet, usize>,
    /// Lengths of the networks, the longest first, of IPv4 and IPv6.
    lengths: [Vec<u8>; 2],
    version: String,
}

impl Assets {
    /// Reads a list; `file` is the name that messages give.
    ///
    /// # Errors
    /// A line that is wrong, with what mends it.
    pub fn parse(text: &str, file: &str) -> Result<Self, Fault> {
        let fault = |line: usize, text: String| Fault { file: file.to_owned(), line, key: String::new(), text };
        let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().zip(1..);
        let header = lines.next().map(|(line, _)| read_line(line)).unwrap_or_default();
        if header.as_deref() != Some(&HEADER.map(str::to_owned)) {
            let text = format!("the first line must be {:?}, with commas", HEADER.join(","));
            return Err(fault(1, text));
        }
        let version = digest::of_text(text);
        let (mut assets, mut seen) = (Self { version, ..Self::default() }, HashMap::new());
        for (line, number) in lines.filter(|(line, _)| !line.trim().is_empty()) {
            let (what, asset) = row(line).map_err(|text| fault(number, text))?;
            if let Some(before) = seen.insert(what, number) {
                return Err(fault(number, format!("{what} stands in line {before} already: keep one of the two")));
            }
            if assets.rows.len() >= MAX_ROWS {
                return Err(fault(number, format!("more than {MAX_ROWS} rows: leave out what is no client")));
            }
            assets.enter(what, asset);
        }
        Ok(assets)
    }

    /// What is known of a device: by its hardware address, else by its address, else by the smallest network.
    pub fn find(&self, mac: Option<[u8; 6]>, ip: IpAddr) -> Option<&Asset> {
        let ip = ip.to_canonical();
        let by_mac = mac.and_then(|mac| self.macs.get(&mac));
        let row = by_mac.or_else(|| self.addresses.get(&ip)).or_else(|| self.in_network(ip))?;
        self.rows.get(*row)
    }

    /// The first 12 hex digits of SHA-256 of the text.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Departments that the list names, without repetition.
    pub fn departments(&self) -> impl Iterator<Item = &str> {
        let all: std::collections::BTreeSet<&str> = self.rows.iter().map(|row| row.department.as_str()).collect();
        all.into_iter().filter(|name| !name.is_empty())
    }

    fn in_network(&self, ip: IpAddr) -> Option<&usize> {
        let [v4, v6] = &self.lengths;
        let lengths = if ip.is_ipv4() { v4 } else { v6 };
        lengths.iter().find_map(|length| self.nets.get(&IpNet::new(ip, *length).ok()?.trunc()))
    }

    fn enter(&mut self, what: Match, asset: Asset) {
        let row = self.rows.len();
        self.rows.push(asset);
        match what {
            Match::Mac(mac) => drop(self.macs.insert(mac, row)),
            Match::Address(ip) => drop(self.addresses.insert(ip, row)),
            Match::Network(net) => {
                self.nets.insert(net, row);
                let [v4, v6] = &mut self.lengths;
                let lengths = if net.addr().is_ipv4() { v4 } else { v6 };
                if !lengths.contains(&net.prefix_len()) {
                    lengths.push(net.prefix_len());
                    lengths.sort_unstable_by_key(|length| std::cmp::Reverse(*length));
                }
            }
        }
    }
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Match {
    Mac([u8; 6]),
    Address(IpAddr),
    Network(IpNet),
}

impl std::fmt::Display for Match {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mac([a, b, c, d, e, f]) => write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"),
            Self::Address(ip) => ip.fmt(out),
            Self::Network(net) => net.fmt(out),
        }
    }
}

fn row(line: &str) -> Result<(Match, Asset), String> {
    let fields = read_line(line).ok_or("a quoted field does not end: write \"\" for a quote within one")?;
    let [what, name, department, owner] = <[String; 4]>::try_from(fields)
        .map_err(|fields| format!("has {} fields and not 4: put a field with commas into quotes", fields.len()))?;
    let long = |text: &String| text.chars().count() > MAX_FIELD || text.chars().any(char::is_control);
    if [&name, &department, &owner].into_iter().any(long) {
        return Err(format!("a field has more than {MAX_FIELD} characters, or a control character: shorten it"));
    }
    Ok((matches(&what)?, Asset { name, department, owner }))
}

fn matches(text: &str) -> Result<Match, String> {
    if let Some(mac) = mac(text) {
        return Ok(Match::Mac(mac));
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(Match::Address(ip.to_canonical()));
    }
    let net: IpNet = text.parse().map_err(|_| {
        format!("{text:?} is no address, network or hardware address: write 10.20.1.7, 10.20.0.0/16 or 02:20:01:00:00:07")
    })?;
    if net.trunc() != net {
        return Err(format!("{text} is an address within a network: write {} or {}", net.trunc(), net.addr()));
    }
    Ok(Match::Network(net))
}

#[cfg(test)]
mod tests;
