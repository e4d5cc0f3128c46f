//! From a client to its group, compiled once.
//!
//! Every network of every group is one entry, and the address space is cut wherever an entry begins or ends,
//! so that an address is one binary search: O(log n) in the number of networks. Entries without a network
//! wait under their VLAN or their site. What is left to compare per candidate are integers; site and device
//! ids cost one hash each, and only when the policy names any.

use std::{collections::HashMap, net::IpAddr, ops::RangeInclusive, sync::Arc};

use ipnet::IpNet;

use super::{Asset, Assets, Group, Macs, Subject};

/// The compiled groups.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    devices: HashMap<String, u16>,
    sites: HashMap<String, u32>,
    entries: Vec<Entry>,
    v4: Cuts,
    v6: Cuts,
    by_vlan: HashMap<u16, Vec<u32>>,
    by_site: Vec<Vec<u32>>,
    anywhere: Vec<u32>,
    assets: Option<Arc<Assets>>,
    /// Groups by id and by name, in lower case, where there are assets.
    departments: HashMap<String, u16>,
}

/// One way to belong to a group. `rank` is the group's closeness, then the network's length.
#[derive(Debug, Clone)]
struct Entry {
    rank: u16,
    group: u16,
    sites: Vec<u32>,
    vlans: Vec<RangeInclusive<u16>>,
    macs: Vec<Macs>,
}

impl Entry {
    fn fits(&self, site: Option<u32>, vlan: Option<u16>, mac: Option<[u8; 6]>) -> bool {
        (self.sites.is_empty() || site.is_some_and(|site| self.sites.contains(&site)))
            && (self.vlans.is_empty() || vlan.is_some_and(|vlan| self.vlans.iter().any(|v| v.contains(&vlan))))
            && (self.macs.is_empty() || mac.is_some_and(|mac| self.macs.iter().any(|m| m.holds(mac))))
    }
}

impl Members {
    pub(super) fn over(groups: &[Group]) -> Members {
        let mut members = Members::default();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (index, group) in (0_u16..).zip(groups) {
            members.devices.extend(group.devices.iter().map(|id| (id.clone(), index)));
            for site in &group.sites {
                let next = members.sites.len() as u32;
                members.sites.entry(site.clone()).or_insert(next);
            }
            if group.subnets.is_empty() {
                members.without_network(index, group);
            }
            for net in &group.subnets {
                let entry = members.enter(index, group, u16::from(net.prefix_len()));
                let (first, last) = (number(net.network()), number(net.broadcast()));
                if matches!(net, IpNet::V4(_)) { &mut v4 } else { &mut v6 }.push((first, last, entry));
            }
        }
        (members.v4, members.v6) = (Cuts::over(v4, &members.entries), Cuts::over(v6, &members.entries));
        members.sort();
        members
    }

    fn enter(&mut self, index: u16, group: &Group, length: u16) -> u32 {
        let sites = group.sites.iter().filter_map(|site| self.sites.get(site).copied()).collect();
        let rank = group.closeness() << 8 | length;
        let (vlans, macs) = (group.vlans.clone(), group.macs.clone());
        self.entries.push(Entry { rank, group: index, sites, vlans, macs });
        self.entries.len() as u32 - 1
    }

    fn without_network(&mut self, index: u16, group: &Group) {
        if group.closeness() == 0 {
            return;
        }
        let entry = self.enter(index, group, 0);
        self.by_site.resize(self.sites.len(), Vec::new());
        if !group.vlans.is_empty() {
            for vlan in group.vlans.iter().cloned().flatten() {
                self.by_vlan.entry(vlan).or_default().push(entry);
            }
        } else if !group.sites.is_empty() {
            for site in group.sites.iter().filter_map(|site| self.sites.get(site)) {
                self.by_site.get_mut(*site as usize).into_iter().for_each(|list| list.push(entry));
            }
        } else {
            self.anywhere.push(entry);
        }
    }

    fn sort(&mut self) {
        let lists = self.by_vlan.values_mut().chain(&mut self.by_site).chain([&mut self.anywhere]);
        lists.for_each(|list| closest_first(list, &self.entries));
    }

    /// Departments of the assets are groups from now on.
    pub(super) fn take_assets(&mut self, assets: Arc<Assets>, groups: &[Group]) {
        let names = (0_u16..).zip(groups).map(|(index, group)| (group.name.to_lowercase(), index));
        let ids = (0_u16..).zip(groups).map(|(index, group)| (group.id.to_lowercase(), index));
        self.departments = names.chain(ids).collect();
        self.assets = Some(assets);
    }

    /// What people know of a client.
    pub(super) fn asset(&self, client: &Subject<'_>) -> Option<&Asset> {
        self.assets.as_ref()?.find(client.mac, client.ip)
    }

    /// Departments of the assets that are no group.
    pub(super) fn strange_departments(&self) -> Vec<&str> {
        let all = self.assets.iter().flat_map(|assets| assets.departments());
        all.filter(|name| !self.departments.contains_key(&name.to_lowercase())).collect()
    }

    /// Index of the group that a client belongs to.
    pub(super) fn find(&self, client: &Subject<'_>) -> Option<u16> {
        if !self.devices.is_empty() {
            let by_id = client.device.and_then(|id| self.devices.get(id));
            if let Some(group) = by_id.or_else(|| self.devices.get(&client.ip.to_canonical().to_string())) {
                return Some(*group);
            }
        }
        if let Some(asset) = self.asset(client)
            && let Some(group) = self.departments.get(&asset.department.to_lowercase())
        {
            return Some(*group);
        }
        let site = client.site.filter(|_| !self.sites.is_empty()).and_then(|id| self.sites.get(id).copied());
        let ip = client.ip.to_canonical();
        let nets = if ip.is_ipv4() { &self.v4 } else { &self.v6 };
        let vlan = client.vlan.and_then(|vlan| self.by_vlan.get(&vlan)).map_or(&[][..], Vec::as_slice);
        let here = site.and_then(|site| self.by_site.get(site as usize)).map_or(&[][..], Vec::as_slice);
        [nets.at(number(ip)), vlan, here, &self.anywhere]
            .into_iter()
            .filter_map(|list| {
                let mut entries = list.iter().filter_map(|entry| self.entries.get(*entry as usize));
                entries.find(|entry| entry.fits(site, client.vlan, client.mac))
            })
            .max_by_key(|entry| entry.rank)
            .map(|entry| entry.group)
    }
}

/// The address space of one family, cut where the list of candidates changes.
#[derive(Debug, Clone, Default)]
struct Cuts {
    starts: Vec<u128>,
    lists: Vec<Vec<u32>>,
}

impl Cuts {
    /// Networks lie apart or inside each other, so a stack holds those that are open.
    fn over(mut nets: Vec<(u128, u128, u32)>, entries: &[Entry]) -> Cuts {
        nets.sort_by_key(|&(first, last, _)| (first, std::cmp::Reverse(last)));
        let (mut cuts, mut open) = (Cuts::default(), Vec::new());
        for (first, last, entry) in nets {
            cuts.close(&mut open, Some(first));
            open.push((last, entry));
            cuts.mark(first, &open);
        }
        cuts.close(&mut open, None);
        cuts.lists.iter_mut().for_each(|list| closest_first(list, entries));
        cuts
    }

    fn close(&mut self, open: &mut Vec<(u128, u32)>, before: Option<u128>) {
        while let Some(&(last, _)) = open.last()
            && before.is_none_or(|first| last < first)
        {
            open.pop();
            if let Some(next) = last.checked_add(1) {
                self.mark(next, open);
            }
        }
    }

    fn mark(&mut self, at: u128, open: &[(u128, u32)]) {
        if self.starts.last() == Some(&at) {
            self.starts.pop();
            self.lists.pop();
        }
        self.starts.push(at);
        self.lists.push(open.iter().map(|&(_, entry)| entry).collect());
    }

    fn at(&self, ip: u128) -> &[u32] {
        let index = self.starts.partition_point(|start| *start <= ip).checked_sub(1);
        index.and_then(|index| self.lists.get(index)).map_or(&[], Vec::as_slice)
    }
}

fn closest_first(list: &mut [u32], entries: &[Entry]) {
    list.sort_by_key(|entry| std::cmp::Reverse(entries.get(*entry as usize).map_or(0, |entry| entry.rank)));
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}
