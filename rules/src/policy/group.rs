//! Groups of clients: departments, sites, guest networks.
//!
//! Keys of different kinds narrow a group (a subnet **at** a site **with** made-up hardware addresses), the
//! entries of one list widen it, and devices belong to it wherever they are. A client belongs to the group
//! that asks for most; docs/policy.md has the order.

use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::Macs;
use crate::words::words;

words! {
    /// The most sensitive data that a group works with.
    pub enum DataTier, "data tier" {
        /// Anybody may know it.
        Public = "public",
        /// For people inside the organisation.
        Internal = "internal",
        /// Client data and secrets.
        Confidential = "confidential",
    }
}

/// Clients that rules can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The key in the file, `finance` in `[groups.finance]`.
    pub id: String,
    /// The department label that reports print.
    pub name: String,
    /// Its networks; empty: any.
    pub subnets: Vec<IpNet>,
    /// Its VLANs; empty: any.
    pub vlans: Vec<RangeInclusive<u16>>,
    /// Ids of its sites; empty: any.
    pub sites: Vec<String>,
    /// Its hardware addresses; empty: any.
    pub macs: Vec<Macs>,
    /// Devices that belong to it wherever they are.
    pub devices: Vec<String>,
    /// Personal devices or a guest network: what they use is `personal_risk` unless a rule names this group.
    pub personal: bool,
    /// The most sensitive data that its people work with.
    pub data_tier: Option<DataTier>,
    /// The only services that it may use; empty: no such limit.
    pub may_use: Vec<String>,
    /// Line of its table in the file.
    pub line: usize,
}

/// How closely a group names its clients, apart from single devices: the sum of what it asks for.
const VENDOR: u16 = 16;
const VLAN: u16 = 8;
const SUBNET: u16 = 4;
const MADE_UP: u16 = 2;
const SITE: u16 = 1;

impl Group {
    /// What the group asks for, as a sum. Zero: it holds single devices and nobody else.
    pub(super) fn closeness(&self) -> u16 {
        let made_up = self.macs.contains(&Macs::LocallyAdministered);
        let asked = [
            (VENDOR, !self.macs.is_empty() && !made_up),
            (VLAN, !self.vlans.is_empty()),
            (SUBNET, !self.subnets.is_empty()),
            (MADE_UP, made_up),
            (SITE, !self.sites.is_empty()),
        ];
        asked.iter().filter(|(_, asked)| *asked).map(|(weight, _)| weight).sum()
    }

    /// True when a rule for everyone does not reach this group's use of a service.
    pub(super) fn keeps_out(&self, service: &str) -> bool {
        self.personal || (!self.may_use.is_empty() && !self.may_use.iter().any(|id| id == service))
    }
}

/// True when two networks share an address.
pub(super) fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}
