//! `[groups.ID]`.

use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::{flag, once, service};
use crate::{
    catalogue::Catalogue,
    fault::Fault,
    file::{Block, Word},
    policy::{Group, Macs},
};

/// The largest VLAN id of IEEE 802.1Q.
const MAX_VLAN: u16 = 4094;

pub(super) fn read(id: String, mut block: Block<'_>, catalogue: &Catalogue) -> Result<Group, Fault> {
    let at = block.at.clone();
    let group = Group {
        name: block.word("name")?.map_or_else(|| id.clone(), |word| word.text),
        id,
        subnets: once(block.words("subnets")?.unwrap_or_default(), subnet)?,
        vlans: once(block.words_or_numbers("vlans")?.unwrap_or_default(), vlans)?,
        sites: once(block.words("sites")?.unwrap_or_default(), |word| Ok(word.text.clone()))?,
        macs: once(block.words("macs")?.unwrap_or_default(), Macs::read)?,
        devices: once(block.words("devices")?.unwrap_or_default(), |word| Ok(word.text.clone()))?,
        personal: flag(&mut block, "personal")?,
        data_tier: block.word("data_tier")?.map(|word| word.parse()).transpose()?,
        may_use: once(block.words("may_use")?.unwrap_or_default(), |word| service(word, catalogue))?,
        line: at.line,
    };
    block.close()?;
    if group.closeness() == 0 && group.devices.is_empty() {
        return Err(at.fault("holds nobody: write subnets, vlans, sites, macs or devices"));
    }
    if group.personal && !group.may_use.is_empty() {
        return Err(at.below("may_use").fault(
            "a personal group is outside the policy's scope: remove `may_use`, or `personal` if it is not",
        ));
    }
    Ok(group)
}

/// One network out of the file. Host bits are refused: `10.0.3.7/24` is either a slip or a wish for `/32`.
fn subnet(word: &Word) -> Result<IpNet, Fault> {
    let text = &word.text;
    let Ok(subnet) = text.parse::<IpNet>() else {
        return Err(word.at.fault(format!("{text:?} is not a subnet: write address/length, such as 10.0.3.0/24")));
    };
    if subnet.trunc() != subnet {
        let whole = subnet.trunc();
        return Err(word.at.fault(format!("{text:?} has bits behind its length: write {whole}")));
    }
    Ok(subnet)
}

/// `30` or `"40-49"`.
fn vlans(word: &Word) -> Result<RangeInclusive<u16>, Fault> {
    let (first, last) = word.text.split_once('-').unwrap_or((&word.text, &word.text));
    let id = |text: &str| text.trim().parse().ok().filter(|id| (1..=MAX_VLAN).contains(id));
    match (id(first), id(last)) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(word.at.fault(format!(
            "{:?} is no VLAN: write an id from 1 to {MAX_VLAN} or a range, such as 30 or \"40-49\"",
            word.text
        ))),
    }
}
