//! Hardware addresses: one vendor's range, or the class that private devices make up for themselves.

use crate::{fault::Fault, file::Word};

const LOCAL: &str = "locally-administered";

/// The second bit of the first octet: the address was made up, not bought by a manufacturer.
const LOCAL_BIT: u8 = 0x02;

/// Octets that the registry gives to one owner, at least.
const MIN_OCTETS: usize = 3;

/// Some hardware addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Macs {
    /// Addresses that begin with these octets, such as one manufacturer's.
    Prefix {
        /// The octets; those behind `len` are zero.
        octets: [u8; 6],
        /// How many of them count, from 3 to 6.
        len: usize,
    },
    /// Addresses that the device made up: phones and laptops that hide their own, and virtual machines.
    LocallyAdministered,
}

impl Macs {
    pub(super) fn holds(&self, mac: [u8; 6]) -> bool {
        match self {
            Macs::Prefix { octets, len } => octets.iter().zip(&mac).take(*len).all(|(a, b)| a == b),
            Macs::LocallyAdministered => mac.first().is_some_and(|first| first & LOCAL_BIT != 0),
        }
    }

    /// True when an address could belong to both.
    pub(super) fn meets(&self, other: &Macs) -> bool {
        match (self, other) {
            (Macs::LocallyAdministered, Macs::LocallyAdministered) => true,
            (Macs::Prefix { octets: a, len: m }, Macs::Prefix { octets: b, len: n }) => {
                a.iter().zip(b).take(*m.min(n)).all(|(a, b)| a == b)
            }
            (Macs::Prefix { octets, .. }, local) | (local, Macs::Prefix { octets, .. }) => local.holds(*octets),
        }
    }

    pub(super) fn read(word: &Word) -> Result<Macs, Fault> {
        if word.text == LOCAL {
            return Ok(Macs::LocallyAdministered);
        }
        octets(&word.text)
            .filter(|(_, len)| *len >= MIN_OCTETS)
            .map(|(octets, len)| Macs::Prefix { octets, len })
            .ok_or_else(|| {
                word.at.fault(format!(
                "{:?} is no hardware address: write the first 3 to 6 octets, such as \"b8:27:eb\", or \"{LOCAL}\"",
                word.text
            ))
            })
    }
}

impl std::fmt::Display for Macs {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Macs::LocallyAdministered => out.write_str(LOCAL),
            Macs::Prefix { octets, len } => {
                for (index, octet) in octets.iter().take(*len).enumerate() {
                    write!(out, "{}{octet:02x}", if index == 0 { "" } else { ":" })?;
                }
                Ok(())
            }
        }
    }
}

/// A whole hardware address, written with colons or hyphens.
pub fn mac(text: &str) -> Option<[u8; 6]> {
    octets(text).filter(|(_, len)| *len == 6).map(|(octets, _)| octets)
}

fn octets(text: &str) -> Option<([u8; 6], usize)> {
    let (mut octets, mut len) = ([0; 6], 0);
    for part in text.split([':', '-']) {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        *octets.get_mut(len)? = u8::from_str_radix(part, 16).ok().filter(|_| digits)?;
        len += 1;
    }
    Some((octets, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_whole_or_not_at_all() {
        assert_eq!(mac("B8:27:eb:00:01:ff"), Some([0xb8, 0x27, 0xeb, 0, 1, 0xff]));
        assert_eq!(mac("b8-27-eb-00-01-ff"), mac("b8:27:eb:00:01:ff"));
        for text in
            ["", "b8:27:eb", "b8:27:eb:00:01:ff:00", "b8:27:eb:00:01:+f", "b827eb0001ff", "é:27:eb:00:01:ff"]
        {
            assert_eq!(mac(text), None, "{text}");
        }
    }

    #[test]
    fn the_made_up_class_is_one_bit() {
        let vendor = Macs::Prefix { octets: [0xb8, 0x27, 0xeb, 0, 0, 0], len: 3 };
        let made_up = Macs::Prefix { octets: [0x02, 0x77, 0, 0, 0, 0], len: 3 };
        assert!(Macs::LocallyAdministered.holds([0x02, 0x77, 0, 0, 0, 0x11]));
        assert!(!Macs::LocallyAdministered.holds([0xb8, 0x27, 0xeb, 0, 1, 2]));
        assert!(made_up.meets(&Macs::LocallyAdministered) && !Macs::LocallyAdministered.meets(&vendor));
        assert_eq!(vendor.to_string(), "b8:27:eb");
    }
}
