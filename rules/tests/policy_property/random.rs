//! Random policies and clients out of a world so small that they meet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use jiff::{ToSpan, civil::date};
use rules::{
    catalogue::Plan,
    policy::{DataTier, Status},
};

use super::{
    model::{CATEGORIES, Client, Group, HOURS, Model, Rule, SERVICES},
    reference,
};

const MACS: [[u8; 6]; 4] = [
    [0xb8, 0x27, 0xeb, 1, 2, 3],
    [0xb8, 0x27, 0xeb, 9, 2, 3],
    [0x02, 0x77, 0, 0, 0, 1],
    [0x3a, 0x10, 0x20, 0x30, 0x40, 0x50],
];

/// SplitMix64: the same numbers on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Up to `most` different items; none with the rest of the chance.
    fn some<T: Clone + PartialEq>(&mut self, percent: usize, most: usize, items: &[T]) -> Vec<T> {
        let mut list = Vec::new();
        if self.chance(percent) {
            for _ in 0..=self.below(most) {
                let item = items[self.below(items.len())].clone();
                if !list.contains(&item) {
                    list.push(item);
                }
            }
        }
        list
    }

    /// Most entries that would tie are left out, or every policy of some size would be refused.
    pub(crate) fn policy(&mut self) -> Model {
        let mut model = Model { nested: self.chance(30), ..Model::default() };
        for _ in 0..self.below(9) {
            let group = self.group();
            model.groups.push(group);
            if reference::ties(&model) && self.chance(98) {
                model.groups.pop();
            }
        }
        for _ in 0..self.below(16) {
            let rule = self.rule(model.groups.len());
            model.rules.push(rule);
            if reference::ties(&model) && self.chance(98) {
                model.rules.pop();
            }
        }
        model
    }

    fn group(&mut self) -> Group {
        let mut group = Group { personal: self.chance(15), ..Group::default() };
        while group.subnets.is_empty()
            && group.vlans.is_empty()
            && group.sites.is_empty()
            && group.macs.is_empty()
            && group.devices.is_empty()
        {
            for _ in 0..if self.chance(60) { self.below(3) + 1 } else { 0 } {
                let net = self.net();
                if !group.subnets.contains(&net) {
                    group.subnets.push(net);
                }
            }
            group.vlans = self.some(25, 2, &[1, 2, 3, 4, 5]);
            group.sites = self.some(25, 2, &sites());
            let macs = [vec![0xb8, 0x27, 0xeb], vec![0xb8, 0x27, 0xeb, 1], vec![2, 0x77, 0], vec![]];
            group.macs = self.some(20, 2, &macs);
            group.devices = self.some(15, 2, &devices());
        }
        group.tier = self.tier();
        if !group.personal {
            group.may_use = self.some(20, 3, &SERVICES);
        }
        group
    }

    fn net(&mut self) -> ipnet::IpNet {
        if self.chance(30) {
            let ip = Ipv6Addr::new(0x2001, 0xdb8, self.below(2) as u16, self.below(2) as u16, 0, 0, 0, 0);
            return Ipv6Net::new(ip, [32, 48, 64, 128][self.below(4)]).unwrap().trunc().into();
        }
        let ip = Ipv4Addr::new(10, 0, self.below(4) as u8, self.below(4) as u8 * 64);
        Ipv4Net::new(ip, [0, 22, 24, 26, 26, 28, 32, 32][self.below(8)]).unwrap().trunc().into()
    }

    fn tier(&mut self) -> Option<DataTier> {
        self.chance(40).then(|| DataTier::ALL[self.below(DataTier::ALL.len())])
    }

    fn rule(&mut self, groups: usize) -> Rule {
        let by_service = self.chance(50);
        let mut services = self.some(100, 3, &SERVICES);
        let mut categories = self.some(100, 2, &CATEGORIES);
        if by_service {
            categories.clear()
        } else {
            services.clear()
        }
        let indexes: Vec<usize> = (0..groups).collect();
        let groups = if groups > 0 { self.some(45, 3, &indexes) } else { Vec::new() };
        let tiers = if groups.is_empty() { self.some(30, 2, DataTier::ALL) } else { Vec::new() };
        Rule {
            services,
            categories,
            plans: self.some(20, 2, Plan::ALL),
            groups,
            tiers,
            hours: self.chance(25).then(|| self.below(HOURS.len())),
            status: Status::ALL[self.below(Status::ALL.len())],
            expires: self.chance(30).then(|| date(2026, 11, 16) + (self.below(10) as i64).days()),
            severity: self.chance(20).then(|| self.below(11) as u8),
        }
    }

    pub(crate) fn plan(&mut self) -> Option<Plan> {
        self.chance(50).then(|| Plan::ALL[self.below(Plan::ALL.len())])
    }

    pub(crate) fn client(&mut self) -> Client {
        // Half of the clients have the first address of some network: what is next to an edge goes wrong first.
        let edge = self.chance(50);
        let host = if edge { self.below(4) * 64 } else { self.below(256) };
        let v4 = Ipv4Addr::new(10, 0, self.below(5) as u8, host as u8);
        let low = if edge { 0 } else { 7 };
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, self.below(3) as u16, self.below(3) as u16, 0, 0, 0, low);
        let ip: IpAddr = match self.below(10) {
            0..3 => v6.into(),
            3 => v4.to_ipv6_mapped().into(),
            _ => v4.into(),
        };
        Client {
            ip,
            vlan: self.chance(60).then(|| self.below(6) as u16 + 1),
            site: self.chance(60).then(|| sites()[self.below(3)].clone()),
            device: self.chance(40).then(|| devices()[self.below(6)].clone()),
            mac: self.chance(60).then(|| MACS[self.below(MACS.len())]),
            at: self.chance(70).then(|| date(2026, 11, 16).at(0, 0, 0, 0) + (self.below(20_160) as i64).minutes()),
        }
    }
}

/// The last of each is in no policy.
fn sites() -> Vec<String> {
    ["hq", "branch", "client"].map(String::from).to_vec()
}

fn devices() -> Vec<String> {
    (0..6).map(|index| format!("device-{index}")).collect()
}
