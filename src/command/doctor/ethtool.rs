//! What `ethtool` says of a driver: which frames it joins, and how long its ring is.

use super::system::{Answer, ask};

/// Installs what is asked here.
const INSTALL: &str = "sudo apt-get install ethtool";

/// Offloads that change frames before a capture sees them, with the short word that switches each off.
const JOIN: [(&str, &str); 5] = [
    ("generic-receive-offload", "gro"),
    ("large-receive-offload", "lro"),
    ("rx-vlan-offload", "rxvlan"),
    ("rx-gro-hw", "rx-gro-hw"),
    ("rx-udp-gro-forwarding", "rx-udp-gro-forwarding"),
];
/// Those of sending: a mirror port sends nothing, so they are told and not judged.
const SEND: [(&str, &str); 2] = [("tcp-segmentation-offload", "tso"), ("generic-segmentation-offload", "gso")];

/// Offloads of an interface.
#[derive(Debug)]
pub(super) struct Features(String);

impl Features {
    /// What is on; else why it is not known, and the command that lets it be known.
    pub(super) fn of(interface: &str) -> Result<Self, (String, String)> {
        match ask("ethtool", &["-k", interface]) {
            Answer::Said(said) => Ok(Self(said)),
            Answer::Missing => Err(("ethtool is missing".to_owned(), INSTALL.to_owned())),
            Answer::Failed(why) => Err((why, "ip -br link".to_owned())),
        }
    }

    /// `on`, `off`, `on [fixed]`, `off [fixed]`.
    fn state(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": ")).map(str::trim)
    }

    fn is_on(&self, name: &str) -> bool {
        self.state(name).is_some_and(|state| state.starts_with("on"))
    }

    /// `gro on, lro off, rxvlan off, tso on, gso on`.
    pub(super) fn line(&self) -> String {
        let told = JOIN.iter().chain(&SEND).filter_map(|(name, word)| {
            let state = self.state(name)?;
            Some(format!("{word} {state}"))
        });
        told.collect::<Vec<_>>().join(", ")
    }

    /// The arguments that switch off what is on and can be switched; none when nothing is.
    pub(super) fn to_switch_off(&self) -> Option<String> {
        let fixed = |name: &str| self.state(name).is_some_and(|state| state.contains("[fixed]"));
        let on: Vec<_> = JOIN.iter().filter(|(name, _)| self.is_on(name) && !fixed(name)).collect();
        let words = on.iter().map(|(_, word)| format!("{word} off")).collect::<Vec<_>>().join(" ");
        Some(words).filter(|words| !words.is_empty())
    }
}

/// Descriptors of the receive ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ring {
    pub(super) now: u32,
    pub(super) most: u32,
}

impl Ring {
    /// The ring, or why it is not known.
    pub(super) fn of(interface: &str) -> Result<Self, String> {
        match ask("ethtool", &["-g", interface]) {
            Answer::Said(said) => Self::read(&said).ok_or_else(|| "the driver does not say".to_owned()),
            Answer::Missing => Err("ethtool is missing".to_owned()),
            Answer::Failed(_) => Err("the driver has no ring that can be set".to_owned()),
        }
    }

    /// The first `RX:` is what may be, the second what is.
    fn read(said: &str) -> Option<Self> {
        let mut rings = said.lines().filter_map(|line| line.trim().strip_prefix("RX:")?.trim().parse().ok());
        let (most, now) = (rings.next()?, rings.next()?);
        Some(Self { now, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_and_may_be_switched_is_switched_off() {
        let text = "Features for eth0:\nrx-checksumming: on [fixed]\ntcp-segmentation-offload: on\n\
                    \tgeneric-segmentation-offload: off\ngeneric-receive-offload: on\nlarge-receive-offload: off [fixed]\n\
                    rx-vlan-offload: on [fixed]\nrx-gro-hw: on\n";
        let features = Features(text.to_owned());
        assert_eq!(features.line(), "gro on, lro off [fixed], rxvlan on [fixed], rx-gro-hw on, tso on, gso off");
        assert_eq!(features.to_switch_off().as_deref(), Some("gro off rx-gro-hw off"));
        assert_eq!(Features("generic-receive-offload: off\n".to_owned()).to_switch_off(), None);
    }

    #[test]
    fn the_ring_now_and_at_most() {
        let text =
            "Pre-set maximums:\nRX:\t\t4096\nRX Mini:\tn/a\nTX:\t\t4096\nCurrent hardware settings:\nRX:\t\t512\n";
        assert_eq!(Ring::read(text), Some(Ring { now: 512, most: 4096 }));
        assert_eq!(Ring::read("RX:\t\tn/a\n"), None);
    }
}
