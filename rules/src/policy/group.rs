//! Groups of clients: departments, sites, guest networks.

use ipnet::IpNet;

use crate::{fault::Fault, file::Word};

/// Clients that rules can name, told by their subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The key in the file, `finance` in `[groups.finance]`.
    pub id: String,
    /// The department label that reports print.
    pub name: String,
    /// Its networks. They overlap with no other group's.
    pub subnets: Vec<IpNet>,
    /// Line of its table in the file.
    pub line: usize,
}

/// One network out of the file. Host bits are refused: `10.0.3.7/24` is either a slip or a wish for `/32`.
pub(super) fn subnet(word: &Word) -> Result<IpNet, Fault> {
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

/// True when two networks share an address.
pub(super) fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}
